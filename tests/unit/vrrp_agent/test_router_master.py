# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Life as MASTER: adverts on time, announcements, rivals, a graceful end, and waking up late."""

from __future__ import annotations

from dataclasses import replace

import pytest
from story import (
    BACKUP,
    EXTRA,
    HIGHER,
    INIT,
    LOWER,
    MASTER,
    MASTER_DOWN,
    MS,
    SECOND_VIP,
    US,
    VIP,
    S,
    T,
    backup,
    heard,
    master,
    sent,
    yields,
)
from vrrp_agent.protocol.events import (
    Announce,
    ClaimAddresses,
    InterfaceDown,
    Mismatch,
    Reconfigured,
    Start,
    StateChanged,
    Stop,
    TimerDue,
)
from vrrp_agent.protocol.router import Master


def test_adverts_at_the_interval() -> None:
    """RFC 9568 6.4.3: the Adver_Timer sends and is set again."""
    router = master()
    for second in (1, 2, 3):
        assert router.deadline_ns == T + second * S
        assert router.handle(TimerDue(), T + second * S - 1) == ()
        assert router.handle(TimerDue(), T + second * S) == (sent(),)


def test_lateness_does_not_add_up() -> None:
    """An advert that is late leaves the next one where it was."""
    router = master()
    assert router.handle(TimerDue(), T + S + 30 * MS) == (sent(),)
    assert router.deadline_ns == T + 2 * S


def test_missed_adverts_are_not_caught_up() -> None:
    """RFC 9568 6.4.3: one advert for a timer that fired, however late."""
    router = master()
    assert router.handle(TimerDue(), T + 3 * S + MS) == (sent(),)
    assert router.deadline_ns == T + 4 * S + MS


def test_extra_addresses_move_along_and_are_not_advertised() -> None:
    """RFC 9568 5.2.9 has one family in an advert; the other rides along."""
    router = backup(virtual_addresses=(VIP, SECOND_VIP), extra_addresses=(EXTRA,))
    everything = (VIP, SECOND_VIP, EXTRA)
    assert router.handle(TimerDue(), T + MASTER_DOWN) == (
        StateChanged(BACKUP, MASTER, "no advert heard for 3.61 s"),
        ClaimAddresses(everything),
        Announce(everything),
        sent(virtual_addresses=(VIP, SECOND_VIP)),
    )


