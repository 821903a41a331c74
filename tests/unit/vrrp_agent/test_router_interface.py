# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The interface under a router: down, up, and with another address, in every state."""

from __future__ import annotations

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
)
from vrrp_agent.protocol.events import (
    Announce,
    ClaimAddresses,
    InterfaceDown,
    InterfaceUp,
    ReleaseAddresses,
    Start,
    StateChanged,
    Stop,
    TimerDue,
)
from vrrp_agent.protocol.router import Router

DOWN = InterfaceDown("eth0 has no carrier")


def test_start_without_an_interface_is_a_fault() -> None:
    router = Router(OURS)
    assert router.handle(Start(), T) == (StateChanged(INIT, FAULT, "interface not seen yet"),)
    assert router.deadline_ns is None


def test_init_takes_note() -> None:
    router = fresh()
    assert router.handle(DOWN, T) == ()
    assert router.handle(Start(), T) == (StateChanged(INIT, FAULT, "eth0 has no carrier"),)


def test_backup_falls_into_fault() -> None:
    router = backup()
    router.handle(heard(150), T)
    assert router.handle(DOWN, T + S) == (StateChanged(BACKUP, FAULT, "eth0 has no carrier"),)
    assert (router.deadline_ns, router.master, router.source) == (None, None, None)
    assert router.handle(TimerDue(), T + 60 * S) == ()


def test_master_lets_go_of_its_addresses() -> None:
    """Nobody hears a priority 0 on a dead interface: the addresses go, and the others wait for their timers."""
    router = master()
    assert router.handle(DOWN, T + MS) == (
        ReleaseAddresses((VIP,)),
        StateChanged(MASTER, FAULT, "eth0 has no carrier"),
    )
    assert router.deadline_ns is None


def test_fault_listens_like_a_newcomer_when_the_interface_is_back() -> None:
    """RFC 9568 6.4.1: it does not know what has happened meanwhile."""
    router = fault("eth0 has no carrier")
    assert router.handle(heard(150), T + S) == ()
    assert router.handle(InterfaceUp(US), T + 2 * S) == (StateChanged(FAULT, BACKUP, "recovered: eth0 has no carrier"),)
    assert (router.deadline_ns, router.fault, router.master) == (T + 2 * S + MASTER_DOWN, None, None)


def test_the_owner_claims_again() -> None:
    """RFC 9568 6.4.1"""
    router = master(priority=255)
    router.handle(DOWN, T + MS)
    assert router.handle(InterfaceUp(US), T + S) == (
        StateChanged(FAULT, MASTER, "recovered: eth0 has no carrier as address owner (priority 255)"),
        ClaimAddresses((VIP,)),
        Announce((VIP,)),
        sent(priority=255),
    )


def test_the_latest_reason_of_a_fault_is_the_one_that_counts() -> None:
    router = fault("eth0 is down")
    assert router.handle(DOWN, T + S) == ()
    assert router.fault == "eth0 has no carrier"


def test_fault_can_be_stopped_and_not_started() -> None:
    router = fault()
    assert router.handle(Start(), T + S) == ()
    assert router.handle(Stop(), T + 2 * S) == (StateChanged(FAULT, INIT, "stopped"),)
    assert router.handle(InterfaceUp(US), T + 3 * S) == ()


def test_backup_sends_from_its_new_address() -> None:
    router = backup()
    assert router.handle(InterfaceUp(LOWER), T + S) == ()
    assert router.handle(TimerDue(), T + MASTER_DOWN)[-1] == sent(source=LOWER)


def test_master_tells_its_new_address_at_once() -> None:
    """RFC 9568 6.4.3: the sender's primary address decides between equals."""
    router = master()
    assert router.handle(InterfaceUp(HIGHER), T + MS) == (sent(source=HIGHER),)
    assert router.handle(TimerDue(), T + S + MS) == (sent(source=HIGHER),)


def test_the_same_address_again_is_nothing_to_a_backup() -> None:
    router = backup()
    before = router.deadline_ns
    assert router.handle(InterfaceUp(US), T + MS) == ()
    assert router.deadline_ns == before


def test_master_announces_where_the_interface_has_another_mac() -> None:
    """It is told by the same address again; said again as after a takeover, the next advert is not moved."""
    router = master()
    assert router.handle(InterfaceUp(US), T + MS) == (Announce(OURS.addresses),)
    assert router.handle(TimerDue(), T + 101 * MS) == (Announce(OURS.addresses),)
    assert router.handle(TimerDue(), T + S) == (sent(),)


def test_an_announcement_that_was_due_dies_with_the_role() -> None:
    """RFC 9568 6.4.2: a BACKUP does not speak for the addresses."""
    router = backup()
    router.handle(TimerDue(), T + MASTER_DOWN)
    router.handle(heard(150), T + MASTER_DOWN + MS)
    assert Announce((VIP,)) not in router.handle(TimerDue(), T + MASTER_DOWN + 100 * MS)
    router.handle(TimerDue(), T + MASTER_DOWN + 201 * MS)
    assert router.deadline_ns == T + MASTER_DOWN + MS + MASTER_DOWN
