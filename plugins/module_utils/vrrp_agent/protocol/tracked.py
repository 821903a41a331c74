# Copyright: (c) 2026, duet.ha_pair contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""The other interfaces that a virtual router needs, as they are configured."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from .settings import PRIORITY_OWNER


@dataclass(frozen=True)
class TrackedInterface:
    """Another interface that a virtual router needs; when it fails, `priority` is added, or with None the role goes."""

    name: str
    priority: int | None


def on_fail(value: Any) -> int | None:
    """What is added to the priority; None where the role is to go."""
    if value == "release":
        return None
    if not isinstance(value, dict) or set(value) != {"priority"}:
        raise ValueError('is neither release nor an object such as {"priority": -60}')
    priority = value["priority"]
    if not isinstance(priority, int) or isinstance(priority, bool) or not -253 <= priority <= -1:
        raise ValueError("the priority is not a whole number in -253..-1")
    return priority


def contradictions(own: str, priority: int, tracked: tuple[TrackedInterface, ...]) -> Iterator[str]:
    """What is wrong with tracked interfaces beside the instance's own interface and priority, with the mend."""
    names = [interface.name for interface in tracked]
    if own in names:
        yield f"{own} is its own interface, always watched; remove it"
    if len(set(names)) < len(names):
        yield "names an interface twice; keep one of the two"
    if priority == PRIORITY_OWNER and any(interface.priority for interface in tracked):
        yield "priority 255 is the owner's and never lowered; set on_fail: release"
