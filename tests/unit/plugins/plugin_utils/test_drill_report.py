# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The verdict on a fault, out of samples and events."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.duet.ha_pair.plugins.plugin_utils.drill.plan import plan
from ansible_collections.duet.ha_pair.plugins.plugin_utils.drill.report import judge, lines
from drills import VIP, drill, gap, pair, record, series, watched

PLAN = plan(pair(), ["switchover", "stop", "kill"])
RESET = "connection reset by peer"


def verdict(name: str, *found: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """The one fault of a drill, judged."""
    [fault] = judge(drill(PLAN, record(name, *found), **changes))["faults"]
    return fault  # type: ignore[no-any-return]


def test_a_planned_fault_that_lost_nothing() -> None:
    fault = verdict("switchover", series())
    assert (fault["verdict"], fault["outage_s"], fault["lost"], fault["reasons"]) == ("passed", 0, 0, [])
    spans = [(one["host"], one["from"], one["to"]) for one in fault["rows"][0]["segments"]]
    assert spans == [("lb1", 98.5, 103.0), ("lb1", 108.0, 110.0), ("lb2", 103.6, 108.001)]


def test_a_planned_fault_may_lose_nothing() -> None:
    fault = verdict("stop", series(gap(101.0, 101.01, before=101.02)))
    assert fault["verdict"] == "failed"
    assert fault["reasons"] == [f"{VIP} (icmp): 1 lost in 0.02 s; none may be"]


def test_a_request_that_was_half_through_is_cut_off_and_not_lost() -> None:
    fault = verdict("stop", series(gap(101.0, 101.01, before=101.02, error=RESET), kind="http"))
    assert (fault["verdict"], fault["lost"], fault["cut_off"]) == ("passed", 0, 1)


def test_many_resets_are_a_loss() -> None:
    fault = verdict("stop", series(gap(101.0, 101.01, 101.02, 101.03, before=101.04, error=RESET), kind="http"))
    assert (fault["verdict"], fault["lost"], fault["cut_off"]) == ("failed", 3, 0)


@pytest.mark.parametrize(("before", "expected"), [(104.1, "passed"), (104.36, "failed")])
def test_an_outage_is_compared_with_the_bound(before: float, expected: str) -> None:
    """3.61 s and 0.25 s for the machines, from the last answer at 100.5 s on."""
    fault = verdict("kill", series(gap(100.5, 101.0, before=before)))
    assert (fault["verdict"], fault["bound_s"]) == (expected, pytest.approx(3.609, abs=0.001))
    assert fault["outage_s"] == pytest.approx(before - 100.5)
    if expected == "failed":
        assert fault["reasons"] == [f"{VIP} (icmp): no answer for 3.86 s; the bound is 3.61 s"]


def test_nobody_ever_answers_again() -> None:
    fault = verdict("kill", series(gap(101.0, 101.01, before=None)))
    assert (fault["verdict"], fault["outage_s"]) == ("failed", None)
    assert "gave no answer until the end" in fault["reasons"][0]


def test_the_way_back_is_planned_and_loses_nothing() -> None:
    fault = verdict("kill", series(gap(108.0, 108.01, before=108.02)))
    assert fault["reasons"] == [f"{VIP} (icmp): 1 lost after it was mended; none may be"]


def test_what_was_lost_before_the_fault_is_not_its_doing() -> None:
    assert verdict("stop", series(gap(97.0, 97.01, before=97.02)))["lost"] == 0


def test_an_address_may_not_outlive_its_owner() -> None:
    """At 1 s adverts it may stay 0.39 s after the claim."""
    seen = watched([[50.0, 105.0]], [[104.0, None]])
    fault = verdict("kill", series(), watched=seen)
    assert fault["reasons"] == [f"{VIP} was on two hosts for 1.00 s; the bound is 0.39 s"]
    assert verdict("switchover", series(), watched=seen)["verdict"] == "passed"  # make before break
    assert verdict("kill", series(), watched=watched([[50.0, 104.2]], [[104.0, None]]))["verdict"] == "passed"


def test_answers_that_were_held_up_count_as_an_outage() -> None:
    fault = verdict("kill", series(silences=[{"from": 101.0, "to": 106.0}]))
    assert fault["outage_s"] == 5.0


@pytest.mark.parametrize(
    ("found", "changes", "words"),
    [
        ([], {}, "the client has told nothing"),
        ([series(sent=0)], {}, "the client has told nothing"),
        ([series(to=108.0)], {}, "the client did not ask from before the fault to its end"),
        ([series(**{"from": 101.0})], {}, "the client did not ask from before the fault to its end"),
        ([series(), series(sent=0)], {}, "the client did not ask from before the fault to its end"),
        ([series(pauses=[{"from": 101.0, "to": 103.0}])], {}, "the client itself did not ask for 2.00 s"),
        ([series()], {"watched": {}}, "lb2 has not told which addresses it had"),
    ],
)
def test_what_was_not_seen_is_not_proven(found: list[dict[str, Any]], changes: dict[str, Any], words: str) -> None:
    fault = verdict("switchover", *found, **changes)
    assert fault["verdict"] == "not proven"
    assert words in "; ".join(fault["reasons"])


def test_clocks_that_differ_are_corrected() -> None:
    clocks = {
        "lb1": {"offset": 5.0, "uncertainty": 0.01},
        "lb2": {"offset": 0.009, "uncertainty": 0.01},
        "localhost": {"offset": -2.0, "uncertainty": 0.01},
    }
    seen = watched([[55.0, 108.0]], [[103.6, None]], [{"at": 108.0, "text": "a -> b"}])
    asked = series(gap(98.0, 99.0, before=101.0), **{"from": 96.0, "to": 108.5})
    fault = verdict("kill", asked, clocks=clocks, watched=seen)
    row = fault["rows"][0]
    assert [(one["host"], one["to"]) for one in row["segments"]] == [("lb1", 103.0), ("lb2", 110.0)]
    assert fault["rows"][0]["segments"][1]["from"] == 103.6  # may be none: taken as it is
    assert row["lanes"][0]["gaps"][0]["lost_at"] == [101.0]
    assert fault["log"] == [{"at": 103.0, "host": "lb1", "text": "a -> b", "transition": True}]


def test_a_fault_that_could_not_be_made_or_mended_has_failed() -> None:
    drilled = drill(PLAN, record("stop", series(), outcome="failed", why="Stop the agent: no"))
    judged = judge(drilled)
    assert (judged["verdict"], judged["reasons"]) == ("failed", ["stop: Stop the agent: no"])


def test_refused_faults_are_shown_and_are_no_failure() -> None:
    refused = {"name": "stop", "outcome": "refused", "why": "refused by the operator", "series": []}
    judged = judge(drill(PLAN, record("switchover", series()), refused))
    assert judged["verdict"] == "passed"
    assert judged["faults"][1]["reasons"] == ["refused by the operator"]
    assert judge(drill(PLAN, refused))["verdict"] == "refused"
    table = lines(judged)
    assert table[0].split() == ["FAULT", "HOST", "VERDICT", "OUTAGE", "BOUND", "LOST", "WHY"]
    assert table[2].split(maxsplit=6) == ["stop", "lb1", "refused", "-", "-", "-", "refused by the operator"]


def test_a_fault_that_was_never_reached_is_no_success() -> None:
    judged = judge({**drill(PLAN, record("switchover", series())), "plan": PLAN})
    assert judged["verdict"] == "failed"
    assert [fault["verdict"] for fault in judged["faults"]] == ["passed", "failed", "failed"]
    assert judged["reasons"][0] == "stop: the run ended before it, or in it; the output of the playbook says why"
