# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A MASTER that is asked to give its role away, and what it does when nobody answers; the BACKUP that it is then."""

from __future__ import annotations

from dataclasses import replace

import pytest
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
    fault,
    fresh,
    heard,
    master,
    sent,
    yields,
)
from vrrp_agent.protocol.events import (
    Announce,
    GroupBackup,
    GroupFault,
    GroupJoined,
    GroupLeft,
    GroupMaster,
    GroupResigned,
    GroupStays,
    InterfaceDown,
    InterfaceUp,
    PacketRejected,
    PreemptionResumed,
    Reconfigured,
    ReleaseAddresses,
    Resign,
    Start,
    StateChanged,
    StillMaster,
    Stop,
    TimerDue,
)
from vrrp_agent.protocol.router import Router

# The longest skew there is, 255/256 of the interval, and 0.2 s for a successor that is late.
NOBODY = T + MS + 996_093_750 + 200 * MS
# Skew_Time of priority 2, which priority 100 counts as once it has resigned.
LAST_TURN = 254 * S // 256


def asked(force: bool = False, **settings: object) -> Router:
    """A MASTER that was asked to resign a millisecond after T."""
    router = master(**settings)
    assert router.handle(Resign(force), T + MS) == (sent(replace(OURS, **settings), priority=0),)
    return router


def stays(why: str) -> tuple[object, ...]:
    return (StillMaster("no_successor", why), sent(), Announce((VIP,)))


def switched(**settings: object) -> Router:
    """A BACKUP that has resigned at T + 30 ms, and follows LOWER's priority 50 since T + 10 ms."""
    router = asked(**settings)
    assert router.handle(heard(50, LOWER), T + 10 * MS) == ()
    assert router.handle(TimerDue(), T + 60 * MS) == yields(f"resigned: {LOWER} has taken over")
    assert router.switched_over is True
    return router


# --- with a successor, and without


@pytest.mark.parametrize(("source", "priority"), [(LOWER, 1), (HIGHER, 100), (HIGHER, 200)])
def test_lets_go_when_the_successor_answers(source: object, priority: int) -> None:
    """A little later, because RFC 9568 6.4.2 lets it speak before its addresses answer; then it follows."""
    router, spoken = asked(), T + 600 * MS
    assert router.handle(heard(priority, source), spoken) == ()
    assert router.deadline_ns == spoken + 50 * MS
    assert router.handle(heard(priority, source), spoken + 10 * MS) == ()
    assert router.handle(TimerDue(), spoken + 50 * MS - 1) == ()
    assert router.handle(TimerDue(), spoken + 50 * MS) == yields(f"resigned: {source} has taken over")
    assert (router.master.address, router.master.priority) == (source, priority)
    assert router.switched_over is (priority < 100)
    assert router.deadline_ns == spoken + 10 * MS + MASTER_DOWN


def test_stays_when_nobody_answers() -> None:
    router = asked()
    assert router.deadline_ns == NOBODY
    assert router.handle(TimerDue(), NOBODY - 1) == ()
    assert router.handle(TimerDue(), NOBODY) == stays("no successor answered within 1.2 s")
    assert (router.state, router.switched_over, router.resigning) == (MASTER, False, None)
    assert router.handle(TimerDue(), NOBODY + S)[-1] == sent()


def test_leaves_all_the_same_when_forced() -> None:
    router = asked(force=True)
    assert router.handle(TimerDue(), NOBODY) == yields("resigned: nobody has taken over")
    assert (router.switched_over, router.deadline_ns) == (True, NOBODY + MASTER_DOWN)
    router.handle(TimerDue(), NOBODY + MASTER_DOWN)
    assert (router.state, router.switched_over) == (MASTER, False)


def test_force_may_come_later() -> None:
    router = asked()
    assert router.handle(Resign(force=True), T + 2 * MS) == ()
    assert router.handle(Resign(), T + 3 * MS) == ()
    assert router.handle(TimerDue(), NOBODY)[-1] == StateChanged(MASTER, BACKUP, "resigned: nobody has taken over")


@pytest.mark.parametrize("force", [False, True])
def test_the_address_owner_keeps_its_addresses(force: bool) -> None:
    """RFC 9568 6.1: it always preempts; and nothing is said to anybody."""
    router = master(priority=255)
    [refused] = router.handle(Resign(force), T + MS)
    assert (refused.code, router.state, router.deadline_ns) == ("address_owner", MASTER, T + S)


