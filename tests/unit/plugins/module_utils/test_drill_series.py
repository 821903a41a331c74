# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A series of probes: what was lost, who answered, when nobody did."""

from __future__ import annotations

from typing import Any

from ansible_collections.duet.ha_pair.plugins.module_utils.drill import series as module
from ansible_collections.duet.ha_pair.plugins.module_utils.drill.series import Series

MS = 1_000_000


def run(answers: str, nodes: str = "", held_up_ms: int = 1) -> dict[str, Any]:
    """A probe each 10 ms: . is answered after held_up_ms, x is lost; nodes names who answered each."""
    series = Series("192.0.2.10", "http", 10 * MS)
    probes = [series.begin(number * 10 * MS) for number in range(len(answers))]
    for number, (probe, answer) in enumerate(zip(probes, answers)):
        if answer == ".":
            series.end(probe, (number * 10 + held_up_ms) * MS, nodes[number] if nodes else None)
        else:
            series.end(probe, (number * 10 + 500) * MS, error="no answer in time")
    series.close()
    return series.document()


def test_nothing_is_lost() -> None:
    found = run("....")
    assert (found["sent"], found["answered"], found["gaps"], found["silences"]) == (4, 4, [], [])
    assert found["turns"] == [{"node": None, "from": 0.0, "to": 0.03}]
    assert (found["from"], found["to"]) == (0.0, 0.03)


def test_each_lost_probe_is_listed_with_the_answered_ones_around_it() -> None:
    [gap] = run("..xxx.")["gaps"]
    assert gap["lost_at"] == [0.02, 0.03, 0.04]
    assert (gap["after"], gap["before"], gap["lost"]) == (0.01, 0.05, 3)
    assert gap["errors"] == {"no answer in time": 3}


def test_a_gap_at_either_end_is_open() -> None:
    first, last = run("x..x")["gaps"]
    assert (first["after"], first["before"]) == (None, 0.01)
    assert (last["after"], last["before"]) == (0.02, None)


def test_who_answered() -> None:
    turns = run("..x...", "aaxbba")["turns"]
    assert [(turn["node"], turn["from"], turn["to"]) for turn in turns] == [
        ("a", 0.0, 0.01),
        ("b", 0.03, 0.04),
        ("a", 0.05, 0.05),
    ]


def test_answers_in_any_order_are_counted_in_the_order_of_sending() -> None:
    series = Series("192.0.2.10", "icmp", 10 * MS)
    first, second, third = (series.begin(number * 10 * MS) for number in range(3))
    series.end(third, 21 * MS)
    series.end(first, 22 * MS)
    series.end(second, 30 * MS, error="refused")
    series.end(second, 31 * MS)  # too late: it is lost
    series.close()
    [gap] = series.document()["gaps"]
    assert (gap["after"], gap["before"]) == (0.0, 0.02)


def test_what_never_ended_is_lost() -> None:
    series = Series("192.0.2.10", "icmp", 10 * MS)
    series.begin(0)
    series.close()
    found = series.document(wall_ns=5_000_000_000)
    assert found["gaps"][0]["lost_at"] == [5.0]


def test_answers_that_were_held_up_are_a_silence_and_no_loss() -> None:
    series = Series("192.0.2.10", "icmp", 10 * MS)
    probes = [series.begin(number * 10 * MS) for number in range(40)]
    for number, probe in enumerate(probes):
        series.end(probe, max(number * 10, 300 if number > 5 else 0) * MS)
    series.close()
    found = series.document()
    assert found["gaps"] == []
    assert found["silences"] == [{"from": 0.05, "to": 0.3}]


def test_a_client_that_was_kept_from_asking_says_so() -> None:
    series = Series("192.0.2.10", "icmp", 10 * MS)
    for at_ms in (0, 10, 400, 410):
        series.end(series.begin(at_ms * MS), (at_ms + 1) * MS)
    assert series.document()["pauses"] == [{"from": 0.01, "to": 0.4}]


def test_a_flood_of_losses_is_counted_and_not_kept(monkeypatch: Any) -> None:
    monkeypatch.setattr(module, "MOST_LISTED", 10)
    [gap] = run("x" * 50)["gaps"]
    assert (gap["lost"], len(gap["lost_at"])) == (50, 10)
