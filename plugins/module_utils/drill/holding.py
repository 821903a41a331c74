# Copyright: (c) 2026, duet.ha_pair contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""From when to when a node had which address, as its kernel told by netlink.

Nothing of the agent takes part in it, so that it also sees what a dead agent leaves behind.
"""

from __future__ import annotations

import ipaddress
import select
import socket
import struct
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

_ROUTE = 0  # NETLINK_ROUTE
_GROUPS = 0x10 | 0x100  # RTMGRP_IPV4_IFADDR, RTMGRP_IPV6_IFADDR
_ERROR, _NEW, _DELETED, _GET = 2, 20, 21, 22  # NLMSG_ERROR, RTM_NEWADDR, RTM_DELADDR, RTM_GETADDR
_DUMP = 0x301  # NLM_F_REQUEST | NLM_F_DUMP
_HEADER = struct.Struct("=IHHII")
_MESSAGE = struct.Struct("=BBBBI")
_ATTRIBUTE = struct.Struct("=HH")
_ADDRESS, _LOCAL = 1, 2  # IFA_ADDRESS, IFA_LOCAL
_LONGEST = 65536
_LOOK_S = 0.05


@dataclass(frozen=True)
class News:
    """An address came to an interface, or went; for one that is there already the kernel says so again."""

    address: str
    interface: int
    present: bool


class Holding:
    """Which of some addresses are here, and since when. Pure; times are of one clock, in s."""

    def __init__(self, addresses: Iterable[str]) -> None:
        self._spans: dict[str, list[list[float | None]]] = {_text(address): [] for address in addresses}
        self._where: dict[str, set[int]] = {address: set() for address in self._spans}

    def handle(self, news: News, now_s: float) -> None:
        """Take what the kernel says."""
        if news.address not in self._spans:
            return
        where, spans = self._where[news.address], self._spans[news.address]
        had = bool(where)
        (where.add if news.present else where.discard)(news.interface)
        if where and not had:
            spans.append([now_s, None])
        elif had and not where:
            spans[-1][1] = now_s

    def replace(self, present: Iterable[News], now_s: float) -> None:
        """Take all that is there now: news were lost, or there were none yet."""
        now = {(news.address, news.interface) for news in present}
        gone = {(address, where) for address, held in self._where.items() for where in held} - now
        for address, interface in sorted(gone):
            self.handle(News(address, interface, False), now_s)
        for address, interface in sorted(now):
            self.handle(News(address, interface, True), now_s)

    def document(self) -> dict[str, list[list[float | None]]]:
        """Address -> [from, to]; to is None where it is still here."""
        return self._spans


def watch(addresses: Iterable[str], ended: Callable[[], bool]) -> dict[str, list[list[float | None]]]:
    """Follow the kernel until `ended` says so; times are the wall clock's."""
    holding = Holding(addresses)
    wall_s = time.time() - time.monotonic()
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _ROUTE) as kernel:
        kernel.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        kernel.bind((0, _GROUPS))
        holding.replace(_present(), wall_s + time.monotonic())
        while not ended():
            if not select.select([kernel], [], [], _LOOK_S)[0]:
                continue
            try:
                packet, now_s = kernel.recv(_LONGEST), wall_s + time.monotonic()
            except OSError:  # ENOBUFS: news were lost
                holding.replace(_present(), wall_s + time.monotonic())
                continue
            for news in decode(packet):
                holding.handle(news, now_s)
    return holding.document()


def decode(packet: bytes) -> Iterator[News]:
    """The news of addresses in a packet of netlink."""
    for kind, body in _messages(packet):
        if kind in (_NEW, _DELETED) and len(body) >= _MESSAGE.size:
            interface = _MESSAGE.unpack_from(body)[4]
            found = dict(_attributes(body[_MESSAGE.size :]))
            address = found.get(_LOCAL, found.get(_ADDRESS))
            if address is not None and len(address) in (4, 16):
                yield News(str(ipaddress.ip_address(address)), interface, kind == _NEW)


def _present() -> list[News]:
    """All addresses of the node; on a socket of its own, so that news are not mixed in."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _ROUTE) as kernel:
        kernel.settimeout(5)
        body = _MESSAGE.pack(socket.AF_UNSPEC, 0, 0, 0, 0)
        kernel.send(_HEADER.pack(_HEADER.size + len(body), _GET, _DUMP, 1, 0) + body)
        found: list[News] = []
        while True:
            packet = kernel.recv(_LONGEST)
            found += decode(packet)
            if any(kind in (3, _ERROR) for kind, unused_body in _messages(packet)):  # NLMSG_DONE
                return found


def _messages(packet: bytes) -> Iterator[tuple[int, bytes]]:
    while len(packet) >= _HEADER.size:
        length, kind = _HEADER.unpack_from(packet)[:2]
        if length < _HEADER.size:
            return
        yield kind, packet[_HEADER.size : length]
        packet = packet[(length + 3) & ~3 :]


def _attributes(packet: bytes) -> Iterator[tuple[int, bytes]]:
    while len(packet) >= _ATTRIBUTE.size:
        length, kind = _ATTRIBUTE.unpack_from(packet)
        if length < _ATTRIBUTE.size:
            return
        yield kind, packet[_ATTRIBUTE.size : length]
        packet = packet[(length + 3) & ~3 :]


def _text(address: str) -> str:
    return str(ipaddress.ip_address(address))
