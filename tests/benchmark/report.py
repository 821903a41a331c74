# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/benchmarks.json, its page and its plots: each row as it was last measured; nothing is typed by hand."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from . import ROOT, summary, titles
from .svg import Point, Series, plot

FOLDER = ROOT / "docs/benchmarks"
PAGE = ROOT / "docs/benchmarks.md"
FIGURES = "figures.json"
BEGIN, END = "<!-- begin: written by make bench -->", "<!-- end: written by make bench -->"

Row = Mapping[str, Any]

# File name -> row, figure, title, what grows.
PLOTS = {
    "outage.svg": (
        "takeover",
        "answers_ms",
        "The MASTER dies: VIP answers after the down timer expires",
        "advert interval, s",
    ),
    "cpu_master.svg": ("scale", "cpu_master", "CPU as MASTER", "virtual routers, adverts every 1 s"),
    "cpu_backup.svg": ("scale", "cpu_backup", "CPU as BACKUP", "virtual routers, adverts every 1 s"),
    "memory.svg": ("scale", "memory_master_mb", "Memory as MASTER (PSS)", "virtual routers"),
    "start.svg": ("scale", "start_cpu_s", "CPU time of a start, until all are BACKUP", "virtual routers"),
    "failover.svg": ("scale", "takeover_last_ms", "All fail over: last one after the bound", "virtual routers"),
}


def write(rows: Sequence[dict[str, Any]], folder: Path = FOLDER, page: Path = PAGE) -> None:
    """Put the rows in the place of what was known of them, and draw and write everything anew."""
    folder.mkdir(exist_ok=True)
    known = {row["name"]: row for row in read(folder)}
    known.update((row["name"], row) for row in rows)
    (folder / FIGURES).write_text(_json(list(known.values())))
    for name, text in plots(list(known.values())).items():
        (folder / name).write_text(text)
    page.write_text(replace_block(page.read_text(), list(known.values())))


def read(folder: Path = FOLDER) -> list[dict[str, Any]]:
    """The rows that are known."""
    file = folder / FIGURES
    return list(json.loads(file.read_text())) if file.exists() else []


def plots(rows: Sequence[Row]) -> dict[str, str]:
    """The plots for which there are figures."""
    by_name = {row["name"]: row for row in rows}
    found = {}
    for file, (name, figure, title, grows) in PLOTS.items():
        series = _series(by_name[name], figure) if name in by_name else []
        if series:
            unused_name, unit = titles.FIGURES[figure]
            found[file] = plot(title, grows, unit, series)
    return found


def replace_block(page: str, rows: Sequence[Row]) -> str:
    """A page with its block written anew."""
    before, unused_begin, rest = page.partition(BEGIN)
    unused_block, found, after = rest.partition(END)
    if not found:
        raise ValueError(f"no {BEGIN} and {END} in the page")
    return f"{before}{BEGIN}\n{render(rows)}{END}{after}"


def render(rows: Sequence[Row]) -> str:
    """A section for each row."""
    drawn = plots(rows)
    return "\n".join(["", *(_section(row, [file for file in drawn if PLOTS[file][0] == row["name"]]) for row in rows)])


def _section(row: Row, files: Sequence[str]) -> str:
    machine, names = row["machine"], list(row["daemons"].values())
    lines = [
        f"## {row['title']}",
        "",
        f"{machine['at']}, Linux {machine['kernel']} with {machine['cores']} cores, Python {machine['python']}; load"
        f" average {machine['load_before']:.1f} before, {machine['load_most']:.1f} at most; {row['seconds']} s.",
        "",
        _cells(["", "", *names, "ratio", "aim: at most"]),
        _cells(["---"] * (len(names) + 4)),
    ]
    for case in row["cases"]:
        for line in summary.lines_of(row["name"], case):
            spreads = ["" if one is None else str(one) for one in (line.ours, line.theirs)]
            aim = "" if line.aim is None else f"{line.aim}: {'kept' if line.met else '**missed**'}"
            lines.append(_cells([case["title"], line.title, *spreads, str(line.ratio or ""), aim]))
        for sample in case["samples"]:
            if "error" in sample:
                lines.append(
                    _cells([case["title"], f"not measured ({sample['kind']}): {sample['error']}", "", "", "", ""])
                )
    lines += [f"\n![{PLOTS[file][2]}](benchmarks/{file})" for file in files]
    return "\n".join([*lines, ""])


def _cells(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _series(row: Row, figure: str) -> list[Series]:
    """A curve a daemon; its x is the number or the seconds in the name of a case."""
    found = []
    for kind, name in row["daemons"].items():
        points = []
        for case in row["cases"]:
            values = [one[figure] for one in case["samples"] if one["kind"] == kind and figure in one]
            spread = summary.Spread.of(values)
            if spread:
                points.append(Point(_scale(case["name"]), spread.least, spread.median, spread.most))
        if points:
            found.append(Series(name, tuple(sorted(points, key=lambda point: point.x))))
    return found


def _scale(name: str) -> float:
    """10ms -> 0.01, 1s -> 1, 200 -> 200."""
    return float(name[:-2]) / 1000 if name.endswith("ms") else float(name.removesuffix("s"))


def _json(rows: Sequence[Row]) -> str:
    """A list with one sample a line."""
    return (
        "[\n"
        + ",\n".join(
            _nested(row, "cases", [_nested(case, "samples", _lines(case)) for case in row["cases"]]) for row in rows
        )
        + "\n]\n"
    )


def _nested(document: Mapping[str, Any], key: str, parts: Sequence[str]) -> str:
    """A document whose list `key` consists of these parts."""
    head = json.dumps({name: value for name, value in document.items() if name != key})
    return f'{head[:-1]}, "{key}": [\n' + ",\n".join(parts) + "\n]}"


def _lines(case: Mapping[str, Any]) -> list[str]:
    return [json.dumps(sample) for sample in case["samples"]]
