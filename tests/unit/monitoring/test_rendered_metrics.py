# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A status document as Prometheus reads it, by Prometheus' own parser."""

from __future__ import annotations

import copy
from typing import Any

from prometheus_client import parser
from vrrp_agent.protocol.counters import COUNTERS, INTERFACE_COUNTERS
from vrrp_agent.service.metrics import render
from vrrp_agent.service.tally import LATE_S, Tally

AT = "2026-11-22T16:00:00.500Z"
AT_S = 1795363200.5


def tally() -> dict[str, Any]:
    """Two transitions, and three timers: in time, 7 ms late, and 2 s late."""
    counted = Tally()
    counted.note_transition("INIT", "BACKUP", "not_master")
    counted.note_transition("BACKUP", "MASTER", "no_response")
    for late_ns in (0, 7_000_000, 2_000_000_000):
        counted.note_late(late_ns)
    return counted.status()


def a_check(**changed: Any) -> dict[str, Any]:
    return {
        "name": "nginx",
        "type": "http",
        "healthy": True,
        "since": AT,
        "last_run": AT,
        "duration_ms": 1.5,
        "detail": "200 OK",
        "failures": 0,
        "on_fail": "release",
        **changed,
    }


def an_instance(**changed: Any) -> dict[str, Any]:
    return {
        "name": "web",
        "interface": "eth0",
        "virtual_router_id": 51,
        "state": "MASTER",
        "since": AT,
        "priority": 150,
        "effective_priority": 90,
        "advert_interval": 0.25,
        "virtual_addresses": ["10.139.1.1/24", "10.139.1.2/24"],
        "extra_addresses": ["2001:db8::1/64"],
        "addresses_present": ["10.139.1.1/24"],
        "master": {"address": "10.139.1.11", "priority": 90, "last_heard": None},
        "conflicts": [],
        "not_heard_by": None,
        "track_interfaces": [{"name": "eth1", "fault": None}, {"name": "eth2", "fault": "eth2 has no carrier"}],
        "counters": {**dict.fromkeys(COUNTERS, 0), "advertisement_sent": 17, "checksum_errors": 3},
        "checks": [a_check(), a_check(name="new", healthy=None, last_run=None, duration_ms=None)],
        **tally(),
        **changed,
    }


DOCUMENT: dict[str, Any] = {
    "router_id": "lb1",
    "version": "0.1.0",
    "since": AT,
    "drained": False,
    "last_reload": {"at": AT, "ok": False, "error": "no"},
    "events": {"last": 5, "lost": 2, "error": None},
    "interfaces": [{"name": "eth0", "counters": {**dict.fromkeys(INTERFACE_COUNTERS, 0), "vrid_errors": 4}}],
    "instances": [
        an_instance(),
        an_instance(name="db", state="BACKUP", master={"address": "x", "priority": 200, "last_heard": AT}, checks=[]),
    ],
}

WEB = {"iname": "web", "intf": "eth0", "vrid": "51"}


def samples(document: dict[str, Any]) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    found = {}
    for family in parser.text_string_to_metric_families(render(document)):
        for sample in family.samples:
            key = (sample.name, frozenset(sample.labels.items()))
            assert key not in found, key
            found[key] = sample.value
    return found


def value(name: str, _document: dict[str, Any] | None = None, **labels: str) -> float | None:
    return samples(_document or DOCUMENT).get((name, frozenset(labels.items())))


def test_an_instance() -> None:
    states = {state: value("vrrp_state", **WEB, state=state) for state in ("INIT", "BACKUP", "MASTER", "FAULT")}
    assert states == {"INIT": 0, "BACKUP": 0, "MASTER": 1, "FAULT": 0}
    assert value("vrrp_priority", **WEB) == 150 and value("vrrp_effective_priority", **WEB) == 90
    assert value("vrrp_advert_interval_seconds", **WEB) == 0.25
    assert value("vrrp_state_changed_timestamp_seconds", **WEB) == AT_S
    assert (value("vrrp_addresses", **WEB), value("vrrp_addresses_present", **WEB)) == (3, 1)
    assert value("vrrp_advertisements_sent_total", **WEB) == 17
    assert value("vrrp_errors_total", **WEB, reason="checksum_errors") == 3
    assert value("vrrp_master_heard_timestamp_seconds", **WEB) is None
    assert value("vrrp_master_heard_timestamp_seconds", **{**WEB, "iname": "db"}) == AT_S
    assert value("vrrp_master_priority", **{**WEB, "iname": "db"}) == 200
    tracked = [value("vrrp_tracked_interface_up", **WEB, tracked=name) for name in ("eth1", "eth2")]
    assert tracked == [1, 0]


