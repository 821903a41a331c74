# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks of type gateway against real neighbours: by ARP, neighbour discovery and ping, one or all of several."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest
from conftest import MakeNamespace, MakeSegment
from segment import Namespace, Segment

# Run by the agent's own code in a process that is in the namespace.
_RUN = """
import asyncio, json, sys
from vrrp_agent import config
from vrrp_agent.service.checks.once import run_once

async def run(instance):
    checks = config.parse({"router_id": "a", "instances": [instance]}).instances[0].checks
    return await asyncio.gather(*map(run_once, checks))

print(json.dumps(asyncio.run(run(json.load(sys.stdin)))))
"""
GATEWAY, OTHER, NOBODY = "10.139.1.12", "10.139.1.13", "10.139.1.99"
VIPS = {4: ["10.139.1.1/24"], 6: ["fe80::139:1/64"]}


def results(
    node: Namespace, *checks: dict[str, Any], family: int = 4, interface: str = "eth0"
) -> list[tuple[bool, str]]:
    """What these checks see, all at once, with a timeout that a busy machine keeps."""
    instance = {
        "name": "web",
        "interface": interface,
        "virtual_router_id": 51,
        "virtual_addresses": VIPS[family],
        "checks": [
            {"type": "gateway", "name": f"n{n}", "interval": 4, "timeout": 4, **c} for n, c in enumerate(checks)
        ],
    }
    with node.entered():
        done = subprocess.run(
            [sys.executable, "-c", _RUN],
            input=json.dumps(instance),
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )
    return list(map(tuple, json.loads(done.stdout)))


@pytest.fixture
def three(make_segment: MakeSegment) -> Segment:
    """A node that asks, its gateway, and another router."""
    return make_segment("a", "gateway", "other")


def test_ipv4(three: Segment) -> None:
    a = three["a"]
    without = {"type": "gateway", "method": "ping"}
    assert results(a, {}, without) == [(False, "this host has no default gateway for IPv4")] * 2
    a.ip("route", "add", "default", "via", GATEWAY)
    # One that lets no ping through is a gateway all the same.
    three["gateway"].sysctl("net.ipv4.icmp_echo_ignore_all", 1)
    both = {"targets": [GATEWAY, OTHER], "method": "ping"}
    some = {"targets": [NOBODY, GATEWAY]}
    assert results(
        a,
        {},
        {"method": "ping"},
        both,
        {**both, "require": "all"},
        some,
        {**some, "require": "all"},
        {"targets": [NOBODY]},
        {"targets": ["192.0.2.1"], "method": "ping"},
    ) == [
        (True, f"answered: {GATEWAY}"),
        (False, f"no answer to a ping from {GATEWAY}"),
        (True, f"answered: {OTHER}"),
        (False, f"no answer to a ping from {GATEWAY}"),
        (True, f"answered: {GATEWAY}"),
        (False, f"no answer to ARP from {NOBODY} on eth0"),
        (False, f"no answer to ARP from {NOBODY} on eth0"),
        (False, "no answer to a ping from 192.0.2.1"),
    ]
    three.cut(three["gateway"])
    three.block(three["other"], a)
    gone = [GATEWAY, OTHER]
    assert results(a, {}, {"targets": gone}, {"targets": gone, "method": "ping"}) == [
        (False, f"no answer to ARP from {GATEWAY} on eth0"),
        (False, f"no answer to ARP from {GATEWAY} on eth0, no answer to ARP from {OTHER} on eth0"),
        (False, f"no answer to a ping from {GATEWAY}, no answer to a ping from {OTHER}"),
    ]


def test_ipv6(three: Segment) -> None:
    """A gateway's address is a link-local one, as a rule: the interface is its zone."""
    a, gateway = three["a"], three["gateway"].link_local()
    a.ip("-6", "route", "add", "default", "via", gateway, "dev", "eth0")
    beyond, nobody = {"targets": ["2001:db8::1"], "method": "ping"}, {"targets": ["fd00:139::99"]}
    named = {"targets": ["fd00:139::12", gateway, "10.139.1.13"], "require": "all"}
    asked = [{}, {"method": "ping"}, named, {**named, "method": "ping"}, beyond, nobody]
    answered = ", ".join(sorted(["fd00:139::12", gateway, "10.139.1.13"]))
    assert results(a, *asked, family=6) == [
        (True, f"answered: {gateway}"),
        (True, f"answered: {gateway}"),
        (True, f"answered: {answered}"),
        (True, f"answered: {answered}"),
        (False, "no answer to a ping from 2001:db8::1"),
        (False, "no answer to neighbour discovery from fd00:139::99 on eth0"),
    ]


def test_an_interface_that_knows_no_arp_or_is_not_there(netns: MakeNamespace) -> None:
    node = netns("node")
    asked = {"targets": ["192.0.2.1"]}
    assert results(node, asked, {**asked, "method": "ping"}, interface="lo") == [
        (False, "lo is no Ethernet interface, which knows no ARP; set method: ping"),
        (False, "ping 192.0.2.1: Network is unreachable"),
    ]
    assert results(node, asked) == [(False, "ask 192.0.2.1 on eth0: No such device")]
