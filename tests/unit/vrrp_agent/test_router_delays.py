# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""preempt_delay and startup_delay: who could take the role and waits, and who does not wait although they are set."""

from __future__ import annotations

from dataclasses import replace

from story import (
    BACKUP,
    FAULT,
    HIGHER,
    INIT,
    LOWER,
    MASTER,
    MASTER_DOWN,
    MS,
    OURS,
    SKEW,
    US,
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
    Effects,
    InterfaceDown,
    InterfaceUp,
    Reconfigured,
    Start,
    StateChanged,
    TimerDue,
)
from vrrp_agent.protocol.router import Router

PREEMPTED = f"{HIGHER} has the lower priority: 50 < 100"
RESIGNED = f"{HIGHER} resigned (priority 0)"


def takes_over(reason: str, **settings: object) -> Effects:
    return (
        StateChanged(BACKUP, MASTER, reason),
        ClaimAddresses((VIP,)),
        Announce((VIP,)),
        sent(**settings),
    )


def delayed(seconds: int = 30) -> Router:
    """A BACKUP from T on, with a preempt_delay."""
    return backup(preempt_delay_ms=seconds * 1000)


def hear_every_second(router: Router, first_ns: int, count: int, priority: int = 50) -> None:
    """Adverts without any consequence."""
    for turn in range(count):
        assert router.handle(heard(priority), first_ns + turn * S) == ()


def listening(seconds: int = 30) -> Router:
    """A BACKUP from T on, with a startup_delay."""
    router = fresh(startup_delay_ms=seconds * 1000)
    assert router.handle(Start(), T) == (StateChanged(INIT, BACKUP, "started"),)
    assert router.deadline_ns == T + seconds * S + MASTER_DOWN
    return router


# --- preempt_delay


def test_a_lesser_master_keeps_the_role_for_the_delay() -> None:
    """From the first advert that is heard of it; its own timer is restarted by each."""
    router = delayed()
    hear_every_second(router, T + S, 30)
    assert router.deadline_ns == T + 31 * S
    assert router.handle(TimerDue(), T + 31 * S - 1) == ()
    assert router.handle(TimerDue(), T + 31 * S) == takes_over(PREEMPTED)
    assert router.new_master_reason == "preempted"
    assert router.deadline_ns == T + 31 * S + 20 * MS


def test_who_preempts_announces_soon_again_as_the_other_may_have_meanwhile() -> None:
    """keepalived does 5 s after its own takeover, whether or not it has read by then that it was preempted."""
    router = backup()
    router.handle(heard(50), T + S)
    start = T + MASTER_DOWN
    assert router.handle(TimerDue(), start) == takes_over(PREEMPTED)
    for milliseconds in (20, 100):
        assert router.deadline_ns == start + milliseconds * MS
        assert router.handle(TimerDue(), start + milliseconds * MS) == (Announce((VIP,)),)
    assert router.deadline_ns == start + S


def test_a_delay_never_makes_it_sooner() -> None:
    """Without any delay it would take the role when its timer ends."""
    router = backup(preempt_delay_ms=1)
    hear_every_second(router, T + S, 3)
    assert router.deadline_ns == T + MASTER_DOWN
    assert router.handle(TimerDue(), T + MASTER_DOWN) == takes_over(PREEMPTED)


def test_a_lesser_master_that_falls_silent_is_taken_over_from_at_once() -> None:
    router = delayed()
    hear_every_second(router, T + S, 5)
    silent = T + 5 * S
    assert router.deadline_ns == silent + MASTER_DOWN
    assert router.handle(TimerDue(), silent + MASTER_DOWN) == takes_over(f"no advert from {HIGHER} for 3.61 s")
    assert router.new_master_reason == "no_response"


def test_a_lesser_master_that_resigns_is_taken_over_from_at_once() -> None:
    router = delayed()
    hear_every_second(router, T + S, 5)
    assert router.handle(heard(0), T + 6 * S) == ()
    assert router.deadline_ns == T + 6 * S + SKEW
    assert router.handle(TimerDue(), T + 6 * S + SKEW) == takes_over(RESIGNED)


def test_the_lesser_master_after_one_that_resigned_has_the_whole_delay() -> None:
    router = delayed()
    router.handle(heard(50, HIGHER), T + S)
    router.handle(heard(0, HIGHER), T + 2 * S)
    for second in range(2, 32):
        assert router.handle(heard(50, LOWER), T + second * S + 100 * MS) == ()
    assert router.handle(TimerDue(), T + 32 * S) == ()
    reason = f"{LOWER} has the lower priority: 50 < 100"
    assert router.handle(TimerDue(), T + 32 * S + 100 * MS) == takes_over(reason)


def test_silence_from_the_start_waits_for_nothing() -> None:
    router = delayed()
    assert router.handle(TimerDue(), T + MASTER_DOWN) == takes_over("no advert heard for 3.61 s")


def test_a_better_master_ends_the_delay_and_the_next_lesser_one_starts_it_anew() -> None:
    router = delayed()
    hear_every_second(router, T + S, 5)
    assert router.handle(heard(200, LOWER), T + 6 * S) == ()
    assert router.deadline_ns == T + 6 * S + MASTER_DOWN
    hear_every_second(router, T + 7 * S, 30)
    assert router.deadline_ns == T + 37 * S
    assert router.handle(TimerDue(), T + 37 * S) == takes_over(PREEMPTED)


