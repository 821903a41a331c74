# Copyright: (c) 2026, duet.ha_pair contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""From the inventory's vrrp_* variables of a group to each node's configuration, and everything wrong with them.

Pure: no file, no connection, no Ansible. A group is `{host: its vrrp_* variables}` in the inventory's order.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from . import demotion, nginx_check, unicast
from .problem import Problem, merge
from .vrrp_agent import config

Group = Mapping[str, Mapping[str, Any]]

# The variables that a node's configuration is made of.
VARIABLES = (
    *("vrrp_instances", "vrrp_priority", "vrrp_router_id", "vrrp_sync_groups"),
    *("vrrp_notify", "vrrp_mail", "vrrp_webhooks", "vrrp_metrics"),
    *unicast.VARIABLES,
    *nginx_check.VARIABLES,
)

# Of the group, and the same on all of its hosts.
_OF_THE_GROUP = ("vrrp_sync_groups", "vrrp_unicast")

# The group's first host is the preferred MASTER.
_PRIORITIES = (150, 100, 50)

# What may differ between the hosts of a group; everything else must be the same on all of them.
_OF_THE_HOST = frozenset(
    {"interface", "preempt", "priorities", "priority", "source_address", "track_interfaces", "unicast_peers"}
)

# Stands in for the interface with the default route, which only the node knows.
_ANY_INTERFACE = "default-route"

_WHOLE_NUMBERS = ("virtual_router_id", "version", "priority")

_MENDS = {
    "virtual_addresses": "list one address at least, e.g. virtual_addresses: [192.0.2.10/24]",
    "virtual_router_id": "choose a number in 1..255 that no other VRRP router on this network uses",
    "priority": "choose 1..254, each host its own, or leave it out: the host's place in the group decides",
    "password": "put it in quotes if it is a number",
}


@dataclass(frozen=True)
class Findings:
    """What the examination of a group found: problems forbid the deployment, warnings do not."""

    problems: list[Problem]
    warnings: list[str]


def document(host: str, group: Group) -> dict[str, Any]:
    """The configuration document of one host of a group that has no problems.

    An instance without an interface stays without: the node fills in the one with its default route.
    """
    variables = group[host]
    instances = [_instance(host, group, index)[0] for index in range(len(variables["vrrp_instances"]))]
    made = {"router_id": variables.get("vrrp_router_id") or _router_id(host), "instances": instances}
    for key in ("sync_groups", "notify", "mail", "webhooks", "metrics"):
        if variables.get(f"vrrp_{key}"):
            made[key] = variables[f"vrrp_{key}"]
    return made


def examine(group: Group) -> Findings:
    """All problems over all hosts of a group, and the warnings."""
    problems = list(_shape(group))
    if not problems:
        problems += [problem for host in group for problem in unicast.problems(host, group)]
    broken = {host for problem in problems for host in problem.hosts}
    sound = {host: group[host] for host in group if host not in broken}
    for host in sound:
        problems += _of_the_document(host, group)
    problems += _priorities(sound)
    problems += _equal_priorities(sound, group)
    problems += _differences(sound)
    warnings = list(_warnings(group))
    if not problems:
        warnings += demotion.warnings({host: document(host, group) for host in group})
    return Findings(merge(problems), warnings)


