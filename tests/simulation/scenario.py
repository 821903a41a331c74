# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a schedule plays on: machines, segments and virtual routers, drawn from the seed or built by hand."""

from __future__ import annotations

import ipaddress
import random
from collections.abc import Sequence
from typing import TypeVar

from vrrp_agent.protocol.settings import Authentication, IPAddress, IPInterface, Settings

from .agent import Agent
from .group import Group
from .node import Node, describe
from .peer import Peer
from .segment import Segment
from .signed import HMAC
from .world import MILLISECOND_NS, SECOND_NS, World

_AnyNode = TypeVar("_AnyNode", Agent, Peer)


class Scenario:
    """A world and what is in it; `add` puts a node of a virtual router on a machine."""

    def __init__(self, seed: int, delay_ns: int = MILLISECOND_NS, late_ns: int = 0) -> None:
        self.world = World(seed, late_ns)
        self.segments = [Segment(self.world, "eth0", delay_ns)]
        self.groups: list[Group] = []
        self.machines: list[list[Node]] = []
        # Where adverts are signed: chance for all that comes with it, apart from what the other schedules draw.
        self.signed: random.Random | None = None

    @property
    def nodes(self) -> list[Node]:
        """All nodes, in the order in which they were added."""
        return [node for group in self.groups for node in group.nodes]

    def add_group(self, virtual_router_id: int, segment: Segment | None = None) -> Group:
        """Add a virtual router to a segment."""
        group = Group(self.world, segment or self.segments[0], virtual_router_id)
        self.groups.append(group)
        return group

    def add_agent(self, settings: Settings, host: int | None = None, machine: int | None = None) -> Agent:
        """Add a node with our agent; `host` is the last part of its address."""
        return self._add(Agent, settings, host, machine)

    def add_peer(self, settings: Settings, host: int | None = None, machine: int | None = None) -> Peer:
        """Add a node with a keepalived-like peer."""
        return self._add(Peer, settings, host, machine)

    def _add(self, kind: type[_AnyNode], settings: Settings, host: int | None, machine: int | None) -> _AnyNode:
        group = next((group for group in self.groups if group.virtual_router_id == settings.virtual_router_id), None)
        group = group or self.add_group(settings.virtual_router_id)
        number = len(self.machines) if machine is None else machine
        while len(self.machines) <= number:
            self.machines.append([])
        name = f"lb{number + 1}" + (f"/{group.virtual_router_id}" if self.groups[0] is not group else "")
        source = own_address(settings.family, number + 10 if host is None else host)
        node = kind(group, number, name, settings, source)
        self.machines[number].append(node)
        return node

    def start(self) -> None:
        """Start every node, now."""
        for node in self.nodes:
            node.start()

    def agree(self, intervals: int = 4) -> None:
        """Let quiet reign until every bound is over, and some intervals more: what is agreed must stay so."""
        until_ns = max(group.agreement_ns for group in self.groups)
        longest_cs = max(node.settings.advert_interval_cs for node in self.nodes)
        self.world.run(until_ns + intervals * longest_cs * 10 * MILLISECOND_NS)

    def describe(self) -> list[str]:
        """Who takes part, as lines."""
        lines = []
        for group in self.groups:
            delay_ms = group.segment.normal_delay_ns / MILLISECOND_NS
            where = f"{group.segment.name}, delay up to {delay_ms:g} ms"
            lines.append(f"virtual router {group.virtual_router_id} on {where}")
            for node in group.nodes:
                kind = "agent" if node.is_ours else "peer "
                lines.append(f"  {node.name:<8} {kind} {node.source} {describe(node.settings)}")
        for machine, ahead_ns in sorted(self.world.ahead_ns.items()):
            lines.append(f"  lb{machine + 1:<6} has a wall clock that is {ahead_ns / SECOND_NS:+g} s ahead")
        return lines


def own_address(family: int, host: int) -> IPAddress:
    """A machine's own address."""
    return ipaddress.ip_address(f"192.0.2.{host}" if family == 4 else f"fe80::{host:x}")


def shared_addresses(family: int, count: int, virtual_router_id: int) -> tuple[IPInterface, ...]:
    """The first `count` addresses of a virtual router."""
    first = 100 + virtual_router_id * 8
    if family == 4:
        return tuple(ipaddress.ip_interface(f"192.0.2.{first + number}/24") for number in range(count))
    link_local = [ipaddress.ip_interface(f"fe80::1:{first:x}/64")]
    return tuple(link_local + [ipaddress.ip_interface(f"2001:db8::{first + n:x}/64") for n in range(1, count)])


def settings(
    priority: int = 100,
    interval_cs: int = 100,
    version: int = 3,
    family: int = 4,
    preempt: bool = True,
    addresses: int = 1,
    virtual_router_id: int = 1,
    extra: Sequence[str] = (),
    password: str | None = None,
    signed: bool = False,
    unicast_peers: tuple[IPAddress, ...] = (),
) -> Settings:
    """Settings of a node, most of them left alone."""
    authentication = Authentication() if password is None else Authentication("pass", password)
    authentication = HMAC if signed else authentication
    return Settings(
        virtual_router_id=virtual_router_id,
        version=version,
        priority=priority,
        advert_interval_cs=interval_cs,
        preempt=preempt,
        virtual_addresses=shared_addresses(family, addresses, virtual_router_id),
        extra_addresses=tuple(ipaddress.ip_interface(address) for address in extra),
        authentication=authentication,
        source_address=None,
        unicast_peers=unicast_peers,
        unicast_min_ttl=255,
        preempt_delay_ms=0,
        startup_delay_ms=0,
        last_resort=False,
        checksum="auto",
    )
