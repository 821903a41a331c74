# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A deployment on its way: who comes when, and what is judged while others are still to come."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.duet.ha_pair.plugins.module_utils.rollout import verify_so_far, waves

ADDRESS = {"lb1": "192.0.2.1", "lb2": "192.0.2.2", "lb3": "192.0.2.3"}
VIP = "192.0.2.10/24"


def instance(host: str, state: str, heard: str | None = None, name: str = "web", **changes: Any) -> dict[str, Any]:
    """What a host reports of an instance."""
    return {
        "name": name,
        "interface": "eth0",
        "virtual_router_id": 51,
        "state": state,
        "effective_priority": 100,
        "preempt": True,
        "virtual_addresses": [VIP],
        "extra_addresses": [],
        "addresses_present": [VIP] if state == "MASTER" else [],
        "source_address": ADDRESS[host],
        "master": {"address": ADDRESS[heard], "priority": 150} if heard else None,
        "fault": "eth0 is down" if state == "FAULT" else None,
        **changes,
    }


def report(*instances: dict[str, Any]) -> dict[str, Any]:
    """A host's answer."""
    return {"running": True, "instances": list(instances)}


NONE = {"running": False, "reason": "the agent is not installed", "instances": []}
MASTER_1, BACKUP_2 = report(instance("lb1", "MASTER")), report(instance("lb2", "BACKUP", "lb1"))
MASTER_2 = report(instance("lb2", "MASTER"))
WORKS = {"lb1": MASTER_1, "lb2": BACKUP_2}


def judged(reports: dict[str, Any], pending: dict[str, list[str]], before: dict[str, Any] | None = None) -> list[str]:
    """Problems as text, then what may be mended, with a mark."""
    problems, later, _notes = verify_so_far(reports, [], pending, before or {})
    return [str(one) for one in problems] + [f"later: {one}" for one in later]


@pytest.mark.parametrize(
    ("masters", "expected"),
    [
        (["lb1"], [["lb3"], ["lb2"], ["lb1"]]),
        (["lb2"], [["lb3"], ["lb1"], ["lb2"]]),
        ([], [["lb3"], ["lb2"], ["lb1"]]),
        (["lb1", "lb3"], [["lb2"], ["lb3"], ["lb1"]]),
    ],
)
def test_the_backups_come_first_and_the_lowest_of_them_before_the_others(
    masters: list[str], expected: list[list[str]]
) -> None:
    assert waves(dict.fromkeys(("lb1", "lb2", "lb3"), "ha_pair"), masters) == expected


def test_one_host_of_each_pair_at_a_time() -> None:
    groups = {"lb1": "east", "lb2": "east", "lb3": "west", "lb4": "west", "lb5": "west"}
    assert waves(groups, ["lb1", "lb4"]) == [["lb2", "lb5"], ["lb1", "lb3"], ["lb4"]]
    assert waves({}, []) == []


def test_a_pair_without_agents_comes_all_at_once() -> None:
    """Nobody serves who would have to go on; a pair in which one host runs has its order, whoever is idle there."""
    groups = {"lb1": "east", "lb2": "east", "lb3": "west", "lb4": "west", "lb5": "west"}
    assert waves(groups, [], groups) == [list(groups)]
    assert waves(groups, ["lb1"], ["lb3", "lb4", "lb5"]) == [["lb2", "lb3", "lb4", "lb5"], ["lb1"]]
    assert waves(groups, [], ["lb1", "lb3", "lb5"]) == [["lb2", "lb5"], ["lb1", "lb4"], ["lb3"]]


def test_a_running_pair_is_judged_whole() -> None:
    assert judged(WORKS, {"lb1": []}) == []
    [split] = judged({"lb1": MASTER_1, "lb2": MASTER_2}, {"lb1": []}, WORKS)
    assert split.startswith("lb1, lb2: instance web: 2 hosts are MASTER")


def test_a_host_without_an_agent_is_not_waited_for_and_is_nobodys_master() -> None:
    problems, later, notes = verify_so_far({"lb1": NONE, "lb2": MASTER_2}, [], {"lb1": []}, {"lb1": NONE, "lb2": NONE})
    assert (problems, later, notes) == ([], [], ["lb1: no agent answers there"])
    [alone] = judged({"lb1": NONE, "lb2": report(instance("lb2", "BACKUP"))}, {"lb1": []})
    assert "nobody is MASTER" in alone


def test_the_deployed_host_must_answer() -> None:
    [silent] = judged({"lb1": MASTER_1, "lb2": {**NONE, "reason": "it hangs"}}, {"lb1": []})
    assert silent.startswith("lb2: it hangs")
    assert judged({"lb1": MASTER_1, "lb2": NONE}, {"lb1": []}) != []


def test_a_host_that_cannot_understand_yet_is_left_out_with_what_is_seen_of_it() -> None:
    conflict = {"address": "192.0.2.10", "mac": "52:54:00:12:34:56"}
    deaf = {"address": "192.0.2.1", "priority": 150}
    lonely = report(instance("lb2", "MASTER", conflicts=[conflict], not_heard_by=deaf))
    assert judged({"lb1": MASTER_1, "lb2": lonely}, {"lb1": ["web"]}, WORKS) == []
    assert judged({"lb1": MASTER_1, "lb2": lonely}, {"lb1": ["db"]}, WORKS) != []


def test_a_new_instance_and_one_that_goes() -> None:
    new = report(instance("lb2", "BACKUP", "lb1"), instance("lb2", "MASTER", name="db"))
    assert judged({"lb1": MASTER_1, "lb2": new}, {"lb1": []}, WORKS) == []
    going = report(instance("lb1", "MASTER"), instance("lb1", "MASTER", name="db"))
    assert judged({"lb1": going, "lb2": BACKUP_2}, {"lb1": []}, WORKS) == []


def test_what_concerns_hosts_to_come_alone_stops_nothing() -> None:
    three = {"lb1": MASTER_1, "lb2": report(instance("lb2", "FAULT")), "lb3": report(instance("lb3", "BACKUP", "lb1"))}
    assert [line.partition(":")[0] for line in judged(three, {"lb1": [], "lb2": []}, three)] == ["later"]
    [mine] = judged(three, {"lb1": []}, WORKS)
    assert mine.startswith("lb2: instance web: not settled: FAULT")


def test_what_did_not_work_before_stops_nothing() -> None:
    split = {"lb1": MASTER_1, "lb2": MASTER_2}
    [later] = judged(split, {"lb1": []}, split)
    assert later.startswith("later: lb1, lb2: instance web: 2 hosts are MASTER")


def test_the_last_host_is_judged_with_all_others() -> None:
    assert len(judged({"lb1": MASTER_1, "lb2": MASTER_2}, {}, {"lb1": MASTER_1, "lb2": MASTER_2})) == 1
