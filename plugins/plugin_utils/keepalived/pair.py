# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The configurations of a group's keepalived hosts as one: instances once, priorities by host, differences told."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from ...module_utils.inventory import document, examine
from .remark import ERROR, INFO, Remark

# What may differ from host to host; `priority` always goes by host.
_OF_THE_HOST = ("interface", "preempt", "source_address", "track_interfaces", "unicast_peers")
# Of these the largest is right for all hosts, of those the smallest.
_LARGEST, _SMALLEST = ("preempt_delay", "startup_delay"), ("unicast_min_ttl",)

# What the absence of a key says, for a host that has none beside one that has.
_ABSENT: dict[str, Any] = {"track_interfaces": []}

HIGHEST_PRIORITY, OWNER_PRIORITY = 254, 255

Results = Mapping[str, Mapping[str, Any]]


def merge(results: Results) -> dict[str, Any]:
    """`vrrp_instances`, what is each host's own (`hosts`: host -> instance -> keys), `vrrp_sync_groups`, `remarks`.

    `results` are what `reader.read` found on each host, in the order of the group.
    """
    remarks = [_of(host, remark) for host, result in results.items() for remark in result["remarks"]]
    hosts: dict[str, dict[str, Any]] = {host: {} for host in results}
    instances, notes = [], []
    for found in _same_routers(results):
        shared, own, more = _merge_instance(found)
        instances.append(shared)
        notes += more + _absent(shared["name"], found, results)
        for host, keys in own.items():
            hosts[host].update({shared["name"]: keys} if keys else {})
    groups, more = _sync_groups(results, instances)
    merged = {"vrrp_instances": instances, "vrrp_sync_groups": groups, "hosts": hosts}
    notes += more
    if not any(note.severity == ERROR for note in notes):
        notes += _problems(merged, [remark.severity for remark in remarks])
    return {**merged, "remarks": [remark.as_dict() for remark in _once(remarks + notes)]}


def _of(host: str, remark: Mapping[str, Any]) -> Remark:
    return Remark(**{key: value for key, value in remark.items() if key not in ("hosts", "text")}, hosts=(host,))


def _once(remarks: Iterable[Remark]) -> list[Remark]:
    """The same remark on several hosts becomes one that names them all."""
    hosts: dict[Remark, list[str]] = {}
    for remark in remarks:
        hosts.setdefault(replace(remark, hosts=()), []).extend(remark.hosts)
    return [replace(remark, hosts=tuple(dict.fromkeys(named))) for remark, named in hosts.items()]


def of_host(merged: Mapping[str, Any], host: str) -> list[dict[str, Any]]:
    """A host's whole `vrrp_instances`: what is shared, and its own."""
    own = merged["hosts"][host]
    return [{**instance, **own.get(instance["name"], {})} for instance in merged["vrrp_instances"]]


def _same_routers(results: Results) -> list[dict[str, dict[str, Any]]]:
    """Host -> instance for each virtual router: of one name, or else of one VRID and family."""
    found: list[dict[str, dict[str, Any]]] = []
    for host, result in results.items():
        for instance in result["vrrp_instances"]:
            free = [routers for routers in found if host not in routers]
            same = [routers for routers in free if _identity(routers) == _identity({host: instance})]
            named = [routers for routers in same if next(iter(routers.values()))["name"] == instance["name"]]
            (named or same or [_new(found)])[0][host] = instance
    return found


def _new(found: list[dict[str, dict[str, Any]]]) -> dict[str, dict[str, Any]]:
    found.append({})
    return found[-1]


def _identity(routers: Mapping[str, Mapping[str, Any]]) -> tuple[Any, int]:
    instance = next(iter(routers.values()))
    addresses = instance["virtual_addresses"]
    return instance.get("virtual_router_id"), ipaddress.ip_interface(addresses[0]).version if addresses else 4


def _merge_instance(
    found: Mapping[str, Mapping[str, Any]],
) -> tuple[dict[str, Any], dict[str, dict[str, Any]], list[Remark]]:
    """What the hosts share, what is each host's own, and how they contradict each other."""
    first, name = next(iter(found)), str(next(iter(found.values()))["name"])
    remarks: list[Remark] = []
    own: dict[str, dict[str, Any]] = {host: {} for host in found}
    shared: dict[str, Any] = {"name": name}
    keys = dict.fromkeys(key for instance in found.values() for key in instance if key not in ("name", "priority"))
    preempts, priorities = _priorities(found, name, remarks)
    for key in keys:
        values = {
            host: preempts[host] if key == "preempt" else found[host].get(key, _ABSENT.get(key)) for host in found
        }
        different = [host for host in found if _comparable(values[host]) != _comparable(values[first])]
        if not different:
            shared[key] = values[first]
        elif key in _OF_THE_HOST and not (key == "unicast_peers" and None in values.values()):
            for host in found:
                own[host].update({key: values[host]} if values[host] is not None else {})
        elif key in _LARGEST or key in _SMALLEST:
            given = [value for value in values.values() if value is not None]
            shared[key] = max(given) if key in _LARGEST else min(given)
            means = f"differs between the hosts; the agents all have {shared[key]}"
            remarks.append(Remark(INFO, 0, key, means, instance=name, hosts=tuple(found)))
        else:
            shared[key] = values[first]
            means = f"differs from {first}'s: these are not one virtual router"
            do = "make the files of all hosts say the same, and reload keepalived"
            remarks.append(Remark(ERROR, 0, key, means, do, name, hosts=tuple(different)))
    if shared.get("preempt_delay") and False in preempts.values():
        means = "has no meaning together with nopreempt on another host, and was left out"
        remarks.append(Remark(INFO, 0, "preempt_delay", means, instance=name, hosts=tuple(found)))
        del shared["preempt_delay"]
    return {**shared, "priorities": priorities}, own, remarks


