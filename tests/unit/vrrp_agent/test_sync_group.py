# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a sync group decides, and what each of its events does in each state of a router."""

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
    GroupBackup,
    GroupFault,
    GroupJoined,
    GroupLeft,
    GroupMaster,
    InterfaceDown,
    InterfaceUp,
    Reconfigured,
    ReleaseAddresses,
    Start,
    StateChanged,
    Stop,
    TimerDue,
)
from vrrp_agent.protocol.router import Router
from vrrp_agent.protocol.sync_group import Order, SyncGroup

WHY = "sync group edge: inside is in FAULT: eth1 has no carrier"


def member(router: Router) -> Router:
    assert router.handle(GroupJoined(), T) == ()
    return router


def claimant() -> Router:
    """A member whose timer has run out."""
    router = member(backup())
    assert router.handle(TimerDue(), T + MASTER_DOWN) == ()
    return router


def takes(reason: str) -> tuple[object, ...]:
    return (StateChanged(BACKUP, MASTER, reason), ClaimAddresses((VIP,)), Announce((VIP,)), sent())


# --- a member on its own


def test_a_member_asks_instead_of_taking_the_role() -> None:
    router = claimant()
    assert (router.state, router.deadline_ns) == (BACKUP, None)
    assert router.group.claim.reason == "no advert heard for 3.61 s"
    assert (router.group.claim.code, router.group.claim.resigned) == ("no_response", False)
    assert router.handle(GroupMaster("all may", "no_response"), T + 4 * S) == takes("all may")
    assert (router.new_master_reason, router.group.claim) == ("no_response", None)


def test_a_claim_ends_when_a_master_is_heard() -> None:
    router = claimant()
    router.handle(heard(150), T + 4 * S)
    assert router.group.claim is None
    assert router.deadline_ns == T + 4 * S + MASTER_DOWN


def test_a_goodbye_makes_a_claim_that_counts_for_all() -> None:
    router = claimant()
    router.handle(heard(0), T + 4 * S)
    assert router.group.claim is None
    router.handle(TimerDue(), T + S + router.master_down_ns)
    assert router.group.claim.resigned


def test_a_claim_may_be_put_off() -> None:
    router = claimant()
    assert router.handle(GroupBackup("later", T + 9 * S), T + 4 * S) == ()
    assert (router.group.claim, router.deadline_ns) == (None, T + 9 * S)
    router.handle(TimerDue(), T + 9 * S)
    assert router.group.claim is not None


def test_a_reload_keeps_a_claim_only_by_its_own_timer() -> None:
    router = claimant()
    router.handle(Reconfigured(replace(OURS, priority=50)), T + 4 * S)
    router.handle(TimerDue(), T + 4 * S)
    assert router.group.claim is not None


def test_backup_ignores_that_the_group_is_backup() -> None:
    router = member(backup())
    assert router.handle(GroupBackup("inside is BACKUP"), T + MS) == ()
    assert router.deadline_ns == T + MASTER_DOWN


def test_master_leaves_with_a_goodbye() -> None:
    """The peer takes over after Skew_Time; one that is MASTER already announces again."""
    router = member(master())
    assert router.handle(GroupBackup("so"), T + MS) == (sent(priority=0), *yields("so"))
    assert router.deadline_ns == T + MS + MASTER_DOWN


def test_fault_of_another() -> None:
    router = member(backup())
    assert router.handle(GroupFault(WHY), T) == (StateChanged(BACKUP, FAULT, WHY),)
    router = member(master())
    release = ReleaseAddresses((VIP,))
    assert router.handle(GroupFault(WHY), T) == (sent(priority=0), release, StateChanged(MASTER, FAULT, WHY))
    assert (router.group.fault, router.fault, router.deadline_ns) == (WHY, None, None)
    assert router.handle(GroupMaster("never", "priority"), T) == ()
    assert router.handle(GroupFault("another"), T) == ()
    assert router.group.fault == "another"
    assert router.handle(GroupBackup("recovered"), T) == (StateChanged(FAULT, BACKUP, "recovered"),)
    assert router.deadline_ns == T + MASTER_DOWN


