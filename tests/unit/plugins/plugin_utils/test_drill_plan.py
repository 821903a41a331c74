# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a drill will do, what the protocol allows it to cost, and when it is not begun."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.duet.ha_pair.plugins.plugin_utils.drill.bounds import down_s, overlap_s, settles_s
from ansible_collections.duet.ha_pair.plugins.plugin_utils.drill.clock import Exchange, best
from ansible_collections.duet.ha_pair.plugins.plugin_utils.drill.plan import FAULTS, plan
from drills import VIP, instance, pair, report


@pytest.mark.parametrize(
    ("version", "interval_s", "priority", "expected_s"),
    [
        (3, 1.0, 100, 3.609375),
        (3, 0.01, 100, 0.03609375),
        (3, 40.95, 254, 123.169921875),
        # RFC 3768 6.1: the skew is a part of a second, whatever the interval.
        (2, 5.0, 100, 15.609375),
    ],
)
def test_how_long_a_backup_waits(version: int, interval_s: float, priority: int, expected_s: float) -> None:
    master = instance("MASTER", 255, version=version, advert_interval=interval_s)
    assert down_s(master, [instance("BACKUP", priority)]) == pytest.approx(expected_s, abs=1e-9)


def test_the_best_backup_takes_over() -> None:
    backups = [instance("BACKUP", priority) for priority in (50, 200, 100)]
    assert down_s(instance("MASTER", 250), backups) == pytest.approx(3 + 56 / 256)
    assert down_s(instance("MASTER", 250), []) is None


@pytest.mark.parametrize(("interval_s", "expected_s"), [(1.0, 0.39), (0.5, 1.195), (0.01, 2.964), (10.0, 0.0)])
def test_how_long_a_dead_masters_address_may_stay(interval_s: float, expected_s: float) -> None:
    master = instance("MASTER", 150, advert_interval=interval_s)
    waits_s = down_s(master, [instance("BACKUP", 100)])
    assert waits_s is not None
    assert overlap_s(master, waits_s) == pytest.approx(expected_s, abs=0.005)


def test_a_delay_on_purpose_is_waited_for() -> None:
    assert settles_s([instance("MASTER", 150, preempt_delay=300), instance("BACKUP", 100, startup_delay=20)]) == 300
    assert settles_s([]) == 0


def test_the_plan_of_a_pair() -> None:
    made = plan(pair(), ["switchover", "kill"])
    assert made["problems"] == []
    assert (made["host"], made["others"], made["roles"], made["masters"]) == ("lb1", ["lb2"], ["web"], {"web": "lb1"})
    assert made["targets"] == [VIP]
    switchover, kill = made["faults"]
    assert switchover["announcement"] == "lb1 gives its role away, and gets it back; no packet may be lost"
    assert kill["announcement"].endswith("at most 3.61 s without an answer")
    assert kill["bounds"]["web"]["words"] == "3 x 1 s + (256 - 100) / 256 x 1 s = 3.61 s"
    assert (switchover["bounds"]["web"]["lossless"], kill["bounds"]["web"]["lossless"]) == (True, False)


def test_a_backup_that_is_killed_costs_nothing() -> None:
    [kill] = plan(pair(), ["kill"], host="lb2")["faults"]
    assert kill["bounds"]["web"]["lossless"]
    assert "no packet may be lost" in kill["announcement"]


def test_an_address_that_only_the_link_knows_is_not_asked() -> None:
    made = plan(pair(virtual_addresses=["fe80::1/64", "2001:db8::1/64"]), ["stop"])
    assert made["targets"] == ["2001:db8::1"]
    assert made["addresses"] == ["fe80::1", "2001:db8::1"]


@pytest.mark.parametrize(
    ("reports", "words"),
    [
        ({"lb1": report(instance("MASTER", 150))}, "nobody could take over"),
        (
            {**pair(), "lb2": report(running=False, reason="the agent is not installed")},
            "lb2: the agent is not installed",
        ),
        ({**pair(), "lb2": {"unreachable": True}}, "lb2: could not be reached"),
        ({**pair(), "lb2": report(drained=True)}, "lb2 is drained and takes no part; undrain it first"),
        ({"lb1": report(), "lb2": report()}, "there is no instance on any host; run site.yml first"),
    ],
)
def test_an_unhealthy_pair_is_left_alone(reports: dict[str, Any], words: str) -> None:
    made = plan(reports, ["switchover"])
    assert words in "; ".join(made["problems"])
    assert made["faults"] == []


def test_what_cannot_be_meant_is_refused_all_at_once() -> None:
    made = plan(pair(), ["stpo", "cut", "freeze"], host="lb9")
    assert made["problems"] == [
        "drill_faults: there is no fault stpo; choose among switchover, stop, kill, freeze, cut",
        "drill_faults: cut is for a lab, not for a pair that serves; set drill_lab: true where it is one",
        "drill_faults: cut needs drill_cut_command and drill_plug_command, which the controller runs",
        "drill_faults: freeze is for a lab, not for a pair that serves; set drill_lab: true where it is one",
        "lb9 is to fail, but the group has lb1, lb2; set drill_host",
    ]
    assert plan(pair(), ["stop", "stop"])["problems"] == ["drill_faults: each fault once"]
    assert plan(pair(), [])["problems"] == ["drill_faults is empty; choose among switchover, stop, kill, freeze, cut"]


def test_all_faults_are_for_a_lab() -> None:
    assert plan(pair(), list(FAULTS), lab=True, cut=True)["problems"] == []


def test_the_shortest_exchange_knows_the_clock_best() -> None:
    exchanges = [Exchange(10.0, 10.9, 11.0), Exchange(20.0, 20.51, 20.02), Exchange(30.0, 30.0, 30.5)]
    assert best(exchanges) == (0.5, 0.01)
