# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tables of docs/reliability.md out of the figures in docs/reliability.json: nothing in them is typed by hand."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

BEGIN, END = "<!-- begin: written by make reliability -->", "<!-- end: written by make reliability -->"
TABLES = {"planned": "Planned changes", "deaths": "Owners that die badly"}


def replace_block(page: str, figures: Mapping[str, Any]) -> str:
    """A page with its block written anew."""
    before, unused_begin, rest = page.partition(BEGIN)
    unused_block, found, after = rest.partition(END)
    if not found:
        raise ValueError(f"no {BEGIN} and {END} in the page")
    return f"{before}{BEGIN}\n{render(figures)}{END}{after}"


def render(figures: Mapping[str, Any]) -> str:
    """The header and the two tables."""
    return "\n".join([_header(figures), *(_table(figures, name, title) for name, title in TABLES.items())])


def _header(figures: Mapping[str, Any]) -> str:
    machine = figures["machine"]
    outcomes = [one for event in figures["events"] for cell in event["outcomes"].values() for one in cell]
    measured = [one for one in outcomes if "error" not in one]
    total = {name: sum(one[name] for one in measured) for name in ("sent", "excused", "unsent")}
    daemons = ", ".join(figures["daemons"].values())
    return (
        f"\nMeasured on Linux {machine['kernel']} with {machine['cores']} cores and Python {machine['python']}:"
        f" {daemons}.\nEach event {figures['repeat']} times, {figures['parallel']} pairs at a time; load average"
        f" {machine['load_before']:.1f} before, {machine['load_most']:.1f} at most.\nOf {total['sent']:,} probes the"
        f" machine itself lost {total['excused']:,}; {total['unsent']:,} more had no processor in time to be sent.\n"
    )


def _table(figures: Mapping[str, Any], name: str, title: str) -> str:
    kinds = figures["daemons"]
    lines = [f"## {title}", "", _row(["event on the MASTER", *kinds.values()]), _row(["---"] * (len(kinds) + 1))]
    for event in figures["events"]:
        if event["table"] == name:
            cells = [event["missing"].get(kind) or cell(event["outcomes"].get(kind, ())) for kind in kinds]
            lines.append(_row([event["title"], *cells]))
    return "\n".join([*lines, ""])


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def cell(outcomes: Sequence[Mapping[str, Any]]) -> str:
    """What an event cost one daemon: medians, and the worst in brackets where it differs."""
    errors = [one["error"] for one in outcomes if "error" in one]
    if errors or not outcomes:
        return f"not measured: {errors[0] if errors else 'left out'}"
    words = [_lost(outcomes)]
    if outcomes[0]["dies"]:
        words.append(_gone([one["gone_ms"] for one in outcomes]))
    both = [one["both_ms"] for one in outcomes]
    if any(one is None for one in both):
        words.append("on both nodes for good")
    elif max(both) >= 0.05:
        words.append(f"on both nodes {_ms(both)}")
    moves = max(one["moves"] for one in outcomes)
    words += [f"{moves} move{'s' if moves > 1 else ''}"] if moves else []
    if outcomes[0]["listens"]:
        told = [one["told_ms"] for one in outcomes]
        words.append("says nothing of it" if None in told else f"says so after {_ms(told)}")
    return "<br>".join(words)


def _lost(outcomes: Sequence[Mapping[str, Any]]) -> str:
    lost = [one["lost"] for one in outcomes]
    if not max(lost):
        return "**0 lost**"
    return f"{_median_and_worst(lost, '{:.0f}')} lost, silent {_ms([one['silence_ms'] for one in outcomes])}"


def _gone(times_ms: Sequence[float | None]) -> str:
    known = [one for one in times_ms if one is not None]
    return f"VIP gone after {_ms(known)}" if len(known) == len(times_ms) else "VIP stays"


def _ms(values_ms: Sequence[float]) -> str:
    if statistics.median(values_ms) >= 1000:
        return f"{_median_and_worst([one / 1000 for one in values_ms], '{:.2f}')} s"
    return f"{_median_and_worst(values_ms, '{:.1f}' if max(values_ms) < 10 else '{:.0f}')} ms"


def _median_and_worst(values: Sequence[float], form: str) -> str:
    median, worst = form.format(statistics.median(values)), form.format(max(values))
    return median if median == worst else f"{median} ({worst})"
