# Copyright: (c) 2026, duet.ha_pair contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""A MASTER that is stopped: its addresses answer until the successor's do. A part of Router, in a file of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Callable

from . import member, timers
from .events import (
    InterfaceDown,
    InterfaceUp,
    PacketReceived,
    PreemptionResumed,
    Reconfigured,
    Resign,
    Start,
    State,
    Stop,
    TimerDue,
)
from .settings import PRIORITY_LOWEST, Settings

if TYPE_CHECKING:
    from .router import Router

# How late a successor may be (at most two intervals), and how long its first advert may be ahead of its addresses.
_SUCCESSOR_LATE_NS, SUCCESSOR_CLAIMS_NS = 200_000_000, 50_000_000


def patience_ns(settings: Settings) -> int:
    """How long after a goodbye a successor may speak: the longest Skew_Time, and a margin."""
    late_ns = min(_SUCCESSOR_LATE_NS, 2 * timers.interval_ns(settings.advert_interval_cs))
    return timers.skew_ns(settings.version, PRIORITY_LOWEST, settings.advert_interval_cs) + late_ns


def begin(router: Router, event: Stop, now_ns: int) -> None:
    """Say goodbye, and wait for a successor."""
    # RFC 9568 6.4.3: priority 0 lets the backup act after Skew_Time instead of three intervals. The addresses stay
    # for that time, which the RFC does not: a client finds nobody else before the successor has spoken.
    router._send(now_ns, priority=0)
    router.stop_reason = event.reason
    router._leaving = f"{event.reason}: nobody has taken over"
    router._announce_ns = []
    router._timer_ns = now_ns + patience_ns(router.settings)


def _start(router: Router, event: Start, now_ns: int) -> None:
    """Stopped and started again before anybody has taken over."""
    router._leaving = None
    router._send(now_ns)
    router._announce(now_ns)


def _ignore(router: Router, event: object, now_ns: int) -> None:
    """It is leaving already."""


def _timer(router: Router, event: TimerDue, now_ns: int) -> None:
    if router._timer_ns is not None and now_ns >= router._timer_ns:
        router._change(State.INIT, router._leaving or router.stop_reason)


def _packet(router: Router, event: PacketReceived, now_ns: int) -> None:
    advert = router._accept(event, now_ns)
    if advert is not None and advert.priority and not advert.is_question:
        # A successor may speak before its addresses answer, as RFC 9568 6.4.2 has it and keepalived does.
        router._leaving = f"{router.stop_reason}: {event.source} has taken over"
        router._timer_ns = min(router._timer_ns or now_ns, now_ns + SUCCESSOR_CLAIMS_NS)


def _up(router: Router, event: InterfaceUp, now_ns: int) -> None:
    router._note_interface_up(event, now_ns)


def _down(router: Router, event: InterfaceDown, now_ns: int) -> None:
    router._note_interface_down(event, now_ns)
    router._change(State.INIT, f"{router.stop_reason}: {event.reason}")


def _reconfigured(router: Router, event: Reconfigured, now_ns: int) -> None:
    """Keep the old settings' addresses to their end; the new ones are for the next start."""
    router._change(State.INIT, f"{router.stop_reason}: other settings")
    router._note_settings(event, now_ns)


TABLE: dict[type, Callable[..., None]] = {
    Start: _start,
    Stop: _ignore,
    Resign: _ignore,
    PreemptionResumed: _ignore,
    TimerDue: _timer,
    PacketReceived: _packet,
    InterfaceUp: _up,
    InterfaceDown: _down,
    Reconfigured: _reconfigured,
    **member.LEAVING,
}
