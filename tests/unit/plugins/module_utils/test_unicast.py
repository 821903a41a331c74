# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""With vrrp_unicast each host's peers are the group's other hosts."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.duet.ha_pair.plugins.module_utils.inventory import document, examine

WEB = {"name": "web", "virtual_router_id": 51, "virtual_addresses": ["192.0.2.10/24"]}
WEB6 = {"name": "web6", "virtual_router_id": 52, "virtual_addresses": ["fe80::10/64", "2001:db8::10/64"]}


def group(*instances: dict[str, Any], unicast: Any = True, **hosts: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Hosts with these variables, and the same instances."""
    return {
        host: {"vrrp_instances": list(instances or [WEB]), "vrrp_unicast": unicast, **variables}
        for host, variables in hosts.items()
    }


def peers(host: str, made: dict[str, dict[str, Any]]) -> list[tuple[Any, Any]]:
    """Each instance's source and peers on a host of a sound group."""
    assert [str(problem) for problem in examine(made).problems] == []
    return [(one.get("source_address"), one.get("unicast_peers")) for one in document(host, made)["instances"]]


@pytest.mark.parametrize("yes", [True, "true", "yes"])
def test_peers_come_from_the_group(yes: Any) -> None:
    made = group(
        unicast=yes,
        lb1={"ansible_host": "192.0.2.11"},
        lb2={"vrrp_address": "192.0.2.12", "ansible_host": "lb2.example.com"},
        **{"192.0.2.13": {}},
    )
    assert peers("lb1", made) == [("192.0.2.11", ["192.0.2.12", "192.0.2.13"])]
    assert peers("192.0.2.13", made) == [("192.0.2.13", ["192.0.2.11", "192.0.2.12"])]


def test_each_family_has_its_address() -> None:
    made = group(
        WEB,
        WEB6,
        lb1={"vrrp_address": ["192.0.2.11", "2001:db8::11"]},
        lb2={"vrrp_address": ["2001:db8::12", "192.0.2.12"]},
    )
    assert peers("lb2", made) == [("192.0.2.12", ["192.0.2.11"]), ("2001:db8::12", ["2001:db8::11"])]


@pytest.mark.parametrize("no", [None, False, "false"])
def test_without_it_nothing_is_added(no: Any) -> None:
    assert peers("lb1", group(unicast=no, lb1={}, lb2={})) == [(None, None)]


def test_an_instance_s_own_peers_have_the_last_word() -> None:
    made = group({**WEB, "unicast_peers": ["192.0.2.99"]}, lb1={}, lb2={})
    assert peers("lb1", made) == [(None, ["192.0.2.99"])]


@pytest.mark.parametrize(
    ("lb2", "said"),
    [
        (
            {"ansible_host": "lb2.example.com"},
            "lb2: vrrp_address: vrrp_unicast needs this host's own IPv4 address; set it in host_vars,",
        ),
        ({"vrrp_address": "2001:db8::1"}, "lb2: vrrp_address: vrrp_unicast needs this host's own IPv4 address;"),
        ({"vrrp_address": "192.0.2.12/24"}, "lb2: vrrp_address: 192.0.2.12/24 is no IP address; a prefix is not"),
        (
            {"vrrp_address": "192.0.2.11"},
            "lb1, lb2: vrrp_instances[0].unicast_peers (instance web): 192.0.2.11 is this node's",
        ),
        (
            {"vrrp_address": "192.0.2.12", "vrrp_unicast": False},
            "lb2: vrrp_unicast: differs from lb1's; declare vrrp_unicast once, in the group's vars",
        ),
    ],
)
def test_what_is_wrong_is_told_with_its_mend(lb2: dict[str, Any], said: str) -> None:
    found = [str(problem) for problem in examine(group(lb1={"ansible_host": "192.0.2.11"}, lb2=lb2)).problems]
    assert found[0].startswith(said)


def test_a_group_of_one_has_no_peer() -> None:
    [problem] = examine(group(lb1={"ansible_host": "192.0.2.11"})).problems
    assert str(problem) == "lb1: vrrp_unicast: means nothing in a group of one host; add a second one"
