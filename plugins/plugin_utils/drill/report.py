# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The verdict on a fire drill: what each fault cost beside what it may, out of samples and events. Pure.

Times are seconds since the epoch by the controller's clock.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from .seen import Clocks, lane, log, overlap_s, segments

# How much is shown before a fault.
_BEFORE_S = 1.5
# What nobody has written down.
_ENDED = {"outcome": "failed", "why": "the run ended before it, or in it; the output of the playbook says why"}


def judge(drill: Mapping[str, Any]) -> dict[str, Any]:
    """What was done and found, with a verdict for each fault and one over all."""
    clocks = Clocks(drill["clocks"])
    planned = {fault["name"]: fault for fault in drill["plan"]["faults"]}
    records = {record["name"]: record for record in drill["records"]}
    faults = [_fault(planned[name], records.get(name, _ENDED), drill, clocks) for name in planned]
    reasons = [f"{fault['name']}: {reason}" for fault in faults for reason in fault["reasons"] if _counts(fault)]
    return {
        "group": drill["group"],
        "began": drill["began"],
        "verdict": _over_all([fault["verdict"] for fault in faults]),
        "reasons": reasons,
        "masters": drill["plan"]["masters"],
        "hosts": drill["plan"]["hosts"],
        "client": drill["client"],
        "questions": drill["questions"],
        "allowance_s": drill["allowance_s"],
        "clocks": {name: _clock(name, clock, clocks) for name, clock in drill["clocks"].items()},
        "faults": faults,
    }


def lines(report: Mapping[str, Any]) -> list[str]:
    """The verdicts as a table for a terminal."""
    rows = [("FAULT", "HOST", "VERDICT", "OUTAGE", "BOUND", "LOST", "WHY")]
    for fault in report["faults"]:
        why = "; ".join(fault["reasons"])
        made = fault["verdict"] not in ("refused", "not made")
        figures = (outage_text(fault), bound_text(fault), str(fault["lost"])) if made else ("-", "-", "-")
        rows.append((fault["name"], fault["host"], fault["verdict"], *figures, why))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows]


def outage_text(fault: Mapping[str, Any]) -> str:
    """How long nobody answered, in words."""
    if fault["outage_s"] is None:
        return "until the end"
    return f"{fault['outage_s']:.2f} s" if fault["outage_s"] else "none"


def bound_text(fault: Mapping[str, Any]) -> str:
    """How long that may be, in words."""
    return f"{fault['bound_s']:.2f} s" if fault["bound_s"] else "none lost"


def _over_all(verdicts: list[str]) -> str:
    if not verdicts or "failed" in verdicts:
        return "failed"
    if "not proven" in verdicts:
        return "not proven"
    return "passed" if "passed" in verdicts else "refused"


def _counts(fault: Mapping[str, Any]) -> bool:
    return fault["verdict"] in ("failed", "not proven")


def _clock(name: str, clock: Mapping[str, Any], clocks: Clocks) -> dict[str, Any]:
    known = {key: clock.get(key) for key in ("offset", "uncertainty")}
    return {**known, "corrected": clocks.ahead_s(name)}


def _fault(
    plan: Mapping[str, Any], record: Mapping[str, Any], drill: Mapping[str, Any], clocks: Clocks
) -> dict[str, Any]:
    bounds = plan["bounds"]
    known = {
        **{key: plan[key] for key in ("name", "host", "planned", "what")},
        "bound_s": max((one["down_s"] for one in bounds.values() if not one["lossless"]), default=0.0),
        "bound_words": [f"{name}: {one['words']}" for name, one in bounds.items() if not one["lossless"]],
        "outage_s": 0.0,
        "lost": 0,
        "cut_off": 0,
        "overlap_s": 0.0,
        "rows": [],
        "log": [],
        "notes": [],
    }
    if record["outcome"] in ("refused", "not made") or "broke" not in record:
        verdict = record["outcome"] if record["outcome"] in ("refused", "not made") else "failed"
        return {**known, "verdict": verdict, "reasons": [record["why"]]}
    return {**known, **_Judged(plan, record, drill, clocks).found()}


