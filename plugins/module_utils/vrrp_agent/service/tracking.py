# Copyright: (c) 2026, duet.ha_pair contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""The other interfaces that a virtual router needs: what has become of them, and what follows for it."""

from __future__ import annotations

from ..config import Instance
from .network import Network


def link_fault(network: Network, name: str) -> str | None:
    """Why an interface passes no packets, or None when it does."""
    link = network.link(name)
    if link is None:
        return f"no interface {name} on this host"
    if not link.up:
        return f"{name} is down"
    return None if link.carrier else f"{name} has no carrier"


def tracked_fault(network: Network, instance: Instance) -> str | None:
    """Why a tracked interface lets the role go, or None when none does."""
    releasing = (tracked.name for tracked in instance.track_interfaces if tracked.priority is None)
    faults = (link_fault(network, name) for name in releasing)
    return next((f"tracked interface: {fault}" for fault in faults if fault is not None), None)


def tracked_priority(network: Network, instance: Instance) -> tuple[int, list[str]]:
    """The priority that the tracked interfaces leave, the least there is at least, and what lowers it."""
    priority, reasons = instance.priority, []
    for tracked in instance.track_interfaces:
        fault = None if tracked.priority is None else link_fault(network, tracked.name)
        if fault is not None:
            priority += tracked.priority or 0
            reasons.append(fault)
    return max(instance.priority_min, priority), reasons
