# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tracked interfaces: what is accepted, each mistake with its place and mend, and what a failure takes away."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from vrrp_agent import config
from vrrp_agent.config import Instance
from vrrp_agent.linux.interfaces import Link
from vrrp_agent.protocol.settings import Authentication
from vrrp_agent.protocol.tracked import TrackedInterface
from vrrp_agent.service.tracking import link_fault, tracked_fault, tracked_priority

WEB = {"name": "web", "interface": "eth0", "virtual_router_id": 51, "virtual_addresses": ["10.139.1.1/24"]}


def of(tracked: Any, **changed: Any) -> list[str]:
    instance = {**WEB, "track_interfaces": tracked, **changed}
    found = config.validate({"router_id": "lb1", "instances": [instance]})
    return [str(problem).replace("instances[0].", "") for problem in found]


def made(*tracked: Any) -> Instance:
    [web] = config.parse({"router_id": "lb1", "instances": [{**WEB, "track_interfaces": list(tracked)}]}).instances
    return web


class Links:
    """The links of a node: good and fine are, cut has no carrier, off is down."""

    def link(self, name: str) -> Link | None:
        fits = {"good": (True, True), "fine": (True, True), "cut": (True, False), "off": (False, False)}
        if name not in fits:
            return None
        up, carrier = fits[name]
        return Link(index=3, name=name, up=up, carrier=carrier, mac=b"\2" * 6, mtu=1500)


def lowered(name: str, by: int) -> dict[str, Any]:
    return {"name": name, "on_fail": {"priority": -by}}


def test_what_it_becomes() -> None:
    web = made({"name": "eth1"}, {"name": "eth2", "on_fail": "release"}, lowered("eth3", 60))
    assert web.track_interfaces == (
        TrackedInterface("eth1", None),
        TrackedInterface("eth2", None),
        TrackedInterface("eth3", -60),
    )


ON_FAIL = 'is neither release nor an object such as {"priority": -60}'


@pytest.mark.parametrize(
    ("tracked", "why"),
    [
        ("eth1", 'track_interfaces: "eth1" is not a list'),
        (["eth1"], "track_interfaces[0]: must be an object with keys and values"),
        ([{"name": "eth1"}, {"nam": "eth2"}], "track_interfaces[1].name: is missing"),
        ([{"name": "eth1", "on_fail": "fault"}], f"track_interfaces[0].on_fail: {ON_FAIL}"),
        ([{"name": "eth1", "on_fail": {"weight": -5}}], f"track_interfaces[0].on_fail: {ON_FAIL}"),
        ([lowered("eth1", -60)], "track_interfaces[0].on_fail: the priority is not a whole number in -253..-1"),
        ([{"name": "eth0"}], "track_interfaces: eth0 is its own interface, always watched; remove it"),
        ([{"name": "eth1"}, lowered("eth1", 5)], "track_interfaces: names an interface twice; keep one of the two"),
    ],
)
def test_what_is_refused(tracked: Any, why: str) -> None:
    assert of(tracked)[0] == why


def test_an_owner_is_never_lowered() -> None:
    """RFC 9568 6.1: 255 is the address owner's, and nothing else."""
    why = "track_interfaces: priority 255 is the owner's and never lowered; set on_fail: release"
    assert of([lowered("eth1", 5)], priority=255) == [why]
    assert of([{"name": "eth1"}], priority=255) == []


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("good", None),
        ("cut", "cut has no carrier"),
        ("off", "off is down"),
        ("gone", "no interface gone on this host"),
    ],
)
def test_faults(name: str, fault: str | None) -> None:
    assert link_fault(Links(), name) == fault
    assert tracked_fault(Links(), made({"name": "fine"}, {"name": name})) == (fault and f"tracked interface: {fault}")
    assert tracked_priority(Links(), made(lowered(name, 60))) == ((40, [fault]) if fault else (100, []))


def test_each_does_its_own() -> None:
    web = made(lowered("off", 30), {"name": "fine"}, lowered("cut", 20), lowered("good", 10))
    assert tracked_priority(Links(), web) == (50, ["off is down", "cut has no carrier"])
    assert tracked_fault(Links(), web) is None
    assert tracked_priority(Links(), made({"name": "cut"})) == (100, [])


def test_a_lowered_priority_ends_at_1() -> None:
    """0 says goodbye, and less does not fit."""
    web = made(lowered("off", 90), lowered("cut", 90))
    assert tracked_priority(Links(), web)[0] == 1
    assert tracked_priority(Links(), replace(web, authentication=Authentication("hmac")))[0] == 2