@pytest.mark.parametrize("router", [fresh(), backup(), fault()], ids=["INIT", "BACKUP", "FAULT"])
def test_who_is_not_master_has_nothing_to_give(router: Router) -> None:
    before = (router.state, router.deadline_ns)
    assert router.handle(Resign(), T + MS) == router.handle(PreemptionResumed(), T + MS) == ()
    assert (router.state, router.deadline_ns, router.switched_over) == (*before, False)


# --- while it waits


@pytest.mark.parametrize("packet", [heard(0), heard(200, virtual_addresses=())])
def test_a_goodbye_or_a_rejected_packet_is_no_successor(packet: object) -> None:
    router = asked()
    assert all(isinstance(effect, PacketRejected) for effect in router.handle(packet, T + 2 * MS))
    assert router.deadline_ns == NOBODY


def test_nothing_else_is_said_while_it_waits() -> None:
    router = asked()
    for event in (Start(), PreemptionResumed(), InterfaceUp(HIGHER), GroupMaster("why", "priority")):
        assert router.handle(event, T + 2 * MS) == ()
    assert (router.deadline_ns, router.source) == (NOBODY, HIGHER)


def test_stopped_while_it_waits() -> None:
    router = asked()
    assert router.handle(Stop(), T + 2 * MS) == (sent(priority=0),)
    assert router.handle(Resign(), T + 3 * MS) == router.handle(PreemptionResumed(), T + 3 * MS) == ()
    router.handle(heard(50, LOWER), T + 3 * MS)
    assert router.handle(TimerDue(), T + 53 * MS)[-1] == StateChanged(MASTER, INIT, f"stopped: {LOWER} has taken over")
    assert router.switched_over is False


def test_the_interface_goes_down_while_it_waits() -> None:
    router = asked()
    down = InterfaceDown("eth0 has no carrier")
    assert router.handle(down, T + 2 * MS) == (ReleaseAddresses((VIP,)), StateChanged(MASTER, FAULT, down.reason))
    assert router.switched_over is True


def test_other_settings_end_it() -> None:
    router = asked()
    refused = StillMaster("interrupted", "its settings have changed meanwhile")
    effects = router.handle(Reconfigured(replace(OURS, priority=120)), T + 2 * MS)
    assert effects == (refused, sent(priority=120), Announce((VIP,)))


def test_a_pause_ends_it() -> None:
    router = asked()
    why = "sent no advert for 60.00 s, longer than a backup waits"
    assert router.handle(TimerDue(), T + MS + 60 * S) == (sent(priority=1), *yields(why))
    assert router.switched_over is True


# --- the BACKUP that has resigned


def test_it_does_not_preempt() -> None:
    router = switched()
    for second in range(1, 20):
        assert router.handle(heard(50, LOWER), T + second * S) == ()
        assert router.deadline_ns == T + second * S + MASTER_DOWN
    assert router.switched_over is True


def test_it_takes_over_from_a_master_that_falls_silent() -> None:
    """At its own priority's time, and from then on it preempts as configured."""
    router = switched()
    router.handle(heard(50, LOWER), T + S)
    assert router.deadline_ns == T + S + MASTER_DOWN
    router.handle(TimerDue(), T + S + MASTER_DOWN)
    assert (router.state, router.switched_over) == (MASTER, False)


def test_it_takes_over_after_a_goodbye_but_lets_others_go_first() -> None:
    """Else the role would never get to a third node; and the new master still waits for it."""
    router = switched()
    router.handle(heard(0, LOWER), T + S)
    assert router.deadline_ns == T + S + LAST_TURN
    assert router.deadline_ns < T + S + 996 * MS
    router.handle(TimerDue(), T + S + LAST_TURN)
    assert (router.state, router.reason) == (MASTER, f"{LOWER} resigned (priority 0)")


def test_it_follows_another_that_goes_first() -> None:
    router = switched()
    router.handle(heard(0, LOWER), T + S)
    router.handle(heard(20, HIGHER), T + S + 900 * MS)
    assert (router.state, router.master.address, router.switched_over) == (BACKUP, HIGHER, True)


def test_a_master_that_it_follows_anyway_ends_it() -> None:
    """Else it would still hold back long after, when that master's priority is lowered."""
    router = switched()
    router.handle(heard(100, HIGHER), T + S)
    assert router.switched_over is False
    router.handle(heard(50, HIGHER), T + 2 * S)
    assert router.deadline_ns == T + S + MASTER_DOWN


def test_preemption_resumed() -> None:
    router = switched()
    router.handle(heard(50, LOWER), T + S)
    assert router.handle(PreemptionResumed(), T + S + MS) == ()
    assert router.switched_over is False
    router.handle(heard(50, LOWER), T + 2 * S)
    assert router.deadline_ns == T + S + MASTER_DOWN


