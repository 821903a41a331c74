# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The inventory against what the hosts bring along: every kind of trouble, told with host, key and mend."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.duet.ha_pair.plugins.module_utils.inventory import Findings, examine
from ansible_collections.duet.ha_pair.plugins.module_utils.preflight import judge

INSTANCE = {"name": "web", "virtual_router_id": 51, "virtual_addresses": ["192.0.2.10/24"]}
STRANGER = {
    "interface": "eth0",
    "source": "192.0.2.77",
    "destination": "224.0.0.18",
    "version": 2,
    "virtual_router_id": 51,
    "priority": 200,
    "addresses": ["192.0.2.70"],
}


def report(address: str = "192.0.2.11/24", *more: str, **changes: Any) -> dict[str, Any]:
    """A sound host with eth0."""
    eth0 = {"addresses": [address, *more, "fe80::a/64"], "up": True, "ipv6": True}
    return {
        "interfaces": {"eth0": eth0},
        "default_interfaces": {"4": "eth0", "6": "eth0"},
        "agent": {"running": False, "addresses": []},
        "keepalived": {"running": False, "virtual_router_ids": []},
        "adverts": [],
        **changes,
    }


def pair(*hosts: str, variables: dict[str, Any] | None = None, **changes: Any) -> dict[str, dict[str, Any]]:
    """A group whose hosts share one instance."""
    return {
        host: {"vrrp_instances": [{**INSTANCE, **changes}], **(variables or {})} for host in hosts or ("lb1", "lb2")
    }


def found(group: dict[str, Any], lb1: dict[str, Any] | None = None, lb2: dict[str, Any] | None = None) -> Findings:
    """The judgement on one pair, which is sound in itself."""
    assert examine(group).problems == []
    return judge({"ha_pair": group}, {"lb1": lb1 or report(), "lb2": lb2 or report("192.0.2.12/24")})


def only(findings: Findings) -> str:
    """The one problem, and no warning."""
    [problem] = findings.problems
    assert findings.warnings == []
    return str(problem)


def test_a_sound_pair() -> None:
    assert found(pair()) == Findings([], [])


def test_an_interface_that_is_not_there() -> None:
    assert only(found(pair(interface="eth7"))) == (
        "lb1, lb2: vrrp_instances[0].interface (instance web): eth7 does not exist on this host;"
        " its interfaces are eth0"
    )


def test_what_only_the_real_interface_makes_wrong() -> None:
    """One names the interface, the other takes that of the default route."""
    group = pair(interface="eth0")
    for variables in group.values():
        variables["vrrp_instances"].append({**INSTANCE, "name": "db", "virtual_addresses": ["192.0.2.9/24"]})
    assert "51 on eth0 is already used by instances[0]" in only(found(group))


def test_a_virtual_address_that_is_a_hosts_own() -> None:
    assert only(found(pair(virtual_addresses=["192.0.2.12/24"]))) == (
        "lb2: vrrp_instances[0].virtual_addresses (instance web): 192.0.2.12 is lb2's own address, on eth0;"
        " choose a free one"
    )


def test_what_our_agent_holds_is_no_host_s_own() -> None:
    held = report("192.0.2.11/24", "192.0.2.10/24", agent={"running": True, "addresses": ["192.0.2.10"]})
    assert found(pair(), held) == Findings([], [])
    assert "192.0.2.10 is lb1's own" in only(found(pair(), report("192.0.2.11/24", "192.0.2.10/24")))


def test_the_address_owner_may_own_it() -> None:
    group = pair(virtual_addresses=["192.0.2.11/24"], priorities={"lb1": 255, "lb2": 100})
    assert found(group) == Findings([], [])


def test_an_address_outside_the_subnet_is_a_warning() -> None:
    findings = found(pair(virtual_addresses=["198.51.100.1/24", "192.0.2.9"], extra_addresses=["2001:db8::1/64"]))
    assert findings.problems == []
    assert findings.warnings == [
        "lb1, lb2: vrrp_instances[0].virtual_addresses (instance web): 198.51.100.1 is in no subnet of eth0"
        " (192.0.2.0/24): clients reach it by a route only",
        "lb1, lb2: vrrp_instances[0].virtual_addresses (instance web): 2001:db8::1 is in no subnet of eth0"
        " (none): clients reach it by a route only",
    ]


def test_hosts_that_share_no_subnet() -> None:
    problem = str(found(pair(), lb2=report("198.51.100.12/24")).problems[0])
    assert problem.startswith(
        "lb1, lb2: vrrp_instances[0].interface (instance web): the hosts share no subnet (lb1 has"
    )
    assert "lb2 has 198.51.100.0/24" in problem and "vrrp_unicast: true" in problem


