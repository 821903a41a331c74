# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sync groups on two or three hosts and two segments: no split for longer than a bound, no flapping, no deadlock."""

from __future__ import annotations

from groups import DELAY, SEGMENTS, World
from hypothesis import example, given
from hypothesis import strategies as st
from story import BACKUP, FAULT, MASTER, MS, S, T

INTERVAL = S
# Priority 50 is the lowest here: the longest that a backup waits.
DOWN = 3 * INTERVAL + (256 - 50) * S // 256
# And after a goodbye, of those that have resigned before.
SKEW = INTERVAL
# After the last fault one host has all: a timer runs out, and at worst once more after a goodbye that came in between.
# Of three hosts two may say one: who had the role, and who takes it and finds the better one, which heard the first.
SETTLED = DOWN + 2 * SKEW + 4 * DELAY
# Among equals whose addresses disagree both may leave first, a late advert set the timers anew, and then the one wait
# two intervals for the other. Of three the one that waits may meet the third, and all are silent once more.
SETTLED_EQUALS = 3 * DOWN + 2 * INTERVAL + 4 * DELAY
# Two who are MASTER hear each other's next advert on one segment that connects them, and the loser leaves both.
SPLIT = INTERVAL + 2 * DELAY
"""How long members may be MASTER on different hosts that hear each other on one segment."""

