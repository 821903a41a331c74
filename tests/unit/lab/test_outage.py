# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lost probes, gaps and outages of invented series."""

from __future__ import annotations

from lab.outage import Gap, Probe, gaps, summarize

MS = 1_000_000


def series(text: str, every_ms: int = 10) -> list[Probe]:
    """Build a series from one letter a probe: a digit is the node that answered after 1 ms, a dot is lost."""
    return [
        Probe(at * every_ms * MS, (at * every_ms + 500) * MS, None, "no answer in time")
        if letter == "."
        else Probe(at * every_ms * MS, (at * every_ms + 1) * MS, f"lb{letter}")
        for at, letter in enumerate(text)
    ]


def test_nothing_lost_is_no_gap() -> None:
    report = summarize(series("1111"))
    assert (report.sent, report.answered, report.lost, report.gaps, report.longest_gap_ms) == (4, 4, 0, [], 0.0)
    assert report.longest_silence_ms == 10.0


def test_the_outage_reaches_from_the_last_answer_before_to_the_first_after() -> None:
    assert gaps(series("11...22")) == [Gap(10 * MS, 3, 40.0, "lb1", "lb2")]


def test_a_single_lost_probe_is_a_gap_of_two_intervals() -> None:
    assert gaps(series("1.1")) == [Gap(0, 1, 20.0, "lb1", "lb1")]


def test_gaps_at_either_end_have_no_outage() -> None:
    assert gaps(series("..1.")) == [Gap(0, 2, None, None, "lb1"), Gap(20 * MS, 1, None, "lb1", None)]


def test_all_lost_is_one_gap() -> None:
    report = summarize(series("..."))
    assert report.gaps == [Gap(0, 3, None, None, None)]
    assert (report.median_latency_ms, report.longest_silence_ms) == (None, 0.0)


def test_the_order_in_which_probes_ended_does_not_matter() -> None:
    assert summarize(series("1.2..1")[::-1]) == summarize(series("1.2..1"))


def test_the_longest_of_several_gaps_is_told() -> None:
    report = summarize(series("1.2...1"))
    assert report.longest_gap_ms == 40.0
    assert report.nodes == {"lb1": 2, "lb2": 1}
    assert report.errors == {"no answer in time": 4}


def test_an_answer_that_came_late_shows_as_silence_though_nothing_was_lost() -> None:
    slow = Probe(10 * MS, 310 * MS, "lb2")
    report = summarize([*series("1"), slow])
    assert (report.lost, report.longest_silence_ms, report.longest_latency_ms) == (0, 309.0, 300.0)
