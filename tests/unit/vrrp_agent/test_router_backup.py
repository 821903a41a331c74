# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Startup, and life as BACKUP: who is followed, who is outranked, and when the role is taken."""

from __future__ import annotations

import pytest
from story import (
    BACKUP,
    HIGHER,
    INIT,
    LOWER,
    MASTER,
    MASTER_DOWN,
    MS,
    SKEW,
    VIP,
    S,
    T,
    backup,
    fresh,
    heard,
    sent,
)
from vrrp_agent.protocol.events import (
    Announce,
    ClaimAddresses,
    Mismatch,
    Start,
    StateChanged,
    Stop,
    TimerDue,
)
from vrrp_agent.protocol.router import Master


def takes_over(reason: str) -> tuple[object, ...]:
    """RFC 9568 6.4.2 (370) sends first; here the address answers before the old master hears that it is out."""
    return (StateChanged(BACKUP, MASTER, reason), ClaimAddresses((VIP,)), Announce((VIP,)), sent())


def test_startup_listens_for_the_master_down_interval() -> None:
    """RFC 9568 6.4.1: who is not the owner starts as Backup, with Active_Adver_Interval its own."""
    router = fresh()
    assert router.handle(Start(), T) == (StateChanged(INIT, BACKUP, "started"),)
    assert router.deadline_ns == T + MASTER_DOWN
    assert router.master is None


def test_startup_of_the_address_owner() -> None:
    """RFC 9568 6.4.1: priority 255 claims at once."""
    router = fresh(priority=255)
    assert router.handle(Start(), T) == (
        StateChanged(INIT, MASTER, "started as address owner (priority 255)"),
        ClaimAddresses((VIP,)),
        Announce((VIP,)),
        sent(priority=255),
    )
    assert router.new_master_reason == "priority"


def test_takeover_after_exactly_the_master_down_interval() -> None:
    """RFC 9568 6.1, 6.4.2: 3 * Active_Adver_Interval + Skew_Time after the last advert, not 1 ns before."""
    router = backup()
    assert router.handle(heard(150), T + 2 * S) == ()
    due = T + 2 * S + MASTER_DOWN
    assert router.deadline_ns == due
    assert router.handle(TimerDue(), due - 1) == ()
    assert router.handle(TimerDue(), due) == takes_over("no advert from 192.0.2.11 for 3.61 s")
    assert router.new_master_reason == "no_response"
    assert router.counters["master_transitions"] == 1


def test_takeover_where_no_master_was_ever_heard() -> None:
    """RFC 9568 6.4.2"""
    router = backup()
    assert router.handle(TimerDue(), T + MASTER_DOWN) == takes_over("no advert heard for 3.61 s")


def test_a_second_start_is_nothing() -> None:
    router = backup()
    assert router.handle(Start(), T + 3 * S) == ()
    assert router.deadline_ns == T + MASTER_DOWN


@pytest.mark.parametrize("priority", [100, 101, 255])
def test_follows_an_equal_or_higher_priority(priority: int) -> None:
    """RFC 9568 6.4.2: greater than or equal to the local priority resets the timer."""
    router = backup()
    assert router.handle(heard(priority, LOWER), T + 3 * S) == ()
    assert router.deadline_ns == T + 3 * S + MASTER_DOWN
    assert router.master == Master(LOWER, priority, 100, T + 3 * S)


def test_an_equal_priority_with_a_lower_address_is_not_preempted() -> None:
    """RFC 9568 6.4.2: addresses decide between two masters, never between a backup and a living master."""
    router = backup()
    for second in range(1, 30):
        assert router.handle(heard(100, LOWER), T + second * S) == ()
        assert router.deadline_ns == T + second * S + MASTER_DOWN


def test_preempts_a_lower_priority() -> None:
    """RFC 9568 6.4.2: with Preempt_Mode the advert is discarded: the timer goes on, and at its end we take the role."""
    router = backup()
    for second in (1, 2, 3):
        assert router.handle(heard(99), T + second * S) == ()
        assert router.deadline_ns == T + MASTER_DOWN
    assert router.master == Master(HIGHER, 99, 100, T + 3 * S)
    assert router.handle(TimerDue(), T + MASTER_DOWN) == takes_over("192.0.2.11 has the lower priority: 99 < 100")
    assert router.new_master_reason == "preempted"


def test_does_not_preempt_where_told_not_to() -> None:
    """RFC 9568 6.1 Preempt_Mode, 6.4.2"""
    router = backup(preempt=False)
    assert router.handle(heard(1), T + 3 * S) == ()
    assert router.deadline_ns == T + 3 * S + MASTER_DOWN
    assert router.handle(TimerDue(), T + 3 * S + MASTER_DOWN) == takes_over("no advert from 192.0.2.11 for 3.61 s")


