# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""New settings in every state: the role stays, and so does what is known of the others."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_interface

import pytest
from story import (
    BACKUP,
    EXTRA,
    HIGHER,
    MASTER,
    MASTER_DOWN,
    MS,
    OURS,
    SECOND_VIP,
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
    ClaimAddresses,
    Effects,
    InterfaceDown,
    InterfaceUp,
    Mismatch,
    Reconfigured,
    ReleaseAddresses,
    Start,
    StateChanged,
    TimerDue,
)
from vrrp_agent.protocol.router import Master, Router


def reconfigure(router: Router, now_ns: int, **changed: object) -> Effects:
    return router.handle(Reconfigured(replace(router.settings, **changed)), now_ns)


# --- MASTER


def test_master_claims_what_is_added_and_announces_all() -> None:
    router = master()
    assert reconfigure(router, T + MS, virtual_addresses=(VIP, SECOND_VIP), extra_addresses=(EXTRA,)) == (
        ClaimAddresses((SECOND_VIP, EXTRA)),
        Announce((VIP, SECOND_VIP, EXTRA)),
        sent(virtual_addresses=(VIP, SECOND_VIP)),
    )
    assert router.state is MASTER


def test_master_releases_what_is_removed() -> None:
    router = master(virtual_addresses=(VIP, SECOND_VIP), extra_addresses=(EXTRA,))
    assert reconfigure(router, T + MS, virtual_addresses=(VIP,), extra_addresses=()) == (
        ReleaseAddresses((SECOND_VIP, EXTRA)),
        sent(),
    )


def test_master_exchanges_addresses() -> None:
    """What goes is released before what comes is claimed: the same address may come back with another prefix."""
    wider = ip_interface("192.0.2.100/25")
    router = master()
    assert reconfigure(router, T + MS, virtual_addresses=(wider,)) == (
        ReleaseAddresses((VIP,)),
        ClaimAddresses((wider,)),
        Announce((wider,)),
        sent(),
    )
    reason = "192.0.2.11 has the higher priority: 150 > 100"
    assert router.handle(heard(150), T + 2 * MS) == (sent(priority=1),)
    assert router.handle(TimerDue(), T + 202 * MS) == (sent(priority=1), *yields(reason, wider))


def test_an_address_that_only_changes_its_place_stays() -> None:
    router = master(virtual_addresses=(VIP, SECOND_VIP))
    assert reconfigure(router, T + MS, virtual_addresses=(SECOND_VIP, VIP)) == (
        sent(virtual_addresses=(SECOND_VIP, VIP)),
    )


@pytest.mark.parametrize("priority", [1, 50, 150, 255])
def test_master_tells_its_new_priority_at_once(priority: int) -> None:
    """RFC 9568 6.4.3: whether it is still the best is for the others to say."""
    router = master()
    assert reconfigure(router, T + MS, priority=priority) == (sent(priority=priority),)
    assert (router.state, router.deadline_ns) == (MASTER, T + S + MS)


def test_master_with_a_new_interval() -> None:
    """RFC 9568 6.4.3: the Adver_Timer runs by the new Advertisement_Interval from now on."""
    router = master()
    assert reconfigure(router, T + MS, advert_interval_cs=20) == (sent(advert_interval_cs=20),)
    assert router.handle(TimerDue(), T + 201 * MS) == (sent(advert_interval_cs=20),)
    assert router.deadline_ns == T + 401 * MS


def test_a_longer_interval_is_no_oversleeping() -> None:
    router = master()
    reconfigure(router, T + MS, advert_interval_cs=1000)
    assert router.handle(TimerDue(), T + 10 * S + MS) == (sent(advert_interval_cs=1000),)


def test_master_with_another_version_and_password() -> None:
    router = master()
    settings = replace(OURS, version=2)
    assert reconfigure(router, T + MS, version=2) == (sent(settings),)


# --- BACKUP


def test_backup_has_no_address_to_claim_or_release() -> None:
    router = backup(virtual_addresses=(VIP, SECOND_VIP))
    assert reconfigure(router, T + S, virtual_addresses=(VIP,), extra_addresses=(EXTRA,)) == ()
    assert router.handle(TimerDue(), T + MASTER_DOWN)[1] == ClaimAddresses((VIP, EXTRA))


def test_backup_waits_by_its_new_priority() -> None:
    """RFC 9568 6.1: Skew_Time of the new priority, counted from the last advert."""
    router = backup()
    router.handle(heard(200), T)
    assert reconfigure(router, T + S, priority=150) == ()
    assert router.deadline_ns == T + 3 * S + 414_062_500
    assert reconfigure(router, T + S, priority=50) == ()
    assert router.deadline_ns == T + 3 * S + 804_687_500


