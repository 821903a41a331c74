# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of a pair become one inventory, which gives each host what its own file said."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from ansible_collections.duet.ha_pair.plugins.module_utils.inventory import document, examine
from ansible_collections.duet.ha_pair.plugins.module_utils.vrrp_agent import config
from ansible_collections.duet.ha_pair.plugins.plugin_utils.keepalived import adopted, reader
from ansible_collections.duet.ha_pair.plugins.plugin_utils.keepalived.pair import (
    addresses,
    in_place,
    merge,
    of_host,
    raised,
)

BASE = {"state": "BACKUP", "interface": "eth0", "virtual_router_id": "51", "priority": "100"}
ADDRESSES = "virtual_ipaddress {\n192.0.2.10/24\n192.0.2.11/24\n}"
PASSWORD = 'authentication {\nauth_type PASS\nauth_pass "s3{{cr}}"\n}'


def conf(name: str = "web", more: str = ADDRESSES, **keys: Any) -> dict[str, Any]:
    """One host's file, read."""
    lines = "\n".join(f"{key} {value}" for key, value in {**BASE, **keys}.items())
    return reader.read(f"vrrp_instance {name} {{\n{lines}\n{more}\n}}")


def errors(merged: dict[str, Any]) -> list[str]:
    """What forbids to go on."""
    return [one["text"] for one in merged["remarks"] if one["severity"] == "error"]


