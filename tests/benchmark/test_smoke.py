# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`make bench` still measures what it says: every kind of row once, at its smallest; no figure is judged."""

from __future__ import annotations

from functools import partial

import pytest
from segment import remove_leftovers

from tests.benchmark import busy, report, run, scale, takeover
from tests.benchmark.daemons import KINDS, Load
from tests.benchmark.pair import Figures
from tests.benchmark.rows import Case, Measure, Row, rows
from tests.benchmark.titles import AIMS

FAST = Load(1, 0.1)
SHORT = scale.Patience(settle_s=0.2, window_s=0.5, listen_s=1.0)
TWO_SEGMENTS = Load(4, 0.1, per_link=2)


def _scale(kind: str, release: str) -> list[Figures]:
    return [scale.measure(kind, TWO_SEGMENTS, release, SHORT)]


MEASURES: dict[str, tuple[Measure, set[str]]] = {
    "takeover": (partial(takeover.answers, FAST, 1), {"answers_ms"}),
    "addresses": (partial(takeover.addresses, Load(1, 0.1, 20), 1), {"up_ms", "announced_ms"}),
    # Nobody is kept busy here: other tests run beside this one.
    "busy": (partial(busy.measure, 0.5, workers=0), {"failovers", "unexplained", "pauses", "longest_gap_ms"}),
    "scale": (
        _scale,
        {
            *("start_s", "start_cpu_s", "cpu_master", "cpu_backup", "memory_master_mb", "memory_backup_mb"),
            *("late_median_ms", "late_99_ms", "late_most_ms", "takeover_median_ms", "takeover_last_ms"),
        },
    ),
}


@pytest.fixture(autouse=True)
def clean_machine() -> None:
    """Nothing of an earlier, killed run is in the way."""
    remove_leftovers()


@pytest.mark.parametrize("name", MEASURES)
def test_a_row_is_measured_with_both_kinds(name: str) -> None:
    measure, figures = MEASURES[name]
    row = Row(name, "small", (Case("1", "one", measure, rounds=1, together=True),))
    [document] = run.measure([row], KINDS, "bookworm", None)
    [case] = document["cases"]
    assert [sample["kind"] for sample in case["samples"]] == list(KINDS)
    assert [set(sample) - {"kind", "round"} for sample in case["samples"]] == [figures, figures], case["samples"]
    assert "not measured" not in report.render([document])


def test_every_aim_has_its_case_and_every_plot_its_row() -> None:
    cases = {(row.name, case.name) for row in rows(1) for case in row.cases}
    assert {(row, case) for row, case, _figure in AIMS} <= cases
    assert {row for row, *_rest in report.PLOTS.values()} <= {row for row, _case in cases}


def test_rows_and_cases_are_chosen_by_name() -> None:
    everything = rows(1)
    assert run.chosen(everything, []) == list(everything)
    [fast, scale_row] = run.chosen(everything, ["fast", "scale/1000"])
    assert fast in everything
    assert (scale_row.name, [case.name for case in scale_row.cases]) == ("scale", ["1000"])
