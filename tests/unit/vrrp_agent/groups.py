# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts with a sync group over two segments, in virtual time: what breaks, and what must be so after every step."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from heapq import heappop, heappush
from ipaddress import ip_address, ip_interface
from itertools import combinations
from typing import Any, Callable

from story import BACKUP, FAULT, INIT, MASTER, MS, OURS, T
from vrrp_agent.protocol import events
from vrrp_agent.protocol.router import Router
from vrrp_agent.protocol.settings import Settings
from vrrp_agent.protocol.sync_group import SyncGroup

SEGMENTS = ("outside", "inside")
DELAY = 10 * MS


class World:
    """The clock, the hosts, and who hears whom; a fixed delay where `seed` is None."""

    def __init__(self, seed: int | None = None) -> None:
        self.now = T
        self.hosts: list[Host] = []
        self.blocked: set[tuple[int, int, str]] = set()
        self.transitions = 0
        self.told: list[str] = []
        # Since when two of them have been MASTER, by their numbers.
        self.splits: dict[tuple[int, int], int] = {}
        self.longest_split = 0
        self._random = random.Random(seed) if seed is not None else None
        self._heap: list[tuple[int, int, Callable[..., None], tuple[Any, ...]]] = []
        self._count = 0

    def add(self, priority: int, lasts: Sequence[int], preempt: bool = True, delays: Sequence[int] = (0, 0)) -> Host:
        """A host whose own address on each segment ends in one of `lasts`, with a preempt_delay of `delays` (ms)."""
        host = Host(self, len(self.hosts), priority, lasts)
        for name, delay_ms in zip(SEGMENTS, delays):
            changed = replace(host.settings[name], preempt=preempt, preempt_delay_ms=delay_ms if preempt else 0)
            host.settings[name] = changed
        self.hosts.append(host)
        return host

    def after(self, delay: int, action: Callable[..., None], *arguments: Any) -> None:
        self._count += 1
        heappush(self._heap, (self.now + delay, self._count, action, arguments))

    def run(self, duration: int) -> None:
        """Let so much time pass."""
        until = self.now + duration
        while self._heap and self._heap[0][0] <= until:
            self.now, unused_order, action, arguments = heappop(self._heap)
            action(*arguments)
            self.look()
        self.now = until
        self.look()

    def masters(self) -> list[Host]:
        """The hosts that hold the group."""
        return [host for host in self.hosts if host.group.state is MASTER]

    def look(self) -> None:
        """How long two hosts are MASTER; of three, one may come while another is going."""
        pairs = combinations([host.number for host in self.masters()], 2)
        self.splits = {pair: self.splits.get(pair, self.now) for pair in pairs}
        self.longest_split = max([self.longest_split, *(self.now - since for since in self.splits.values())])

    def carry(self, sender: Host, segment: str, effect: events.SendAdvert) -> None:
        for host in self.hosts:
            if host is not sender and (sender.number, host.number, segment) not in self.blocked:
                delay = self._random.randrange(1, DELAY) if self._random else DELAY
                packet = events.PacketReceived(effect.message, effect.source, effect.destination, 255)
                self.after(delay, host.receive, segment, packet)

    def heal(self) -> None:
        """The last fault is over."""
        self.blocked.clear()
        for host in self.hosts:
            for segment in SEGMENTS:
                host.link(segment, True)
            host.start()
            host.wake()