def priority_of_place(place: int, hosts: int) -> int:
    """The priority of the host at a place (from 0) of its group: 150, 100, 50, or even steps in a larger group."""
    return _PRIORITIES[place] if hosts <= len(_PRIORITIES) else max(1, 150 - place * (150 // hosts))


def _router_id(host: str) -> str:
    """An inventory name may be an IPv6 address or hold characters that a router_id may not."""
    return re.sub(r"[^A-Za-z0-9_.-]", "-", host).lstrip("_.-")[:64] or "node"


def _instance(host: str, group: Group, index: int) -> tuple[dict[str, Any], str]:
    """One instance as the host's agent is told it, and the inventory's key that its priority came from."""
    written = group[host]["vrrp_instances"][index]
    result = {str(key): value for key, value in written.items() if key != "priorities"}
    result["priority"], key = _priority(host, group, index)
    for number in _WHOLE_NUMBERS:
        if number in result:
            result[number] = _whole_number(result[number])
    result.setdefault("name", f"vrrp_{result.get('virtual_router_id')}")
    unicast.fill(result, host, group)
    nginx_check.add(result, group[host])
    return result, key


def _priority(host: str, group: Group, index: int) -> tuple[Any, str]:
    """The most particular word wins: the instance's priorities, its priority, the host's, the place in the group."""
    path = f"vrrp_instances[{index}]"
    written = group[host]["vrrp_instances"][index]
    priorities = written.get("priorities")
    if isinstance(priorities, Mapping) and host in priorities:
        return priorities[host], f"{path}.priorities.{host}"
    if "priority" in written:
        return written["priority"], f"{path}.priority"
    if group[host].get("vrrp_priority") is not None:
        return group[host]["vrrp_priority"], "vrrp_priority"
    return priority_of_place(list(group).index(host), len(group)), f"{path}.priority"


def _whole_number(value: Any) -> Any:
    """INI inventories, --extra-vars and templates on ansible-core 2.18 give numbers as text."""
    return int(value) if isinstance(value, str) and re.fullmatch(r"[0-9]{1,9}", value) else value


def _shape(group: Group) -> Iterator[Problem]:
    """What keeps a host's variables from being read at all."""
    for host, variables in group.items():
        instances = variables.get("vrrp_instances")
        if not instances:
            yield Problem(
                (host,),
                "is missing or empty; declare one instance at least, in the group's vars:"
                " vrrp_instances: [{virtual_router_id: 51, virtual_addresses: [192.0.2.10/24]}]",
                "vrrp_instances",
            )
        elif not isinstance(instances, (list, tuple)):
            yield Problem((host,), "must be a list of instances; put '- ' before the first key", "vrrp_instances")
        else:
            for index, instance in enumerate(instances):
                if not isinstance(instance, Mapping):
                    yield Problem((host,), "must be keys and values", f"vrrp_instances[{index}]")


def _of_the_document(host: str, group: Group) -> Iterator[Problem]:
    """What the one schema has against this host's document, in the inventory's words."""
    made = document(host, group)
    for instance in made["instances"]:
        instance.setdefault("interface", _ANY_INTERFACE)
    for error in config.validate(made):
        key, name = _translate(error.path, host, group, made)
        yield Problem((host,), _reason(error), key, name)


def _translate(path: str, host: str, group: Group, made: dict[str, Any]) -> tuple[str, str]:
    """A path in the document -> the inventory's key, and the instance's name."""
    found = re.match(r"instances\[(\d+)\]", path)
    if found is None:
        return f"vrrp_{path}", ""
    index = int(found.group(1))
    name = str(made["instances"][index].get("name", ""))
    if path == f"instances[{index}].priority":
        return _priority(host, group, index)[1], name
    check = re.match(r"instances\[\d+\]\.checks\[(\d+)\](.*)", path)
    if check and nginx_check.is_added(
        made["instances"][index], group[host]["vrrp_instances"][index], int(check.group(1))
    ):
        return f"nginx_health_check{check.group(2)}", name
    return f"vrrp_{path}", name


def _reason(error: config.ConfigError) -> str:
    key = error.path.rpartition(".")[2]
    if key == "state" and error.why.startswith("unknown key"):
        return "there is no such key: the host with the highest priority is MASTER; remove it"
    mend = "" if key == "virtual_addresses" and error.why != "is missing" else _MENDS.get(key)
    return f"{error.why}; {mend}" if mend and ";" not in error.why else error.why


def _priorities(group: Group) -> Iterator[Problem]:
    """`priorities` must name hosts of the group."""
    for host, index, instance in _instances(group):
        chosen, key, name = instance.get("priorities"), f"vrrp_instances[{index}].priorities", _name(instance)
        if chosen is None:
            continue
        if not isinstance(chosen, Mapping):
            yield Problem((host,), "must map hosts to priorities, e.g. {lb1: 150, lb2: 100}", key, name)
            continue
        for stranger in sorted(str(named) for named in chosen if named not in group):
            near = difflib.get_close_matches(stranger, list(group), n=1)
            hint = f"did you mean {near[0]}?" if near else f"its hosts are {', '.join(group)}"
            yield Problem((host,), f"{stranger} is no host of the group; {hint}", key, name)


def _equal_priorities(sound: Group, group: Group) -> Iterator[Problem]:
    """Two hosts of one priority would leave it to their addresses who is MASTER."""
    holders: dict[tuple[str, Any], list[tuple[str, str]]] = {}
    for host, index, _written in _instances(sound):
        instance, key = _instance(host, group, index)
        if isinstance(instance["priority"], int):
            holders.setdefault((str(instance["name"]), instance["priority"]), []).append((host, key))
    for (name, priority), found in holders.items():
        if len({host for host, key in found}) > 1:
            hosts = tuple(host for host, key in found)
            keys = " / ".join(dict.fromkeys(key for host, key in found))
            reason = f"the same priority {priority} on {len(found)} hosts; {_MENDS['priority']}"
            yield Problem(hosts, reason, keys, name)


def _differences(group: Group) -> Iterator[Problem]:
    """Every host of the group must declare the same instances."""
    first: str | None = next(iter(group), None)
    if first is None:
        return
    expected = {_name(instance): instance for host, index, instance in _instances(group) if host == first}
    for host in list(group)[1:]:
        for key in _OF_THE_GROUP:
            if (group[host].get(key) or None) != (group[first].get(key) or None):
                yield Problem((host,), f"differs from {first}'s; declare {key} once, in the group's vars", key)
        found = {_name(instance): instance for other, index, instance in _instances(group) if other == host}
        for name in [*expected, *(name for name in found if name not in expected)]:
            if name in expected and name in found:
                yield from _different_keys(name, first, expected[name], host, found[name])
            else:
                here, there = (first, host) if name in expected else (host, first)
                reason = f"declared for {here}, not for {there}; declare vrrp_instances once, in the group's vars"
                yield Problem((there,), reason, "vrrp_instances", name)


def _different_keys(
    name: str, first: str, expected: Mapping[str, Any], host: str, found: Mapping[str, Any]
) -> Iterator[Problem]:
    """Values are not shown: one of them may be a secret."""
    for key in sorted({str(key) for key in (*expected, *found)} - _OF_THE_HOST):
        if expected.get(key) != found.get(key):
            reason = f"differs from {first}'s; declare vrrp_instances once, in the group's vars"
            yield Problem((host,), reason, f"vrrp_instances.{key}", name)


def _warnings(group: Group) -> Iterator[str]:
    if len(group) == 1:
        yield f"the group has one host ({', '.join(group)}): nobody takes over when it fails; add a second one"


def _instances(group: Group) -> Iterator[tuple[str, int, Mapping[str, Any]]]:
    for host, variables in group.items():
        for index, instance in enumerate(variables["vrrp_instances"]):
            yield host, index, instance


def _name(instance: Mapping[str, Any]) -> str:
    return str(instance.get("name", f"vrrp_{instance.get('virtual_router_id')}"))
