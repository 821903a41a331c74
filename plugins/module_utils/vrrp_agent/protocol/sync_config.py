# Copyright: (c) 2026, duet.ha_pair contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Which sync groups a configuration may have: the part of the schema that compares instances with each other."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from .settings import PRIORITY_OWNER, Settings


@dataclass(frozen=True)
class SyncGroup:
    """Instances that move together, by their names."""

    name: str
    instances: tuple[str, ...]


def mistakes(groups: Sequence[SyncGroup], instances: Mapping[str, Settings]) -> Iterator[tuple[str, str]]:
    """Path and reason: a group has a name of its own, and members that exist, are in no other, can move together."""
    owners: dict[str, str] = {}
    for index, group in enumerate(groups):
        path = f"sync_groups[{index}]"
        if group.name and group.name in [other.name for other in groups[:index]]:
            yield f"{path}.name", f"{group.name!r} is already used by another sync group"
        for name in group.instances:
            if name not in instances:
                import difflib  # for who has made a mistake

                near = difflib.get_close_matches(name, instances, n=1)
                hint = f"did you mean {near[0]}?" if near else f"there are: {', '.join(sorted(instances)) or 'none'}"
                yield f"{path}.instances", f"no instance is called {name}; {hint}"
            elif name in owners:
                why = f"{name} is already in sync group {owners[name]}; an instance can move with one group only"
                yield f"{path}.instances", why
            owners.setdefault(name, group.name)
        members = {name: instances[name] for name in group.instances if name in instances}
        for why in _discord(members):
            yield f"{path}.instances", why


def _discord(members: Mapping[str, Settings]) -> Iterator[str]:
    """Why instances cannot move as one.

    A group takes the role when every member may. Where the members differ, one would win its election and wait for ever
    for another that has lost it: the role would stay where it happens to be. And the address owner waits for nobody.
    """
    for key in ("priority", "preempt"):
        values = {name: json.dumps(getattr(member, key)) for name, member in members.items()}
        if len(set(values.values())) > 1:
            differ = ", ".join(f"{name} has {value}" for name, value in values.items())
            yield f"{key} differs: {differ}; give the instances of a sync group the same {key}"
    for name, member in members.items():
        if member.last_resort:
            yield f"{name} has last_resort: true, and would lose its role alone; remove it in a sync group"
        if member.priority == PRIORITY_OWNER:
            yield f"{name} has priority 255, and an address owner waits for no other; set 254 or less"
