# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stories with a name, told once by hand; the invariants are checked in them as everywhere."""

from __future__ import annotations

import pytest

from .agent import Agent
from .hostile import forge
from .runner import tell
from .scenario import Scenario, settings
from .world import MILLISECOND_NS, SECOND_NS

# Seeds that have found something, in the order of their finding.
FOUND = (23, 6987, 2861, 7368, 12488, 95, 15062, 2310, 1169, 19585, 20984, 8590, 58152, 115443, 28360)


@pytest.mark.parametrize("seed", FOUND)
def test_seeds_that_have_found_something(seed: int) -> None:
    """They hold by now."""
    holds, story = tell(seed, signed=False)
    assert holds, story


def pair(first: int = 150, second: int = 100, version: int = 3, preempt: bool = True) -> tuple[Scenario, Agent, Agent]:
    """Two of our agents that have agreed."""
    scenario = Scenario(seed=1)
    one, other = (
        scenario.add_agent(settings(priority=priority, version=version, preempt=preempt))
        for priority in (first, second)
    )
    scenario.start()
    scenario.agree()
    return scenario, one, other


def masters(scenario: Scenario) -> list[str]:
    """Who is master."""
    return [node.name for node in scenario.nodes if node.running and node.is_master]


def test_the_higher_priority_is_master() -> None:
    scenario = pair()[0]
    assert masters(scenario) == ["lb1"]


def test_equals_agree_on_the_higher_address() -> None:
    """They claim at the same instant."""
    scenario = pair(100, 100)[0]
    assert masters(scenario) == ["lb2"]


def test_two_owners_agree() -> None:
    scenario = pair(255, 255)[0]
    assert masters(scenario) == ["lb2"]


def test_who_stops_is_followed_after_the_skew() -> None:
    scenario, one, other = pair()
    one.stop()
    scenario.world.run(scenario.world.now_ns + (256 - 100) * SECOND_NS // 256 + MILLISECOND_NS)
    assert other.is_master
    # The addresses answered until the successor's did.
    assert list(one.interface.addresses)
    scenario.world.run(scenario.world.now_ns + 51 * MILLISECOND_NS)
    assert not list(one.interface.addresses)
    scenario.agree()


def test_who_sleeps_loses_role_and_addresses_and_takes_nothing_back() -> None:
    scenario, one, other = pair(preempt=False)
    one.pause(20 * SECOND_NS, deaf=False)
    scenario.world.run(scenario.world.now_ns + 4 * SECOND_NS)
    assert other.is_master
    assert not list(one.interface.addresses)
    scenario.world.run(scenario.world.now_ns + 16 * SECOND_NS)
    scenario.agree()
    assert masters(scenario) == ["lb2"]


def test_a_crashed_master_leaves_no_address() -> None:
    scenario, one, other = pair()
    one.crash()
    assert list(one.interface.addresses)
    scenario.agree()
    assert not list(one.interface.addresses)
    assert other.is_master


@pytest.mark.parametrize(("away_s", "resumes"), [(0.4, True), (2.5, False)])
def test_killed_and_started_again(away_s: float, resumes: bool) -> None:
    """At once it is MASTER as if nothing had been; later it listens, as everybody does who starts."""
    scenario, one, other = pair()
    before = other.router.counters["master_transitions"]
    one.crash()
    scenario.world.run(scenario.world.now_ns + int(away_s * SECOND_NS))
    one.start()
    assert one.is_master is resumes
    assert ("resumed" in one.router.reason) is resumes
    scenario.agree()
    assert masters(scenario) == ["lb1"]
    assert (other.router.counters["master_transitions"] == before) is resumes


@pytest.mark.parametrize("seconds", [9.1, 9.3, 9.5, 9.7, 9.9])
def test_a_healed_split_leads_the_clients_back(seconds: float) -> None:
    """Whoever of the two is heard first."""
    scenario, one, other = pair()
    segment, group = scenario.segments[0], scenario.groups[0]
    group.disturb(1)
    segment.block([(0, 1), (1, 0)])
    scenario.world.run(scenario.world.now_ns + int(seconds * SECOND_NS))
    assert masters(scenario) == ["lb1", "lb2"]
    assert set(segment.learned.values()) == {other}
    segment.unblock([(0, 1), (1, 0)])
    group.disturb(-1)
    scenario.agree()
    assert masters(scenario) == ["lb1"]
    assert set(segment.learned.values()) == {one}


def test_one_way_silence_makes_two_masters_until_it_ends() -> None:
    """It must: who hears nobody cannot know. The one that hears the other answers and announces all the time."""
    scenario, one = pair()[:2]
    scenario.groups[0].disturb(1)
    scenario.segments[0].block([(0, 1)])
    scenario.world.run(scenario.world.now_ns + 10 * SECOND_NS)
    assert masters(scenario) == ["lb1", "lb2"]
    scenario.segments[0].unblock([(0, 1)])
    scenario.groups[0].disturb(-1)
    scenario.agree()
    assert masters(scenario) == ["lb1"]
    assert set(scenario.segments[0].learned.values()) == {one}


def test_a_flood_of_forged_packets_changes_nothing() -> None:
    scenario, one, other = pair()
    for number in range(2000):
        agent = (one, other)[number % 2]
        scenario.world.run(scenario.world.now_ns + 5 * MILLISECOND_NS)
        agent.hear_rejected(forge(scenario.world.random, agent)[1])
    scenario.agree()
    assert masters(scenario) == ["lb1"]


@pytest.mark.parametrize(("ours", "theirs", "winner"), [(150, 100, "lb1"), (100, 150, "lb2"), (100, 100, "lb2")])
@pytest.mark.parametrize(("version", "password"), [(2, None), (2, "secret"), (3, None)])
def test_a_keepalived_like_peer_agrees(ours: int, theirs: int, winner: str, version: int, password: str | None) -> None:
    scenario = Scenario(seed=1)
    scenario.add_agent(settings(priority=ours, version=version, password=password))
    peer = scenario.add_peer(settings(priority=theirs, version=version, password=password))
    scenario.start()
    scenario.agree()
    assert masters(scenario) == [winner]
    peer.stop()
    scenario.agree()
    assert masters(scenario) == ["lb1"]
    peer.start()
    scenario.agree()
    assert masters(scenario) == (["lb2"] if theirs > ours else ["lb1"])  # equals do not preempt
