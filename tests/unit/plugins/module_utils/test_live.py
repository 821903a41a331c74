# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the agents report is judged: settled or not, one MASTER or not."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.duet.ha_pair.plugins.module_utils.live import (
    failing_checks,
    faults,
    summary,
    unsettled,
    verify,
)

VIP = "192.0.2.10/24"
ADDRESS = {"lb1": "192.0.2.1", "lb2": "192.0.2.2"}


def instance(host: str, state: str, **changes: Any) -> dict[str, Any]:
    """What a host reports of the instance web in a state; lb1 is the MASTER that lb2 hears."""
    priority = 150 if host == "lb1" else 100
    heard = {"address": ADDRESS["lb1"], "priority": 150, "last_heard": "2026-11-22T16:00:00.000Z"}
    return {
        "name": "web",
        "interface": "eth0",
        "virtual_router_id": 51,
        "state": state,
        "priority": priority,
        "effective_priority": priority,
        "preempt": True,
        "virtual_addresses": [VIP],
        "extra_addresses": [],
        "addresses_present": [VIP] if state == "MASTER" else [],
        "source_address": ADDRESS[host],
        "master": {"address": ADDRESS[host], "priority": priority} if state == "MASTER" else heard,
        "fault": "link down" if state == "FAULT" else None,
        **changes,
    }


def reports(lb1: dict[str, Any], lb2: dict[str, Any]) -> dict[str, Any]:
    """Both hosts' answers."""
    return {"lb1": {"running": True, "instances": [lb1]}, "lb2": {"running": True, "instances": [lb2]}}


def found(lb1: dict[str, Any], lb2: dict[str, Any]) -> list[str]:
    """The problems of both as text."""
    return [str(problem) for problem in verify(reports(lb1, lb2))]


def test_a_pair_that_works() -> None:
    pair = reports(instance("lb1", "MASTER"), instance("lb2", "BACKUP"))
    assert verify(pair) == []
    assert summary(pair) == {"web": {"lb1": "MASTER", "lb2": "BACKUP"}}


@pytest.mark.parametrize(
    ("lb1", "lb2", "expected"),
    [
        (
            instance("lb1", "MASTER"),
            instance("lb2", "MASTER"),
            "lb1, lb2: instance web: 2 hosts are MASTER (lb1 holds 192.0.2.10/24; lb2 holds 192.0.2.10/24)",
        ),
        (
            instance("lb1", "FAULT", master=None),
            instance("lb2", "BACKUP", master=None),
            "lb1, lb2: instance web: nobody is MASTER: lb1 is FAULT: link down; lb2 is BACKUP, has heard no MASTER yet",
        ),
        (
            instance("lb1", "MASTER", addresses_present=[]),
            instance("lb2", "BACKUP"),
            "lb1: instance web: MASTER, but 192.0.2.10 is not on eth0",
        ),
        (
            instance("lb1", "MASTER", extra_addresses=["2001:db8::a/64"]),
            instance("lb2", "BACKUP"),
            "lb1: instance web: MASTER, but 2001:db8::a is not on eth0",
        ),
        (
            instance("lb1", "MASTER"),
            instance("lb2", "BACKUP", addresses_present=["192.0.2.10/32"]),
            "lb2: instance web: BACKUP, but 192.0.2.10 is on eth0, as on the MASTER lb1",
        ),
        (
            instance("lb1", "MASTER"),
            instance("lb2", "BACKUP", master={"address": "192.0.2.66", "priority": 200}),
            "lb2: instance web: hears the master 192.0.2.66, but lb1 sends from 192.0.2.1: a stranger",
        ),
        (
            instance("lb1", "MASTER"),
            instance("lb2", "BACKUP", master=None),
            "lb2: instance web: not settled: BACKUP, has heard no MASTER yet",
        ),
        (
            instance("lb1", "MASTER"),
            instance("lb2", "FAULT"),
            "lb2: instance web: not settled: FAULT: link down",
        ),
        (
            instance("lb1", "MASTER"),
            instance("lb2", "BACKUP", name="db"),
            "lb2: instance web: not configured here, but on lb1",
        ),
    ],
)
def test_what_is_wrong_is_said_with_host_and_mend(lb1: dict[str, Any], lb2: dict[str, Any], expected: str) -> None:
    assert found(lb1, lb2)[0].startswith(expected)


SINCE = "2026-11-22T16:00:00.123Z"
MAC = {"lb1": "02:00:00:00:00:01", "lb2": "02:00:00:00:00:02"}


def conflict(mac: str | None, address: str = "192.0.2.10") -> dict[str, Any]:
    """What a MASTER reports of another host with its address."""
    return {"address": address, "mac": mac, "since": SINCE, "last_seen": SINCE}