def documents(merged: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Each host's configuration, as site.yml would make it."""
    group = {host: {"vrrp_instances": of_host(merged, host)} for host in merged["hosts"]}
    assert examine(group).problems == []
    return {host: document(host, group) for host in group}


def test_a_pair_shares_everything_but_the_priority() -> None:
    merged = merge({"lb1": conf(priority=150), "lb2": conf()})
    assert errors(merged) == []
    (instance,) = merged["vrrp_instances"]
    assert instance["priorities"] == {"lb1": 150, "lb2": 100}
    assert merged["hosts"] == {"lb1": {}, "lb2": {}}
    made = documents(merged)
    assert [made[host]["instances"][0]["priority"] for host in made] == [150, 100]
    # Once, and not once a host.
    assert len([one for one in merged["remarks"] if one["keyword"] == "state"]) == 1
    assert merged["remarks"][0]["hosts"] == ["lb1", "lb2"]


def test_what_is_a_hosts_own() -> None:
    unicast = "unicast_src_ip 192.0.2.{}\nunicast_peer {{\n192.0.2.{}\n}}\n"
    merged = merge(
        {
            "lb1": conf(more=unicast.format(1, 2) + ADDRESSES, priority=150),
            "lb2": conf(more=unicast.format(2, 1) + ADDRESSES, interface="eth9"),
        }
    )
    assert errors(merged) == []
    assert merged["hosts"]["lb2"] == {
        "web": {"interface": "eth9", "source_address": "192.0.2.2", "unicast_peers": ["192.0.2.1"]}
    }
    made = documents(merged)
    assert made["lb1"]["instances"][0]["unicast_peers"] == ["192.0.2.2"]


@pytest.mark.parametrize(
    ("other", "key"),
    [
        (conf(more="virtual_ipaddress {\n192.0.2.10/24\n}"), "virtual_addresses"),
        (conf(more=ADDRESSES + "\n" + PASSWORD), "authentication"),
        (conf(advert_int=2), "advert_interval"),
        (conf(version=3), "version"),
        (conf(more=ADDRESSES + "\nunicast_peer {\n192.0.2.1\n}"), "unicast_peers"),
        (conf(virtual_router_id=52), "vrrp_instance"),
    ],
)
def test_differences_are_told(other: dict[str, Any], key: str) -> None:
    found = errors(merge({"lb1": conf(priority=150), "lb2": other}))
    assert any(key in text for text in found)
    assert "s3" not in str(found)


def test_the_order_of_the_addresses_is_none() -> None:
    other = conf(more="virtual_ipaddress {\n192.0.2.11/24\n192.0.2.10/24\n}")
    assert errors(merge({"lb1": conf(priority=150), "lb2": other})) == []


def test_equal_priorities_leave_the_role_where_it_is() -> None:
    merged = merge({"lb1": conf(), "lb2": conf(), "lb3": conf(priority=150)})
    assert errors(merged) == []
    (instance,) = merged["vrrp_instances"]
    assert instance["priorities"] == {"lb1": 100, "lb2": 99, "lb3": 150}
    assert [of_host(merged, host)[0]["preempt"] for host in merged["hosts"]] == [False, False, True]
    assert documents(merged)
    lowest = merge({"lb1": conf(priority=1), "lb2": conf(priority=1)})
    assert lowest["vrrp_instances"][0]["priorities"] == {"lb1": 150, "lb2": 75}


def test_other_names_for_the_same_virtual_router() -> None:
    merged = merge({"lb1": conf("VI_MASTER", priority=150), "lb2": conf("VI_BACKUP")})
    assert errors(merged) == []
    assert [one["name"] for one in merged["vrrp_instances"]] == ["VI_MASTER"]
    assert documents(merged)["lb2"]["instances"][0]["name"] == "VI_MASTER"


def test_delays_of_one_host_hold_for_all() -> None:
    merged = merge({"lb1": conf(priority=150, preempt_delay=60), "lb2": conf()})
    assert merged["vrrp_instances"][0]["preempt_delay"] == 60
    merged = merge({"lb1": conf(priority=150, preempt_delay=60), "lb2": conf(more=ADDRESSES + "\nnopreempt")})
    assert errors(merged) == []
    assert "preempt_delay" not in merged["vrrp_instances"][0]


def test_what_the_inventory_would_refuse_is_an_error() -> None:
    merged = merge({"lb1": conf(more="virtual_ipaddress {\n2001:db8::1/64\n}", priority=150), "lb2": conf()})
    assert errors(merged)
    host = conf(more="virtual_ipaddress {\n2001:db8::1/64\n}")
    merged = merge({"lb1": {**host}, "lb2": {**host}})
    assert any("link-local" in text for text in errors(merged))


def test_the_written_inventory() -> None:
    tracked = "track_interface {\neth1\n}\n"
    merged = merge(
        {
            "lb1": conf(more=tracked + ADDRESSES + "\n" + PASSWORD, priority=150),
            "lb2": conf(more=ADDRESSES + "\n" + PASSWORD),
        }
    )
    files = adopted.render(merged, "ha_pair")
    assert "s3" not in files["inventory"]
    group = yaml.safe_load(files["inventory"])["ha_pair"]
    (instance,) = group["vars"]["vrrp_instances"]
    assert instance["authentication"]["password"] == "{{ vrrp_web_password }}"
    assert instance["track_interfaces"] == '{{ vrrp_on_this_host["web"].track_interfaces }}'
    assert group["hosts"]["lb2"] == {"vrrp_on_this_host": {"web": {"track_interfaces": []}}}
    # A secret that looks like a template is none.
    secrets = yaml.safe_load(files["secrets"])["ha_pair"]["vars"]
    assert secrets == {"vrrp_web_password": "{% raw %}s3{{cr}}{% endraw %}"}


def test_a_key_that_one_host_has_gives_each_host_its_whole_list() -> None:
    merged = merge({"lb1": conf(priority=150, mcast_src_ip="192.0.2.1"), "lb2": conf()})
    assert errors(merged) == []
    files = adopted.render(merged, "ha_pair")
    group = yaml.safe_load(files["inventory"])["ha_pair"]
    assert group["vars"] == {}
    assert group["hosts"]["lb1"]["vrrp_instances"][0]["source_address"] == "192.0.2.1"
    assert "source_address" not in group["hosts"]["lb2"]["vrrp_instances"][0]
    assert files["secrets"] == ""


def test_the_host_that_takes_the_role_for_a_moment() -> None:
    more = ADDRESSES + "\nvirtual_ipaddress_excluded {\n2001:DB8:0::1\n}\nnopreempt"
    merged = merge({"lb1": conf(priority=150), "lb2": conf()})
    made = raised(merged, "lb2")
    assert [(one["priority"], one["preempt"]) for one in made["instances"]] == [(254, True)]
    assert config.validate(made) == []
    assert merged["vrrp_instances"][0]["priorities"]["lb2"] == 100
    merged = merge({"lb1": conf(priority=150, more=more), "lb2": conf(more=more)})
    assert addresses(merged) == ["192.0.2.10", "192.0.2.11", "2001:db8::1"]
    assert raised(merged, "lb2")["instances"][0]["preempt"] is True


def test_the_host_that_goes_on_with_the_addresses_of_a_killed_keepalived() -> None:
    """As their owner, which has priority 255 and none of what a master waits for."""
    merged = merge({"lb1": conf(priority=254), "lb2": conf()})
    made = in_place(merged, "lb1", ["192.0.2.1", *addresses(merged)])
    assert [one["priority"] for one in made["instances"]] == [255]
    assert config.validate(made) == []
    assert of_host(merged, "lb1")[0]["priorities"] == {"lb1": 254, "lb2": 100}


def test_what_a_host_does_not_hold_it_does_not_own() -> None:
    merged = merge({"lb1": conf(priority=150), "lb2": conf()})
    assert [one["priority"] for one in in_place(merged, "lb2", ["192.0.2.2"])["instances"]] == [100]
    # Half of the addresses make no owner.
    assert [one["priority"] for one in in_place(merged, "lb2", addresses(merged)[:1])["instances"]] == [100]
