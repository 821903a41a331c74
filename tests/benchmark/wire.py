# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The switch's record of every advert and announcement, with the kernel's time stamps, and what can be read in it."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from segment import Namespace

ADVERT, ANNOUNCEMENT = "advert", "announcement"
_ETH_P_ALL, _SO_RCVBUFFORCE, _SO_TIMESTAMPNS = 3, 33, 35
# Nobody reads while something is measured: half a minute of a thousand adverts a second fits.
_BUFFER_BYTES = 256 << 20
_TIME = struct.Struct("@ll")


@dataclass(frozen=True)
class Heard:
    """An advert or a gratuitous ARP; `about` is the virtual router, as (link, virtual_router_id), or the address."""

    at_ns: int
    kind: str
    sender: str
    about: tuple[int, int] | str


class Observer:
    """Records what a node's interfaces receive; nodes are told apart by their MACs."""

    def __init__(self, node: Namespace, names: Mapping[str, str]) -> None:
        """`names`: the labels of the nodes that count, by the MACs of all their interfaces."""
        self._names = {bytes.fromhex(mac.replace(":", "")): label for mac, label in names.items()}
        with node.entered():
            self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ETH_P_ALL))
        self._socket.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _BUFFER_BYTES)
        self._socket.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        self._socket.setblocking(False)

    def read(self) -> list[Heard]:
        """What has come since the last time, in order."""
        return list(self._read())

    def close(self) -> None:
        """Record no more."""
        self._socket.close()

    def _read(self) -> Iterator[Heard]:
        while True:
            try:
                frame, ancillary, unused_flags, address = self._socket.recvmsg(64, 64)
            except BlockingIOError:
                return
            sender = self._names.get(frame[6:12])
            if sender is not None:
                seconds, nanoseconds = _TIME.unpack(ancillary[0][2])
                about = _about(frame, str(address[0]))
                if about is not None:
                    yield Heard(seconds * 1_000_000_000 + nanoseconds, about[0], sender, about[1])


def _about(frame: bytes, device: str) -> tuple[str, tuple[int, int] | str] | None:
    """What kind of frame it is and what it is about; None if it is neither."""
    if frame[12:14] == b"\x08\x00" and frame[23] == 112:
        return ADVERT, (int(device.removeprefix("eth")), frame[35])
    if frame[12:14] == b"\x08\x06" and frame[28:32] == frame[38:42]:
        return ANNOUNCEMENT, socket.inet_ntoa(frame[28:32])
    return None


def late_ms(heard: Sequence[Heard], sender: str, interval_s: float) -> list[float]:
    """By how much each advert came later than one interval after the one before it; negative if it came sooner."""
    last: dict[object, int] = {}
    found = []
    for one in heard:
        if one.kind == ADVERT and one.sender == sender:
            if one.about in last:
                found.append((one.at_ns - last[one.about]) / 1e6 - interval_s * 1000)
            last[one.about] = one.at_ns
    return found


def last_advert_ns(heard: Sequence[Heard], sender: str) -> dict[tuple[int, int], int]:
    """When the last advert of each virtual router came from a node."""
    return {one.about: one.at_ns for one in heard if one.kind == ADVERT and one.sender == sender}  # type: ignore[misc]


def first_ns(heard: Sequence[Heard], kind: str, sender: str) -> dict[object, int]:
    """When a node first advertised each virtual router, or announced each address."""
    found: dict[object, int] = {}
    for one in heard:
        if one.kind == kind and one.sender == sender:
            found.setdefault(one.about, one.at_ns)
    return found
