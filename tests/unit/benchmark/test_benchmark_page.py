# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page of the benchmark and its plots are what the figures say, and the figures are summed up right."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from tests.benchmark import report, summary, titles
from tests.benchmark.svg import Point, Series, plot
from tests.benchmark.wire import ADVERT, ANNOUNCEMENT, Heard, first_ns, last_advert_ns, late_ms

DAEMONS = {"ours": "vrrp-agent 1", "keepalived": "keepalived 2"}
MACHINE = {"at": "2026-01-31", "kernel": "6.18", "cores": 2, "python": "3.11", "load_before": 0.1, "load_most": 1.9}


def samples(figure: str, ours: list[float], theirs: list[float]) -> list[dict[str, Any]]:
    """One sample of each a round."""
    found = []
    for number, pair in enumerate(zip(ours, theirs)):
        found += [{"kind": kind, "round": number, figure: value} for kind, value in zip(DAEMONS, pair)]
    return found


def row(figure: str, ours: list[float], theirs: list[float]) -> dict[str, Any]:
    """The row about scale with one case and one figure."""
    cases = [{"name": "1000", "title": "1000 at 1 s", "samples": samples(figure, ours, theirs)}]
    return {"name": "scale", "title": "Many", "seconds": 9, "machine": MACHINE, "daemons": DAEMONS, "cases": cases}


def test_the_page_and_the_plots_are_what_the_figures_say() -> None:
    """Nothing in them is typed by hand."""
    rows = report.read()
    text = report.PAGE.read_text()
    assert report.replace_block(text, rows) == text
    drawn = {file.name: file.read_text() for file in report.FOLDER.glob("*.svg")}
    assert drawn == report.plots(rows)


def test_the_ratio_is_of_each_rounds_medians() -> None:
    [line] = summary.lines_of("scale", row("cpu_master", [2.0, 4.0, 9.0], [4.0, 4.0, 6.0])["cases"][0])
    assert (line.ours, line.theirs) == (summary.Spread(2.0, 4.0, 9.0), summary.Spread(4.0, 4.0, 6.0))
    assert line.ratio == summary.Spread(0.5, 1.0, 1.5)
    assert line.met is True  # 4 is at most 1.0 x 4


@pytest.mark.parametrize(
    ("aim", "ours", "theirs", "met"),
    [
        (titles.Aim(ratio=1.5), 1.5, 1.0, True),
        (titles.Aim(ratio=1.5), 1.6, 1.0, False),
        (titles.Aim(ratio=1.5), 1.6, None, True),
        (titles.Aim(ratio=1.5, most=2.0), 2.1, 9.0, False),
        (titles.Aim(most=0), 0, 610, True),
        (titles.Aim(most=0), 1, 610, False),
    ],
)
def test_an_aim_is_kept_or_missed(aim: titles.Aim, ours: float, theirs: float | None, met: bool) -> None:
    assert aim.met(ours, theirs) is met


def test_every_aim_is_of_a_figure_that_is_known() -> None:
    assert {figure for _row, _case, figure in titles.AIMS} <= set(titles.FIGURES)


def test_a_section_says_what_was_missed_and_what_could_not_be_measured() -> None:
    missed = row("cpu_master", [27.4], [2.0])
    missed["cases"][0]["samples"].append({"kind": "keepalived", "round": 1, "error": "AssertionError: b is late"})
    text = report.render([missed])
    assert "| 1000 at 1 s | CPU as MASTER, % of a core | 27.4 | 2 | 13.7 | 1 x keepalived's: **missed** |" in text
    assert "not measured (keepalived): AssertionError: b is late" in text
    assert "load average 0.1 before, 1.9 at most" in text


def test_what_is_written_is_read_again_and_other_rows_stay(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"before\n{report.BEGIN}\n{report.END}\nafter\n")
    other = {**row("late_median_ms", [-0.5], [4.8]), "name": "fast", "title": "Fast"}
    report.write([other], tmp_path / "figures", page)
    report.write([row("cpu_master", [1.0], [2.0])], tmp_path / "figures", page)
    report.write([row("cpu_master", [3.0], [2.0])], tmp_path / "figures", page)
    rows = json.loads((tmp_path / "figures" / report.FIGURES).read_text())
    assert rows == [other, row("cpu_master", [3.0], [2.0])]
    text = page.read_text()
    assert text.startswith("before") and text.endswith("after\n")
    assert "**missed**" in text and "kept" not in text
    ElementTree.parse(tmp_path / "figures" / "cpu_master.svg")


def test_a_page_without_the_place_for_it_is_refused() -> None:
    with pytest.raises(ValueError, match="begin: written by make bench"):
        report.replace_block("no place", [])


def test_a_plot_shows_each_point_and_nil_where_the_axis_begins() -> None:
    curve = Series("ours & theirs", (Point(1, 0.0, 0.0, 0.1), Point(1000, 1.0, 10.0, 100.0)))
    root = ElementTree.fromstring(plot("title", "number", "ms", [curve]))
    circles = [(float(one.get("cx", "")), float(one.get("cy", ""))) for one in root if one.tag.endswith("circle")]
    assert circles[0] == (70.0, 310.0)  # where the axes meet
    assert circles[1][0] == 610.0
    assert 40.0 < circles[1][1] < 310.0
    assert "ours & theirs" in [one.text for one in root]


def test_adverts_are_late_by_what_is_more_than_the_interval() -> None:
    at_ms = [(0, (0, 1)), (1, (0, 2)), (1010, (0, 1)), (999, (0, 2)), (2009, (0, 1))]
    heard = [Heard(ms * 1_000_000, ADVERT, "a", about) for ms, about in at_ms]
    heard.append(Heard(5_000_000_000, ADVERT, "b", (0, 1)))
    assert late_ms(heard, "a", 1.0) == [10.0, -2.0, -1.0]
    assert last_advert_ns(heard, "a") == {(0, 1): 2_009_000_000, (0, 2): 999_000_000}


def test_the_first_announcement_counts() -> None:
    heard = [Heard(at_ns, ANNOUNCEMENT, "b", "10.140.1.1") for at_ns in (5, 6)]
    assert first_ns(heard, ANNOUNCEMENT, "b") == {"10.140.1.1": 5}
    assert first_ns(heard, ADVERT, "b") == {}
