# Copyright: (c) 2026, duet.ha_pair contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Watches the segments for another host that has an address of which this node is MASTER: listens, and asks.

It runs while there is a MASTER, with one timer for all addresses. What it finds is reported, and decides nothing.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Iterator
from ipaddress import IPv6Address, ip_address
from typing import Any, Callable, NamedTuple

from ..linux.errors import KernelError
from ..linux.interfaces import Link
from ..linux.neighbours import NeighbourSocket
from ..protocol.announce import probe4, probe6
from ..protocol.conflicts import HANDOVER_NS, Claim, Conflict, Conflicts, claim_in, pace
from ..protocol.events import State
from ..protocol.settings import IPAddress, IPInterface
from .log import LOGGER, Limiter
from .network import Network
from .virtual_router import Tell, VirtualRouter

# After a transition: a takeover has better things to do, and a thousand of them are looked at once. Nor must a new
# MASTER ask while the one before answers on: an answer with their virtual MAC would lead the switch back there.
_FOLLOW_S = 0.5
# A flood is read in sips, and the kernel drops the rest.
_SIP_S = 0.05
_LINES_MAX = 32

_Key = tuple[int, int]  # interface index, family


class _Master(NamedTuple):
    """A virtual router that is MASTER here, and what its probes are made of."""

    running: VirtualRouter
    link: Link
    addresses: tuple[IPInterface, ...]
    source6: IPv6Address | None


