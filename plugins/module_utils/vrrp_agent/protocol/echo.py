# Copyright: (c) 2026, duet.ha_pair contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""A ping: the ICMP echo request for a host, and its answer (RFC 792, RFC 4443)."""

from __future__ import annotations

import struct

from .packet import checksum

# By family: the types of the request and of the reply.
_REQUEST = {4: 8, 6: 128}
_REPLY = {4: 0, 6: 129}
TOKEN_OCTETS = 18


def request(family: int, token: bytes) -> bytes:
    """The message that asks; `token`, of TOKEN_OCTETS that nobody can guess, comes back in the answer.

    The checksum is there for IPv4; for IPv6 the kernel computes it, as it covers the addresses.
    """
    rest = token[:2] + struct.pack("!H", 1) + token[2:]
    sum_of_all = checksum(struct.pack("!BBH", _REQUEST[family], 0, 0) + rest) if family == 4 else 0
    return struct.pack("!BBH", _REQUEST[family], 0, sum_of_all) + rest


def is_reply(family: int, message: bytes, token: bytes) -> bool:
    """Whether an ICMP message, without its IP header, answers the request with this token."""
    return message[:2] == bytes((_REPLY[family], 0)) and message[4:] == request(family, token)[4:]