def test_announcements_are_repeated() -> None:
    """RFC 9568 6.4.2: gratuitous ARP at the takeover; again after 0.1, 1 and 5 s, because one may be lost."""
    router = backup()
    start = T + MASTER_DOWN
    router.handle(TimerDue(), start)
    story = []
    while router.deadline_ns < start + 7 * S:
        now = router.deadline_ns
        story.append(((now - start) // MS, router.handle(TimerDue(), now)))
    announced = Announce((VIP,))
    assert story == [
        (100, (announced,)),
        (1000, (announced, sent())),
        (2000, (sent(),)),
        (3000, (sent(),)),
        (4000, (sent(),)),
        (5000, (announced, sent())),
        (6000, (sent(),)),
    ]


def test_announcements_that_are_late_are_said_once() -> None:
    router = backup()
    start = T + MASTER_DOWN
    router.handle(TimerDue(), start)
    assert router.handle(TimerDue(), start + 1200 * MS) == (Announce((VIP,)), sent())
    assert router.deadline_ns == start + 2 * S


@pytest.mark.parametrize(
    ("priority", "address", "reason"),
    [
        (101, LOWER, "192.0.2.9 has the higher priority: 101 > 100"),
        (255, HIGHER, "192.0.2.11 has the higher priority: 255 > 100"),
        (100, HIGHER, "192.0.2.11 has equal priority 100 and the higher address: 192.0.2.11 > 192.0.2.10"),
    ],
)
def test_yields_to_the_better_of_two_masters(priority: int, address: object, reason: str) -> None:
    """RFC 9568 6.4.3: to the higher priority, or the higher address; and without a priority 0."""
    router = master()
    assert router.handle(heard(priority, address), T + MS) == (sent(priority=1),)
    assert router.handle(TimerDue(), T + 201 * MS) == (sent(priority=1), *yields(reason))
    assert router.master == Master(address, priority, 100, T + MS)
    assert router.deadline_ns == T + MS + MASTER_DOWN


def test_addresses_are_compared_as_numbers() -> None:
    """RFC 9568 6.4.3: an unsigned comparison in network byte order; as text 192.0.2.9 is the higher."""
    router = master()
    assert router.handle(heard(100, LOWER), T + MS) == (sent(), Announce((VIP,)))
    assert str(LOWER) > str(US)


def test_a_yielding_master_adopts_the_interval() -> None:
    """RFC 9568 6.4.3: Active_Adver_Interval is the winner's."""
    router = master()
    mismatch = Mismatch("interval_errors", "interval 2 s, not 1 s", HIGHER)
    word = sent(priority=1, advert_interval_cs=200)
    assert router.handle(heard(150, advert_interval_cs=200), T + MS) == (mismatch, word)
    reason = "192.0.2.11 has the higher priority: 150 > 100"
    assert router.handle(TimerDue(), T + 201 * MS) == (word, *yields(reason))
    assert router.deadline_ns == T + MS + 2 * MASTER_DOWN


@pytest.mark.parametrize(("priority", "address"), [(99, HIGHER), (1, HIGHER), (100, LOWER)])
def test_a_losing_advert_is_answered_and_the_addresses_announced_again(priority: int, address: object) -> None:
    """RFC 9568 6.4.3: discarded, and answered at once; and clients may have learned the loser's MAC."""
    router = master()
    assert router.handle(heard(priority, address), T + 300 * MS) == (sent(), Announce((VIP,)))
    assert router.state is MASTER
    announced = []
    while router.deadline_ns < T + 10 * S:
        now = router.deadline_ns
        announced += [(now - T) // MS for effect in router.handle(TimerDue(), now) if effect == Announce((VIP,))]
    assert announced == [400, 1300, 5300]


def test_a_resignation_is_answered() -> None:
    """RFC 9568 6.4.3: priority 0 is answered by an advert, and the Adver_Timer set again; clients are led back."""
    router = master()
    assert router.handle(heard(0), T + 300 * MS) == (sent(), Announce((VIP,)))
    assert router.handle(TimerDue(), T + S) == (Announce((VIP,)),)
    assert sent() in router.handle(TimerDue(), T + 1300 * MS)


def test_two_owners_heal() -> None:
    """RFC 9568 7.1, erratum 8298: being the owner is no reason to drop an advert; 6.4.3 decides. Both log it."""
    why = "it is the address owner, as we are (priority 255); lower one of the two"
    router = master(priority=255)
    reason = "192.0.2.11 has equal priority 255 and the higher address: 192.0.2.11 > 192.0.2.10"
    conflict = Mismatch("owner_conflicts", why, HIGHER)
    assert router.handle(heard(255, HIGHER), T + MS) == (conflict, sent(priority=1))
    assert router.handle(TimerDue(), T + 201 * MS) == (sent(priority=1), *yields(reason))
    router = master(priority=255)
    conflict = replace(conflict, source=LOWER)
    assert router.handle(heard(255, LOWER), T + MS) == (conflict, sent(priority=255), Announce((VIP,)))
    assert router.counters["owner_conflicts"] == 1


def test_one_owner_is_no_conflict() -> None:
    router, owner = master(), master(priority=255)
    router.handle(heard(255, HIGHER), T + MS)
    owner.handle(heard(254, HIGHER), T + MS)
    assert router.counters["owner_conflicts"] == owner.counters["owner_conflicts"] == 0


def test_a_second_start_is_nothing() -> None:
    router = master()
    assert router.handle(Start(), T + MS) == ()
    assert (router.state, router.deadline_ns) == (MASTER, T + S)


def overslept(seconds: str) -> tuple[object, ...]:
    return sent(priority=1), *yields(f"sent no advert for {seconds} s, longer than a backup waits")


def test_a_short_pause_is_no_reason_to_resign() -> None:
    """RFC 9568 6.1: nobody takes over before the master-down interval is over."""
    router = master()
    assert router.handle(TimerDue(), T + MASTER_DOWN) == (sent(),)


def test_oversleeping_gives_up_the_role_and_claims_nothing() -> None:
    """A process that was paused longer than a backup waits finds the role taken: it listens like a newcomer."""
    router = master()
    now = T + MASTER_DOWN + 1
    assert router.handle(TimerDue(), now) == overslept("3.61")
    assert (router.state, router.deadline_ns, router.master) == (BACKUP, now + MASTER_DOWN, None)


def test_oversleeping_is_noticed_whatever_wakes_it() -> None:
    """The first event after the pause is judged by a BACKUP, never by a MASTER that is none any more."""
    now = T + 60 * S
    router = master()
    assert router.handle(heard(99), now) == overslept("60.00")
    assert router.deadline_ns == now + MASTER_DOWN

    router = master()
    assert router.handle(heard(150), now) == overslept("60.00")
    assert router.master == Master(HIGHER, 150, 100, now)

    router = master()
    assert router.handle(Stop(), now) == (*overslept("60.00"), StateChanged(BACKUP, INIT, "stopped"))

    router = master()
    down = InterfaceDown("eth0 is down")
    assert router.handle(down, now)[:3] == overslept("60.00")

    router = master()
    more = Reconfigured(backup(virtual_addresses=(VIP, SECOND_VIP)).settings)
    assert router.handle(more, now) == overslept("60.00")


def test_an_owner_that_overslept_returns_even_without_preempt() -> None:
    """RFC 9568 6.1 Preempt_Mode: the owner always preempts."""
    router = master(priority=255, preempt=False)
    assert router.handle(TimerDue(), T + 60 * S)[-1].state is BACKUP
    router.handle(heard(100), T + 61 * S)
    assert router.handle(TimerDue(), router.deadline_ns)[0] == StateChanged(
        BACKUP, MASTER, "192.0.2.11 has the lower priority: 100 < 255"
    )
