# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is true after any events whatever, in any order, at any time."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from story import BACKUP, EXTRA, FAULT, HIGHER, INIT, LOWER, MASTER, OURS, SECOND_VIP, US, VIP, S, T, heard
from vrrp_agent.protocol.events import (
    Announce,
    ClaimAddresses,
    Effects,
    InterfaceDown,
    InterfaceUp,
    PacketReceived,
    PreemptionResumed,
    Reconfigured,
    ReleaseAddresses,
    Resign,
    SendAdvert,
    Start,
    StateChanged,
    Stop,
    TimerDue,
)
from vrrp_agent.protocol.packet import decode
from vrrp_agent.protocol.router import Router

PRIORITIES = st.sampled_from([1, 99, 100, 101, 255])
INTERVALS = st.sampled_from([1, 100, 300])
settings = st.builds(
    replace,
    st.just(OURS),
    priority=PRIORITIES,
    advert_interval_cs=INTERVALS,
    preempt=st.booleans(),
    virtual_addresses=st.sampled_from([(VIP,), (SECOND_VIP,), (VIP, SECOND_VIP)]),
    extra_addresses=st.sampled_from([(), (EXTRA,)]),
)
peers = st.sampled_from([LOWER, US, HIGHER])
adverts = st.builds(heard, st.just(0) | PRIORITIES, peers, advert_interval_cs=INTERVALS)
others = st.one_of(
    st.builds(Start),
    st.builds(Stop),
    st.builds(Resign, st.booleans()),
    st.builds(PreemptionResumed),
    st.builds(InterfaceUp, peers),
    st.builds(InterfaceDown, st.just("eth0 is down")),
    st.builds(Reconfigured, settings),
    st.builds(PacketReceived, st.binary(max_size=20), peers, st.just(HIGHER), st.just(255)),
)
# Half of the steps wait for the router's own deadline, or else few of its lives would get anywhere.
waits = st.sampled_from(["deadline", "deadline", 0, 1, S // 10, S, 30 * S])
steps = st.lists(st.tuples(waits, st.builds(TimerDue) | adverts | others), max_size=40)


class Node:
    """Does what its router wants, and notes what a kernel and a segment would see."""

    def __init__(self, router: Router) -> None:
        self.router = router
        self.held: set[object] = set()
        self.state = INIT

    def handle(self, event: object, now_ns: int) -> None:
        before = set(self.held)
        effects = self.router.handle(event, now_ns)
        self.apply(effects)
        claimed = self.held - before
        announced = {address for effect in effects if isinstance(effect, Announce) for address in effect.addresses}
        assert claimed <= announced, "a claim without an announcement"

    def apply(self, effects: Effects) -> None:
        for effect in effects:
            if isinstance(effect, StateChanged):
                assert (effect.previous, effect.reason != "") == (self.state, True)
                self.state = effect.state
            elif isinstance(effect, ClaimAddresses):
                self.held |= set(effect.addresses)
            elif isinstance(effect, ReleaseAddresses):
                self.held -= set(effect.addresses)
            elif isinstance(effect, SendAdvert):
                assert self.state is MASTER, "an advert from no master"
                advert = decode(effect.message, effect.source, effect.destination, 255, 3)[0]
                # 0 says goodbye, 1 that it yields to a better master.
                assert advert.priority in (0, 1, self.router.settings.priority)


@given(first=settings, story=steps)
def test_invariants(first: object, story: object) -> None:
    node = Node(Router(first))
    router, now_ns = node.router, T
    node.handle(InterfaceUp(US), now_ns)
    node.handle(Start(), now_ns)
    for wait, event in story:
        if wait == "deadline":
            now_ns, event = max(now_ns, router.deadline_ns or 0), TimerDue()
        else:
            now_ns += wait
        node.handle(event, now_ns)
        assert node.state is router.state
        # No address on a node that is not MASTER, and every one on a node that is.
        assert node.held == (set(router.settings.addresses) if router.state is MASTER else set())
        # Who takes part has an address to send from and waits for something; who does not waits for nothing.
        takes_part = router.state in (BACKUP, MASTER)
        assert takes_part == (router.deadline_ns is not None)
        assert not takes_part or router.source is not None
        assert (router.fault is None) or router.state in (INIT, FAULT)
        assert router.state is BACKUP or router.master is None
        assert router.state is MASTER or router.resigning is router.yielding is None
        assert router.resigning is None or router.yielding is None
        assert router.state in (BACKUP, FAULT) or not router.switched_over
    node.handle(Stop(), now_ns)
    if router.state is MASTER:
        node.handle(TimerDue(), router.deadline_ns)
    assert (node.held, router.state, router.deadline_ns) == (set(), INIT, None)


@given(first=settings, story=steps)
def test_left_alone_it_becomes_master(first: object, story: object) -> None:
    """RFC 9568 6.4.2: whatever has happened, a BACKUP that hears nobody takes the role within the longest interval."""
    node = Node(Router(first))
    router, now_ns = node.router, T
    for wait, event in story:
        now_ns += wait if wait != "deadline" else S
        node.handle(event, now_ns)
    node.handle(Stop(), now_ns)
    node.handle(InterfaceUp(US), now_ns)
    node.handle(Start(), now_ns)
    node.handle(TimerDue(), router.deadline_ns)
    assert router.state is MASTER
    assert router.deadline_ns <= now_ns + 20 * S
