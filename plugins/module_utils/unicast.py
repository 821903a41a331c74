# Copyright: (c) 2026, duet.ha_pair contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Unicast peers out of the group: with `vrrp_unicast: true` each host's peers are the group's other hosts. Pure.

A host's own address is its `vrrp_address`; without one, its `ansible_host` or its name, where that is an IP address.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping
from typing import Any

from .problem import Problem

# The variables that the addresses come from.
VARIABLES = ("vrrp_unicast", "vrrp_address", "ansible_host")

Group = Mapping[str, Mapping[str, Any]]


def wanted(variables: Mapping[str, Any], instance: Mapping[str, Any]) -> bool:
    """Whether an instance's peers come from the group; its own `unicast_peers` have the last word."""
    # INI inventories and --extra-vars give text.
    asked = str(variables.get("vrrp_unicast") or "").lower() in ("true", "yes", "on", "1")
    return asked and "unicast_peers" not in instance


def address(host: str, group: Group, family: int) -> str | None:
    """A host's own address of a family."""
    written = group[host].get("vrrp_address")
    if written is None:
        written = [group[host].get("ansible_host") or host]
    for item in written if isinstance(written, (list, tuple)) else [written]:
        if _family(item) == family:
            return str(item)
    return None


def fill(instance: dict[str, Any], host: str, group: Group) -> None:
    """Give an instance its peers and the address that they expect it to send from."""
    if not wanted(group[host], instance):
        return
    family = family_of(instance)
    others = [address(other, group, family) for other in group if other != host]
    instance["unicast_peers"] = [found for found in others if found is not None]
    instance.setdefault("source_address", address(host, group, family))


def problems(host: str, group: Group) -> Iterator[Problem]:
    """What keeps a host from having an address that its peers can send to."""
    written = group[host].get("vrrp_address")
    for item in written if isinstance(written, (list, tuple)) else [written]:
        if item is not None and _family(item) is None:
            yield Problem((host,), f"{item} is no IP address; a prefix is not part of it", "vrrp_address")
            return
    families = {family_of(one) for one in group[host]["vrrp_instances"] if wanted(group[host], one)}
    for family in sorted(families):
        if len(group) < 2:
            yield Problem((host,), "means nothing in a group of one host; add a second one", "vrrp_unicast")
        elif address(host, group, family) is None:
            yield Problem(
                (host,),
                f"vrrp_unicast needs this host's own IPv{family} address; set it in host_vars,"
                " e.g. vrrp_address: " + ("2001:db8::11" if family == 6 else "192.0.2.11"),
                "vrrp_address",
            )


def family_of(instance: Mapping[str, Any]) -> int:
    """4 or 6: the family that an instance's hosts talk in."""
    addresses = instance.get("virtual_addresses")
    first = addresses[0] if isinstance(addresses, (list, tuple)) and addresses else ""
    return 6 if ":" in str(first) else 4


def _family(text: Any) -> int | None:
    try:
        return ipaddress.ip_address(str(text)).version
    except ValueError:
        return None
