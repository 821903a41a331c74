# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A MASTER that yields to a better one answers a little longer: what it says then, and what can happen meanwhile."""

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
    VIP,
    S,
    T,
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
    GroupMaster,
    GroupResigned,
    InterfaceDown,
    InterfaceUp,
    Master,
    PreemptionResumed,
    Reconfigured,
    ReleaseAddresses,
    Resign,
    Start,
    StateChanged,
    Stop,
    TimerDue,
)
from vrrp_agent.protocol.router import Router

BETTER = f"{HIGHER} has the higher priority: 150 > 100"
END, LAST = T + 51 * MS, T + 201 * MS


def yielding(**settings: object) -> Router:
    """A MASTER that has heard HIGHER's priority 150 a millisecond after T."""
    router, ours = master(**settings), replace(OURS, **settings)
    assert router.handle(heard(150, settings=ours), T + MS) == (sent(ours, priority=1),)
    assert router.state is MASTER
    return router


def test_it_answers_until_the_better_one_does() -> None:
    """RFC 9568 6.4.2 lets that one speak before its addresses answer; what it says next, it says when they do.

    Then it announces them, and what it says after that is the sign that it has. The last word wins against nobody and
    makes the winner announce: also at the end, for clients that have asked meanwhile.
    """
    router = yielding()
    assert router.deadline_ns == LAST
    assert router.handle(heard(150), T + 2 * MS) == (sent(priority=1),)
    assert router.deadline_ns == LAST + MS
    assert router.handle(heard(150), T + 2 * MS) == ()
    assert router.deadline_ns == END
    assert router.handle(TimerDue(), END - 1) == ()
    assert router.handle(TimerDue(), END) == (sent(priority=1), *yields(BETTER))
    assert (router.master, router.yielding) == (Master(HIGHER, 150, 100, T + 2 * MS), None)
    assert router.deadline_ns == T + 2 * MS + MASTER_DOWN


def test_one_that_is_late_is_waited_for() -> None:
    router = yielding()
    assert router.handle(heard(150), T + 120 * MS) == (sent(priority=1),)
    assert router.deadline_ns == T + 320 * MS
    assert router.handle(heard(150), T + 220 * MS) == ()
    assert router.handle(TimerDue(), router.deadline_ns) == (sent(priority=1), *yields(BETTER))
    assert router.master == Master(HIGHER, 150, 100, T + 220 * MS)


def test_one_that_does_not_answer_has_its_time() -> None:
    router = yielding()
    assert router.handle(TimerDue(), LAST - 1) == ()
    assert router.handle(TimerDue(), LAST) == (sent(priority=1), *yields(BETTER))
    assert router.deadline_ns == T + MS + MASTER_DOWN


def test_at_short_intervals_it_is_never_silent_for_longer_than_a_backup_waits() -> None:
    router = yielding(advert_interval_cs=1)
    assert router.deadline_ns == T + 21 * MS
    assert router.handle(TimerDue(), T + 21 * MS)[-1] == StateChanged(MASTER, BACKUP, BETTER)


def test_it_says_nothing_else() -> None:
    router = yielding()
    others = (Start(), PreemptionResumed(), heard(50, LOWER), heard(50, HIGHER), heard(0, LOWER))
    for event in (*others, GroupMaster("why", "priority"), GroupResigned(), InterfaceUp(LOWER)):
        assert router.handle(event, T + 2 * MS) == ()
    assert (router.deadline_ns, router.source) == (LAST, LOWER)


def test_an_announcement_that_was_due_would_lead_the_clients_back() -> None:
    router = master()
    router.handle(heard(99), T + MS)  # answered, and announced again 100 ms later
    router.handle(heard(150), T + 90 * MS)
    assert Announce((VIP,)) not in router.handle(TimerDue(), T + 101 * MS)


def test_an_even_better_one_is_followed() -> None:
    router = yielding()
    assert router.handle(heard(200, LOWER), T + 20 * MS) == ()
    why = f"{LOWER} has the higher priority: 200 > 100"
    assert router.handle(TimerDue(), LAST) == (sent(priority=1), *yields(why))
    assert router.master == Master(LOWER, 200, 100, T + 20 * MS)


def test_it_stays_when_the_better_one_leaves_already() -> None:
    """Clients are led back a little later: a flood of such pairs is not worth hundreds of our packets."""
    router = yielding()
    assert router.handle(heard(0, HIGHER), T + 10 * MS) == (sent(),)
    assert (router.state, router.yielding) == (MASTER, None)
    assert router.handle(TimerDue(), T + 110 * MS) == (Announce((VIP,)),)
    assert router.handle(TimerDue(), T + S + 10 * MS)[-1] == sent()


def test_stopped_meanwhile() -> None:
    """It has a successor, which needs no goodbye; backups would take it for the better one's."""
    router = yielding()
    assert router.handle(Stop(), T + 2 * MS) == ()
    assert router.handle(TimerDue(), LAST) == (
        ReleaseAddresses((VIP,)),
        StateChanged(MASTER, INIT, f"stopped: {HIGHER} has taken over"),
    )


def test_asked_to_resign_meanwhile() -> None:
    router = yielding()
    assert router.handle(Resign(), T + 2 * MS) == ()
    assert router.handle(TimerDue(), LAST) == yields(f"resigned: {HIGHER} has taken over")
    assert (router.switched_over, router.master) == (False, Master(HIGHER, 150, 100, T + MS))


def test_asked_to_resign_meanwhile_with_a_sync_group() -> None:
    router = yielding()
    router.handle(GroupJoined(), T + 2 * MS)
    router.handle(Resign(), T + 2 * MS)
    assert router.handle(TimerDue(), LAST) == ()
    assert (router.state, router.resigning.ready) == (MASTER, True)
    assert router.handle(GroupResigned(), T + 210 * MS) == yields(f"resigned: {HIGHER} has taken over")


@pytest.mark.parametrize(
    "event", [InterfaceDown("eth0 is down"), InterfaceDown("eth1 is down", can_send=True), GroupFault("inside is down")]
)
def test_a_fault_ends_it_at_once(event: object) -> None:
    router = yielding()
    change = (ReleaseAddresses((VIP,)), StateChanged(MASTER, FAULT, event.reason))
    assert router.handle(event, T + 2 * MS) == change
    assert (router.yielding, router.deadline_ns) == (None, None)


def test_other_settings_let_it_speak_again() -> None:
    """It may be the better one by now, and if it is not, its advert is answered."""
    router = yielding()
    effects = router.handle(Reconfigured(replace(OURS, priority=200)), T + 2 * MS)
    assert effects == (sent(priority=200), Announce((VIP,)))
    assert (router.state, router.yielding, router.deadline_ns) == (MASTER, None, T + 102 * MS)


def test_its_sync_group_goes_first() -> None:
    router = yielding()
    assert router.handle(GroupBackup("inside is BACKUP"), T + 2 * MS) == (sent(priority=1), *yields("inside is BACKUP"))
    assert router.master == Master(HIGHER, 150, 100, T + MS)


def test_a_pause_ends_it() -> None:
    """Who has the role by now is not known."""
    router = yielding()
    why = "sent no advert for 60.00 s, longer than a backup waits"
    assert router.handle(heard(0, HIGHER), T + MS + 60 * S)[:3] == (sent(priority=1), *yields(why))
