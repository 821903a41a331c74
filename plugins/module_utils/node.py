# Copyright: (c) 2026, duet.ha_pair contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""What a configuration needs from its node: interfaces that exist, and the one with the default route."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any

_UP_AND_GATEWAY = 0x3


def interfaces(root: str = "/") -> list[str]:
    """The names of the node's interfaces, without the loopback."""
    return sorted(name for name in os.listdir(os.path.join(root, "sys/class/net")) if name != "lo")


def default_interface(family: int = 4, root: str = "/") -> str | None:
    """The interface of the default route with the lowest metric."""
    routes = _default_routes_6(root) if family == 6 else _default_routes_4(root)
    return min(routes)[1] if routes else None


def fill_interfaces(document: dict[str, Any], root: str = "/") -> list[str]:
    """Give instances without an interface the one of the default route; what is wrong comes back, one line each."""
    return fill_from(document, interfaces(root), lambda family: default_interface(family, root))


def fill_from(document: dict[str, Any], here: Sequence[str], default: Callable[[int], str | None]) -> list[str]:
    """The same from what is known of a node: its interfaces, and that of its default route by family. Pure."""
    problems = []
    for index, instance in enumerate(document["instances"]):
        key = f"vrrp_instances[{index}].interface (instance {instance.get('name')})"
        if "interface" not in instance:
            found = default(_family(instance))
            if found is None:
                family = f"IPv{_family(instance)}"
                problems.append(
                    f"{key}: there is no {family} default route to take the interface from; set it: {_choice(here)}"
                )
                continue
            instance["interface"] = found
        if instance["interface"] not in here:
            problems.append(f"{key}: {instance['interface']} does not exist on this host; {_choice(here)}")
    return problems


def _choice(names: Sequence[str]) -> str:
    return f"its interfaces are {', '.join(names)}" if names else "it has no interface"


def _family(instance: dict[str, Any]) -> int:
    return 6 if ":" in str((instance.get("virtual_addresses") or [""])[0]) else 4


def _default_routes_4(root: str) -> list[tuple[int, str]]:
    """/proc/net/route: Iface Destination Gateway Flags RefCnt Use Metric Mask; hexadecimal, but for the metric."""
    rows = _rows(os.path.join(root, "proc/net/route"))[1:]
    return [(int(row[6]), row[0]) for row in rows if row[1] == row[7] == "00000000" and int(row[3], 16) & 1]


def _default_routes_6(root: str) -> list[tuple[int, str]]:
    """/proc/net/ipv6_route: destination length source length next-hop metric refcount use flags device."""
    rows = _rows(os.path.join(root, "proc/net/ipv6_route"))
    flags_wanted = _UP_AND_GATEWAY
    return [
        (int(row[5], 16), row[9])
        for row in rows
        if row[1] == "00" and int(row[8], 16) & flags_wanted == flags_wanted and row[9] != "lo"
    ]


def _rows(path: str) -> list[list[str]]:
    try:
        with open(path, encoding="ascii") as source:
            return [line.split() for line in source if line.strip()]
    except FileNotFoundError:
        return []