def test_the_interval_of_a_lesser_master_is_adopted_while_it_is_followed() -> None:
    """RFC 9568 6.4.2: or else a slow master would be lost between two adverts."""
    router = delayed()
    router.handle(heard(50, advert_interval_cs=500), T + S)
    assert router.deadline_ns == T + S + 5 * MASTER_DOWN


def test_a_recovered_node_waits_as_a_started_one_does() -> None:
    router = delayed()
    router.handle(InterfaceDown("eth0 is down"), T + S)
    router.handle(InterfaceUp(US), T + 9 * S)
    hear_every_second(router, T + 10 * S, 30)
    assert router.handle(TimerDue(), T + 40 * S) == takes_over(PREEMPTED)


def test_a_fault_ends_the_delay() -> None:
    router = delayed()
    hear_every_second(router, T + S, 2)
    assert router.handle(InterfaceDown("eth0 is down"), T + 3 * S) == (StateChanged(BACKUP, FAULT, "eth0 is down"),)
    assert router.deadline_ns is None


def test_a_reload_starts_the_delay_anew() -> None:
    router = delayed()
    hear_every_second(router, T + S, 20)
    router.handle(Reconfigured(replace(OURS, preempt_delay_ms=10_000)), T + 20 * S + MS)
    hear_every_second(router, T + 21 * S, 10)
    assert router.deadline_ns == T + 31 * S
    assert router.handle(TimerDue(), T + 31 * S) == takes_over(PREEMPTED)


def test_a_reload_that_raises_the_priority_waits_too() -> None:
    router = backup(priority=40)
    router.handle(heard(50), T + S)
    router.handle(Reconfigured(replace(OURS, preempt_delay_ms=10_000)), T + S + MS)
    hear_every_second(router, T + 2 * S, 10)
    assert router.handle(TimerDue(), T + 12 * S) == takes_over(PREEMPTED)


# --- startup_delay


def test_nobody_is_heard_for_the_delay_and_a_backups_time() -> None:
    """Skew_Time is in it: of two nodes that start together, the better one is first."""
    router = listening()
    end = T + 30 * S + MASTER_DOWN
    assert router.handle(TimerDue(), end - 1) == ()
    assert router.handle(TimerDue(), end) == takes_over("no advert heard for 33.61 s")


def test_a_master_that_was_heard_is_taken_over_from_as_ever() -> None:
    """Its advert proves that the network passes traffic, and its fault needs us."""
    router = listening()
    assert router.handle(heard(150), T + 2 * S) == ()
    assert router.deadline_ns == T + 2 * S + MASTER_DOWN
    assert router.handle(TimerDue(), T + 2 * S + MASTER_DOWN) == takes_over(f"no advert from {HIGHER} for 3.61 s")


def test_a_master_that_resigns_is_taken_over_from_as_ever() -> None:
    router = listening()
    assert router.handle(heard(0), T + 2 * S) == ()
    assert router.handle(TimerDue(), T + 2 * S + SKEW) == takes_over(RESIGNED)


def test_a_lesser_master_that_was_heard_is_preempted_as_ever() -> None:
    router = listening()
    assert router.handle(heard(50), T + 2 * S) == ()
    assert router.deadline_ns == T + 2 * S + MASTER_DOWN
    hear_every_second(router, T + 3 * S, 3)
    assert router.handle(TimerDue(), T + 2 * S + MASTER_DOWN) == takes_over(PREEMPTED)


def test_a_lesser_master_is_left_alone_for_a_preempt_delay() -> None:
    router = fresh(startup_delay_ms=30_000, preempt_delay_ms=60_000)
    router.handle(Start(), T)
    hear_every_second(router, T + 2 * S, 60)
    assert router.handle(TimerDue(), T + 62 * S) == takes_over(PREEMPTED)


def test_a_link_that_comes_late_is_listened_on_for_the_whole_delay() -> None:
    """A switch's port may pass nothing for half a minute from its carrier on."""
    router = Router(replace(OURS, startup_delay_ms=30_000))
    assert router.handle(Start(), T) == (StateChanged(INIT, FAULT, "interface not seen yet"),)
    router.handle(InterfaceUp(US), T + 20 * S)
    assert router.deadline_ns == T + 50 * S + MASTER_DOWN
    router.handle(InterfaceDown("eth0 has no carrier"), T + 25 * S)
    router.handle(InterfaceUp(US), T + 26 * S)
    assert router.deadline_ns == T + 56 * S + MASTER_DOWN


def test_who_has_heard_somebody_or_was_master_recovers_without_the_delay() -> None:
    router = listening()
    router.handle(heard(150), T + S)
    router.handle(InterfaceDown("eth0 is down"), T + 2 * S)
    router.handle(InterfaceUp(US), T + 3 * S)
    assert router.deadline_ns == T + 3 * S + MASTER_DOWN
    alone = listening()
    alone.handle(TimerDue(), T + 30 * S + MASTER_DOWN)
    alone.handle(InterfaceDown("eth0 is down"), T + 35 * S)
    alone.handle(InterfaceUp(US), T + 36 * S)
    assert alone.deadline_ns == T + 36 * S + MASTER_DOWN


def test_a_reload_does_not_end_it() -> None:
    router = listening()
    router.handle(Reconfigured(replace(OURS, startup_delay_ms=30_000, priority=200)), T + S)
    assert router.deadline_ns == T + 33 * S + SKEW * (256 - 200) // (256 - 100)
