# Copyright: (c) 2026, duet.ha_pair contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""What happens in MASTER (RFC 9568 6.4.3). A part of Router, in a file of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Callable

from . import leaving, resigning, timers, yielding
from .events import (
    Announce,
    ClaimAddresses,
    InterfaceDown,
    InterfaceUp,
    Master,
    NotHeard,
    PacketReceived,
    PreemptionResumed,
    Reconfigured,
    ReleaseAddresses,
    Resign,
    Start,
    State,
    Stop,
    TimerDue,
)
from .settings import PRIORITY_LOWEST, PRIORITY_OWNER

if TYPE_CHECKING:
    from .router import Router

# A flood of losing adverts must not become one of ours: each answer may announce hundreds of addresses.
ANSWERS_A_SECOND = 10
_TWO_OWNERS = ("owner_conflicts", "it is the address owner, as we are (priority 255); lower one of the two")


def _ignore(router: Router, event: object, now_ns: int) -> None:
    """It takes part already, and nothing keeps it from preempting."""


def _up(router: Router, event: InterfaceUp, now_ns: int) -> None:
    changed = event.source != router.source
    router._note_interface_up(event, now_ns)
    if changed:
        router._send(now_ns)
    else:
        # Told again: the interface has another MAC, and clients would go on sending to the old one.
        router._announce(now_ns)


def _down(router: Router, event: InterfaceDown, now_ns: int) -> None:
    if event.can_send:
        router._send(now_ns, priority=0)
    router._note_interface_down(event, now_ns)
    router._change(State.FAULT, event.reason)


def _reconfigured(router: Router, event: Reconfigured, now_ns: int) -> None:
    before, after = router.settings.addresses, event.settings.addresses
    falls_sick = event.settings.is_last_resort and not router.settings.is_last_resort
    router._note_settings(event, now_ns)
    gone = tuple(address for address in before if address not in after)
    new = tuple(address for address in after if address not in before)
    if gone:
        router._effects.append(ReleaseAddresses(gone))
    if new:
        router._effects.append(ClaimAddresses(new))
        router._announce(now_ns)
    if falls_sick:
        # A goodbye, so that a healthy backup of any kind is here after Skew_Time. The addresses answer on, and what
        # is said next holds back whoever is sick as well.
        router._send(now_ns, priority=0)
    router._send(now_ns)


def _timer(router: Router, event: TimerDue, now_ns: int) -> None:
    if router._announce_ns and now_ns >= router._announce_ns[0]:
        router._announce_ns = [due_ns for due_ns in router._announce_ns if due_ns > now_ns]
        router._effects.append(Announce(router.settings.addresses))
    _tell(router, router.rival.expire(now_ns))
    if router._timer_ns is not None and now_ns >= router._timer_ns:
        due_ns = router._timer_ns + timers.interval_ns(router.settings.advert_interval_cs)
        router._send(now_ns)
        # On the grid while we keep up: lateness must not add up to a drift.
        router._timer_ns = due_ns if due_ns > now_ns else router._timer_ns


def _packet(router: Router, event: PacketReceived, now_ns: int) -> None:
    advert = router._accept(event, now_ns)
    if advert is None:
        return
    if advert.priority == PRIORITY_OWNER == router.settings.priority:
        router._note_difference(_TWO_OWNERS, event.source)  # RFC 9568 8.3.2: both log it, whoever of the two yields
    other = Master(event.source, advert.priority, advert.interval_cs, now_ns)
    why = yielding.loses_to(router, advert.priority, event.source)
    if why is not None:
        yielding.begin(router, why, other, now_ns)
        return
    # RFC 9568 6.4.3: discarded, and answered at once to assert the role; a goodbye (priority 0), too. Two masters
    # have been on the segment, so that clients may have learned the other's MAC: announce as after a takeover.
    _answer(router, advert.is_question, now_ns)
    _tell(router, router.rival.hear(other, router.settings.version))


def _tell(router: Router, news: NotHeard | None) -> None:
    if news is not None:
        router._effects.append(news)


def _answer(router: Router, question: bool, now_ns: int) -> None:
    """Assert the role by an advert and announcements; in a flood of losing adverts, later and once for many.

    A question always gets its advert: it is signed and fresh, and who asks takes the role when it finds no answer.
    """
    since_ns, count = router._answers
    if now_ns - since_ns >= timers.SECOND_NS:
        since_ns, count = now_ns, 0
    router._answers = since_ns, count + 1
    if count < ANSWERS_A_SECOND or question:
        router._send(now_ns)
    if count < ANSWERS_A_SECOND:
        router._announce(now_ns)
    else:
        router._announce_ns = sorted({since_ns + timers.SECOND_NS, *router._announce_ns})


def oversleep(router: Router, now_ns: int) -> None:
    """The process was paused for so long that a backup has taken the role; take nothing back on waking."""
    slept_s = (now_ns - router._advert_sent_ns) / timers.SECOND_NS
    reason = f"sent no advert for {slept_s:.2f} s, longer than a backup waits"
    if router._leaving is None:
        # As when a MASTER yields: whoever has the role now has not heard us, and clients may still have our MAC.
        router._send(now_ns, PRIORITY_LOWEST)
        router._become_backup(reason, now_ns)
    else:
        router._change(State.INIT, f"{router.stop_reason}: {reason}")


TABLE: dict[tuple[State, type], Callable[..., None]] = {
    (State.MASTER, Start): _ignore,
    (State.MASTER, Stop): leaving.begin,
    (State.MASTER, Resign): resigning.begin,
    (State.MASTER, PreemptionResumed): _ignore,
    (State.MASTER, TimerDue): _timer,
    (State.MASTER, PacketReceived): _packet,
    (State.MASTER, InterfaceUp): _up,
    (State.MASTER, InterfaceDown): _down,
    (State.MASTER, Reconfigured): _reconfigured,
}
