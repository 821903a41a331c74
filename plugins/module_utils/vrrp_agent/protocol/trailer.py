# Copyright: (c) 2026, duet.ha_pair contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""The 28 octets behind an advert that prove who sent it (draft-cassen-vrrp-auth-hmac): HMAC-SHA256, cut to 128 bits.

u8 type = 1 | u8 key id | u16 0 | u64 sequence: u32 UTC seconds, u16 1/65536 s, u16 counter | 16 octets of HMAC
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from .settings import IPAddress

OCTETS = 28
_TYPE_SHA256 = 1
_CHECKSUM = slice(6, 8)
_HMAC_OCTETS = 16
_HEAD = struct.Struct("!BBHQ")


@dataclass(frozen=True)
class Trailer:
    """A trailer's fields as they came, unverified."""

    type: int
    key_id: int
    reserved: int
    sequence: int
    code: bytes

    @property
    def well_formed(self) -> bool:
        """Whether it is of the one type that there is."""
        return self.type == _TYPE_SHA256 and self.reserved == 0

    @property
    def counter(self) -> int:
        """The last 16 bits of the sequence."""
        return self.sequence & 0xFFFF

    @property
    def nonce(self) -> int:
        """16 bits, never 0, that nobody could know before the advert was sent."""
        return int.from_bytes(self.code[:2], "big") or 1


def read(octets: bytes) -> Trailer:
    """The fields in a trailer's octets."""
    kind, key_id, reserved, sequence = _HEAD.unpack_from(octets)
    return Trailer(kind, key_id, reserved, sequence, octets[_HEAD.size :])


def write(message: bytes, source: IPAddress, key_id: int, key: bytes, sequence: int) -> bytes:
    """The trailer's octets for a message; its checksum and the destination are not signed."""
    head = _HEAD.pack(_TYPE_SHA256, key_id, 0, sequence)
    return head + _code(message, source, key, head)


def genuine(message: bytes, source: IPAddress, key: bytes, octets: bytes) -> bool:
    """Whether a trailer was made for this message, by a holder of the key."""
    import hmac  # it brings OpenSSL, and few have keys

    return hmac.compare_digest(_code(message, source, key, octets[: _HEAD.size]), octets[_HEAD.size :])


def _code(message: bytes, source: IPAddress, key: bytes, head: bytes) -> bytes:
    # The version and the virtual router id stand in the message too; so says the draft.
    pseudo_header = struct.pack("!BBBB16s", source.version, message[0] >> 4, message[1], 0, source.packed)
    blank = message[: _CHECKSUM.start] + b"\0\0" + message[_CHECKSUM.stop :]
    import hmac

    return hmac.digest(key, pseudo_header + blank + head + bytes(_HMAC_OCTETS), "sha256")[:_HMAC_OCTETS]
