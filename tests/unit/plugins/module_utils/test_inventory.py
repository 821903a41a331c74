# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The inventory becomes one document a host, or a list of everything that is wrong."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.duet.ha_pair.plugins.module_utils.inventory import document, examine, priority_of_place


def instance(**changes: Any) -> dict[str, Any]:
    """A sound instance."""
    return {"name": "web", "virtual_router_id": 51, "virtual_addresses": ["192.0.2.10/24"], **changes}


def group(*instances: dict[str, Any], **variables: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """lb1 and lb2 with the same instances, and each with variables of its own."""
    return {host: {"vrrp_instances": list(instances), **variables.get(host, {})} for host in ("lb1", "lb2")}


def problems(*instances: dict[str, Any], **variables: dict[str, Any]) -> list[str]:
    """All problems of such a group as text."""
    return [str(problem) for problem in examine(group(*instances, **variables)).problems]


def test_the_shortest_inventory() -> None:
    pair = group({"virtual_router_id": 51, "virtual_addresses": ["192.0.2.10/24"]})
    assert examine(pair).problems == []
    assert examine(pair).warnings == []
    assert document("lb2", pair) == {
        "router_id": "lb2",
        "instances": [
            {"name": "vrrp_51", "virtual_router_id": 51, "virtual_addresses": ["192.0.2.10/24"], "priority": 100}
        ],
    }


@pytest.mark.parametrize(
    ("changes", "variables", "priorities"),
    [
        ({}, {}, (150, 100)),
        ({}, {"lb1": {"vrrp_priority": 90}}, (90, 100)),
        ({}, {"lb1": {"vrrp_priority": "90"}}, (90, 100)),
        ({"priorities": {"lb1": 10, "lb2": 20}}, {"lb1": {"vrrp_priority": 90}}, (10, 20)),
        ({"priorities": {"lb2": 200}}, {"lb1": {"vrrp_priority": 90}}, (90, 200)),
    ],
)
def test_the_most_particular_priority_wins(
    changes: dict[str, Any], variables: dict[str, Any], priorities: tuple[int, int]
) -> None:
    pair = group(instance(**changes), **variables)
    assert examine(pair).problems == []
    assert tuple(document(host, pair)["instances"][0]["priority"] for host in pair) == priorities
    assert "priorities" not in document("lb1", pair)["instances"][0]


@pytest.mark.parametrize("hosts", [1, 2, 3, 4, 10, 100])
def test_the_place_gives_each_host_a_valid_priority_of_its_own(hosts: int) -> None:
    found = [priority_of_place(place, hosts) for place in range(hosts)]
    assert found == sorted(set(found), reverse=True)
    assert found[0] == 150
    assert found[-1] >= 1


def test_active_active() -> None:
    pair = group(
        instance(priorities={"lb1": 150, "lb2": 100}),
        instance(
            name="db",
            virtual_router_id=52,
            virtual_addresses=["192.0.2.11/24"],
            priorities={"lb1": 100, "lb2": 150},
        ),
    )
    assert examine(pair).problems == []
    assert [item["priority"] for item in document("lb1", pair)["instances"]] == [150, 100]


@pytest.mark.parametrize(
    ("changes", "variables", "expected"),
    [
        (
            {"virtual_router_id": 300},
            {},
            "lb1, lb2: vrrp_instances[0].virtual_router_id (instance web): 300 is not in 1..255; choose a number",
        ),
        (
            {"virtual_addresses": []},
            {},
            "lb1, lb2: vrrp_instances[0].virtual_addresses (instance web): has no address",
        ),
        (
            {"virtual_addresses": ["192.0.2.300"]},
            {},
            "lb1, lb2: vrrp_instances[0].virtual_addresses",
        ),
        (
            {"authentication": {"type": "pass", "password": "abc"}},
            {},
            "lb1, lb2: vrrp_instances[0].authentication.type (instance web): 'pass' exists in version 2 only",
        ),
        (
            {"advert_intervall": 2},
            {},
            "lb1, lb2: vrrp_instances[0].advert_intervall (instance web): unknown key; did you mean advert_interval?",
        ),
        (
            {"state": "MASTER"},
            {},
            "lb1, lb2: vrrp_instances[0].state (instance web): there is no such key: the host with the highest",
        ),
        (
            {},
            {"lb2": {"vrrp_priority": 150}},
            "lb1, lb2: vrrp_instances[0].priority / vrrp_priority (instance web): the same priority 150 on 2 hosts;",
        ),
        (
            {},
            {"lb2": {"vrrp_priority": 300}},
            "lb2: vrrp_priority (instance web): 300 is not in 1..255; choose 1..254",
        ),
        (
            {"priorities": {"lb1": 150, "lb22": 1}},
            {},
            "lb1, lb2: vrrp_instances[0].priorities (instance web): lb22 is no host of the group; did you mean lb2?",
        ),
        (
            {"priorities": 7},
            {},
            "lb1, lb2: vrrp_instances[0].priorities (instance web): must map hosts to priorities",
        ),
    ],
)
def test_one_mistake_is_one_problem_that_names_place_and_mend(
    changes: dict[str, Any], variables: dict[str, Any], expected: str
) -> None:
    found = problems(instance(**changes), **variables)
    assert len(found) == 1
    assert found[0].startswith(expected)


@pytest.mark.parametrize("value", [None, [], {"name": "web"}, "web", ["web"]])
def test_instances_of_a_wrong_shape(value: Any) -> None:
    found = examine({"lb1": {"vrrp_instances": value}, "lb2": {"vrrp_instances": [instance()]}}).problems
    assert [problem.hosts for problem in found] == [("lb1",)]
    assert found[0].key.startswith("vrrp_instances")


def test_the_same_vrid_twice() -> None:
    found = problems(instance(), instance(name="db", virtual_addresses=["192.0.2.11/24"]))
    assert len(found) == 1
    assert "vrrp_instances[1].virtual_router_id (instance db): 51" in found[0]


def test_all_problems_come_at_once() -> None:
    found = problems(
        instance(virtual_router_id=0), instance(name="db", virtual_addresses="x"), lb2={"vrrp_priority": 150}
    )
    assert len(found) == 4


def test_hosts_that_declare_different_things() -> None:
    pair = group(instance(advert_interval=1, interface="eth0", preempt=True))
    pair["lb2"]["vrrp_instances"] = [
        instance(advert_interval=2, interface="ens3", preempt=False),
        instance(name="db", virtual_router_id=52, virtual_addresses=["192.0.2.11/24"]),
    ]
    assert [str(problem).partition(";")[0] for problem in examine(pair).problems] == [
        "lb2: vrrp_instances.advert_interval (instance web): differs from lb1's",
        "lb1: vrrp_instances (instance db): declared for lb2, not for lb1",
    ]


def test_no_secret_in_any_problem() -> None:
    pair = group(instance(version=2, authentication={"type": "pass", "password": "correcthorse"}))
    pair["lb2"]["vrrp_instances"] = [instance(version=2, authentication={"type": "pass", "password": 12345678})]
    found = [str(problem) for problem in examine(pair).problems]
    assert len(found) == 3
    assert not [text for text in found if "horse" in text or "1234" in text]


def test_keys_that_differ_between_hosts_are_named_and_not_shown() -> None:
    keys = {"lb1": "00112233" * 8, "lb2": "44556677" * 8}
    hmac = {host: {"type": "hmac", "keys": [{"id": 1, "key": key}]} for host, key in keys.items()}
    pair = group(instance(authentication=hmac["lb1"]))
    assert examine(pair).problems == []
    pair["lb2"]["vrrp_instances"] = [instance(authentication=hmac["lb2"])]
    [found] = [str(problem) for problem in examine(pair).problems]
    assert found.startswith("lb2: vrrp_instances.authentication (instance web): differs from lb1's")
    assert not [key for key in keys.values() if key in found]


def test_a_key_that_is_too_short_is_told_with_its_mend() -> None:
    pair = group(instance(authentication={"type": "hmac", "keys": [{"id": 1, "key": "c0ffee"}]}))
    [found] = [str(problem) for problem in examine(pair).problems]
    assert "vrrp_instances[0].authentication.keys[0].key (instance web): has 6 hexadecimal digits" in found
    assert "openssl rand -hex 32" in found and "c0ffee" not in found


def test_a_group_of_one_is_a_warning() -> None:
    findings = examine({"lb1": {"vrrp_instances": [instance()]}})
    assert findings.problems == []
    assert findings.warnings == ["the group has one host (lb1): nobody takes over when it fails; add a second one"]


def test_numbers_that_came_as_text() -> None:
    pair = group(instance(virtual_router_id="51", version="2"))
    assert examine(pair).problems == []
    assert document("lb1", pair)["instances"][0]["virtual_router_id"] == 51


def test_an_inventory_name_that_is_no_router_id() -> None:
    assert document("2001:db8::1", {"2001:db8::1": {"vrrp_instances": []}})["router_id"] == "2001-db8--1"


EDGE = {"name": "edge", "instances": ["web", "api"]}
API = {"name": "api", "virtual_router_id": 52, "virtual_addresses": ["198.51.100.10/24"]}


def grouped(groups: object, *instances: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """A pair with sync groups over the instances, web and api by default."""
    made = group(*(instances or (instance(), API)))
    return {host: {**variables, "vrrp_sync_groups": groups} for host, variables in made.items()}


def test_sync_groups_come_into_each_document() -> None:
    pair = grouped([EDGE])
    assert examine(pair).problems == []
    assert [document(host, pair)["sync_groups"] for host in pair] == [[EDGE], [EDGE]]
    assert "sync_groups" not in document("lb1", grouped([]))
    assert "sync_groups" not in document("lb1", grouped(None))


def test_what_is_wrong_with_a_sync_group_is_told_in_the_inventorys_words() -> None:
    """What the one schema refuses, by the inventory's key."""
    unknown = grouped([{"name": "edge", "instances": ["web", "apy"]}])
    assert [str(problem) for problem in examine(unknown).problems] == [
        "lb1, lb2: vrrp_sync_groups[0].instances: no instance is called apy; did you mean api?"
    ]
    apart = grouped([EDGE], instance(priorities={"lb1": 10, "lb2": 20}), API)
    [first, second] = [str(problem) for problem in examine(apart).problems]
    assert first.startswith("lb1: vrrp_sync_groups[0].instances: priority differs: web has 10, api has 150; give the")
    assert second.startswith("lb2: vrrp_sync_groups[0].instances: priority differs: web has 20, api has 100; give the")
    assert "is not a list" in str(examine(grouped("edge")).problems[0])


def test_sync_groups_are_the_same_on_all_hosts() -> None:
    pair = grouped([EDGE])
    pair["lb2"]["vrrp_sync_groups"] = None
    assert [str(problem) for problem in examine(pair).problems] == [
        "lb2: vrrp_sync_groups: differs from lb1's; declare vrrp_sync_groups once, in the group's vars"
    ]


def test_whom_to_tell_comes_into_each_document_and_its_mistakes_are_told_in_the_inventorys_words() -> None:
    told: dict[str, Any] = {"vrrp_notify": [{"command": ["/bin/true"]}], "vrrp_mail": {"to": "ops"}}
    made = group(instance(), lb1={}, lb2={})
    pair = {host: {**variables, **told} for host, variables in made.items()}
    assert document("lb1", pair)["notify"] == [{"command": ["/bin/true"]}]
    assert not {"notify", "mail", "webhooks"} & set(document("lb1", made))
    assert [str(problem) for problem in examine(pair).problems] == [
        "lb1, lb2: vrrp_mail.from: is missing",
        'lb1, lb2: vrrp_mail.to: "ops" is not an e-mail address, as ops@example.com',
        "lb1, lb2: vrrp_mail.server: is missing",
    ]


def test_metrics_are_each_hosts_own() -> None:
    pair = group(instance(), lb1={"vrrp_metrics": {"listen": "192.0.2.11:9650"}})
    assert examine(pair).problems == []
    assert document("lb1", pair)["metrics"] == {"listen": "192.0.2.11:9650"} and "metrics" not in document("lb2", pair)
    [problem] = problems(instance(), lb1={"vrrp_metrics": {"listen": "lb1"}})
    assert problem.startswith('lb1: vrrp_metrics.listen: "lb1" is no address and port')