def test_new_settings_after_a_goodbye_keep_its_turn() -> None:
    router = switched()
    router.handle(heard(0, LOWER), T + S)
    router.handle(Reconfigured(OURS), T + S + MS)
    assert router.deadline_ns == T + S + LAST_TURN


def test_a_fault_does_not_end_it_but_a_stop_does() -> None:
    router = switched()
    router.handle(InterfaceDown("eth0 is down"), T + S)
    assert router.switched_over is True
    router.handle(InterfaceUp(US), T + 2 * S)
    assert (router.state, router.switched_over) == (BACKUP, True)
    router.handle(InterfaceDown("eth0 is down"), T + 3 * S)
    router.handle(PreemptionResumed(), T + 3 * S)
    assert router.switched_over is False
    assert router.handle(Stop("drained"), T + 3 * S) == (StateChanged(FAULT, INIT, "drained"),)


@pytest.mark.parametrize(("router", "state"), [(backup(), BACKUP), (fault(), FAULT)], ids=["BACKUP", "FAULT"])
def test_a_stop_gives_its_reason(router: Router, state: object) -> None:
    assert router.handle(Stop("drained"), T + MS) == (StateChanged(state, INIT, "drained"),)


def test_a_stop_with_a_successor_gives_its_reason() -> None:
    router = master()
    router.handle(Stop("drained"), T + MS)
    assert router.handle(TimerDue(), NOBODY)[-1] == StateChanged(MASTER, INIT, "drained: nobody has taken over")


# --- a member of a sync group


def ready() -> Router:
    """A member that has heard its successor, and waits for the others."""
    router = master()
    router.handle(GroupJoined(), T)
    router.handle(Resign(), T + MS)
    router.handle(heard(50, LOWER), T + 10 * MS)
    assert router.handle(TimerDue(), T + 60 * MS) == ()
    assert (router.resigning.ready, router.deadline_ns) == (True, NOBODY + 50 * MS)
    assert router.handle(heard(50, LOWER), T + S) == ()
    assert router.deadline_ns == NOBODY + 50 * MS
    return router


def test_a_member_goes_when_the_group_says_so() -> None:
    router = ready()
    assert router.handle(GroupResigned(), T + 70 * MS) == yields(f"resigned: {LOWER} has taken over")
    assert router.switched_over is True


def test_a_member_stays_when_the_group_says_so() -> None:
    assert ready().handle(GroupStays("inside stays"), T + 70 * MS) == stays("inside stays")


def test_a_member_stays_when_the_group_says_nothing() -> None:
    router = ready()
    assert router.handle(TimerDue(), NOBODY + 50 * MS) == stays("the others of the sync group have no successor")


def test_a_member_that_is_forced_goes_alone() -> None:
    router = ready()
    router.handle(Resign(force=True), T + S)
    assert router.handle(TimerDue(), NOBODY + 50 * MS) == yields(f"resigned: {LOWER} has taken over")


def test_a_member_follows_the_others() -> None:
    router = ready()
    assert router.handle(GroupBackup("inside is BACKUP"), T + S) == yields("inside is BACKUP")
    assert router.switched_over is True


def test_a_fault_of_another_member() -> None:
    """The goodbye is said already."""
    change = (ReleaseAddresses((VIP,)), StateChanged(MASTER, FAULT, "inside is in FAULT"))
    assert ready().handle(GroupFault("inside is in FAULT"), T + S) == change


def test_out_of_the_group_it_goes_at_once() -> None:
    router = ready()
    assert router.handle(GroupLeft(), T + S) == ()
    assert router.handle(TimerDue(), T + S) == yields(f"resigned: {LOWER} has taken over")


def test_out_of_the_group_it_still_waits_for_a_successor() -> None:
    router = asked()
    assert router.handle(GroupJoined(), T + 2 * MS) == router.handle(GroupLeft(), T + 3 * MS) == ()
    assert router.deadline_ns == NOBODY


@pytest.mark.parametrize("event", [GroupResigned(), GroupStays("why")])
def test_what_a_group_says_of_a_handover_means_nothing_elsewhere(event: object) -> None:
    for router in (fresh(), backup(), master(), fault()):
        before = (router.state, router.deadline_ns)
        assert router.handle(event, T + MS) == ()
        assert (router.state, router.deadline_ns) == before
    leaving = master()
    leaving.handle(Stop(), T + MS)
    assert leaving.handle(event, T + 2 * MS) == ()


def test_skew_of_who_has_resigned_is_within_what_a_master_waits() -> None:
    assert SKEW < LAST_TURN < 996_093_750
