# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a series of probes says: what was lost, for how long nobody answered, and who did. Pure; times are in ns.

Every probe of the target has a twin, sent in the same moment to a node that nothing happens to. What both have lost is
the machine's: it is told as `excused`, and no loss. A probe whose time had passed before its process was given the
processor was never sent: it is told as `unsent`, and no loss either. An answer that takes longer than 200 ms, TCP's
shortest timeout, is none: it has waited until the client had found out where the address lives.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

_MS = 1_000_000
_LATE_NS = 200 * _MS


@dataclass(frozen=True)
class Probe:
    """One probe and its twin: when both were sent, when each was answered, and the MAC that answered for the target."""

    sent_ns: int
    answered_ns: int | None
    control_ns: int | None
    mac: str | None = None


@dataclass(frozen=True)
class Loss:
    """Lost probes in a row, from the first to the last one's time of sending."""

    began_ns: int
    ended_ns: int
    lost: int


@dataclass(frozen=True)
class Turn:
    """For how long one MAC, and no other, answered for the target."""

    node: str
    began_ns: int
    ended_ns: int
    answers: int


@dataclass(frozen=True)
class Report:
    """A series summed up; `longest_silence_ms` is how much longer nobody answered for the target than for its twin."""

    began_ns: int
    sent: int
    unsent: int
    lost: int
    excused: int
    longest_silence_ms: float
    losses: tuple[Loss, ...]
    turns: tuple[Turn, ...]

    def __str__(self) -> str:
        lines = [
            f"{self.sent} sent, {self.lost} lost, longest silence {self.longest_silence_ms:.1f} ms"
            f" (the machine's own: {self.excused} lost, {self.unsent} not sent)"
        ]
        lines += [f"  {loss.lost} lost at {self._when(loss.began_ns, loss.ended_ns)}" for loss in self.losses]
        lines += [
            f"  {turn.answers} answers of {turn.node} at {self._when(turn.began_ns, turn.ended_ns)}"
            for turn in self.turns
        ]
        return "\n".join(lines)

    def _when(self, began_ns: int, ended_ns: int) -> str:
        return f"{(began_ns - self.began_ns) / 1e9:.4f} to {(ended_ns - self.began_ns) / 1e9:.4f} s"


def summarize(
    probes: Sequence[Probe], unsent: int = 0, names: Mapping[str, str] | None = None, interval_ms: float = 1.0
) -> Report:
    """Sum up a series in the order of sending; `names` has the nodes' names by MAC."""
    lost = [probe for probe in probes if _lost(probe)]
    return Report(
        began_ns=probes[0].sent_ns if probes else 0,
        sent=len(probes),
        unsent=unsent,
        lost=len(lost),
        excused=sum(not _in_time(probe, probe.answered_ns) and not _lost(probe) for probe in probes),
        longest_silence_ms=round(_longest_silence_ns(probes, int(2 * interval_ms * _MS)) / _MS, 3),
        losses=tuple(_losses(probes)),
        turns=tuple(_turns(probes, names or {})),
    )


def _in_time(probe: Probe, answered_ns: int | None) -> bool:
    return answered_ns is not None and answered_ns - probe.sent_ns <= _LATE_NS


def _lost(probe: Probe) -> bool:
    return not _in_time(probe, probe.answered_ns) and _in_time(probe, probe.control_ns)


def _losses(probes: Sequence[Probe]) -> list[Loss]:
    """Runs of losses; an excused probe within one does not end it."""
    found: list[Loss] = []
    going_on = False
    for probe in probes:
        if _lost(probe):
            began_ns, count = (found[-1].began_ns, found[-1].lost) if going_on else (probe.sent_ns, 0)
            found[len(found) - going_on :] = [Loss(began_ns, probe.sent_ns, count + 1)]
            going_on = True
        elif _in_time(probe, probe.answered_ns):
            going_on = False
    return found


def _longest_silence_ns(probes: Sequence[Probe], normal_ns: int) -> int:
    """The longest time between two answers, less what the twin had to wait at most in the same time."""
    if not probes:
        return 0
    control = sorted(probe.control_ns for probe in probes if probe.control_ns is not None)
    answers = sorted(probe.answered_ns for probe in probes if probe.answered_ns is not None)
    ends = [probes[0].sent_ns, *answers]
    if probes[-1].answered_ns is None:
        ends.append(max(ends[-1], probes[-1].sent_ns))
    silences = [(earlier, later) for earlier, later in pairwise(ends) if later - earlier > normal_ns]
    return max((later - earlier - _longest_wait(control, earlier, later) for earlier, later in silences), default=0)


def _longest_wait(answers: Sequence[int], began_ns: int, ended_ns: int) -> int:
    within = answers[bisect_right(answers, began_ns) : bisect_left(answers, ended_ns)]
    return max(later - earlier for earlier, later in pairwise([began_ns, *within, ended_ns]))


def _turns(probes: Sequence[Probe], names: Mapping[str, str]) -> list[Turn]:
    """Who answered for how long, in the order of sending."""
    found: list[Turn] = []
    for probe in probes:
        if probe.mac is None:
            continue
        node = names.get(probe.mac, probe.mac)
        began_ns, count = (found[-1].began_ns, found[-1].answers) if found and found[-1].node == node else (0, 0)
        found[len(found) - bool(count) :] = [Turn(node, began_ns or probe.sent_ns, probe.sent_ns, count + 1)]
    return found
