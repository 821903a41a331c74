# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The configuration of unicast: what it becomes, and each mistake with its place and its mend."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any

import pytest
from vrrp_agent import config

IPV4 = {
    "name": "web",
    "interface": "eth0",
    "virtual_router_id": 51,
    "virtual_addresses": ["10.139.1.1/24"],
    "extra_addresses": ["10.139.1.9/24"],
}
IPV6 = {**IPV4, "virtual_addresses": ["fe80::139:1/64", "fd00:139::1/64"], "extra_addresses": []}


def problems(instance: dict[str, Any], **changed: Any) -> list[str]:
    found = config.validate({"router_id": "lb1", "instances": [{**instance, **changed}]})
    return [str(problem).replace("instances[0].", "") for problem in found]


def test_what_it_becomes() -> None:
    keys = {"source_address": "10.139.1.11", "unicast_peers": ["10.139.1.12", "10.139.1.13"], "unicast_min_ttl": 254}
    [web] = config.parse({"router_id": "lb1", "instances": [{**IPV4, **keys}]}).instances
    assert web.source_address == ip_address("10.139.1.11")
    assert web.unicast_peers == (ip_address("10.139.1.12"), ip_address("10.139.1.13"))
    assert web.unicast_min_ttl == 254


def test_null_is_the_default() -> None:
    nothing = {"source_address": None, "unicast_peers": None}
    explicit = config.parse({"router_id": "lb1", "instances": [{**IPV4, **nothing}]})
    assert explicit == config.parse({"router_id": "lb1", "instances": [IPV4]})
    assert explicit.instances[0].unicast_peers == ()


def test_ipv6_sources() -> None:
    assert problems(IPV6, source_address="fe80::11") == []
    assert problems(IPV6, source_address="fd00:139::11", unicast_peers=["fd00:139::12"]) == []


@pytest.mark.parametrize(
    ("instance", "keys", "why"),
    [
        (
            IPV4,
            {"unicast_peers": []},
            "unicast_peers: has no address; list the other nodes' addresses, or leave the key out for multicast",
        ),
        (IPV4, {"unicast_peers": "10.139.1.12"}, 'unicast_peers: "10.139.1.12" is not a list'),
        (
            IPV4,
            {"unicast_peers": ["10.139.1.12/24"]},
            "unicast_peers: 10.139.1.12/24 has a prefix; an address alone is meant: 10.139.1.12",
        ),
        (
            IPV4,
            {"unicast_peers": ["fd00::12"]},
            "unicast_peers: fd00::12 is not IPv4, the family of virtual_addresses",
        ),
        (
            IPV6,
            {"unicast_peers": ["10.139.1.12"]},
            "unicast_peers: 10.139.1.12 is not IPv6, the family of virtual_addresses",
        ),
        (
            IPV4,
            {"unicast_peers": ["10.139.1.11"], "source_address": "10.139.1.11"},
            "unicast_peers: 10.139.1.11 is this node's own source_address; list the other nodes only",
        ),
        (
            IPV4,
            {"unicast_peers": ["10.139.1.9"]},
            "unicast_peers: 10.139.1.9 moves with the role; name an address that always stays on the peer",
        ),
        (IPV4, {"unicast_peers": ["10.139.1.12", "10.139.1.12"]}, "unicast_peers: names a peer twice"),
        (
            IPV6,
            {"unicast_peers": ["fe80::12", "fd00::12"]},
            "unicast_peers: mixes link-local and other IPv6 addresses; one source cannot send to both",
        ),
        (IPV4, {"unicast_min_ttl": 64}, "unicast_min_ttl: means nothing without unicast_peers; remove it"),
        (IPV4, {"unicast_min_ttl": 256, "unicast_peers": ["10.139.1.12"]}, "unicast_min_ttl: 256 is not in 1..255"),
        (
            IPV4,
            {"source_address": "10.139.1.1"},
            "source_address: 10.139.1.1 moves with the role; name an address that always stays on this node",
        ),
        (
            IPV4,
            {"source_address": "fd00::11"},
            "source_address: fd00::11 is not IPv4, the family of virtual_addresses",
        ),
        (
            IPV6,
            {"source_address": "fd00:139::11"},
            "source_address: fd00:139::11 is not link-local, which multicast needs; leave it out, or set unicast_peers",
        ),
        (IPV4, {"source_address": "here"}, 'source_address: "here" is no IP address, with or without a /prefix'),
    ],
)
def test_what_is_refused(instance: dict[str, Any], keys: dict[str, Any], why: str) -> None:
    assert problems(instance, **keys) == [why]