def test_backup_that_now_outranks_its_master_takes_over_by_the_running_timer() -> None:
    """RFC 9568 6.4.2: the master's next adverts are discarded."""
    router = backup()
    router.handle(heard(150), T)
    assert reconfigure(router, T + S, priority=200) == ()
    due = T + 3 * S + 218_750_000
    assert router.handle(heard(150), T + S + MS) == ()
    assert router.deadline_ns == due
    reason = "192.0.2.11 has the lower priority: 150 < 200"
    assert router.handle(TimerDue(), due)[0] == StateChanged(BACKUP, MASTER, reason)


def test_backup_no_longer_outranks_its_master() -> None:
    """RFC 9568 6.4.2: with the new priority the last advert would have been followed: it is, from when it came."""
    router = backup()
    router.handle(heard(50), T + 3 * S)
    assert reconfigure(router, T + 3 * S + MS, priority=40) == ()
    assert router.master == Master(HIGHER, 50, 100, T + 3 * S)
    assert router.deadline_ns == T + 6 * S + 843_750_000


def test_backup_that_shall_no_longer_preempt_follows() -> None:
    """RFC 9568 6.4.2: Preempt_Mode False follows every master; the running timer was to end in a takeover."""
    router = backup()
    router.handle(heard(50), T + 3 * S)
    assert reconfigure(router, T + 3 * S + MS, preempt=False) == ()
    assert router.deadline_ns == T + 3 * S + MASTER_DOWN


def test_backup_follows_whom_it_outranked_by_that_ones_interval() -> None:
    """RFC 9568 6.4.2: Active_Adver_Interval is the master's; by our own we would take over between its adverts."""
    router = backup()
    router.handle(heard(50, advert_interval_cs=1000), T + 3 * S)
    assert reconfigure(router, T + 3 * S + MS, preempt=False) == ()
    assert router.deadline_ns == T + 3 * S + 10 * MASTER_DOWN


def test_backup_keeps_the_masters_interval() -> None:
    """RFC 9568 6.4.2: its own interval counts when no master is known."""
    router = backup()
    router.handle(heard(150, advert_interval_cs=200), T)
    reconfigure(router, T + S, advert_interval_cs=50)
    assert router.deadline_ns == T + 2 * MASTER_DOWN


def test_backup_that_heard_nobody_waits_by_its_new_interval() -> None:
    router = backup()
    assert reconfigure(router, T + S, advert_interval_cs=50) == ()
    assert router.deadline_ns == T + MASTER_DOWN // 2


def test_backup_after_a_resignation_keeps_to_the_skew() -> None:
    """RFC 9568 6.4.2"""
    router = backup()
    router.handle(heard(0), T + S)
    assert reconfigure(router, T + S + MS, priority=128) == ()
    assert router.deadline_ns == T + S + 500 * MS
    assert router.handle(TimerDue(), T + S + 500 * MS)[0].reason == "192.0.2.11 resigned (priority 0)"


def test_backup_that_becomes_the_owner_claims_at_once() -> None:
    """RFC 9568 6.4.1: as it would have at its start."""
    router = backup()
    router.handle(heard(150), T)
    assert reconfigure(router, T + S, priority=255) == (
        StateChanged(BACKUP, MASTER, "now the address owner (priority 255)"),
        ClaimAddresses((VIP,)),
        Announce((VIP,)),
        sent(priority=255),
    )


def test_an_interval_that_was_a_mismatch_is_none_any_more() -> None:
    router = backup()
    theirs = heard(150, advert_interval_cs=200)
    assert router.handle(theirs, T) == (Mismatch("interval_errors", "interval 2 s, not 1 s", HIGHER),)
    reconfigure(router, T + MS, advert_interval_cs=200)
    assert router.handle(theirs, T + 2 * MS) == ()


# --- INIT and FAULT


def test_init_takes_note() -> None:
    router = fresh()
    assert reconfigure(router, T, priority=255, advert_interval_cs=10) == ()
    assert router.deadline_ns is None
    assert router.handle(Start(), T)[-1] == sent(priority=255, advert_interval_cs=10)


def test_fault_takes_note() -> None:
    router = fault()
    assert reconfigure(router, T + S, priority=128, advert_interval_cs=10) == ()
    assert router.deadline_ns is None
    router.handle(InterfaceUp(HIGHER), T + 2 * S)
    assert router.deadline_ns == T + 2 * S + 350 * MS


def test_a_life_of_the_past_leaves_nothing_behind() -> None:
    """RFC 9568 6.4.1: whoever resigned or was outranked before the fault has no say in the new timer."""
    for past in (heard(0), heard(50)):
        router = backup()
        router.handle(past, T)
        router.handle(TimerDue(), router.deadline_ns)
        router.handle(InterfaceDown("eth0 is down"), T + 4 * S)
        router.handle(InterfaceUp(US), T + 5 * S)
        assert reconfigure(router, T + 5 * S + MS, priority=40) == ()
        assert router.deadline_ns == T + 8 * S + 843_750_000