def test_the_agent_and_the_interfaces() -> None:
    assert value("vrrp_agent_build_info", version="0.1.0", router_id="lb1") == 1
    assert value("vrrp_agent_start_time_seconds") == AT_S
    assert value("vrrp_agent_drained") == 0
    assert value("vrrp_config_last_reload_successful") == 0
    assert value("vrrp_config_last_reload_timestamp_seconds") == AT_S
    assert value("vrrp_config_last_reload_successful", {**DOCUMENT, "last_reload": None}) == 1
    assert value("vrrp_events_lost_total") == 2
    assert value("vrrp_interface_errors_total", intf="eth0", reason="vrid_errors") == 4


def test_transitions_by_reason() -> None:
    became = {"from": "BACKUP", "to": "MASTER", "reason": "no_response"}
    assert value("vrrp_transitions_total", **WEB, **became) == 1


def test_lateness_is_a_histogram() -> None:
    buckets = [value("vrrp_timer_lateness_seconds_bucket", **WEB, le=str(bound)) for bound in LATE_S]
    assert buckets == [1, 1, 2, 2, 2, 2, 2]
    assert value("vrrp_timer_lateness_seconds_bucket", **WEB, le="+Inf") == 3
    assert value("vrrp_timer_lateness_seconds_count", **WEB) == 3
    assert value("vrrp_timer_lateness_seconds_sum", **WEB) == 2.007


def test_a_check_that_is_not_known_yet_is_neither_well_nor_sick() -> None:
    nginx = {**WEB, "check": "nginx", "type": "http"}
    assert value("vrrp_check_healthy", **nginx) == 1
    assert value("vrrp_check_duration_seconds", **nginx) == 0.0015
    assert value("vrrp_check_last_run_timestamp_seconds", **nginx) == AT_S
    new = {**nginx, "check": "new"}
    assert [value(f"vrrp_check_{what}", **new) for what in ("healthy", "duration_seconds")] == [None, None]


def test_others_with_the_role() -> None:
    two = [{"address": "10.139.1.1", "mac": mac, "since": AT, "last_seen": AT} for mac in ("02:00:00:00:00:01", None)]
    told = copy.deepcopy(DOCUMENT)
    told["instances"][0]["conflicts"] = two
    told["instances"][0]["not_heard_by"] = {"address": "10.139.1.12", "priority": 100, "since": AT}
    assert value("vrrp_conflicts", told, **WEB) == 2 and value("vrrp_not_heard_by", told, **WEB) == 1
    assert value("vrrp_conflicts", **WEB) == 0 and value("vrrp_not_heard_by", **WEB) == 0


def test_a_node_without_instances() -> None:
    assert value("vrrp_agent_drained", {**DOCUMENT, "instances": [], "interfaces": []}) == 0
    assert "vrrp_state" not in render({**DOCUMENT, "instances": [], "interfaces": []})


def test_a_value_of_a_label_is_escaped() -> None:
    told = {**DOCUMENT, "router_id": 'a"b\\c\nd'}
    assert value("vrrp_agent_build_info", told, version="0.1.0", router_id='a"b\\c\nd') == 1


def test_every_metric_has_one_heading_and_stands_in_one_piece() -> None:
    lines = render(DOCUMENT).splitlines()
    helps = [line.split()[2] for line in lines if line.startswith("# HELP")]
    assert len(helps) == len(set(helps)) == len([line for line in lines if line.startswith("# TYPE")])
    assert all(name.startswith("vrrp_") for name in helps)
    assert render(DOCUMENT).endswith("\n")


def test_every_counter_is_shown_once() -> None:
    """A new counter of the protocol needs no line here."""
    told = copy.deepcopy(DOCUMENT)
    counters = {name: number for number, name in enumerate(COUNTERS, start=1000)}
    told["instances"] = [an_instance(counters=counters)]
    found = [number for number in samples(told).values() if number in counters.values()]
    assert sorted(found) == sorted(counters.values())
