# Copyright: (c) 2026, duet.ha_pair contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Judges what MASTERs have seen of others: foreign owners of an address, and masters that do not hear them.

Pure: reports and instances as in live.py. An agent of an earlier version reports nothing of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from .problem import Problem

Report = Mapping[str, Any]
Reports = Mapping[str, Report]
Instance = Mapping[str, Any]


def foreign_owners(name: str, masters: Sequence[str], reports: Reports) -> Iterator[Problem]:
    """Who has an address of the MASTER, but for hosts of the group that say themselves that they are MASTER."""
    for host, instance in _instances(name, reports):
        for mac, addresses in _by_mac(instance).items():
            owner = _host_with(mac, instance, reports, [other for other in reports if other != host])
            if owner in masters:
                continue
            who = f"{owner} ({mac})" if owner else mac or "a host of even more MAC addresses"
            mend = (
                f"{owner} is not MASTER; if it is so in ten seconds still, remove it there (ip address del)"
                if owner
                else "find the port of that MAC in the switch's table, and take the address from that host"
            )
            reason = f"{who} has {', '.join(addresses)} too, of which {host} is MASTER: {mend}"
            yield Problem((host,), reason, instance=name)


def deaf_masters(name: str, found: Mapping[str, Instance]) -> Iterator[Problem]:
    """A master that does not hear the group's, and is none of the group's hosts that can be asked."""
    for host, instance in found.items():
        deaf = instance.get("not_heard_by")
        # A host of the group that is MASTER has a problem of its own; one that is no longer has heard us by now.
        if not deaf or _host_at(deaf["address"], found):
            continue
        reason = (
            f"{deaf['address']} (priority {deaf['priority']}), which is none of the hosts that were asked, is MASTER of"
            f" virtual_router_id {instance['virtual_router_id']} too, and does not hear {host}: let protocol 112 pass"
            f" from {host} to it, or give one of the two another virtual_router_id"
        )
        yield Problem((host,), reason, instance=name)


def seen_by(
    host: str, name: str, masters: Sequence[str], found: Mapping[str, Instance], reports: Reports
) -> Iterator[str]:
    """What one of several MASTERs sees of the others, in a few words each."""
    instance, others = found[host], [other for other in masters if other != host]
    deaf = instance.get("not_heard_by")
    if deaf:
        owner = _host_at(deaf["address"], found) or deaf["address"]
        yield f"{host} hears the adverts of {owner}, and {owner} does not hear those of {host}"
    for mac in _by_mac(instance):
        owner = _host_with(mac, instance, reports, others)
        if owner:
            yield f"{host} sees {owner} ({mac}) answer for the addresses"


def _instances(name: str, reports: Reports) -> Iterator[tuple[str, Instance]]:
    for host, report in reports.items():
        yield from ((host, instance) for instance in report["instances"] if instance["name"] == name)


def _by_mac(instance: Instance) -> dict[str, list[str]]:
    """The addresses that others have, by their MAC; an empty one for those too many to tell apart."""
    found: dict[str, list[str]] = {}
    for conflict in instance.get("conflicts") or []:
        found.setdefault(conflict["mac"] or "", []).append(conflict["address"])
    return found


def _host_with(mac: str, instance: Instance, reports: Reports, hosts: Sequence[str]) -> str | None:
    """Which of these hosts has a MAC; the virtual one is of whoever else has the virtual router."""
    if mac and mac == instance.get("virtual_mac"):
        return hosts[0] if len(hosts) == 1 else None
    for host in hosts:
        interfaces = (reports[host].get("status") or {}).get("interfaces") or []
        if mac and any(interface.get("mac") == mac for interface in interfaces):
            return host
    return None


def _host_at(address: str, found: Mapping[str, Instance]) -> str | None:
    return next((host for host, instance in found.items() if instance.get("source_address") == address), None)
