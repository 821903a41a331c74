# Copyright: (c) 2026, duet.ha_pair contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""The inventory of all groups against what their hosts bring along: addresses, segments, other VRRP routers.

Pure: a report is what vrrp_host_info found on one host. The groups have passed `inventory.examine`. What concerns a
host without a report is not judged.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from . import segments
from .inventory import Findings, Group, document
from .node import fill_from
from .problem import Problem, merge
from .vrrp_agent import config
from .vrrp_agent.protocol.settings import PRIORITY_OWNER, IPAddress

Report = Mapping[str, Any]
Reports = Mapping[str, Report]
_FAMILIES = {4: "IPv4", 6: "IPv6"}


@dataclass(frozen=True)
class Place:
    """One instance on one host, and the interface that it is to run on there."""

    group: str
    host: str
    index: int
    instance: config.Instance
    link: Mapping[str, Any]
    own: tuple[segments.IPInterface, ...]

    def problem(self, key: str, reason: str) -> Problem:
        """What is wrong with one of the instance's keys here."""
        return Problem((self.host,), reason, f"vrrp_instances[{self.index}].{key}", self.instance.name)


def judge(groups: Mapping[str, Group], reports: Reports) -> Findings:
    """All problems of all groups with their hosts, and the warnings."""
    places, problems = _places(groups, reports)
    own = {host: _own_addresses(report) for host, report in reports.items()}
    for place in places:
        problems += [*_family(place), *_source(place), *_taken(place, places, own)]
        problems += _strangers(place, reports[place.host], _known(groups, own))
    problems += [*segments.apart(places), *segments.shared_ids(places), *_keepalived(groups, reports)]
    warnings = [warning for place in places for warning in _outside(place)]
    warnings += [*_perhaps_ours(groups, places, reports, own), *_other_keepalived(groups, reports)]
    return Findings(merge(problems), [str(warning) for warning in merge(warnings)])


def _places(groups: Mapping[str, Group], reports: Reports) -> tuple[list[Place], list[Problem]]:
    places: list[Place] = []
    problems: list[Problem] = []
    for name, group in groups.items():
        for host in (host for host in group if host in reports):
            found, wrong = _places_of(name, host, group, reports[host])
            places += found
            problems += wrong
    return places, problems


def _places_of(name: str, host: str, group: Group, report: Report) -> tuple[list[Place], list[Problem]]:
    """The instances of one host on its interfaces, or why they cannot be there."""
    made, links = document(host, group), report["interfaces"]
    wrong = fill_from(made, sorted(links), lambda family: report["default_interfaces"].get(str(family)))
    wrong = wrong or [f"vrrp_{error}" for error in config.validate(made)]
    if wrong:
        return [], [Problem((host,), reason) for reason in wrong]
    instances = config.parse(made).instances
    held = set(report["agent"]["addresses"])
    return [
        Place(name, host, index, one, links[one.interface], _own(links[one.interface], held))
        for index, one in enumerate(instances)
    ], []


def _own(link: Mapping[str, Any], held: set[str]) -> tuple[segments.IPInterface, ...]:
    """An interface's addresses without those that our agent has there for now."""
    found = (ipaddress.ip_interface(text) for text in link["addresses"])
    return tuple(address for address in found if str(address.ip) not in held)


def _own_addresses(report: Report) -> dict[IPAddress, str]:
    """Each address that a host has by itself -> its interface."""
    held = set(report["agent"]["addresses"])
    return {address.ip: name for name, link in report["interfaces"].items() for address in _own(link, held)}


def _family(place: Place) -> Iterator[Problem]:
    """The family that the instance talks in, and that of each address, must be there."""
    name, family = place.instance.interface, place.instance.family
    wants_ipv6 = any(address.version == 6 for address in place.instance.addresses)
    if wants_ipv6 and not place.link["ipv6"]:
        mend = f"set net.ipv6.conf.{name}.disable_ipv6 to 0, or leave the IPv6 addresses out"
        yield place.problem("virtual_addresses", f"IPv6 is off on {name}; {mend}")
    elif place.link["up"] and not _talking(place):
        kind = "link-local address" if family == 6 and not place.instance.unicast_peers else "address of its own"
        reason = (
            f"{name} has no {_FAMILIES[family]} {kind} to send adverts from; give it one, or choose another interface"
        )
        yield place.problem("interface", reason)


def _talking(place: Place) -> bool:
    family, multicast = place.instance.family, not place.instance.unicast_peers
    own = [address for address in place.own if address.version == family]
    return any(address.ip.is_link_local or family == 4 or not multicast for address in own)


def _source(place: Place) -> Iterator[Problem]:
    source, name = place.instance.source_address, place.instance.interface
    if source is not None and source not in {address.ip for address in place.own}:
        have = ", ".join(str(one.ip) for one in place.own if one.version == source.version) or "none"
        mend = f"name one of its own in vrrp_address (or source_address); it has {have}"
        yield place.problem("source_address", f"{source} is no address of {name}; {mend}")