class _Judged:
    """One fault that was made."""

    def __init__(self, plan: Mapping[str, Any], record: Mapping[str, Any], drill: Mapping[str, Any], clocks: Clocks):
        self._plan, self._record, self._drill, self._clocks = plan, record, drill, clocks
        self._allowance_s = float(drill["allowance_s"])
        self._broke = [float(moment) for moment in record["broke"]]
        self._mended = [float(moment) for moment in record["mended"]]
        self._window = (self._broke[0] - _BEFORE_S, float(record["whole"]))
        self._rows = [
            row
            for instance, addresses in drill["plan"]["instances"].items()
            for address in addresses
            for row in [self._row(instance, address)]
        ]

    def found(self) -> dict[str, Any]:
        """Everything about it that the page shows."""
        failures, doubts = list(self._failures()), list(self._doubts())
        gaps = [gap for unused_row, unused_lane, gap in self._gaps() if not gap["cut_off"]]
        outages = [gap["outage_s"] for gap in gaps] + [span["to"] - span["from"] for span in self._silences()]
        return {
            "verdict": "failed" if failures else "not proven" if doubts else "passed",
            "reasons": [*failures, *doubts],
            "outage_s": None if None in outages else max(outages, default=0.0),
            "lost": sum(gap["lost"] for gap in gaps),
            "cut_off": sum(gap["lost"] for unused_row, unused_lane, gap in self._gaps() if gap["cut_off"]),
            "overlap_s": max((self._overlap_s(row) for row in self._rows), default=0.0),
            "from": self._window[0],
            "to": self._window[1],
            "broke": self._broke,
            "mended": self._mended,
            "rows": self._rows,
            "log": log(self._drill["watched"], self._window, self._clocks),
            "notes": list(self._notes()),
        }

    def _row(self, instance: str, address: str) -> dict[str, Any]:
        return {
            "instance": instance,
            "address": address,
            "segments": segments(self._drill["watched"], address, self._window, self._clocks),
            "lanes": [
                lane(series, self._window, self._clocks, self._drill["client"])
                for series in self._record["series"]
                if series["target"] == address
            ],
        }

    def _gaps(self) -> Iterator[tuple[dict[str, Any], dict[str, Any], dict[str, Any]]]:
        for row in self._rows:
            for found in row["lanes"]:
                for gap in found["gaps"]:
                    yield row, found, gap

    def _silences(self) -> Iterator[Mapping[str, Any]]:
        for row in self._rows:
            for found in row["lanes"]:
                yield from found["silences"]

    def _overlap_s(self, row: Mapping[str, Any]) -> float:
        return overlap_s(row["segments"], (self._broke[0], self._mended[0]))

    def _failures(self) -> Iterator[str]:
        if self._record["outcome"] == "failed":
            yield self._record["why"]
        for row, found, gap in self._gaps():
            yield from self._judge_gap(row, found, gap)
        for row in self._rows:
            bound = self._plan["bounds"][row["instance"]]
            both_s = self._overlap_s(row)
            if not bound["lossless"] and both_s > bound["overlap_s"] + self._allowance_s:
                yield f"{row['address']} was on two hosts for {both_s:.2f} s; the bound is {bound['overlap_s']:.2f} s"

    def _judge_gap(self, row: Mapping[str, Any], found: Mapping[str, Any], gap: Mapping[str, Any]) -> Iterator[str]:
        bound, what = self._plan["bounds"][row["instance"]], f"{row['address']} ({found['type']})"
        if gap["cut_off"]:
            return
        if gap["outage_s"] is None:
            yield f"{what} gave no answer until the end"
        elif bound["lossless"]:
            yield f"{what}: {gap['lost']} lost in {gap['outage_s']:.2f} s; none may be"
        elif gap["at"] >= self._mended[0]:
            yield f"{what}: {gap['lost']} lost after it was mended; none may be"
        elif gap["outage_s"] > bound["down_s"] + self._allowance_s:
            yield f"{what}: no answer for {gap['outage_s']:.2f} s; the bound is {bound['down_s']:.2f} s"

    def _doubts(self) -> Iterator[str]:
        """What would have been seen if it had been looked at."""
        lanes = [found for row in self._rows for found in row["lanes"]]
        if not any(found["sent"] for found in lanes):
            yield "the client has told nothing of its probes"
        elif any(not found["sent"] or self._ends_early(found) for found in lanes):
            yield "the client did not ask from before the fault to its end"
        longest_s = max((pause["to"] - pause["from"] for found in lanes for pause in found["pauses"]), default=0.0)
        if longest_s > self._allowance_s:
            yield f"the client itself did not ask for {longest_s:.2f} s: it was too busy to see an outage"
        for host in self._drill["plan"]["hosts"]:
            if "held" not in (self._drill["watched"].get(host) or {}):
                yield f"{host} has not told which addresses it had"

    def _ends_early(self, found: Mapping[str, Any]) -> bool:
        late = found["from"] > self._broke[0] + self._allowance_s
        return bool(late or found["to"] < self._window[1] - self._allowance_s)

    def _notes(self) -> Iterator[str]:
        for host, watch in self._drill["watched"].items():
            if watch.get("journal_error"):
                yield f"{host}: no journal: {watch['journal_error']}"
