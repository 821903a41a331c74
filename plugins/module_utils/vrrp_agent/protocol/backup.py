# Copyright: (c) 2026, duet.ha_pair contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""What happens in BACKUP (RFC 9568 6.4.2). A part of Router, in a file of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Callable

from . import timers
from .events import (
    InterfaceDown,
    InterfaceUp,
    Master,
    PacketReceived,
    PreemptionResumed,
    Reconfigured,
    Resign,
    Start,
    State,
    Stop,
    TimerDue,
)
from .settings import LAST_RESORT_MAX, LAST_RESORT_MIN, PRIORITY_OWNER

if TYPE_CHECKING:
    from .router import Router

# The priorities of those that go last, 1 to 4, are still in the order of their own.
_LAST_TURNS = 64


def _ignore(router: Router, event: object, now_ns: int) -> None:
    """It takes part already, and has no role to give away."""


def _resume_preemption(router: Router, event: PreemptionResumed, now_ns: int) -> None:
    """From the next advert of a lesser master on."""
    router.switched_over = False


def _up(router: Router, event: InterfaceUp, now_ns: int) -> None:
    router._note_interface_up(event, now_ns)


def _stop(router: Router, event: Stop, now_ns: int) -> None:
    router._change(State.INIT, event.reason)


def _down(router: Router, event: InterfaceDown, now_ns: int) -> None:
    router._note_interface_down(event, now_ns)
    router._change(State.FAULT, event.reason)


def _reconfigured(router: Router, event: Reconfigured, now_ns: int) -> None:
    heard_interval_cs = router._master_interval_cs
    router._note_settings(event, now_ns)
    if router.settings.priority == PRIORITY_OWNER:
        router._become_master("now the address owner (priority 255)", "priority", now_ns)
        return
    # A master that is outranked is not followed: what is kept as its interval may be our own of before.
    if router.master is not None and router._outranked is None:
        router._master_interval_cs = heard_interval_cs
    if router._outranked is not None and submits_to(router, router._outranked.priority):
        router._follow(router._outranked)
    down_ns = router.master_down_ns + router._startup_ns
    router._timer_ns = router._waiting_since_ns + (_turn_ns(router) if router._resigned else down_ns)
    router._preempt_ns = None  # preempt_delay starts anew, with the next advert


def _timer(router: Router, event: TimerDue, now_ns: int) -> None:
    if router._preempt_ns is not None and now_ns >= router._preempt_ns:
        router._outranked = router.master
    elif router._timer_ns is None or now_ns < router._timer_ns:
        return
    router._startup_ns, router._preempt_ns = 0, None
    waited_s = (now_ns - router._waiting_since_ns) / timers.SECOND_NS
    if router._outranked is not None:
        loser = router._outranked
        why = f"{loser.address} has the lower priority: {loser.priority} < {router.settings.priority}"
        if _relieves(router, loser.priority):
            why = f"{loser.address} is sick: the last resort, with priority {loser.priority}"
        router._become_master(why, "preempted", now_ns)
    elif router._resigned and router.master is not None:
        router._become_master(f"{router.master.address} resigned (priority 0)", "priority", now_ns)
    else:
        heard = f"no advert from {router.master.address}" if router.master else "no advert heard"
        router._become_master(f"{heard} for {waited_s:.2f} s", "no_response", now_ns)


def _packet(router: Router, event: PacketReceived, now_ns: int) -> None:
    advert = router._accept(event, now_ns)
    if advert is None:
        return
    router._followed = None
    if advert.is_question:
        return  # the MASTER's to answer
    heard = Master(event.source, advert.priority, advert.interval_cs, now_ns)
    if router._startup_ns:
        # The network passes traffic: from here on as ever.
        router._startup_ns = 0
        router._wait(router.master_down_ns, now_ns)
    if advert.priority == 0:
        # RFC 9568 6.4.2: wait for Skew_Time, so that the best of the backups is first.
        router._master_interval_cs = advert.interval_cs
        router.master, router._outranked, router._resigned = heard, None, True
        router._preempt_ns = None
        router._wait(_turn_ns(router), now_ns)
    elif _relieves(router, advert.priority):
        _relieve(router, heard)
    elif submits_to(router, advert.priority):
        # Whom it leaves the role to anyway needs no more consideration.
        router.switched_over = router.switched_over and advert.priority < router.settings.priority
        router._follow(heard)
        if router._codec.knows(event) and not router.group.joined:
            router._followed = event
    elif router.settings.preempt_delay_ms and router.group.claim is None:
        _follow_for_now(router, heard)
    else:
        # RFC 9568 6.4.2: discarded, the timer goes on, and at its end this router takes the role.
        router.master = router._outranked = heard


def _relieve(router: Router, sick: Master) -> None:
    """Take the role from a sick master as after a goodbye: the best of the healthy ones is first."""
    before = router.master if router._outranked is None else None
    router.master, router._outranked, router._preempt_ns = sick, sick, None
    # Beside another that is followed it is a second master, which is that one's matter.
    if before is None or before.address == sick.address or _is_sick(before.priority):
        # The next advert must not make it longer.
        router._timer_ns = min(router._timer_ns or sick.heard_ns, sick.heard_ns + _turn_ns(router))


def _follow_for_now(router: Router, lesser: Master) -> None:
    """preempt_delay: leave a lesser master the role for that long, and at least as long as without."""
    delayed_ns = lesser.heard_ns + router.settings.preempt_delay_ms * timers.MILLISECOND_NS
    preempt_ns = router._preempt_ns or max(router._timer_ns or 0, delayed_ns)
    router._follow(lesser)
    router._preempt_ns = preempt_ns


def _turn_ns(router: Router) -> int:
    """Skew_Time after a goodbye; who has resigned before lets the others go first, so that a role makes the round."""
    settings = router.settings
    priority = 1 + settings.priority // _LAST_TURNS if router.switched_over else settings.priority
    return timers.skew_ns(settings.version, priority, router._master_interval_cs)


def submits_to(router: Router, priority: int) -> bool:
    """Whether a BACKUP leaves the role to a master of this priority (RFC 9568 6.4.2)."""
    # RFC 9568 6.1 Preempt_Mode: the address owner always preempts, whatever it is told.
    preempts = router.settings.preempt and not router.switched_over or router.settings.priority == PRIORITY_OWNER
    return priority >= router.settings.priority or not (preempts or _relieves(router, priority))


def _relieves(router: Router, priority: int) -> bool:
    """Whether a master of this priority is a sick one, which waits for a healthy one, whatever preempt says."""
    settings = router.settings
    return settings.last_resort and not settings.is_last_resort and _is_sick(priority)


def _is_sick(priority: int) -> bool:
    """Whether this is the priority of a sick node, where there is a `last_resort`."""
    return LAST_RESORT_MIN <= priority <= LAST_RESORT_MAX


TABLE: dict[tuple[State, type], Callable[..., None]] = {
    (State.BACKUP, Start): _ignore,
    (State.BACKUP, Stop): _stop,
    (State.BACKUP, Resign): _ignore,
    (State.BACKUP, PreemptionResumed): _resume_preemption,
    (State.BACKUP, TimerDue): _timer,
    (State.BACKUP, PacketReceived): _packet,
    (State.BACKUP, InterfaceUp): _up,
    (State.BACKUP, InterfaceDown): _down,
    (State.BACKUP, Reconfigured): _reconfigured,
}