def problems(lb1: dict[str, Any], lb2: dict[str, Any]) -> list[str]:
    """The problems of hosts that tell their MACs."""
    pair = reports(lb1, lb2)
    for host, report in pair.items():
        report["status"] = {"interfaces": [{"name": "eth0", "mac": MAC[host], "counters": {}}]}
    return [str(problem) for problem in verify(pair)]


def test_a_foreign_host_with_the_address() -> None:
    """One problem for each MAC, with its addresses and where to look."""
    seen = [conflict("02:00:00:00:0e:01"), conflict("02:00:00:00:0e:01", "192.0.2.11"), conflict(None)]
    assert problems(instance("lb1", "MASTER", conflicts=seen), instance("lb2", "BACKUP")) == [
        "lb1: instance web: 02:00:00:00:0e:01 has 192.0.2.10, 192.0.2.11 too, of which lb1 is MASTER: find the port of"
        " that MAC in the switch's table, and take the address from that host",
        "lb1: instance web: a host of even more MAC addresses has 192.0.2.10 too, of which lb1 is MASTER: find the port"
        " of that MAC in the switch's table, and take the address from that host",
    ]


@pytest.mark.parametrize("vmac", [None, "00:00:5e:00:01:33"])
def test_the_other_host_has_the_address_without_the_role(vmac: str | None) -> None:
    """Its MAC tells which one; the virtual one is of the only other host."""
    lb1 = instance("lb1", "MASTER", conflicts=[conflict(vmac or MAC["lb2"])], virtual_mac=vmac)
    [problem] = problems(lb1, instance("lb2", "BACKUP", virtual_mac=vmac))
    assert problem.startswith(f"lb1: instance web: lb2 ({vmac or MAC['lb2']}) has 192.0.2.10 too, of which lb1 is")


def test_vrrp_alone_is_filtered() -> None:
    """Both are MASTER and see each other's MAC: the whole picture is one problem."""
    lb1 = instance("lb1", "MASTER", conflicts=[conflict(MAC["lb2"]), conflict(MAC["lb2"], "192.0.2.11")])
    lb2 = instance("lb2", "MASTER", conflicts=[conflict(MAC["lb1"])])
    [problem] = problems(lb1, lb2)
    assert problem.startswith("lb1, lb2: instance web: 2 hosts are MASTER (lb1 holds 192.0.2.10/24; lb2 holds")
    assert (
        "They see each other otherwise: lb1 sees lb2 (02:00:00:00:00:02) answer for the addresses;"
        " lb2 sees lb1 (02:00:00:00:00:01) answer for the addresses. Let protocol 112" in problem
    )


def test_adverts_pass_one_way() -> None:
    deaf = {"address": ADDRESS["lb2"], "priority": 100, "since": SINCE}
    [problem] = problems(instance("lb1", "MASTER", not_heard_by=deaf), instance("lb2", "MASTER"))
    assert "lb1 hears the adverts of lb2, and lb2 does not hear those of lb1. Let protocol 112" in problem


def test_a_stranger_that_does_not_hear_us() -> None:
    deaf = {"address": "192.0.2.66", "priority": 90, "since": SINCE}
    assert problems(instance("lb1", "MASTER", not_heard_by=deaf), instance("lb2", "BACKUP")) == [
        "lb1: instance web: 192.0.2.66 (priority 90), which is none of the hosts that were asked, is MASTER of"
        " virtual_router_id 51 too, and does not hear lb1: let protocol 112 pass from lb1 to it, or give one of the two"
        " another virtual_router_id"
    ]


def test_a_host_that_has_heard_us_by_now() -> None:
    """The MASTER forgets it three intervals later; the other host is BACKUP already."""
    deaf = {"address": ADDRESS["lb2"], "priority": 100, "since": SINCE}
    assert problems(instance("lb1", "MASTER", not_heard_by=deaf), instance("lb2", "BACKUP")) == []


def test_an_agent_that_does_not_run() -> None:
    pair = reports(instance("lb1", "MASTER"), instance("lb2", "BACKUP"))
    pair["lb2"] = {"running": False, "reason": "the agent is not installed", "instances": []}
    assert [str(problem) for problem in verify(pair)] == ["lb2: the agent is not installed; run site.yml for this host"]


