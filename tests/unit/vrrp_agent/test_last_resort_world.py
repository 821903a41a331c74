# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Nodes that fall sick and recover, die and come back, in any order: somebody has the role, a healthy one if there is.

With and without signatures, in both versions.
"""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from signed_story import SIGNED, SIGNED_V2, SIGNED_V6, Segment
from story import OURS, S
from vrrp_agent.protocol import timers
from vrrp_agent.protocol.events import Reconfigured
from vrrp_agent.protocol.settings import Settings, last_resort_priority

PRIORITIES = (150, 100, 50)
ACTIONS = ("sick", "well", "crash", "restart")
STEPS = st.lists(st.tuples(st.integers(0, 2), st.sampled_from(ACTIONS), st.integers(0, 8000)), max_size=20)
KINDS = st.sampled_from([OURS, replace(OURS, version=2), SIGNED, SIGNED_V2, SIGNED_V6])
LONGEST_SKEW = timers.skew_ns(3, 1, 100)


class World:
    """Three nodes that have agreed; `healthy` and `alive` say which of them are."""

    def __init__(self, kind: Settings, preempt: bool) -> None:
        self.settings = [replace(kind, priority=one, preempt=preempt, last_resort=True) for one in PRIORITIES]
        self.segment = Segment(*self.settings, ahead=(0, 0, 0))
        self.healthy = [True] * 3
        self.segment.run(10 * S)

    @property
    def masters(self) -> list[int]:
        return [number for number, node in enumerate(self.segment.nodes) if node.is_master]

    @property
    def alive(self) -> list[int]:
        return [number for number, node in enumerate(self.segment.nodes) if node.router is not None]

    def do(self, number: int, action: str) -> None:
        node = self.segment.nodes[number]
        if action == "crash":
            if len(self.alive) > 1:
                node.crash()
        elif action == "restart":
            if node.router is None:
                node.settings = self.effective(number)
                node.restart()
        elif self.healthy[number] != (action == "well"):
            self.healthy[number] = action == "well"
            if node.router is not None:
                node.handle(Reconfigured(self.effective(number)))

    def effective(self, number: int) -> Settings:
        mine = self.settings[number]
        return mine if self.healthy[number] else replace(mine, priority=last_resort_priority(mine.priority))

    def best(self) -> int:
        """Of those that are there the one to have the role: the first that is healthy, else the first."""
        return min(self.alive, key=lambda number: (not self.healthy[number], number))


@settings(max_examples=150)
@given(STEPS, KINDS)
def test_the_best_that_there_is_has_the_role(steps: list[tuple[int, str, int]], kind: Settings) -> None:
    world = World(kind, preempt=True)
    for number, action, pause_ms in steps:
        world.do(number, action)
        world.segment.run(pause_ms * timers.MILLISECOND_NS)
    world.segment.run(10 * S)
    assert world.masters == [world.best()]


@settings(max_examples=150)
@given(STEPS, KINDS)
def test_without_preempt_a_healthy_one_has_it_if_there_is_one(
    steps: list[tuple[int, str, int]], kind: Settings
) -> None:
    world = World(kind, preempt=False)
    for number, action, pause_ms in steps:
        world.do(number, action)
        world.segment.run(pause_ms * timers.MILLISECOND_NS)
    world.segment.run(10 * S)
    [holder] = world.masters
    assert world.healthy[holder] == any(world.healthy[number] for number in world.alive)


@settings(max_examples=150)
@given(
    st.lists(st.tuples(st.integers(0, 2), st.sampled_from(["sick", "well"]), st.integers(0, 8000)), max_size=20), KINDS
)
def test_sickness_alone_never_leaves_nobody(steps: list[tuple[int, str, int]], kind: Settings) -> None:
    """The addresses answer somewhere at every moment; and two have the role only while one yields."""
    world = World(kind, preempt=True)
    for number, action, pause_ms in steps:
        world.do(number, action)
        until_ns = world.segment.now_ns + pause_ms * timers.MILLISECOND_NS
        while world.segment.now_ns < until_ns:
            world.segment.run(5 * timers.MILLISECOND_NS)
            assert world.masters
            assert sum(world.segment.nodes[number].router.yielding is None for number in world.masters) <= 1


@pytest.mark.parametrize("kind", [OURS, replace(OURS, version=2), SIGNED, SIGNED_V6])
@pytest.mark.parametrize("preempt", [True, False])
def test_how_long_it_takes(kind: Settings, preempt: bool) -> None:
    """A healthy node has the role a Skew_Time after the MASTER fell sick; one that recovers, an interval more."""
    world = World(kind, preempt)
    world.do(0, "sick")
    world.segment.run(LONGEST_SKEW)
    assert world.masters == [1]
    world.do(2, "sick")
    world.do(1, "sick")
    world.segment.run(10 * S)
    assert world.masters == ([0] if preempt else [1])
    world.do(2, "well")
    world.segment.run(LONGEST_SKEW + S)
    assert world.masters == [2]