def _taken(place: Place, places: Sequence[Place], own: Mapping[str, Mapping[IPAddress, str]]) -> Iterator[Problem]:
    """A virtual address must be nobody's own, but for the address owner's."""
    owners = {one.host for one in places if _same(one, place) and one.instance.priority == PRIORITY_OWNER}
    for address in place.instance.addresses:
        for host, has in own.items():
            if address.ip in has and host not in owners and (host == place.host or host not in _hosts(place, places)):
                reason = f"{address.ip} is {host}'s own address, on {has[address.ip]}; choose a free one"
                yield place.problem("virtual_addresses", reason)


def _same(one: Place, other: Place) -> bool:
    return (one.group, one.instance.name) == (other.group, other.instance.name)


def _hosts(place: Place, places: Sequence[Place]) -> set[str]:
    """The hosts of a place's instance: each of them tells of its own addresses itself."""
    return {one.host for one in places if _same(one, place)}


def _outside(place: Place) -> Iterator[Problem]:
    """Nobody on the segment looks for an address that is in none of its subnets."""
    for address in place.instance.addresses:
        networks = [one.network for one in place.own if one.version == address.version]
        if networks and not address.ip.is_link_local and not any(address.ip in network for network in networks):
            known = ", ".join(str(network) for network in networks if not network.is_link_local) or "none"
            reason = f"{address.ip} is in no subnet of {place.instance.interface} ({known})"
            yield place.problem("virtual_addresses", f"{reason}: clients reach it by a route only")


def _heard(place: Place, report: Report) -> Iterator[Mapping[str, Any]]:
    """The adverts for this virtual router that the host heard, by the way that the instance uses."""
    for advert in report["adverts"]:
        source, destination = (ipaddress.ip_address(advert[key]) for key in ("source", "destination"))
        here = (advert["interface"], source.version, advert["virtual_router_id"])
        by_group = not place.instance.unicast_peers
        if here == place.instance.identity and destination.is_multicast == by_group:
            yield advert


def _known(groups: Mapping[str, Group], own: Mapping[str, Mapping[IPAddress, str]]) -> dict[str, set[str] | None]:
    """Group -> its hosts' own addresses; None while a host of it was not asked."""
    return {
        name: {str(ip) for host in group for ip in own[host]} if all(host in own for host in group) else None
        for name, group in groups.items()
    }


def _strangers(place: Place, report: Report, known: Mapping[str, set[str] | None]) -> Iterator[Problem]:
    """To start where somebody else is master of the same virtual router would make two of them."""
    ours = known[place.group]
    for advert in _heard(place, report):
        if ours is not None and advert["source"] not in ours:
            yield place.problem("virtual_router_id", f"{_told(advert)}; choose another one, or stop it there")


def _perhaps_ours(
    groups: Mapping[str, Group], places: Sequence[Place], reports: Reports, own: Mapping[str, Mapping[IPAddress, str]]
) -> Iterator[Problem]:
    """Who advertises may be a host of the group that took no part in this run."""
    known = _known(groups, own)
    for place in places:
        absent = ", ".join(host for host in groups[place.group] if host not in own)
        reported = {str(ip) for host in groups[place.group] for ip in own.get(host, {})}
        for advert in _heard(place, reports[place.host]) if known[place.group] is None else ():
            if advert["source"] not in reported:
                yield place.problem(
                    "virtual_router_id", f"{_told(advert)}: {absent}, which was not asked, or a stranger"
                )


def _told(advert: Mapping[str, Any]) -> str:
    return (
        f"{advert['source']} advertises {advert['virtual_router_id']} on {advert['interface']} already"
        f" (version {advert['version']}, priority {advert['priority']})"
    )


def _keepalived(groups: Mapping[str, Group], reports: Reports) -> Iterator[Problem]:
    """Two daemons for one virtual router on one host."""
    for host, ours, theirs in _with_keepalived(groups, reports):
        for number in sorted(ours & theirs):
            reason = f"a keepalived runs here with virtual_router_id {number}, which is this inventory's, too"
            mend = "stop it: systemctl disable --now keepalived (its addresses go with it), or take over from it"
            yield Problem((host,), f"{reason}; {mend}: duet.ha_pair.adopt_keepalived")


def _other_keepalived(groups: Mapping[str, Group], reports: Reports) -> Iterator[Problem]:
    for host, ours, theirs in _with_keepalived(groups, reports):
        if not ours & theirs:
            numbers = ", ".join(map(str, sorted(theirs))) or "none that could be found"
            yield Problem(
                (host,), f"a keepalived runs here as well (its virtual_router_id: {numbers}); it is left alone"
            )


def _with_keepalived(groups: Mapping[str, Group], reports: Reports) -> Iterator[tuple[str, set[int], set[int]]]:
    for group in groups.values():
        for host in (host for host in group if reports.get(host, {}).get("keepalived", {}).get("running")):
            ours = {int(one["virtual_router_id"]) for one in document(host, group)["instances"]}
            yield host, ours, set(reports[host]["keepalived"]["virtual_router_ids"])
