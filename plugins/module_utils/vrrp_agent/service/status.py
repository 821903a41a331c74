# Copyright: (c) 2026, duet.ha_pair contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""The status document: what is live, with the addresses read from the kernel at that moment."""

from __future__ import annotations

import datetime
import os
import time
from collections.abc import Iterable, Mapping, Sequence
from ipaddress import ip_address
from typing import Any

from ..protocol.conflicts import Conflict
from ..protocol.counters import INTERFACE_COUNTERS
from ..protocol.events import State
from ..protocol.settings import IPInterface
from .network import Network
from .virtual_mac import mac_of, name_of
from .virtual_router import VirtualRouter

# The folder that the code was loaded from; as installed by the role its name is the package's digest.
PACKAGE = os.path.basename(os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__)))))


def iso_time(at_s: float) -> str:
    """A wall clock's time as ISO 8601 in UTC, to the millisecond."""
    moment = datetime.datetime.fromtimestamp(at_s, datetime.timezone.utc)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def interfaces_status(
    network: Network, routers: Iterable[VirtualRouter], strays: Mapping[str, Mapping[str, int]]
) -> list[dict[str, Any]]:
    """MAC and counters by interface: those of its virtual routers together, and of packets for none of them."""
    found: dict[str, dict[str, int]] = {}
    counted = [(running.instance.interface, running.router.counters) for running in routers]
    for name, counters in [*counted, *strays.items()]:
        total = found.setdefault(name, dict.fromkeys(INTERFACE_COUNTERS, 0))
        for key, count in counters.items():
            total[key] += count
    links = {name: network.link(name) for name in found}
    macs = {name: link.mac.hex(":") if link else None for name, link in links.items()}
    return [{"name": name, "mac": macs[name], "counters": total} for name, total in sorted(found.items())]


def instances_status(
    routers: Iterable[VirtualRouter], present: Mapping[int, Sequence[IPInterface]]
) -> list[dict[str, Any]]:
    """Each instance's part; `present` are the addresses on each interface, by its index."""
    return [instance_status(running, _present(running, present)) for running in routers]


def instance_status(running: VirtualRouter, present: Iterable[IPInterface]) -> dict[str, Any]:
    """One instance's part; `present` are the addresses on its interface now."""
    instance, router = running.instance, running.router
    there = set(present)
    return {
        "name": instance.name,
        "interface": instance.interface,
        "virtual_router_id": instance.virtual_router_id,
        "version": instance.version,
        "state": router.state.value,
        "leaving": running.leaving,
        "switched_over": router.switched_over,
        "priority": instance.priority,
        "effective_priority": router.settings.priority,
        "last_resort": router.settings.is_last_resort,
        "advert_interval": instance.advert_interval_cs / 100,
        "preempt": instance.preempt,
        "preempt_delay": instance.preempt_delay_ms / 1000,
        "startup_delay": instance.startup_delay_ms / 1000,
        "virtual_addresses": [str(address) for address in instance.virtual_addresses],
        "extra_addresses": [str(address) for address in instance.extra_addresses],
        "addresses_present": [str(address) for address in instance.addresses if address in there],
        "virtual_mac": mac_of(instance).hex(":") if instance.use_vmac else None,
        "virtual_mac_interface": name_of(instance) if instance.use_vmac else None,
        "unicast_peers": [str(peer) for peer in instance.unicast_peers] or None,
        "source_address": str(router.source) if router.source else None,
        "master": _master(running),
        "conflicts": [_conflict(conflict) for conflict in running.conflicts.reported],
        "not_heard_by": _not_heard_by(running),
        "new_master_reason": router.new_master_reason,
        "since": iso_time(running.since_s),
        "last_transition": _last_transition(running),
        "fault": router.fault or router.group.fault if router.state is State.FAULT else None,
        "sync_group": running.group.name if running.group else None,
        "track_interfaces": [{"name": name, "fault": fault} for name, fault in running.tracked.items()],
        "counters": router.counters.all(),
        **running.tally.status(),
        "discontinuity_datetime": iso_time(running.counting_since_s),
        "checks": [_check(check) for check in running.checks.status()],
    }


def _master(running: VirtualRouter) -> dict[str, Any] | None:
    """Who is master as far as this node knows; `last_heard` is null when it is this node itself."""
    router = running.router
    if router.state is State.MASTER:
        return {"address": str(router.source), "priority": router.settings.priority, "last_heard": None}
    if router.master is None:
        return None
    return {
        "address": str(router.master.address),
        "priority": router.master.priority,
        "last_heard": _iso_time_of(router.master.heard_ns),
    }


def _check(check: dict[str, Any]) -> dict[str, Any]:
    """One check's part, with times as documents have them."""
    return {**check, **{key: check[key] and iso_time(check[key]) for key in ("since", "last_run")}}


def _conflict(conflict: Conflict) -> dict[str, Any]:
    """Another host with an address of this virtual router; `mac` is null where there are too many to tell apart."""
    return {
        "address": str(ip_address(conflict.address)),
        "mac": conflict.mac.hex(":") if conflict.mac else None,
        "since": _iso_time_of(conflict.first_ns),
        "last_seen": _iso_time_of(conflict.last_ns),
    }


def _not_heard_by(running: VirtualRouter) -> dict[str, Any] | None:
    """The master that goes on though it has lost to this one."""
    rival = running.router.rival.deaf
    if rival is None:
        return None
    return {"address": str(rival.address), "priority": rival.priority, "since": _iso_time_of(rival.heard_ns)}


def _iso_time_of(monotonic_ns: int) -> str:
    return iso_time(time.time() - (time.monotonic_ns() - monotonic_ns) / 1e9)


def _last_transition(running: VirtualRouter) -> dict[str, str] | None:
    last = running.last_transition
    if last is None:
        return None
    return {
        "from": last.previous.value,
        "to": last.state.value,
        "reason": last.reason,
        "at": iso_time(last.at_s),
    }


def _present(running: VirtualRouter, present: Mapping[int, Sequence[IPInterface]]) -> list[IPInterface]:
    """What is on an instance's interface, and on the one with its virtual MAC."""
    indexes = sorted({running.index or 0, running.addresses.index or 0})
    return [address for index in indexes for address in present.get(index, ())]
