# Copyright: (c) 2026, duet.ha_pair contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""What a router does about the decisions of its sync group: the part of Router's table for that, in its own file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Callable

from .events import GroupBackup, GroupFault, GroupJoined, GroupLeft, GroupMaster, GroupResigned, GroupStays, State

if TYPE_CHECKING:
    from .router import Router

_PRIORITY_RESIGNED = 0


@dataclass(frozen=True)
class Claim:
    """A BACKUP of a sync group would take the role now; `resigned` tells that its master has said goodbye."""

    reason: str
    code: str
    resigned: bool


@dataclass
class Membership:
    """A router's part in a sync group: whether it is in one, the fault of another member, and what it claims itself."""

    joined: bool = False
    fault: str | None = None
    claim: Claim | None = None


def follows_master(router: Router) -> bool:
    """Whether a BACKUP has heard a master that it leaves the role to."""
    return router.master is not None and router._outranked is None and router._preempt_ns is None


def _ignore(router: Router, event: object, now_ns: int) -> None:
    """Nothing to do in this state."""


def _join(router: Router, event: GroupJoined, now_ns: int) -> None:
    router.group.joined = True


def _leave(router: Router, event: GroupLeft, now_ns: int) -> None:
    router.group.joined, router.group.fault = False, None


def _leave_as_backup(router: Router, event: GroupLeft, now_ns: int) -> None:
    _leave(router, event, now_ns)
    claim = router.group.claim
    if claim is not None:
        router._take_role(claim.reason, claim.code, now_ns)


def _leave_in_fault(router: Router, event: GroupLeft, now_ns: int) -> None:
    _leave(router, event, now_ns)
    if router.fault is None:
        router._begin("no longer in a sync group", now_ns)


def _take_over(router: Router, event: GroupMaster, now_ns: int) -> None:
    router._take_role(event.reason, event.code, now_ns)


def _ask_again(router: Router, event: GroupBackup, now_ns: int) -> None:
    if event.again_ns is not None:
        router.group.claim, router._timer_ns = None, event.again_ns


def _give_up(router: Router, event: GroupBackup, now_ns: int) -> None:
    # A master elsewhere hears this and announces again, a backup takes over after Skew_Time.
    router._send(now_ns, _PRIORITY_RESIGNED)
    router._become_backup(event.reason, now_ns)


def _forget_fault(router: Router, event: GroupBackup, now_ns: int) -> None:
    router.group.fault = None


def _recover(router: Router, event: GroupBackup, now_ns: int) -> None:
    router.group.fault = None
    if router.fault is None:
        router._begin(event.reason, now_ns)


def _note_fault(router: Router, event: GroupFault, now_ns: int) -> None:
    router.group.fault = event.reason


def _fail_as_backup(router: Router, event: GroupFault, now_ns: int) -> None:
    router.group.fault = event.reason
    router._change(State.FAULT, event.reason)


def _fail_as_master(router: Router, event: GroupFault, now_ns: int) -> None:
    # The peer is to take over after Skew_Time instead of three intervals, as after a stop.
    router._send(now_ns, _PRIORITY_RESIGNED)
    _fail_as_backup(router, event, now_ns)


TABLE: dict[tuple[State, type], Callable[..., None]] = {
    (State.INIT, GroupJoined): _join,
    (State.INIT, GroupLeft): _leave,
    (State.INIT, GroupMaster): _ignore,
    (State.INIT, GroupBackup): _forget_fault,
    (State.INIT, GroupFault): _note_fault,
    (State.INIT, GroupResigned): _ignore,
    (State.INIT, GroupStays): _ignore,
    (State.BACKUP, GroupJoined): _join,
    (State.BACKUP, GroupLeft): _leave_as_backup,
    (State.BACKUP, GroupMaster): _take_over,
    (State.BACKUP, GroupBackup): _ask_again,
    (State.BACKUP, GroupFault): _fail_as_backup,
    (State.BACKUP, GroupResigned): _ignore,
    (State.BACKUP, GroupStays): _ignore,
    (State.MASTER, GroupJoined): _join,
    (State.MASTER, GroupLeft): _leave,
    (State.MASTER, GroupMaster): _ignore,
    (State.MASTER, GroupBackup): _give_up,
    (State.MASTER, GroupFault): _fail_as_master,
    (State.MASTER, GroupResigned): _ignore,
    (State.MASTER, GroupStays): _ignore,
    (State.FAULT, GroupJoined): _join,
    (State.FAULT, GroupLeft): _leave_in_fault,
    (State.FAULT, GroupMaster): _ignore,
    (State.FAULT, GroupBackup): _recover,
    (State.FAULT, GroupFault): _note_fault,
    (State.FAULT, GroupResigned): _ignore,
    (State.FAULT, GroupStays): _ignore,
}

# A MASTER that was stopped has left the group's decisions behind it.
LEAVING: dict[type, Callable[..., None]] = {
    GroupJoined: _join,
    GroupLeft: _leave,
    GroupMaster: _ignore,
    GroupBackup: _forget_fault,
    GroupFault: _note_fault,
    GroupResigned: _ignore,
    GroupStays: _ignore,
}
