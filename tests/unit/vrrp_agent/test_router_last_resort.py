# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""last_resort: a sick node keeps its role for want of a healthy one, and gives it to the first that there is."""

from __future__ import annotations

from dataclasses import replace

import pytest
from story import BACKUP, HIGHER, LOWER, MASTER, MASTER_DOWN, OURS, SKEW, VIP, S, T, backup, fresh, heard, master, sent
from vrrp_agent.protocol.events import Announce, ClaimAddresses, Reconfigured, StateChanged, TimerDue
from vrrp_agent.protocol.settings import LAST_RESORT_MAX, Settings, last_resort_priority

MINE = replace(OURS, last_resort=True)
SICK = replace(MINE, priority=last_resort_priority(MINE.priority))
RELIEVED = f"{HIGHER} is sick: the last resort, with priority 20"


def test_priorities() -> None:
    """In the order of what they were; above 1, the last word of a MASTER that yields, and below the healthy ones."""
    assert [last_resort_priority(priority) for priority in (34, 50, 100, 150, 254)] == [6, 8, 14, 20, LAST_RESORT_MAX]
    assert (LAST_RESORT_MAX, MINE.priority_min, replace(MINE, priority=34).is_last_resort) == (33, 34, False)
    assert SICK.is_last_resort and not replace(SICK, last_resort=False).is_last_resort


def test_a_master_falls_sick_and_recovers() -> None:
    """The goodbye has any healthy backup take over after Skew_Time; what follows at once holds back the sick ones."""
    router = master(last_resort=True)
    assert router.handle(Reconfigured(SICK), T + S // 2) == (sent(MINE, priority=0), sent(SICK))
    assert (router.state, router.deadline_ns) == (MASTER, T + S // 2 + S)
    # Once; and another mark of sickness is no news.
    assert router.handle(Reconfigured(SICK), T + S) == (sent(SICK),)
    assert router.handle(Reconfigured(MINE), T + 3 * S // 2) == (sent(MINE),)


def test_who_was_sick_from_the_start_says_no_goodbye() -> None:
    router = master(last_resort=True, priority=SICK.priority)
    assert router.handle(TimerDue(), T + S) == (sent(SICK),)


@pytest.mark.parametrize(
    "settings", [{}, {"preempt": False}, {"preempt_delay_ms": 60_000}], ids=["preempt", "no preempt", "preempt_delay"]
)
def test_a_healthy_backup_relieves_a_sick_master(settings: dict[str, object]) -> None:
    """Whatever keeps it from preempting a healthy one: as after a goodbye, after Skew_Time; no advert puts that off."""
    router = backup(last_resort=True, **settings)
    assert router.handle(heard(150), T + S) == ()
    assert router.handle(heard(20), T + 2 * S) == ()
    assert router.handle(heard(20), T + 2 * S + SKEW // 2) == ()
    assert router.deadline_ns == T + 2 * S + SKEW
    assert router.handle(TimerDue(), T + 2 * S + SKEW) == (
        StateChanged(BACKUP, MASTER, RELIEVED),
        ClaimAddresses((VIP,)),
        Announce((VIP,)),
        sent(MINE),
    )
    assert router.new_master_reason == "preempted"


def test_who_has_resigned_relieves_it_too() -> None:
    """The operator has given the role to a node that has fallen sick since; after all others that are healthy."""
    router = backup(last_resort=True)
    router.switched_over = True
    router.handle(heard(20), T + S)
    assert T + S + SKEW < router.deadline_ns < T + 2 * S


@pytest.mark.parametrize("preempt", [True, False])
def test_a_sick_one_beside_a_living_master_changes_nothing(preempt: bool) -> None:
    """A split that heals, or a stranger's packet: not in the middle of the living one's interval."""
    router = backup(last_resort=True, preempt=preempt)
    for second in range(1, 5):
        router.handle(heard(150), T + second * S)
        router.handle(heard(20, LOWER), T + second * S + 1)
        assert router.deadline_ns == T + second * S + MASTER_DOWN
    # When the other one has fallen silent, the sick one is all there is.
    router.handle(heard(20, LOWER), T + 5 * S)
    assert router.deadline_ns == T + 5 * S + SKEW


def test_without_a_goodbye_being_heard() -> None:
    """The first advert of the sick one that is heard is enough."""
    router = backup(last_resort=True, preempt=False)
    router.handle(heard(150), T + S)
    router.handle(heard(0), T + 2 * S)
    router.handle(heard(20), T + 2 * S)
    assert router.deadline_ns == T + 2 * S + SKEW


def test_a_sick_backup_leaves_the_role_where_it_is() -> None:
    """Between sick ones all is as ever: priorities, preempt, and a goodbye that is taken back by the next advert."""
    router = backup(last_resort=True, priority=SICK.priority)
    router.handle(heard(20), T + S)
    assert router.handle(heard(0), T + 2 * S) == () == router.handle(heard(20), T + 2 * S)
    assert router.deadline_ns == T + 2 * S + router.master_down_ns
    silent = backup(last_resort=True, priority=SICK.priority, preempt=False)
    silent.handle(heard(3), T + S)
    assert silent.deadline_ns == T + S + silent.master_down_ns
    # Nobody there: the last resort, in a backup's ordinary time.
    assert router.handle(TimerDue(), router.deadline_ns)[0] == StateChanged(
        BACKUP, MASTER, f"no advert from {HIGHER} for {router.master_down_ns / S:.2f} s"
    )


@pytest.mark.parametrize(
    ("settings", "priority"),
    [(OURS, 20), (MINE, 1), (MINE, 34)],
    ids=["who has no last_resort", "the last word of one who yields", "a healthy one, however low"],
)
def test_a_lesser_master_that_is_not_sick_is_left_alone(settings: Settings, priority: int) -> None:
    router = backup(last_resort=settings.last_resort, preempt=False)
    router.handle(heard(priority), T + S)
    assert router.deadline_ns == T + S + MASTER_DOWN


def test_a_backup_that_recovers_relieves_with_the_next_advert() -> None:
    router = backup(last_resort=True, priority=SICK.priority, preempt=False)
    router.handle(heard(20), T + S)
    router.handle(Reconfigured(replace(MINE, preempt=False)), T + 3 * S // 2)
    router.handle(heard(20), T + 2 * S)
    assert router.handle(TimerDue(), T + 2 * S + SKEW)[0] == StateChanged(BACKUP, MASTER, RELIEVED)


def test_a_sick_master_yields_to_a_healthy_one() -> None:
    router = master(last_resort=True)
    router.handle(Reconfigured(SICK), T)
    router.handle(heard(50, LOWER), T + S // 2)
    assert router.yielding is not None
    while router.state is MASTER:
        router.handle(TimerDue(), router.deadline_ns)
    assert (router.state, router.master.priority) == (BACKUP, 50)


def test_falling_sick_before_the_start_is_silent() -> None:
    router = fresh(last_resort=True)
    assert router.handle(Reconfigured(SICK), T) == ()
