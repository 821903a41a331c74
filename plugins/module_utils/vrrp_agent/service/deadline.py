# Copyright: (c) 2026, duet.ha_pair contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""When one virtual router wants its next TimerDue: met to the millisecond, and with as few wakings as that allows."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from ..protocol import timers
from ..protocol.events import State, TimerDue
from .network import Network

if TYPE_CHECKING:
    from .virtual_router import VirtualRouter

# An advert waits for others by this share of its interval, and no longer than that.
_GATHER_SHARE, _GATHER_MAX_NS = 10, 10_000_000
# By how much a BACKUP wakes before its deadline, to meet it, as the clients of a dead MASTER wait for it: the loop
# waits in whole milliseconds, rounded up.
_EARLY_NS = 1_000_000
_TIMER_DUE = TimerDue()


class Deadline:
    """Wakes a virtual router at its deadline, which moves with nearly every event."""

    def __init__(self, running: VirtualRouter, network: Network) -> None:
        self._running = running
        self._network = network
        # The moment that it waits for; whatever else comes was waited for before.
        self._wake_ns: int | None = None

    def follow(self) -> None:
        """Wait for the router's deadline.

        One that has moved later leaves its waking where it is: it finds nothing due, and waits again. Where adverts are
        read now and then, one that they will have moved by then needs no timer: this is called after each reading.
        """
        deadline_ns = self._running.router.deadline_ns
        if deadline_ns is None or 0 < self._network.reception.read_before_ns < deadline_ns:
            return
        self._running.addresses.keep_until(deadline_ns)
        is_backup = self._running.router.state is State.BACKUP
        wake_ns = self._look_ns(deadline_ns - _EARLY_NS) if is_backup else self.gathered_ns(deadline_ns)
        if self._wake_ns is None or self._wake_ns > wake_ns:
            self._wake_at(wake_ns)

    def cancel(self) -> None:
        """Wait for nothing."""
        self._wake_ns = None

    def gathered_ns(self, deadline_ns: int) -> int:
        """When to see to a deadline: a MASTER's adverts go at common times, so that one waking is for many of them.

        Each keeps its own: none drifts, and who follows it hears it in the same interval as ever.
        """
        router = self._running.router
        if router.state is not State.MASTER or router.resigning or router.yielding or self._running.leaving:
            return deadline_ns
        grid_ns = min(self._interval_ns // _GATHER_SHARE, _GATHER_MAX_NS)
        return -(-deadline_ns // grid_ns) * grid_ns

    def _look_ns(self, wake_ns: int) -> int:
        """When a BACKUP looks whether a deadline has moved, as it mostly has: all of one interval at common times."""
        common_ns = wake_ns // self._interval_ns * self._interval_ns
        return common_ns if common_ns > time.monotonic_ns() else wake_ns

    @property
    def _interval_ns(self) -> int:
        return timers.interval_ns(self._running.instance.advert_interval_cs)

    def _wake_at(self, wake_ns: int) -> None:
        self._network.wakings.wake(wake_ns, self)
        self._wake_ns = wake_ns

    def _is_all_read(self, until_ns: int) -> bool:
        index, family = self._running.index, self._running.instance.family
        return index is None or self._network.reception.catch_up(index, family, until_ns)

    def due(self, at_ns: int) -> None:
        """Do what is due at the moment that it has waited for."""
        if at_ns != self._wake_ns:
            return
        self._wake_ns = None
        router = self._running.router
        deadline_ns, now_ns = router.deadline_ns, time.monotonic_ns()
        if router.state is State.BACKUP and deadline_ns is not None and deadline_ns - now_ns <= _EARLY_NS:
            time.sleep(max(0, deadline_ns - now_ns) / 1e9)
            # What came in time counts, even where nobody has read it in time.
            if not self._is_all_read(deadline_ns):
                self._wake_at(time.monotonic_ns())  # when others have had their turn
                return
            deadline_ns, now_ns = router.deadline_ns, time.monotonic_ns()
        if deadline_ns is not None and deadline_ns <= now_ns:
            # A MASTER has waited for this moment, a BACKUP for its deadline.
            self._running.tally.note_late(max(0, now_ns - max(at_ns, deadline_ns)))
            self._running.handle(_TIMER_DUE)
        else:
            self.follow()