def test_unicast_passes_routers_and_needs_the_hosts_own_addresses() -> None:
    group = pair(variables={"vrrp_unicast": True})
    group["lb1"]["vrrp_address"], group["lb2"]["vrrp_address"] = "192.0.2.11", "198.51.100.12"
    assert found(group, lb2=report("198.51.100.12/24")).problems == []
    assert only(found(group)) == (
        "lb2: vrrp_instances[0].source_address (instance web): 198.51.100.12 is no address of eth0;"
        " name one of its own in vrrp_address (or source_address); it has 192.0.2.12"
    )


@pytest.mark.parametrize("key", ["virtual_addresses", "extra_addresses"])
def test_ipv6_that_is_off(key: str) -> None:
    lb1 = report()
    lb1["interfaces"]["eth0"]["ipv6"] = False
    more = {"virtual_addresses": ["fe80::10/64"]} if key == "virtual_addresses" else {key: ["fe80::10/64"]}
    assert "lb1: vrrp_instances[0].virtual_addresses (instance web): IPv6 is off on eth0; set net.ipv6" in only(
        found(pair(**more), lb1)
    )


def test_no_address_to_send_from() -> None:
    lb1 = report("2001:db8::11/64")
    assert "lb1: vrrp_instances[0].interface (instance web): eth0 has no IPv4 address of its own" in only(
        found(pair(), lb1)
    )
    lb1["interfaces"]["eth0"]["addresses"].pop()
    assert "eth0 has no IPv6 link-local address" in only(found(pair(virtual_addresses=["fe80::10/64"]), lb1))


def test_a_keepalived_with_the_same_id_and_with_another() -> None:
    same = report(keepalived={"running": True, "virtual_router_ids": [7, 51]})
    assert only(found(pair(), same)).startswith(
        "lb1: a keepalived runs here with virtual_router_id 51, which is this inventory's, too; stop it: systemctl"
    )
    other = found(pair(), report(keepalived={"running": True, "virtual_router_ids": [7]}))
    assert other.problems == []
    assert other.warnings == ["lb1: a keepalived runs here as well (its virtual_router_id: 7); it is left alone"]
    stopped = report(keepalived={"running": False, "virtual_router_ids": [51]})
    assert found(pair(), stopped) == Findings([], [])


def test_a_stranger_that_advertises_our_id() -> None:
    assert only(found(pair(), report(adverts=[STRANGER]))) == (
        "lb1: vrrp_instances[0].virtual_router_id (instance web): 192.0.2.77 advertises 51 on eth0 already"
        " (version 2, priority 200); choose another one, or stop it there"
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"source": "192.0.2.12"},  # the other host of the group, which runs already
        {"virtual_router_id": 52},
        {"interface": "eth1"},
        {"destination": "192.0.2.11"},  # by unicast, which a multicast instance does not hear
        {"source": "fe80::7", "destination": "ff02::12"},
    ],
)
def test_adverts_that_are_no_stranger_s(changes: dict[str, str]) -> None:
    assert found(pair(), report(adverts=[{**STRANGER, **changes}])) == Findings([], [])


def test_a_host_that_was_not_asked_may_be_the_one_that_was_heard() -> None:
    findings = judge({"ha_pair": pair()}, {"lb1": report(adverts=[STRANGER])})
    assert findings.problems == []
    assert findings.warnings == [
        "lb1: vrrp_instances[0].virtual_router_id (instance web): 192.0.2.77 advertises 51 on eth0 already"
        " (version 2, priority 200): lb2, which was not asked, or a stranger"
    ]


def two_pairs(reports: dict[str, Any], **changes: Any) -> list[str]:
    """The problems of a second pair beside the first one."""
    groups = {"west": pair("lb1", "lb2"), "east": pair("lb3", "lb4", **changes)}
    return [str(problem) for problem in judge(groups, reports).problems]


def test_two_pairs_on_one_segment_need_different_ids_and_addresses() -> None:
    reports = {f"lb{number}": report(f"192.0.2.1{number}/24") for number in (1, 2, 3, 4)}
    where = "instance web of the group east on the same segment (192.0.2.0/24); choose another one"
    assert two_pairs(reports) == [
        f"lb1, lb2: vrrp_instances[0].virtual_router_id (instance web): 51 is also that of {where}",
        f"lb1, lb2: vrrp_instances[0].virtual_addresses (instance web): 192.0.2.10 is also an address of {where}",
    ]
    assert two_pairs(reports, virtual_router_id=52, virtual_addresses=["192.0.2.20/24"]) == []


def test_two_pairs_on_two_segments_may_use_the_same() -> None:
    reports = {"lb1": report("192.0.2.11/24"), "lb2": report("192.0.2.12/24")}
    reports |= {"lb3": report("198.51.100.3/24"), "lb4": report("198.51.100.4/24")}
    assert two_pairs(reports) == []


def test_all_problems_come_at_once() -> None:
    lb1 = report(adverts=[STRANGER], keepalived={"running": True, "virtual_router_ids": [51]})
    assert (
        len(found(pair(virtual_addresses=["192.0.2.12/24"]), lb1, report("198.51.100.1/24", "192.0.2.12/32")).problems)
        == 4
    )