@pytest.mark.parametrize(
    ("state", "changes", "expected"),
    [
        ("MASTER", {}, None),
        ("BACKUP", {}, None),
        ("INIT", {"master": None}, "instance web: INIT, has heard no MASTER yet"),
        ("BACKUP", {"master": None}, "instance web: BACKUP, has heard no MASTER yet"),
        ("FAULT", {}, "instance web: FAULT: link down"),
        ("BACKUP", {"effective_priority": 200}, "instance web: BACKUP, about to take over from 192.0.2.1"),
        ("BACKUP", {"effective_priority": 200, "preempt": False}, None),
    ],
)
def test_settled(state: str, changes: dict[str, Any], expected: str | None) -> None:
    status = {"instances": [instance("lb2", state, **changes)]}
    waiting = unsettled(status)
    assert waiting == [] if expected is None else waiting[0].startswith(expected)
    assert bool(faults(status)) is (state == "FAULT")


def test_an_unreachable_host_is_not_an_agent_that_does_not_run() -> None:
    pair = {**reports(instance("lb1", "MASTER"), instance("lb2", "BACKUP")), "lb1": {"unreachable": True, "msg": "..."}}
    assert [str(problem) for problem in verify(pair)] == [
        "lb1: could not be reached; see whether it is up, and its network"
    ]


def test_the_master_may_be_a_host_that_was_not_asked() -> None:
    """--limit lb2: it hears a MASTER, and that is all that can be said; one that hears nobody is wrong all the same."""
    alone = {"lb2": {"running": True, "instances": [instance("lb2", "BACKUP")]}}
    assert verify(alone, absent=["lb1"]) == []
    assert len(verify(alone)) == 1
    alone["lb2"]["instances"][0]["master"] = None
    assert len(verify(alone, absent=["lb1"])) == 1


def test_what_is_no_longer_configured_is_waited_for_and_not_judged() -> None:
    """The last holder answers until its successor does, or for a moment: that is no pair that does not work."""
    pair = reports(instance("lb1", "MASTER"), instance("lb2", "BACKUP"))
    pair["lb1"]["instances"].append(instance("lb1", "MASTER", name="api", leaving=True))
    assert verify(pair) == []
    assert unsettled(pair["lb1"]) == ["instance api: no longer configured, and waits for its successor"]


def test_who_has_resigned_is_settled_behind_a_lesser_master() -> None:
    lesser = {"address": ADDRESS["lb2"], "priority": 100}
    waits = instance("lb1", "BACKUP", master=lesser, effective_priority=150)
    assert len(unsettled({"instances": [waits]})) == 1
    assert unsettled({"instances": [{**waits, "switched_over": True}]}) == []
    assert found({**waits, "switched_over": True}, instance("lb2", "MASTER")) == []


def test_a_drained_host_takes_no_part() -> None:
    idle = instance("lb1", "INIT", master=None)
    assert unsettled({"drained": True, "instances": [idle]}) == []
    assert len(unsettled({"instances": [idle]})) == 1
    pair = reports(idle, instance("lb2", "MASTER"))
    pair["lb1"]["drained"] = True
    assert verify(pair) == []
    idle["addresses_present"] = [VIP]
    assert [str(problem) for problem in verify(pair)] == [
        "lb1: instance web: drained, but INIT with 192.0.2.10; see journalctl -u vrrp-agent"
    ]


def test_a_group_that_is_drained_as_a_whole_has_no_master() -> None:
    pair = reports(instance("lb1", "INIT", master=None), instance("lb2", "INIT", master=None))
    for report in pair.values():
        report["drained"] = True
    assert [str(problem) for problem in verify(pair)] == [
        "lb1, lb2: all hosts are drained: nobody is MASTER; run undrain.yml for one"
    ]
    assert verify(pair, absent=["lb3"]) == []


def check(name: str, healthy: bool | None) -> dict[str, Any]:
    """A check as the agent reports it."""
    return {"name": name, "healthy": healthy, "since": "2026-11-23T01:03:11.024Z", "detail": "Connection refused"}


def test_the_first_result_of_a_check_is_waited_for() -> None:
    starting = instance("lb1", "INIT", master=None, fault="check app: no result yet", checks=[check("app", None)])
    assert faults({"instances": [starting]}) == []
    assert unsettled({"instances": [starting]}) == ["instance web: INIT: check app: no result yet"]


@pytest.mark.parametrize("healthy", [True, False, None])
def test_a_fault_is_told_at_once(healthy: bool | None) -> None:
    fallen = instance("lb1", "FAULT", checks=[check("nginx", True), check("app", healthy)])
    assert faults({"instances": [fallen]}) == ["instance web: FAULT: link down"]


def test_failing_checks_are_told_whatever_follows() -> None:
    master = instance("lb1", "MASTER", checks=[check("nginx", True), check("app", False), check("new", None)])
    told = ["instance web: check app has failed since 2026-11-23T01:03:11.024Z: Connection refused"]
    assert failing_checks({"running": True, "instances": [master]}) == told
    assert failing_checks({"running": True, "instances": [instance("lb2", "BACKUP")]}) == []
    assert failing_checks({"unreachable": True}) == []