def _comparable(value: Any) -> Any:
    """Lists of addresses are sets to keepalived."""
    return sorted(value) if isinstance(value, list) and all(isinstance(item, str) for item in value) else value


def _priorities(
    found: Mapping[str, Mapping[str, Any]], name: str, remarks: list[Remark]
) -> tuple[dict[str, bool], dict[str, int]]:
    """Who preempts, and a priority of its own for each host.

    keepalived lets two hosts have the same one. Then neither preempts the other, and so it stays.
    """
    preempts = {host: bool(instance["preempt"]) for host, instance in found.items()}
    priorities = {host: int(instance["priority"]) for host, instance in found.items()}
    given = list(priorities.values())
    order = sorted(priorities, key=lambda host: -priorities[host])
    for better, host in zip(order, order[1:]):
        priorities[host] = min(priorities[host], priorities[better] - 1)
    if priorities and min(priorities.values()) < 1:
        priorities = {host: 150 - place * (150 // len(order)) for place, host in enumerate(order)}
    equal = [host for host in found if given.count(found[host]["priority"]) > 1]
    if equal:
        preempts.update(dict.fromkeys(equal, False))
        says = ", ".join(f"{host} {priorities[host]}" for host in found)
        means = (
            f"is the same, and each host needs its own: {says}, and preempt: false, so that the role stays as before"
        )
        remarks.append(Remark(INFO, 0, "priority", means, instance=name, hosts=tuple(equal)))
    return preempts, priorities


def _absent(name: str, found: Mapping[str, Any], results: Results) -> list[Remark]:
    hosts = tuple(host for host in results if host not in found)
    do = "write it into keepalived.conf there too, and reload keepalived"
    means = f"is not there, but on {', '.join(found)}"
    return [Remark(ERROR, 0, "vrrp_instance", means, do, name, hosts=hosts)] if hosts else []


def _sync_groups(results: Results, instances: Iterable[Mapping[str, Any]]) -> tuple[list[dict[str, Any]], list[Remark]]:
    first = next(iter(results), "")
    groups = list(results[first]["vrrp_sync_groups"]) if first else []
    expected = {tuple(sorted(group["instances"])) for group in groups}
    differ = tuple(
        host
        for host, result in results.items()
        if {tuple(sorted(group["instances"])) for group in result["vrrp_sync_groups"]} != expected
    )
    means, do = f"differs from {first}'s", "make the files of all hosts say the same, and reload keepalived"
    return groups, [Remark(ERROR, 0, "vrrp_sync_group", means, do, hosts=differ)] if differ else []


def _group(merged: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The variables of all hosts, as the inventory would have them."""
    return {
        host: {"vrrp_instances": of_host(merged, host), "vrrp_sync_groups": merged["vrrp_sync_groups"]}
        for host in merged["hosts"]
    }


def _problems(merged: Mapping[str, Any], severities: list[str]) -> list[Remark]:
    """What site.yml's own examination would refuse; nothing new where something is known to be wrong already."""
    if ERROR in severities or not merged["vrrp_instances"]:
        return []
    do = "change it in keepalived.conf on all hosts, and reload keepalived"
    return [
        Remark(ERROR, 0, problem.key, problem.reason, do, problem.instance, hosts=problem.hosts)
        for problem in examine(_group(merged)).problems
    ]


def addresses(merged: Mapping[str, Any]) -> list[str]:
    """Every address that moves with a role, without its prefix and in the kernel's spelling."""
    texts = [
        text
        for instance in merged["vrrp_instances"]
        for key in ("virtual_addresses", "extra_addresses")
        for text in instance.get(key, [])
    ]
    return [str(ipaddress.ip_interface(text).ip) for text in texts]


def raised(merged: Mapping[str, Any], host: str) -> dict[str, Any]:
    """A host's configuration for the moment in which it takes the role from a keepalived, whoever has it."""
    made = document(host, _group(merged))
    for instance in made["instances"]:
        instance.update(priority=HIGHEST_PRIORITY, preempt=True)
        instance.pop("preempt_delay", None)
    return made


def in_place(merged: Mapping[str, Any], host: str, held: Iterable[str]) -> dict[str, Any]:
    """A host's configuration for the moment in which it takes the place of a keepalived that was killed as MASTER.

    The addresses that it `held` stay on the host as its own, and so the agent begins as their owner: MASTER at once.
    """
    made, there = document(host, _group(merged)), set(held)
    for instance in made["instances"]:
        if {str(ipaddress.ip_interface(text).ip) for text in instance["virtual_addresses"]} <= there:
            instance.update(priority=OWNER_PRIORITY)
            for key in ("preempt_delay", "startup_delay", "track_interfaces"):
                instance.pop(key, None)
    # An owner waits for no other (RFC 9568 6.1); the groups come with the configuration that follows.
    made.pop("sync_groups", None)
    return made
