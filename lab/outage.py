# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a series of probes says about a service: lost requests, gaps, outage. Pure; times are CLOCK_MONOTONIC in ns."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise


@dataclass(frozen=True)
class Probe:
    """One request: when it was sent, when it ended, and which node answered or why nobody did."""

    sent_ns: int
    ended_ns: int
    node: str | None = None
    error: str | None = None

    @property
    def answered(self) -> bool:
        """Whether the service answered as it should."""
        return self.error is None


@dataclass(frozen=True)
class Gap:
    """Lost probes in a row.

    The outage reaches from the last answered probe before to the first answered one after, by their send times; it is
    None where the series begins or ends with lost probes. `began_ns` is the send time of the last answered one
    (of the first lost one if there is none).
    """

    began_ns: int
    lost: int
    outage_ms: float | None
    node_before: str | None
    node_after: str | None


@dataclass(frozen=True)
class Report:
    """A whole series summed up; `longest_silence_ms` is the longest time in which no answer at all arrived."""

    sent: int
    answered: int
    lost: int
    errors: dict[str, int]
    nodes: dict[str, int]
    gaps: list[Gap]
    longest_gap_ms: float
    longest_silence_ms: float
    median_latency_ms: float | None
    longest_latency_ms: float | None

    def to_document(self) -> dict[str, object]:
        """Return the report as JSON would have it."""
        return asdict(self)


def summarize(probes: Sequence[Probe]) -> Report:
    """Sum up a series, in whatever order its probes ended."""
    series = sorted(probes, key=lambda probe: probe.sent_ns)
    answered = [probe for probe in series if probe.answered]
    arrivals = sorted(probe.ended_ns for probe in answered)
    latencies = [_ms(probe.ended_ns - probe.sent_ns) for probe in answered]
    found = gaps(series)
    return Report(
        sent=len(series),
        answered=len(answered),
        lost=len(series) - len(answered),
        errors=dict(Counter(probe.error for probe in series if probe.error is not None)),
        nodes=dict(Counter(probe.node or "unknown" for probe in answered)),
        gaps=found,
        longest_gap_ms=max((gap.outage_ms or 0.0 for gap in found), default=0.0),
        longest_silence_ms=max((_ms(after - before) for before, after in pairwise(arrivals)), default=0.0),
        median_latency_ms=statistics.median(latencies) if latencies else None,
        longest_latency_ms=max(latencies, default=None),
    )


def gaps(series: Sequence[Probe]) -> list[Gap]:
    """Return every run of lost probes of a series in the order of sending."""
    found = []
    before: Probe | None = None
    lost: list[Probe] = []
    for probe in series:
        if not probe.answered:
            lost.append(probe)
            continue
        if lost:
            found.append(_gap(before, lost, probe))
        before, lost = probe, []
    if lost:
        found.append(_gap(before, lost, None))
    return found


def _gap(before: Probe | None, lost: Sequence[Probe], after: Probe | None) -> Gap:
    return Gap(
        began_ns=(before or lost[0]).sent_ns,
        lost=len(lost),
        outage_ms=_ms(after.sent_ns - before.sent_ns) if before and after else None,
        node_before=before.node if before else None,
        node_after=after.node if after else None,
    )


def _ms(duration_ns: int) -> float:
    return round(duration_ns / 1e6, 3)
