# Copyright: (c) 2026, duet.ha_pair contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""A MASTER that is asked to give the role away: it goes when a successor answers, and stays when nobody does.

A healthy BACKUP is silent, so that nobody knows whether there is one. The MASTER asks by doing: it says goodbye, which
lets a backup act after Skew_Time, and keeps its addresses meanwhile. A part of Router, in a file of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Callable, cast

from . import leaving, member, timers
from .events import (
    GroupBackup,
    GroupFault,
    GroupJoined,
    GroupLeft,
    GroupMaster,
    GroupResigned,
    GroupStays,
    InterfaceDown,
    InterfaceUp,
    Master,
    PacketReceived,
    PreemptionResumed,
    Reconfigured,
    Resign,
    Start,
    State,
    StillMaster,
    Stop,
    TimerDue,
)
from .settings import PRIORITY_OWNER

if TYPE_CHECKING:
    from .router import Router


@dataclass
class Resignation:
    """A handover under way: `until_ns` is the end of a successor's time, `ready` who waits for its sync group."""

    force: bool
    until_ns: int
    successor: Master | None = None
    ready: bool = False


def begin(router: Router, event: Resign, now_ns: int) -> None:
    """Say goodbye, and wait for a successor."""
    if router.settings.priority == PRIORITY_OWNER:
        # RFC 9568 6.1: the owner always preempts; and its addresses stay on it, whoever else claims them.
        why = "the address owner (priority 255) keeps its own addresses; lower the priority, or stop the agent"
        router._effects.append(StillMaster("address_owner", why))
        return
    router._send(now_ns, priority=0)
    router._announce_ns = []
    router._timer_ns = now_ns + leaving.patience_ns(router.settings)
    router.resigning = Resignation(event.force, router._timer_ns)


def _pending(router: Router) -> Resignation:
    """The handover of a router that is in one."""
    return cast(Resignation, router.resigning)


def _ignore(router: Router, event: object, now_ns: int) -> None:
    """Nothing to do until the end of the handover."""


def _again(router: Router, event: Resign, now_ns: int) -> None:
    _pending(router).force |= event.force


def _timer(router: Router, event: TimerDue, now_ns: int) -> None:
    if router._timer_ns is None or now_ns < router._timer_ns:
        return
    resignation = _pending(router)
    if resignation.successor is not None and not router.group.joined:
        _let_go(router, now_ns)
    elif resignation.successor is not None and not resignation.ready:
        # The others of the sync group have the rest of the time, and say themselves if that was not enough.
        resignation.ready, router._timer_ns = True, resignation.until_ns + leaving.SUCCESSOR_CLAIMS_NS
    elif resignation.force:
        _let_go(router, now_ns)
    else:
        _stay(router, "no_successor", _nobody(router), now_ns)


def _nobody(router: Router) -> str:
    if _pending(router).ready:
        return "the others of the sync group have no successor"
    return f"no successor answered within {leaving.patience_ns(router.settings) / timers.SECOND_NS:.3g} s"


def _packet(router: Router, event: PacketReceived, now_ns: int) -> None:
    advert = router._accept(event, now_ns)
    if advert is None or advert.priority == 0 or advert.is_question:
        return
    resignation = _pending(router)
    if resignation.successor is None:
        # A successor may speak before its addresses answer, as RFC 9568 6.4.2 has it and keepalived does.
        router._timer_ns = min(resignation.until_ns, now_ns + leaving.SUCCESSOR_CLAIMS_NS)
    resignation.successor = Master(event.source, advert.priority, advert.interval_cs, now_ns)


def _let_go(router: Router, now_ns: int, why: str | None = None) -> None:
    successor = _pending(router).successor
    if why is None:
        why = f"resigned: {successor.address if successor else 'nobody'} has taken over"
    router._become_backup(why, now_ns)
    if successor is not None:
        # A better one is followed anyway.
        router.switched_over = successor.priority < router.settings.priority
        router._follow(successor)


def _stay(router: Router, code: str, why: str, now_ns: int) -> None:
    """MASTER as before; a backup that was about to act hears so at once."""
    router.resigning = None
    router._effects.append(StillMaster(code, why))
    router._send(now_ns)
    router._announce(now_ns)


def _stop(router: Router, event: Stop, now_ns: int) -> None:
    router.resigning = None
    leaving.begin(router, event, now_ns)


def _up(router: Router, event: InterfaceUp, now_ns: int) -> None:
    router._note_interface_up(event, now_ns)


def _down(router: Router, event: InterfaceDown, now_ns: int) -> None:
    router._note_interface_down(event, now_ns)
    router._change(State.FAULT, event.reason)


def _reconfigured(router: Router, event: Reconfigured, now_ns: int) -> None:
    router.resigning = None
    router._effects.append(StillMaster("interrupted", "its settings have changed meanwhile"))
    router.dispatch(event, now_ns)
    router._announce(now_ns)


def _leave_group(router: Router, event: GroupLeft, now_ns: int) -> None:
    router.group.joined, router.group.fault = False, None
    if _pending(router).ready:
        router._timer_ns = now_ns


def _follow_group(router: Router, event: GroupBackup, now_ns: int) -> None:
    _let_go(router, now_ns, event.reason)


def _stay_with_group(router: Router, event: GroupStays, now_ns: int) -> None:
    _stay(router, "no_successor", event.reason, now_ns)


def _go_with_group(router: Router, event: GroupResigned, now_ns: int) -> None:
    _let_go(router, now_ns)


TABLE: dict[type, Callable[..., None]] = {
    Start: _ignore,
    Stop: _stop,
    Resign: _again,
    PreemptionResumed: _ignore,
    TimerDue: _timer,
    PacketReceived: _packet,
    InterfaceUp: _up,
    InterfaceDown: _down,
    Reconfigured: _reconfigured,
    GroupJoined: member.TABLE[State.MASTER, GroupJoined],
    GroupLeft: _leave_group,
    GroupMaster: _ignore,
    GroupBackup: _follow_group,
    GroupFault: member.TABLE[State.BACKUP, GroupFault],  # the goodbye is said
    GroupResigned: _go_with_group,
    GroupStays: _stay_with_group,
}