def test_the_address_owner_preempts_whatever_it_is_told() -> None:
    """RFC 9568 6.1 Preempt_Mode: the owner of the address always preempts, independent of the flag."""
    owner = fresh(preempt=False, priority=255)
    owner.handle(Start(), T)
    owner.handle(heard(255, HIGHER), T)
    owner.handle(TimerDue(), owner.deadline_ns)
    assert owner.state is BACKUP  # of two owners the one with the higher address keeps the role
    due = owner.deadline_ns
    assert owner.handle(heard(150, HIGHER), T + 3 * S) == ()
    assert owner.deadline_ns == due


def test_a_master_that_resigns_is_succeeded_after_the_skew() -> None:
    """RFC 9568 6.4.2: priority 0 sets the timer to Skew_Time."""
    router = backup()
    router.handle(heard(150), T + S)
    assert router.handle(heard(0), T + 1500 * MS) == ()
    due = T + 1500 * MS + SKEW
    assert router.deadline_ns == due
    assert router.handle(TimerDue(), due - 1) == ()
    assert router.handle(TimerDue(), due) == takes_over("192.0.2.11 resigned (priority 0)")
    assert router.new_master_reason == "priority"
    assert router.counters["priority_zero_pkts_rcvd"] == 1


def test_the_skew_after_a_resignation_is_that_of_the_masters_interval() -> None:
    """RFC 9568 6.1: Skew_Time is a part of Active_Adver_Interval, so that all backups count by the same clock."""
    router = backup()
    router.handle(heard(150, advert_interval_cs=200), T)
    router.handle(heard(0, advert_interval_cs=200), T + S)
    assert router.deadline_ns == T + S + 2 * SKEW
    # Of the one that resigns, whoever was heard before.
    router.handle(heard(0, LOWER, advert_interval_cs=400), T + S)
    assert router.deadline_ns == T + S + 4 * SKEW


def test_a_resignation_is_taken_back_by_the_next_advert() -> None:
    """RFC 9568 6.4.2: a better backup that took over first is followed."""
    router = backup()
    router.handle(heard(0), T)
    router.handle(heard(120, LOWER), T + 500 * MS)
    assert router.deadline_ns == T + 500 * MS + MASTER_DOWN
    assert router.handle(TimerDue(), router.deadline_ns) == takes_over("no advert from 192.0.2.9 for 3.61 s")


def test_a_resignation_stands_when_a_lower_priority_takes_over_first() -> None:
    """RFC 9568 6.4.2: its advert is discarded, and the timer goes on."""
    router = backup()
    router.handle(heard(0), T)
    router.handle(heard(50, LOWER), T + 500 * MS)
    assert router.handle(TimerDue(), T + SKEW) == takes_over("192.0.2.9 has the lower priority: 50 < 100")


def test_the_masters_interval_is_adopted() -> None:
    """RFC 9568 6.4.2: Active_Adver_Interval is the master's; RFC 9568 7.1: a difference is logged."""
    router = backup()
    mismatch = Mismatch("interval_errors", "interval 0.25 s, not 1 s", HIGHER)
    assert router.handle(heard(150, advert_interval_cs=25), T) == (mismatch,)
    assert router.deadline_ns == T + MASTER_DOWN // 4
    assert router.counters["interval_errors"] == 1


def test_a_discarded_advert_has_no_say_in_the_interval() -> None:
    """RFC 9568 6.4.2: what is outranked is discarded, its interval too."""
    router = backup()
    router.handle(heard(50, advert_interval_cs=4095), T + S)
    assert router.deadline_ns == T + MASTER_DOWN
    assert router.master_down_ns == MASTER_DOWN


def test_version_2_adopts_the_interval_too() -> None:
    """RFC 3768 7.1 would drop the advert; that makes a second master of every change that reaches one node first."""
    router = backup(version=2)
    theirs = heard(150, settings=router.settings, advert_interval_cs=300)
    assert router.handle(theirs, T) == (Mismatch("interval_errors", "interval 3 s, not 1 s", HIGHER),)
    assert router.deadline_ns == T + 9 * S + SKEW  # RFC 3768 6.1: the skew is of a second whatever the interval


def test_own_interval_again_after_a_takeover() -> None:
    """RFC 9568 6.4.2: the Adver_Timer runs by Advertisement_Interval."""
    router = backup()
    router.handle(heard(150, advert_interval_cs=25), T)
    due = router.deadline_ns
    router.handle(TimerDue(), due)
    assert router.state is MASTER
    assert router.handle(TimerDue(), due + S)[-1] == sent()


def test_stop() -> None:
    """RFC 9568 6.4.2: a Backup leaves without a word."""
    router = backup()
    assert router.handle(Stop(), T + S) == (StateChanged(BACKUP, INIT, "stopped"),)
    assert router.deadline_ns is None
    assert router.handle(TimerDue(), T + 10 * S) == ()


def test_starts_again_after_a_stop() -> None:
    router = backup()
    router.handle(heard(150), T)
    router.handle(Stop(), T + S)
    assert router.handle(Start(), T + 2 * S) == (StateChanged(INIT, BACKUP, "started"),)
    assert (router.deadline_ns, router.master) == (T + 2 * S + MASTER_DOWN, None)