class ConflictWatch:
    """All of this node's; `routers` tells which virtual routers there are."""

    def __init__(self, network: Network, routers: Callable[[], Iterable[VirtualRouter]], tell: Tell) -> None:
        self._network = network
        self._tell = tell
        self._routers = routers
        self._loop = asyncio.get_running_loop()
        self._limiter = Limiter(kinds_max=_LINES_MAX)
        self._masters: list[_Master] = []
        self._owners: dict[_Key, dict[bytes, VirtualRouter]] = {}
        self._sockets: dict[_Key, NeighbourSocket] = {}
        self._probes: list[tuple[_Key, bytes]] = []
        self._next = 0
        self._pace = pace(1)
        self._timer: asyncio.TimerHandle | None = None
        self._following: asyncio.TimerHandle | None = None

    def follow(self) -> None:
        """Who is MASTER may have changed: see soon."""
        if self._following is None:
            self._following = self._loop.call_later(_FOLLOW_S, self._follow_now)

    def close(self) -> None:
        """Watch no more."""
        for timer in (self._timer, self._following):
            if timer is not None:
                timer.cancel()
        for key in list(self._sockets):
            self._close_socket(key)

    # --- what is watched

    def _follow_now(self) -> None:
        self._following = None
        self._prepare()
        if self._timer is None:
            self._tick()

    def _prepare(self) -> None:
        """Have sockets, filters and probes for the MASTERs of now; nothing is done where nothing has changed."""
        now_ns, masters = time.monotonic_ns(), []
        for master in self._find_masters():
            if master.running.conflicts.age_ns(now_ns) < _FOLLOW_S * 1e9:
                self.follow()
            else:
                masters.append(master)
        if masters == self._masters:
            return
        self._masters, self._owners, self._probes = masters, {}, []
        for master in masters:
            for address in master.addresses:
                key = master.link.index, int(address.version)
                self._owners.setdefault(key, {})[address.ip.packed] = master.running
                self._probes += ((key, frame) for frame in _probes(master, address.ip))
        self._pace = pace(max(1, len(self._probes)))
        for key in set(self._sockets) - set(self._owners):
            self._close_socket(key)
        for key in self._owners:
            self._open_socket(key)

    def _find_masters(self) -> Iterator[_Master]:
        sources: dict[int, IPv6Address | None] = {}
        for running in self._routers():
            link = self._network.link(running.instance.interface)
            if running.router.state is not State.MASTER or running.leaving or link is None or not link.ethernet:
                continue
            addresses = running.instance.addresses
            if link.index not in sources:
                own = self._network.own_addresses(link.index, 6, addresses)
                sources[link.index] = next((ip for ip in own if isinstance(ip, IPv6Address) and ip.is_link_local), None)
            yield _Master(running, link, addresses, sources[link.index])

    def _open_socket(self, key: _Key) -> None:
        try:
            if key not in self._sockets:
                self._sockets[key] = NeighbourSocket(*key)
                self._listen(key, self._sockets[key])
            self._sockets[key].watch(self._owners[key])
        except KernelError as error:
            self._say(LOGGER.warning, ("open", key), f"conflicts are not seen: {error}")
            self._close_socket(key)
            self._masters = []  # try again in the next round

    def _close_socket(self, key: _Key) -> None:
        closed = self._sockets.pop(key, None)
        if closed is not None:
            self._loop.remove_reader(closed.fileno())
            closed.close()

    # --- asking

    def _tick(self) -> None:
        """Send the next few probes; at the end of a round look at what has become of everything."""
        self._timer = None
        if self._next >= len(self._probes):
            self._next = 0
            self._end_round()
        if not self._owners:
            return
        batch = self._probes[self._next : self._next + self._pace.batch]
        self._next += self._pace.batch
        for key, frame in batch:
            self._send(key, frame)
        self._timer = self._loop.call_later(self._pace.tick_ns / 1e9, self._tick)

    def _end_round(self) -> None:
        self._prepare()
        now_ns = time.monotonic_ns()
        for running in dict.fromkeys(master.running for master in self._masters):
            for ended in running.conflicts.expire(self._pace.round_ns, now_ns):
                lasted_s = (ended.last_ns - ended.first_ns) / 1e9
                text = f"{running.label}: conflict over: {_name(ended)} is seen no more, after {lasted_s:.0f} s"
                if self._say(LOGGER.info, ("over", running.label, ended.mac), text):
                    self._tell("conflict", running, **_fields(ended), over=True)

    def _send(self, key: _Key, frame: bytes) -> None:
        opened = self._sockets.get(key)
        if opened is None:
            return
        try:
            opened.send(frame)
        except KernelError as error:
            self._say(LOGGER.warning, ("send", key, error.errno), f"{error}")

    # --- listening

    def _listen(self, key: _Key, opened: NeighbourSocket) -> None:
        if self._sockets.get(key) is opened:
            self._loop.add_reader(opened.fileno(), self._read, key, opened)

    def _read(self, key: _Key, opened: NeighbourSocket) -> None:
        self._loop.remove_reader(opened.fileno())
        self._loop.call_later(_SIP_S, self._listen, key, opened)
        owners, own_macs, now_ns = self._owners.get(key, {}), self._network.own_macs(), time.monotonic_ns()
        for claim in map(claim_in, opened.receive()):
            running = owners.get(claim.address) if claim else None
            if claim and running and claim.mac not in own_macs and running.router.state is State.MASTER:
                self._note(running, claim, now_ns)

    def _note(self, running: VirtualRouter, claim: Claim, now_ns: int) -> None:
        running.router.counters["conflicting_pkts_rcvd"] += 1
        interval_cs = running.instance.advert_interval_cs
        found = running.conflicts.see(claim, interval_cs, self._pace.round_ns, now_ns)
        if found is not None:
            self._loop.call_later(HANDOVER_NS / 1e9, self._report, running, running.conflicts, found)

    def _report(self, running: VirtualRouter, conflicts: Conflicts, found: Conflict) -> None:
        """Say so, unless the role has gone or is going: then it was the successor."""
        if running.conflicts is conflicts and not running.leaving:
            found.reported = True
            text = f"{running.label}: conflict: {_name(found)} on this segment, of which this node is MASTER"
            if self._say(LOGGER.warning, ("conflict", running.label, found.mac), text):
                self._tell("conflict", running, **_fields(found), over=False)

    def _say(self, level: Callable[..., Any], kind: tuple[object, ...], text: str) -> bool:
        """Log it, unless one of its kind was only just; whether it was."""
        held_back = self._limiter.admit(kind, self._loop.time())
        if held_back is not None:
            level("%s%s", text, f" ({held_back} more like it since)" if held_back else "")
        return held_back is not None


def _probes(master: _Master, ip: IPAddress) -> Iterator[bytes]:
    """The frame that asks who has an address, with the host's own MAC: a virtual one is the other host's, too."""
    if not isinstance(ip, IPv6Address):
        yield probe4(master.link.mac, ip)
    elif master.source6 is not None:
        yield probe6(master.link.mac, master.source6, ip)


def _fields(conflict: Conflict) -> dict[str, str | None]:
    return {"address": str(ip_address(conflict.address)), "mac": conflict.mac.hex(":") if conflict.mac else None}


def _name(conflict: Conflict) -> str:
    mac = "more MAC addresses than are told apart" if conflict.mac is None else conflict.mac.hex(":")
    return f"{mac} with {ip_address(conflict.address)}"
