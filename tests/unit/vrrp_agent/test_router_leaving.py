# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A MASTER that was stopped: it says goodbye, and its addresses answer until the successor's do."""

from __future__ import annotations

from dataclasses import replace

import pytest
from story import (
    HIGHER,
    INIT,
    LOWER,
    MASTER,
    MASTER_DOWN,
    MS,
    OURS,
    SECOND_VIP,
    VIP,
    S,
    T,
    heard,
    master,
    sent,
)
from vrrp_agent.protocol.events import (
    Announce,
    ClaimAddresses,
    InterfaceDown,
    InterfaceUp,
    PacketRejected,
    Reconfigured,
    ReleaseAddresses,
    Start,
    StateChanged,
    Stop,
    TimerDue,
)
from vrrp_agent.protocol.router import Router

# The longest skew there is, 255/256 of the interval, and 0.2 s for a successor that is late.
NOBODY = T + MS + 996_093_750 + 200 * MS


def lets_go(why: str) -> tuple[object, ...]:
    return (ReleaseAddresses((VIP,)), StateChanged(MASTER, INIT, f"stopped: {why}"))


@pytest.fixture
def leaving() -> Router:
    """A MASTER that was stopped a millisecond after T."""
    router = master()
    # RFC 9568 6.4.3: a Shutdown sends priority 0.
    assert router.handle(Stop(), T + MS) == (sent(priority=0),)
    assert router.counters["priority_zero_pkts_sent"] == 1
    return router


def test_waits_for_a_successor_that_never_comes(leaving: Router) -> None:
    assert leaving.deadline_ns == NOBODY
    assert leaving.handle(TimerDue(), NOBODY - 1) == ()
    assert leaving.handle(TimerDue(), NOBODY) == lets_go("nobody has taken over")
    assert leaving.deadline_ns is None
    assert leaving.handle(TimerDue(), T + 5 * S) == ()


def test_with_short_timers_it_waits_two_intervals_more_than_the_skew() -> None:
    router = master(advert_interval_cs=1)
    router.handle(Stop(), T + MS)
    assert router.deadline_ns == T + MS + 9_960_937 + 20 * MS


@pytest.mark.parametrize(("source", "priority"), [(LOWER, 1), (HIGHER, 200)])
def test_lets_go_when_the_successor_answers(leaving: Router, source: object, priority: int) -> None:
    """Whoever it is; and a little later, because RFC 9568 6.4.2 lets it speak before its addresses answer."""
    spoken = T + 600 * MS
    assert leaving.handle(heard(priority, source), spoken) == ()
    assert leaving.deadline_ns == spoken + 50 * MS
    assert leaving.handle(heard(priority, source), spoken + 10 * MS) == ()
    assert leaving.deadline_ns == spoken + 50 * MS
    assert leaving.handle(TimerDue(), spoken + 50 * MS) == lets_go(f"{source} has taken over")


def test_another_goodbye_is_no_successor(leaving: Router) -> None:
    assert leaving.handle(heard(0), T + 2 * MS) == ()
    assert leaving.deadline_ns == NOBODY


def test_a_rejected_packet_is_no_successor(leaving: Router) -> None:
    [rejected] = leaving.handle(heard(200, virtual_addresses=()), T + 2 * MS)
    assert isinstance(rejected, PacketRejected)
    assert leaving.deadline_ns == NOBODY


def test_a_second_stop_is_nothing(leaving: Router) -> None:
    assert leaving.handle(Stop(), T + 2 * MS) == ()
    assert leaving.deadline_ns == NOBODY


def test_the_interface_goes_down(leaving: Router) -> None:
    assert leaving.handle(InterfaceDown("eth0 has no carrier"), T + 2 * MS) == lets_go("eth0 has no carrier")


def test_another_address_of_the_interface_is_for_the_next_start(leaving: Router) -> None:
    """The goodbye is said; started again, it speaks from the new one."""
    assert leaving.handle(InterfaceUp(HIGHER), T + 2 * MS) == ()
    assert leaving.deadline_ns == NOBODY
    assert leaving.handle(Start(), T + 3 * MS)[0] == sent(source=HIGHER)


def test_other_settings_come(leaving: Router) -> None:
    """The old addresses go; the new ones are for the next start."""
    others = replace(OURS, virtual_addresses=(SECOND_VIP,))
    assert leaving.handle(Reconfigured(others), T + 2 * MS) == lets_go("other settings")
    leaving.handle(Start(), T + 3 * MS)
    effects = leaving.handle(TimerDue(), T + 3 * MS + MASTER_DOWN)
    assert effects[1:] == (ClaimAddresses((SECOND_VIP,)), Announce((SECOND_VIP,)), sent(others))


def test_started_again_in_time(leaving: Router) -> None:
    """Nobody has taken over yet: MASTER as before, and it says so at once."""
    assert leaving.handle(Start(), T + 2 * MS) == (sent(), Announce((VIP,)))
    assert (leaving.state, leaving.deadline_ns) == (MASTER, T + 102 * MS)
    assert leaving.handle(Stop(), T + 3 * MS) == (sent(priority=0),)


def test_a_pause_while_leaving_ends_it(leaving: Router) -> None:
    """Stopped is stopped: on waking it does not listen again as a BACKUP."""
    why = "sent no advert for 60.00 s, longer than a backup waits"
    assert leaving.handle(heard(200), T + MS + 60 * S) == lets_go(why)
    assert leaving.deadline_ns is None


def test_starts_with_its_priority_again_after_a_stop(leaving: Router) -> None:
    leaving.handle(TimerDue(), NOBODY)
    leaving.handle(Start(), NOBODY)
    assert leaving.handle(TimerDue(), NOBODY + MASTER_DOWN)[-1] == sent()
