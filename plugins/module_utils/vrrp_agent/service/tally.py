# Copyright: (c) 2026, duet.ha_pair contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""What a virtual router's process counts beside the protocol's counters: transitions, and how late its timers were."""

from __future__ import annotations

from bisect import bisect_left
from typing import Any

# The upper bounds of the histogram's buckets; what is later than the last one is in +Inf alone.
LATE_S = (0.001, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5)


class Tally:
    """Counts since this process has the virtual router; a counter that begins anew is nothing that Prometheus minds."""

    def __init__(self) -> None:
        self._transitions: dict[tuple[str, str, str], int] = {}
        self._late = [0] * (len(LATE_S) + 1)
        self._late_sum_ns = 0

    def note_late(self, late_ns: int) -> None:
        """A timer has fired, so long after the time that it was set to."""
        self._late[bisect_left(LATE_S, late_ns / 1e9)] += 1
        self._late_sum_ns += late_ns

    def note_transition(self, before: str, after: str, reason: str) -> None:
        """The state has changed; `reason` is one of a few: RFC 8347's new-master-reason, or the state's own name."""
        key = (before, after, reason)
        self._transitions[key] = self._transitions.get(key, 0) + 1

    def status(self) -> dict[str, Any]:
        """Its part of the status document; `counts` of the buckets one by one, the last one is of all that is later."""
        transitions = [
            {"from": before, "to": after, "reason": reason, "count": count}
            for (before, after, reason), count in sorted(self._transitions.items())
        ]
        late = {"le": list(LATE_S), "counts": list(self._late), "sum": self._late_sum_ns / 1e9}
        return {"transitions": transitions, "timer_lateness_s": late}