def test_both_faults_must_end() -> None:
    """In either order."""
    for group_first in (True, False):
        router = member(fault())
        router.handle(GroupFault(WHY), T)
        ends = [(GroupBackup("recovered: group"), "recovered: group"), (InterfaceUp(US), "recovered: eth0 is down")]
        first, second = ends if group_first else ends[::-1]
        assert router.handle(first[0], T) == ()
        assert router.state is FAULT
        assert router.handle(second[0], T) == (StateChanged(FAULT, BACKUP, second[1]),)


def test_a_member_starts_into_the_others_fault() -> None:
    router = member(fresh())
    assert router.handle(GroupFault(WHY), T) == ()
    assert router.handle(Start(), T) == (StateChanged(INIT, FAULT, WHY),)


def test_a_fault_that_ends_before_the_start() -> None:
    router = member(fresh())
    router.handle(GroupFault(WHY), T)
    assert router.handle(GroupMaster("never", "priority"), T) == ()
    assert router.handle(GroupBackup("recovered"), T) == ()
    assert router.handle(Start(), T) == (StateChanged(INIT, BACKUP, "started"),)


@pytest.mark.parametrize("router", [fresh, backup, master, fault])
def test_to_leave_a_group_changes_nothing_by_itself(router: object) -> None:
    one = member(router())
    before = one.state
    assert one.handle(GroupLeft(), T) == ()
    assert (one.state, one.group.joined) == (before, False)


def test_who_leaves_a_group_acts_on_its_own() -> None:
    router = claimant()
    assert router.handle(GroupLeft(), T + 4 * S) == takes("no advert heard for 3.61 s")
    router = member(backup())
    router.handle(GroupFault(WHY), T)
    assert router.handle(GroupLeft(), T) == (StateChanged(FAULT, BACKUP, "no longer in a sync group"),)


def test_who_was_stopped_hears_no_group() -> None:
    """Its addresses stay until the successor's answer, whatever becomes of the others."""
    router = member(master())
    router.handle(Stop(), T + MS)
    for event in (GroupFault(WHY), GroupBackup("so"), GroupMaster("so", "priority"), GroupLeft(), GroupJoined()):
        assert router.handle(event, T + MS) == ()
        assert router.state is MASTER
    assert router.group.fault is None


# --- the group


def group(**members: Router) -> SyncGroup:
    return SyncGroup("edge", {name: member(router) for name, router in members.items()})


def test_all_or_none() -> None:
    edge = group(outside=claimant(), inside=member(backup()))
    assert edge.decide(T + 4 * S) == ()
    assert edge.state is BACKUP
    edge.members["inside"].handle(TimerDue(), T + MASTER_DOWN)
    why = GroupMaster("sync group edge: no advert heard for 3.61 s", "no_response")
    assert edge.decide(T + 4 * S) == (Order("outside", why), Order("inside", why))


def test_who_is_not_started_or_in_fault_keeps_all_from_the_role() -> None:
    assert group(outside=claimant(), inside=fresh()).decide(T + 4 * S) == ()
    broken = group(outside=claimant(), inside=fault("eth1 has no carrier"))
    assert broken.decide(T + 4 * S) == (Order("outside", GroupFault(WHY)),)
    assert (broken.state, broken.fault) == (FAULT, WHY)


def test_a_fault_does_not_feed_back() -> None:
    edge = group(outside=backup(), inside=fault("eth1 has no carrier"))
    for order in edge.decide(T):
        edge.members[order.member].handle(order.event, T)
    assert edge.decide(T) == ()
    edge.members["inside"].handle(InterfaceUp(US), T + S)
    assert edge.decide(T + S) == (Order("outside", GroupBackup(f"recovered: {WHY}")),)


def test_a_goodbye_on_one_segment_counts_for_all() -> None:
    edge = group(outside=backup(), inside=backup())
    edge.members["inside"].handle(heard(150), T)
    edge.members["outside"].handle(heard(0), T)
    edge.members["outside"].handle(TimerDue(), T + S)
    assert edge.decide(T + S) == (
        Order("outside", GroupMaster(f"sync group edge: {HIGHER} resigned (priority 0)", "priority")),
        Order(
            "inside", GroupMaster(f"sync group edge: outside takes over: {HIGHER} resigned (priority 0)", "priority")
        ),
    )