class Host:
    """One node: a router on each segment, and the group over them."""

    def __init__(self, world: World, number: int, priority: int, lasts: Sequence[int]) -> None:
        self.world, self.number, self.priority = world, number, priority
        self.sources = {name: ip_address(f"192.0.{2 + n}.{lasts[n]}") for n, name in enumerate(SEGMENTS)}
        self.settings = {name: self._settings(n, priority) for n, name in enumerate(SEGMENTS)}
        self.up = dict.fromkeys(SEGMENTS, True)
        self.alive = False
        self._create()

    def _settings(self, number: int, priority: int) -> Settings:
        vip = ip_interface(f"192.0.{2 + number}.100/24")
        return replace(OURS, priority=priority, virtual_addresses=(vip,))

    def _create(self) -> None:
        self.routers = {name: Router(self.settings[name]) for name in SEGMENTS}
        self.group = SyncGroup("edge", self.routers)
        # What arrives while the process is paused; None while it is not.
        self.inbox: list[tuple[str, events.PacketReceived]] | None = None
        self.armed: dict[str, int | None] = dict.fromkeys(SEGMENTS)
        self.held: dict[str, bool] = dict.fromkeys(SEGMENTS, False)

    # --- what happens to it

    def start(self) -> None:
        if not self.alive:
            self._create()
            self.alive = True
            for name in SEGMENTS:
                self.handle(name, events.GroupJoined())
            for name in SEGMENTS:
                self._tell_link(name)
                self.handle(name, events.Start())

    def crash(self) -> None:
        if self.alive:
            self.alive = False
            self._create()

    def pause(self, duration: int) -> None:
        """Get no time for a while; then what was readable comes first."""
        if self.alive and self.inbox is None:
            self.inbox = []
            self.world.after(duration, self.wake, self.routers)

    def wake(self, routers: dict[str, Router] | None = None) -> None:
        if self.inbox is None or routers not in (None, self.routers):
            return
        inbox, self.inbox = self.inbox, None
        for name in SEGMENTS:
            self._tell_link(name)
        for name, packet in inbox:
            self.handle(name, packet)
        for name, router in self.routers.items():
            if router.deadline_ns is not None and router.deadline_ns <= self.world.now:
                self.handle(name, events.TimerDue())

    def link(self, name: str, up: bool) -> None:
        if self.up[name] is not up:
            self.up[name] = up
            if self.alive and self.inbox is None:
                self._tell_link(name)

    def _tell_link(self, name: str) -> None:
        up = events.InterfaceUp(self.sources[name])
        self.handle(name, up if self.up[name] else events.InterfaceDown(f"{name} has no carrier"))

    def receive(self, name: str, packet: events.PacketReceived) -> None:
        if self.alive and self.up[name]:
            if self.inbox is None:
                self.handle(name, packet)
            else:
                self.inbox.append((name, packet))

    def _due(self, routers: dict[str, Router], name: str, armed: int) -> None:
        if routers is self.routers and self.armed[name] == armed and self.inbox is None:
            self.armed[name] = None
            self.handle(name, events.TimerDue())

    def resign(self, force: bool = False) -> None:
        """The operator's switchover: all members that are MASTER are asked before anything is decided."""
        if self.alive and self.inbox is None:
            for name in SEGMENTS:
                self._feed(name, events.Resign(force))
            self._settle()

    # --- one step

    def handle(self, name: str, event: events.Event) -> None:
        """Feed one member, then do what the group decides until it has decided everything."""
        self._feed(name, event)
        self._settle()

    def _settle(self) -> None:
        for _turn in range(5):
            orders = self.group.decide(self.world.now)
            for order in orders:
                self._feed(order.member, order.event)
            if not orders:
                self._check()
                return
        raise AssertionError(f"host {self.number} never settles: {orders}")

    def _feed(self, name: str, event: events.Event) -> None:
        router = self.routers[name]
        for effect in router.handle(event, self.world.now):
            if isinstance(effect, events.SendAdvert) and self.up[name]:
                self.world.carry(self, name, effect)
            elif isinstance(effect, events.ClaimAddresses):
                self.held[name] = True
            elif isinstance(effect, events.ReleaseAddresses):
                self.held[name] = False
            elif isinstance(effect, events.StateChanged):
                self.world.transitions += 1
                at = (self.world.now - T) / 1e9
                self.world.told.append(f"{at:.3f} {self.number} {name}: {effect.state.value}: {effect.reason}")
        deadline = router.deadline_ns
        if deadline is not None and self.armed[name] != deadline:
            self.armed[name] = deadline
            self.world.after(max(0, deadline - self.world.now), self._due, self.routers, name, deadline)

    def _check(self) -> None:
        """All members are MASTER or none; one in FAULT has all in FAULT; only a MASTER holds addresses."""
        states = [router.state for router in self.routers.values()]
        started = [state for state in states if state is not INIT]
        assert len(set(started)) <= 1, (states, self.world.told[-8:])
        assert INIT not in states or set(states) <= {INIT, BACKUP, FAULT}
        for name, router in self.routers.items():
            assert self.held[name] == (router.state is MASTER)
            waits = router.deadline_ns is not None or router.group.claim is not None
            assert waits == (router.state in (BACKUP, MASTER))
