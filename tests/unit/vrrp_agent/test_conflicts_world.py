# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two agents on a segment, in virtual time: whatever becomes of them, neither reports the other; a stranger they do.

VRRP and ARP pass, or are cut, together. A killed agent's kernel keeps the addresses for as long as Linux does.
"""

from __future__ import annotations

from dataclasses import replace
from heapq import heappop, heappush
from ipaddress import ip_address
from typing import Any, Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from story import INIT, MASTER, MS, OURS, VIP, S, T
from vrrp_agent.protocol import events
from vrrp_agent.protocol.conflicts import HANDOVER_NS, Claim, Conflicts, pace
from vrrp_agent.protocol.router import Router

DELAY = MS
ROUND = pace(1).round_ns


class World:
    """The clock, two nodes, and whether they reach each other."""

    def __init__(self, interval_cs: int) -> None:
        self.now = T
        self.cut = False
        self.stranger = False
        self._heap: list[tuple[int, int, Callable[..., None], tuple[Any, ...]]] = []
        self._count = 0
        self.nodes = [Node(self, number, interval_cs) for number in range(2)]

    def after(self, delay: int, action: Callable[..., None], *arguments: Any) -> None:
        self._count += 1
        heappush(self._heap, (self.now + delay, self._count, action, arguments))

    def run(self, duration: int) -> None:
        until = self.now + duration
        while self._heap and self._heap[0][0] <= until:
            self.now, unused_order, action, arguments = heappop(self._heap)
            action(*arguments)
        self.now = until

    def others(self, node: Node) -> list[Node]:
        return [] if self.cut else [other for other in self.nodes if other is not node]


class Node:
    """An agent, its kernel and its watch."""

    def __init__(self, world: World, number: int, interval_cs: int) -> None:
        self.world, self.number = world, number
        self.source = ip_address(f"192.0.2.{number + 1}")
        self.settings = replace(OURS, priority=150 - 50 * number, advert_interval_cs=interval_cs)
        # The kernel counts whole seconds, and may be late by almost one.
        self.lifetime = max(2, 3 * interval_cs // 100) * S + 999 * MS
        self.router: Router | None = None
        self.conflicts = Conflicts(T)
        self.expires = 0  # when its kernel removes the address
        self.reported: list[bytes] = []
        world.after(number * 700 * MS, self.probe)

    @property
    def holds(self) -> bool:
        return self.world.now < self.expires

    def start(self) -> None:
        if self.router is None:
            self.expires = 0
            self.router = Router(self.settings)
            self.handle(events.InterfaceUp(self.source))
            self.handle(events.Start())

    def kill(self) -> None:
        self.router = None

    def stop(self) -> None:
        if self.router is not None:
            self.handle(events.Stop())

    def prefer(self, priority: int) -> None:
        self.settings = replace(self.settings, priority=priority)
        if self.router is not None:
            self.handle(events.Reconfigured(self.settings))

    def handle(self, event: events.Event) -> None:
        router = self.router
        for effect in router.handle(event, self.world.now) if router else ():
            self.do(effect)
        if router is not None and router.state is INIT and router.reason:
            self.router = None
        elif router is not None and router.deadline_ns is not None:
            self.world.after(router.deadline_ns - self.world.now, self.due, router)

    def due(self, router: Router) -> None:
        if self.router is router and router.deadline_ns is not None and router.deadline_ns <= self.world.now:
            self.handle(events.TimerDue())

    def do(self, effect: events.Effect) -> None:
        if isinstance(effect, events.ClaimAddresses):
            self.expires = self.world.now + self.lifetime
        elif isinstance(effect, events.ReleaseAddresses):
            self.expires = 0
        elif isinstance(effect, events.StateChanged):
            self.conflicts = Conflicts(self.world.now)
        elif isinstance(effect, events.Announce):
            self.is_seen()
        elif isinstance(effect, events.SendAdvert):
            if self.router.state is MASTER:
                self.expires = self.world.now + self.lifetime
            packet = events.PacketReceived(effect.message, effect.source, effect.destination, 255)
            for other in self.world.others(self):
                self.world.after(DELAY, other.handle, packet)

    def is_seen(self) -> None:
        """What it sends says where the address is."""
        for other in self.world.others(self):
            self.world.after(DELAY, other.see, bytes([2, 0, 0, 0, 0, self.number]))

    def probe(self) -> None:
        self.world.after(ROUND, self.probe)
        if self.router is None or self.router.state is not MASTER:
            return
        self.conflicts.expire(ROUND, self.world.now)
        self.is_seen()
        answers = [other for other in self.world.others(self) if other.holds]
        for other in answers:
            self.world.after(DELAY, self.see, bytes([2, 0, 0, 0, 0, other.number]))
        if self.world.stranger and not self.world.cut:
            self.see(b"\2foo!\0")

    def see(self, mac: bytes) -> None:
        if self.router is not None and self.router.state is MASTER:
            claim = Claim(VIP.ip.packed, mac)
            if self.conflicts.see(claim, self.settings.advert_interval_cs, ROUND, self.world.now):
                self.world.after(HANDOVER_NS, self.report, self.conflicts, mac)

    def report(self, conflicts: Conflicts, mac: bytes) -> None:
        if self.conflicts is conflicts and not (self.router and self.router._leaving):
            self.reported.append(mac)


ACTIONS: dict[str, Callable[[World], None]] = {
    "cut": lambda world: setattr(world, "cut", True),
    "heal": lambda world: setattr(world, "cut", False),
    "start first": lambda world: world.nodes[0].start(),
    "start second": lambda world: world.nodes[1].start(),
    "stop first": lambda world: world.nodes[0].stop(),
    "stop second": lambda world: world.nodes[1].stop(),
    "prefer second": lambda world: world.nodes[1].prefer(200),
    "prefer first": lambda world: world.nodes[1].prefer(100),
}
STEPS = st.lists(st.tuples(st.sampled_from(sorted(ACTIONS)), st.integers(0, 8000)), max_size=25)


def play(steps: list[tuple[str, int]], interval_cs: int) -> World:
    world = World(interval_cs)
    for node in world.nodes:
        node.start()
    world.run(5 * S)
    for action, pause_ms in steps:
        ACTIONS[action](world)
        # A split that is healed for less than an interval is not: two masters go on, and are seen to.
        world.run(max(pause_ms, 10 * interval_cs + 10 if action == "heal" else 0) * MS)
    world.run(10 * S)
    return world


@settings(max_examples=500, deadline=None)
@given(STEPS, st.sampled_from([100, 200]))
def test_living_agents_never_report_each_other(steps: list[tuple[str, int]], interval_cs: int) -> None:
    """Elections, goodbyes, handovers, splits that heal: in any order, at any distance."""
    world = play(steps, interval_cs)
    assert [node.reported for node in world.nodes] == [[], []]


@settings(max_examples=500, deadline=None)
@given(st.integers(4000, 12000), st.integers(0, 8000), st.sampled_from([2, 10, 50, 100, 300]))
def test_a_takeover_from_the_dead_is_none(until_ms: int, pause_ms: int, interval_cs: int) -> None:
    """At short intervals the killed master's kernel has the address for longer than the other's timer runs."""
    world = play([("heal", until_ms)], interval_cs)
    world.nodes[0].kill()
    world.run(pause_ms * MS)
    world.nodes[0].start()
    world.run(20 * S)
    assert [node.reported for node in world.nodes] == [[], []]
    assert world.nodes[0].router.state is MASTER


@pytest.mark.parametrize("phase_ms", range(0, 2000, 130))
def test_a_stranger_is_reported_in_time(phase_ms: int) -> None:
    """The promise: five seconds at an interval of one."""
    world = play([("heal", 8000 + phase_ms)], 100)
    world.stranger = True
    world.run(5 * S)
    assert world.nodes[0].reported == [b"\2foo!\0"]


def test_who_does_not_let_go_is_reported() -> None:
    """A kernel that keeps the address, as beside a keepalived that was killed."""
    world = play([], 100)
    world.nodes[0].kill()
    world.nodes[0].expires = world.now + 60 * S
    world.run(9 * S)
    assert world.nodes[1].reported == [bytes([2, 0, 0, 0, 0, 0])]
