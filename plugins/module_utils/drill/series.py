# Copyright: (c) 2026, duet.ha_pair contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""What a series of probes says: who answered for how long, every lost probe, and each gap between two answers. Pure.

Probes begin in the order of time and end in any order. Times are of one clock, in ns; the document has seconds.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Any

# More lost probes than these are counted, and not listed one by one.
MOST_LISTED = 20_000
# A prober that was kept from sending for so long has seen nothing meanwhile.
PAUSE_NS = 100_000_000
_PAUSE_INTERVALS = 5


@dataclass
class Probe:
    """One probe: when it was sent, whether it has ended, which node answered, or why nobody did."""

    sent_ns: int
    ended: bool = False
    node: str | None = None
    error: str | None = None


@dataclass
class Gap:
    """Lost probes in a row; `after_ns` and `before_ns` are the send times of the answered ones around them."""

    after_ns: int | None
    lost: int = 0
    lost_ns: list[int] = field(default_factory=list)
    errors: dict[str, int] = field(default_factory=dict)
    before_ns: int | None = None


class Series:
    """All probes of one kind to one address; memory grows with what is lost, not with what is answered."""

    def __init__(self, target: str, kind: str, interval_ns: int) -> None:
        self.target, self.kind = target, kind
        self._pause_ns = max(PAUSE_NS, _PAUSE_INTERVALS * interval_ns)
        self._open: deque[Probe] = deque()
        self._sent, self._answered, self._listed = 0, 0, 0
        self._first_sent_ns: int | None = None
        self._last_sent_ns: int | None = None
        self._last_answered_ns: int | None = None
        self._gap: Gap | None = None
        self._gaps: list[Gap] = []
        self._turns: list[list[Any]] = []
        self._last_arrival_ns: int | None = None
        self._silences: list[tuple[int, int]] = []
        self._pauses: list[tuple[int, int]] = []

    def begin(self, sent_ns: int) -> Probe:
        """A probe is sent now."""
        if self._last_sent_ns is not None and sent_ns - self._last_sent_ns > self._pause_ns:
            self._pauses.append((self._last_sent_ns, sent_ns))
        if self._first_sent_ns is None:
            self._first_sent_ns = sent_ns
        self._last_sent_ns = sent_ns
        self._sent += 1
        self._open.append(Probe(sent_ns))
        return self._open[-1]

    def end(self, probe: Probe, now_ns: int, node: str | None = None, error: str | None = None) -> None:
        """A probe has its answer now, or will have none; only the first word on a probe counts."""
        if probe.ended:
            return
        if error is None:
            self._arrive(now_ns)
        probe.ended, probe.node, probe.error = True, node, error
        while self._open and self._open[0].ended:
            self._count(self._open.popleft())

    @property
    def waiting(self) -> bool:
        """Whether a probe has not ended yet."""
        return bool(self._open)

    def close(self) -> None:
        """The series is over: what has not ended by now is lost."""
        for probe in list(self._open):
            self.end(probe, probe.sent_ns, error="no answer in time")
        if self._gap is not None:
            self._gaps.append(self._gap)
            self._gap = None

    def document(self, wall_ns: int = 0) -> dict[str, Any]:
        """The series as JSON has it; `wall_ns` added to its times gives the wall clock's."""

        def at(moment_ns: int | None) -> float | None:
            return None if moment_ns is None else round((moment_ns + wall_ns) / 1e9, 5)

        return {
            "target": self.target,
            "type": self.kind,
            "sent": self._sent,
            "answered": self._answered,
            "from": at(self._first_sent_ns),
            "to": at(self._last_sent_ns),
            "gaps": [
                {
                    "after": at(gap.after_ns),
                    "before": at(gap.before_ns),
                    "lost": gap.lost,
                    "lost_at": [at(moment_ns) for moment_ns in gap.lost_ns],
                    "errors": gap.errors,
                }
                for gap in self._gaps
            ],
            "turns": [{"node": node, "from": at(began), "to": at(ended)} for node, began, ended in self._turns],
            "silences": [{"from": at(began), "to": at(ended)} for began, ended in self._silences],
            "pauses": [{"from": at(began), "to": at(ended)} for began, ended in self._pauses],
        }

    def _arrive(self, now_ns: int) -> None:
        """Answers that were held up, and came, are no losses; but for that time nobody answered."""
        if self._last_arrival_ns is not None and now_ns - self._last_arrival_ns > self._pause_ns:
            self._silences.append((self._last_arrival_ns, now_ns))
        self._last_arrival_ns = now_ns

    def _count(self, probe: Probe) -> None:
        if probe.error is not None:
            self._count_lost(probe, probe.error)
            return
        self._answered += 1
        if self._gap is not None:
            self._gap.before_ns = probe.sent_ns
            self._gaps.append(self._gap)
            self._gap = None
        if self._turns and self._turns[-1][0] == probe.node:
            self._turns[-1][2] = probe.sent_ns
        else:
            self._turns.append([probe.node, probe.sent_ns, probe.sent_ns])
        self._last_answered_ns = probe.sent_ns

    def _count_lost(self, probe: Probe, error: str) -> None:
        if self._gap is None:
            self._gap = Gap(self._last_answered_ns)
        self._gap.lost += 1
        self._gap.errors[error] = self._gap.errors.get(error, 0) + 1
        if self._listed < MOST_LISTED:
            self._listed += 1
            self._gap.lost_ns.append(probe.sent_ns)
