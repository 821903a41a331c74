# Copyright: (c) 2026, duet.ha_pair contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""A MASTER that is stopped: its addresses answer until the successor's do. A part of Router, in a file of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Callable

from . import member, timers
from .events import InterfaceDown, InterfaceUp, PacketReceived, Reconfigured, Start, State, Stop, TimerDue

if TYPE_CHECKING:
    from .router import Router

# How late a successor may be (at most two intervals), and how long its first advert may be ahead of its addresses.
_SUCCESSOR_LATE_NS, _SUCCESSOR_CLAIMS_NS = 200_000_000, 20_000_000


def begin(router: Router, event: Stop, now_ns: int) -> None:
    """Say goodbye, and wait for a successor."""
    # RFC 9568 6.4.3: priority 0 lets the backup act after Skew_Time instead of three intervals. The addresses stay
    # for that time, which the RFC does not: a client finds nobody else before the successor has spoken.
    router._send(now_ns, priority=0)
    router._leaving = "stopped: nobody has taken over"
    interval_cs = router.settings.advert_interval_cs
    late_ns = min(_SUCCESSOR_LATE_NS, 2 * timers.interval_ns(interval_cs))
    router._announce_ns = []
    router._timer_ns = now_ns + timers.skew_ns(router.settings.version, 1, interval_cs) + late_ns


def _start(router: Router, event: Start, now_ns: int) -> None:
    """Stopped and started again before anybody has taken over."""
    router._leaving = None
    router._send(now_ns)
    router._announce(now_ns)


def _stop(router: Router, event: Stop, now_ns: int) -> None:
    """It is leaving already."""


def _timer(router: Router, event: TimerDue, now_ns: int) -> None:
    if router._timer_ns is not None and now_ns >= router._timer_ns:
        router._change(State.INIT, router._leaving or "stopped")


def _packet(router: Router, event: PacketReceived, now_ns: int) -> None:
    advert = router._accept(event, now_ns)
    if advert is not None and advert.priority and not advert.is_question:
        # A successor may speak before its addresses answer, as RFC 9568 6.4.2 has it and keepalived does.
        router._leaving = f"stopped: {event.source} has taken over"
        router._timer_ns = min(router._timer_ns or now_ns, now_ns + _SUCCESSOR_CLAIMS_NS)


def _up(router: Router, event: InterfaceUp, now_ns: int) -> None:
    router._note_interface_up(event, now_ns)


def _down(router: Router, event: InterfaceDown, now_ns: int) -> None:
    router._note_interface_down(event, now_ns)
    router._change(State.INIT, f"stopped: {event.reason}")


def _reconfigured(router: Router, event: Reconfigured, now_ns: int) -> None:
    """Keep the old settings' addresses to their end; the new ones are for the next start."""
    router._change(State.INIT, "stopped: other settings")
    router._note_settings(event, now_ns)


TABLE: dict[type, Callable[..., None]] = {
    Start: _start,
    Stop: _stop,
    TimerDue: _timer,
    PacketReceived: _packet,
    InterfaceUp: _up,
    InterfaceDown: _down,
    Reconfigured: _reconfigured,
    **member.LEAVING,
}
