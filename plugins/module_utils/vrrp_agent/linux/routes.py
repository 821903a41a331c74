# Copyright: (c) 2026, duet.ha_pair contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""The default gateway, as the kernel's main routing table has it."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator
from typing import NamedTuple

# Of `self`: under ProtectProc and in a network namespace it is the reading process that matters.
_TABLE = {4: "/proc/self/net/route", 6: "/proc/self/net/ipv6_route"}
_RTF_UP, _RTF_GATEWAY = 0x1, 0x2
# Default routes come first, or nearly so; who has the whole internet's must not make a check long.
_LINES_MAX = 5000


class Gateway(NamedTuple):
    """A router, and the interface that leads to it."""

    metric: int
    address: str
    interface: str


def default_gateway(family: int) -> Gateway | None:
    """The gateway of the default route, of several the one that the kernel prefers; raises OSError."""
    parse = _route4 if family == 4 else _route6
    with open(_TABLE[family], encoding="ascii") as table:
        lines = (line.split() for _number, line in zip(range(_LINES_MAX), table))
        return min((found for words in lines for found in parse(words)), default=None)


def _route4(words: list[str]) -> Iterator[Gateway]:
    """A line of interface, destination, gateway, flags, ..., metric, mask; numbers are in the machine's order."""
    if len(words) < 8 or words[1] != "00000000" or words[7] != "00000000" or not _leads_on(words[3]):
        return
    address = socket.inet_ntop(socket.AF_INET, struct.pack("=I", int(words[2], 16)))
    yield Gateway(int(words[6]), address, words[0])


def _route6(words: list[str]) -> Iterator[Gateway]:
    """A line of destination and length, source and length, next hop, metric, ..., flags, interface."""
    if len(words) < 10 or words[0].strip("0") or words[1] != "00" or not _leads_on(words[8]):
        return
    yield Gateway(int(words[5], 16), socket.inet_ntop(socket.AF_INET6, bytes.fromhex(words[4])), words[9])


def _leads_on(flags: str) -> bool:
    wanted = _RTF_UP | _RTF_GATEWAY
    return int(flags, 16) & wanted == wanted
