# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Losses, silences and turns of invented series."""

from __future__ import annotations

from losses import Loss, Probe, Turn, summarize

MS = 1_000_000


def series(text: str) -> list[Probe]:
    """One letter a millisecond: who answered at once; `.` nobody but the twin; `x` not even the twin."""
    probes = []
    for at, letter in enumerate(text, start=1):
        answered = at * MS if letter not in ".x" else None
        probes.append(Probe(at * MS, answered, at * MS if letter != "x" else None, letter if answered else None))
    return probes


def test_nothing_lost() -> None:
    report = summarize(series("aaaa"))
    assert (report.sent, report.lost, report.excused, report.longest_silence_ms, report.losses) == (4, 0, 0, 0.0, ())
    assert report.turns == (Turn("a", 1 * MS, 4 * MS, 4),)


def test_what_the_twin_got_is_lost() -> None:
    report = summarize(series("aa...bb.b"), names={"b": "lb2"})
    assert report.lost == 4
    assert report.losses == (Loss(3 * MS, 5 * MS, 3), Loss(8 * MS, 8 * MS, 1))
    assert report.longest_silence_ms == 3.0  # 4 ms between two answers, where the twin waited 1
    assert report.turns == (Turn("a", 1 * MS, 2 * MS, 2), Turn("lb2", 6 * MS, 9 * MS, 3))


def test_what_both_lost_is_the_machines() -> None:
    report = summarize(series("aaxxxxxaa"))
    assert (report.lost, report.excused, report.losses, report.longest_silence_ms) == (0, 5, (), 0.0)


def test_a_hiccup_within_a_loss_neither_ends_nor_lengthens_it() -> None:
    report = summarize(series("a..xx..a"))
    assert report.losses == (Loss(2 * MS, 7 * MS, 4),)
    assert report.longest_silence_ms == 4.0  # 7 ms, of which the twin waited 3


def test_a_pause_of_the_prober_is_no_silence() -> None:
    probes = [*series("aa"), Probe(90 * MS, 90 * MS, 90 * MS, "a")]
    report = summarize(probes, unsent=87)
    assert (report.lost, report.unsent, report.longest_silence_ms) == (0, 87, 0.0)


def test_an_answer_that_came_late_is_a_silence_though_nothing_was_lost() -> None:
    slow = [Probe(at * MS, 9 * MS, at * MS, "b") for at in range(3, 9)]
    report = summarize([*series("aa"), *slow])
    assert (report.lost, report.longest_silence_ms) == (0, 6.0)


def test_an_answer_that_came_too_late_is_none() -> None:
    late = [Probe(at * MS, (at + 201) * MS, at * MS, "b") for at in range(3, 9)]
    assert summarize([*series("aa"), *late]).lost == 6
    both = [Probe(at * MS, (at + 201) * MS, (at + 201) * MS, "b") for at in range(3, 9)]
    assert summarize([*series("aa"), *both]).excused == 6


def test_silence_at_either_end() -> None:
    assert summarize(series("...aaa")).longest_silence_ms == 2.0
    assert summarize(series("aaa...")).longest_silence_ms == 2.0
    assert summarize(series("....")).longest_silence_ms == 2.0


def test_no_probe_at_all() -> None:
    report = summarize([])
    assert (report.sent, report.lost, report.longest_silence_ms, report.turns) == (0, 0, 0.0, ())


def test_it_tells_when() -> None:
    text = str(summarize(series("aa...b"), unsent=2))
    assert "6 sent, 3 lost, longest silence 3.0 ms (the machine's own: 0 lost, 2 not sent)" in text
    assert "3 lost at 0.0020 to 0.0040 s" in text