def test_who_leaves_takes_the_others_along() -> None:
    edge = group(outside=master(), inside=master())
    edge.members["inside"].handle(heard(150), T + MS)
    assert edge.decide(T + MS) == ()
    edge.members["inside"].handle(TimerDue(), T + 201 * MS)
    lost = f"{HIGHER} has the higher priority: 150 > 100"
    event = GroupBackup(f"sync group edge: inside is BACKUP: {lost}")
    assert edge.decide(T + 201 * MS) == (Order("outside", event),)


def test_between_equals_the_later_place_waits() -> None:
    """Two intervals for each place in the group, so that the two do not meet again for ever."""
    edge = group(outside=master(), inside=master())
    edge.members["inside"].handle(heard(100), T + MS)
    left = T + 201 * MS
    edge.members["inside"].handle(TimerDue(), left)
    for order in edge.decide(left):
        edge.members[order.member].handle(order.event, left)
    edge.members["outside"].handle(heard(0), left)
    edge.members["outside"].handle(TimerDue(), T + S)
    until = left + 2 * S
    assert edge.decide(T + S) == (Order("outside", GroupBackup("another of equal priority goes first", until)),)
    edge.members["outside"].handle(GroupBackup("another of equal priority goes first", until), T + S)
    edge.members["outside"].handle(TimerDue(), until)
    assert [type(order.event) for order in edge.decide(until)] == [GroupMaster, GroupMaster]


def test_who_joins_a_master_listens_first() -> None:
    edge = group(outside=master(), inside=backup())
    assert edge.decide(T) == ()
    assert edge.state is MASTER
    edge.members["inside"].handle(TimerDue(), T + MASTER_DOWN)
    assert [order.member for order in edge.decide(T + MASTER_DOWN)] == ["inside"]


def test_who_joins_and_hears_a_better_one_takes_the_others_along() -> None:
    edge = group(outside=master(), inside=backup())
    edge.members["inside"].handle(heard(150), T + MS)
    assert edge.decide(T + MS) == (Order("outside", GroupBackup("sync group edge: inside is BACKUP: started")),)


def test_who_joins_and_hears_a_lower_one_waits_for_its_own_timer() -> None:
    edge = group(outside=master(), inside=backup())
    edge.members["inside"].handle(heard(50, LOWER), T + MS)
    assert edge.decide(T + MS) == ()


def test_the_state_of_the_whole() -> None:
    assert group(outside=fresh(), inside=backup()).state is INIT
    assert group(outside=fault(), inside=master()).state is FAULT
    assert group(outside=backup(), inside=backup()).fault is None


def test_own_and_others_faults_are_told_apart() -> None:
    edge = group(outside=fault("eth0 is down"), inside=fault("eth1 has no carrier"))
    orders = {order.member: order.event for order in edge.decide(T)}
    outside = "sync group edge: outside is in FAULT: eth0 is down"
    assert orders == {"outside": GroupFault(WHY), "inside": GroupFault(outside)}
    assert edge.members["outside"].handle(InterfaceDown("no interface eth0 on this host"), T) == ()


def test_preempt_delay_ends_once_for_all() -> None:
    """A claim stays while the lesser master goes on speaking, or two delays that end apart would never meet."""
    edge = group(outside=backup(preempt_delay_ms=10_000), inside=backup(preempt_delay_ms=20_000))
    for second in range(1, 21):
        for router in edge.members.values():
            router.handle(TimerDue(), T + second * S)
            assert edge.decide(T + second * S) == ()
            router.handle(heard(50, LOWER), T + second * S)
    edge.members["inside"].handle(TimerDue(), T + 21 * S)
    assert [order.event.code for order in edge.decide(T + 21 * S)] == ["preempted", "preempted"]


def test_who_joins_leaves_a_lesser_master_the_role_for_now() -> None:
    edge = group(outside=master(), inside=backup(preempt_delay_ms=10_000))
    edge.members["inside"].handle(heard(50, LOWER), T + MS)
    assert edge.decide(T + MS) == ()
