# Copyright: (c) 2026, duet.ha_pair contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Demotions that can never have an effect: a host that fails its checks, and stays MASTER all the same.

Pure: it compares the hosts' documents, which have no problems of their own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

Document = Mapping[str, Any]
Instance = Mapping[str, Any]


def warnings(documents: Mapping[str, Document]) -> Iterator[str]:
    """What a demotion cannot do, for each instance and host; the documents by host."""
    for host, document in documents.items():
        for instance in document["instances"]:
            others = {
                other: one
                for other, its in documents.items()
                for one in its["instances"]
                if other != host and one["name"] == instance["name"] and one["priority"] < instance["priority"]
            }
            lowered = sum(_demotions(instance))
            if lowered and others:
                yield from _of_the_host(host, instance, lowered, others)


def _of_the_host(host: str, instance: Instance, lowered: int, others: Mapping[str, Instance]) -> Iterator[str]:
    """What keeps the other hosts from taking the role of one that has been lowered by everything there is."""
    best = max(others, key=lambda other: int(others[other]["priority"]))
    priority, theirs, left = instance["priority"], others[best]["priority"], max(1, instance["priority"] + lowered)
    if left >= theirs:
        yield (
            f"{host}: {instance['name']}: on_fail lowers its priority from {priority} to {left} at most, and {best} has"
            f" {theirs}: the role never moves; lower it by {priority - theirs + 1} at least, or set on_fail: release"
        )
    elif not any(one.get("preempt", True) for one in others.values() if one["priority"] > left):
        yield (
            f"{host}: {instance['name']}: on_fail lowers its priority, and {best} has preempt: false: it takes no role"
            " from a MASTER that is there; set preempt: true, or on_fail: release"
        )


def _demotions(instance: Instance) -> Iterator[int]:
    for key in ("checks", "track_interfaces"):
        for one in instance.get(key) or ():
            if isinstance(one.get("on_fail"), Mapping):
                yield one["on_fail"]["priority"]
