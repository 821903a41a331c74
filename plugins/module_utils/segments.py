# Copyright: (c) 2026, duet.ha_pair contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Which hosts share a segment, told by the subnets of their interfaces, and what may not meet there. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from ipaddress import IPv4Interface, IPv4Network, IPv6Interface, IPv6Network
from typing import TYPE_CHECKING, Union

from .problem import Problem

if TYPE_CHECKING:
    from .preflight import Place

IPInterface = Union[IPv4Interface, IPv6Interface]
IPNetwork = Union[IPv4Network, IPv6Network]


def apart(places: Sequence[Place]) -> Iterator[Problem]:
    """Multicast reaches nobody in another subnet: an instance's hosts must share one."""
    multicast = [place for place in places if not place.instance.unicast_peers and place.instance.family == 4]
    for group, name in dict.fromkeys((place.group, place.instance.name) for place in multicast):
        members = [place for place in multicast if (place.group, place.instance.name) == (group, name)]
        networks = [_networks(place, 4) for place in members]
        if all(networks) and not set.intersection(*networks):
            where = "; ".join(f"{place.host} has {_texts(_networks(place, 4))}" for place in members)
            yield Problem(
                tuple(place.host for place in members),
                f"the hosts share no subnet ({where}), and multicast passes no router; name the right interface,"
                " or set vrrp_unicast: true",
                f"vrrp_instances[{members[0].index}].interface",
                name,
            )


def shared_ids(places: Sequence[Place]) -> Iterator[Problem]:
    """Groups that share a segment need different virtual router ids and addresses there."""
    for number, place in enumerate(places):
        for other in places[number + 1 :]:
            common = _common(place, other) if place.group != other.group else set()
            if not common:
                continue
            where = f"instance {other.instance.name} of the group {other.group} on the same segment ({_texts(common)})"
            if _both_multicast(place, other) and _id(place) == _id(other):
                reason = f"{place.instance.virtual_router_id} is also that of {where}; choose another one"
                yield place.problem("virtual_router_id", reason)
            mine, theirs = ({address.ip for address in one.instance.addresses} for one in (place, other))
            for ip in sorted(mine & theirs, key=str):
                yield place.problem("virtual_addresses", f"{ip} is also an address of {where}; choose another one")


def _id(place: Place) -> tuple[int, int]:
    return place.instance.family, place.instance.virtual_router_id


def _both_multicast(place: Place, other: Place) -> bool:
    return not place.instance.unicast_peers and not other.instance.unicast_peers


def _common(place: Place, other: Place) -> set[IPNetwork]:
    """The subnets that both are in; every link has the same link-local one, which says nothing."""
    return {net for family in (4, 6) for net in _networks(place, family) & _networks(other, family)}


def _networks(place: Place, family: int) -> set[IPNetwork]:
    found = (address.network for address in place.own if address.version == family)
    return {network for network in found if not network.is_link_local}


def _texts(networks: set[IPNetwork]) -> str:
    return ", ".join(sorted(map(str, networks)))