hosts = st.integers(0, 2)
segments = st.sampled_from(SEGMENTS)
faults = st.one_of(
    st.tuples(st.sampled_from(["down", "up"]), hosts, segments),
    st.tuples(st.just("block"), hosts, hosts, segments),
    st.tuples(st.just("unblock")),
    st.tuples(st.sampled_from(["crash", "start", "pause", "resign"]), hosts),
)
waits = st.sampled_from([0, 1, 5 * MS, DELAY, S // 2, S, DOWN, DOWN + DELAY, 2 * DOWN])
plans = st.lists(st.tuples(waits, faults), max_size=12)
worlds = st.tuples(
    st.sampled_from([(150, 100), (150, 100, 50), (100, 100), (100, 100, 100)]),
    st.sampled_from([((11, 11), (12, 12), (13, 13)), ((11, 13), (12, 12), (13, 11))]),
    st.lists(st.booleans(), min_size=3, max_size=3),
    st.none() | st.integers(0, 1000),
    st.sampled_from([(0, 0), (0, 0), (5000, 5000), (3000, 8000)]),
)


def make(drawn: object) -> World:
    priorities, lasts, preempt, seed, delays = drawn
    world = World(seed)
    for number, priority in enumerate(priorities):
        world.add(priority, lasts[number], preempt[number], delays)
    for host in world.hosts:
        host.start()
    return world


def play(world: World, plan: object) -> None:
    for wait, (kind, *what) in plan:
        world.run(wait)
        numbers = [min(number, len(world.hosts) - 1) for number in what if isinstance(number, int)]
        if kind == "block":
            world.blocked.add((*numbers, what[-1]))
        elif kind == "unblock":
            world.blocked.clear()
        elif kind == "pause":
            world.hosts[numbers[0]].pause(2 * DOWN)
        elif kind in ("crash", "start", "resign"):
            getattr(world.hosts[numbers[0]], kind)()
        else:
            world.hosts[numbers[0]].link(what[-1], kind == "up")


def agree(world: World, able: int) -> None:
    """Within the bound one host has the group, for good."""
    world.splits, world.longest_split = {}, 0
    equals = len({host.priority for host in world.hosts}) == 1
    delay = max(host.settings[name].preempt_delay_ms for host in world.hosts for name in SEGMENTS)
    world.run((SETTLED_EQUALS if equals else SETTLED) + delay * MS)
    holders = world.masters()
    assert len(holders) == min(1, able), world.told
    assert world.longest_split <= SPLIT, world.told
    before = world.transitions
    world.run(10 * DOWN)
    assert world.transitions == before, world.told
    assert world.masters() == holders


@given(drawn=worlds, plan=plans)
@example(drawn=((100, 100, 100), ((11, 13), (12, 12), (13, 11)), [False] * 3, 221, (0, 0)), plan=[])
@example(
    drawn=((150, 100, 50), ((11, 11), (12, 12), (13, 13)), [False, True, False], 874, (0, 0)),
    plan=[
        (0, ("down", 0, "outside")),
        (3 * S // 2, ("down", 1, "outside")),
        (4 * DOWN, ("block", 2, 0, "outside")),
        (2 * DOWN, ("unblock",)),
    ],
)
def test_after_the_last_fault_one_host_has_all(drawn: object, plan: object) -> None:
    world = make(drawn)
    play(world, plan)
    world.heal()
    agree(world, able=len(world.hosts))


@given(drawn=worlds, plan=plans, segment=segments)
@example(
    # Asked to resign beside a second MASTER, and a better one comes back that is heard on one segment alone.
    drawn=((150, 100, 50), ((11, 11), (12, 12), (13, 13)), [False] * 3, None, (0, 0)),
    plan=[
        (0, ("block", 1, 2, "outside")),
        (DOWN, ("block", 1, 2, "inside")),
        (0, ("down", 0, "outside")),
        (S, ("resign", 1)),
    ],
    segment="outside",
)
def test_with_one_segment_torn_for_good(drawn: object, plan: object, segment: str) -> None:
    """Nobody hears anybody on one segment: who hears a master on the other leaves it both."""
    world = make(drawn)
    play(world, plan)
    world.heal()
    numbers = range(len(world.hosts))
    world.blocked |= {(one, other, segment) for one in numbers for other in numbers}
    agree(world, able=len(world.hosts))


@given(drawn=worlds, plan=plans, host=hosts, segment=segments)
def test_with_one_link_down_for_good(drawn: object, plan: object, host: int, segment: str) -> None:
    """A host that lacks one segment has neither."""
    world = make(drawn)
    play(world, plan)
    world.heal()
    broken = world.hosts[min(host, len(world.hosts) - 1)]
    broken.link(segment, False)
    agree(world, able=len(world.hosts) - 1)
    assert [router.state for router in broken.routers.values()] == [FAULT, FAULT]


def test_equals_whose_addresses_disagree_in_lock_step() -> None:
    """Each wins on one segment, both leave at the same moment: without a rule they would do so for ever."""
    world = World()
    for lasts in ((11, 12), (12, 11)):
        world.add(100, lasts).start()
    world.run(DOWN)
    agree(world, able=2)


def test_a_cut_moves_both_within_the_skew() -> None:
    world = World()
    one, other = world.add(150, (11, 11)), world.add(100, (12, 12))
    one.start(), other.start()
    world.run(2 * DOWN)
    assert world.masters() == [one]
    one.link("inside", False)
    world.run((256 - 100) * S // 256 + DELAY)
    assert world.masters() == [other]
    assert one.group.state is FAULT
    one.link("inside", True)
    assert one.group.state is BACKUP
    world.run(DOWN + DELAY)
    assert world.masters() == [one]
    assert {router.state for router in other.routers.values()} == {BACKUP}


def test_no_member_is_master_before_all_can() -> None:
    """A lonely host: the second member starts later, and the first waits for it."""
    world = World()
    host = world.add(150, (11, 11))
    host.link("inside", False)
    host.start()
    world.run(10 * DOWN)
    assert host.group.state is FAULT
    assert host.group.fault == "sync group edge: inside is in FAULT: inside has no carrier"
    host.link("inside", True)
    world.run(DOWN)
    assert {router.state for router in host.routers.values()} == {MASTER}


def pair() -> World:
    """Two hosts, the first of which is MASTER."""
    world = World()
    for priority, last in ((150, 11), (100, 12)):
        world.add(priority, (last, last)).start()
    world.run(2 * DOWN)
    assert world.masters() == world.hosts[:1]
    return world


def test_a_switchover_moves_both_and_back() -> None:
    """Nobody is without a MASTER for a moment, and the one who has left does not come back by itself."""
    world = pair()
    one, other = world.hosts
    for leaver, successor in ((one, other), (other, one)):
        leaver.resign()
        for _step in range(200):
            assert any(set(host.held.values()) == {True} for host in world.hosts), world.told
            world.run(DELAY)
        assert world.masters() == [successor], world.told
        world.run(5 * DOWN)
        assert world.masters() == [successor]
        reason = f"resigned: {successor.sources['inside']} has taken over"
        assert leaver.routers["inside"].reason == reason


def test_with_no_successor_on_one_segment_both_stay() -> None:
    """The other host is MASTER on the one that it hears for a moment, and is told better."""
    world = pair()
    one, other = world.hosts
    world.blocked.add((1, 0, "inside"))
    one.resign()
    world.run(2 * S)
    assert world.masters() == [one]
    assert {router.resigning for router in one.routers.values()} == {None}
    told = [line for line in world.told if line.split()[1] == "0" and "BACKUP" in line]
    assert told == ["0.000 0 outside: BACKUP: started", "0.000 0 inside: BACKUP: started"]
    assert world.now - T < 10 * DOWN


def test_a_lonely_group_stays_unless_forced() -> None:
    world = pair()
    one, other = world.hosts
    other.crash()
    one.resign()
    world.run(2 * S)
    assert world.masters() == [one]
    one.resign(force=True)
    world.run(2 * S)
    assert world.masters() == []
    assert {router.switched_over for router in one.routers.values()} == {True}
    world.run(2 * DOWN)
    assert world.masters() == [one]
