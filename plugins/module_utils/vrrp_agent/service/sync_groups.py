# Copyright: (c) 2026, duet.ha_pair contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Sync groups at work: after each event of a member, the others are told what follows from it."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from typing import Any

from ..protocol import events, sync_config, sync_group
from .virtual_router import VirtualRouter


class SyncGroup:
    """One configured group over its members, which it tells what its core decides."""

    def __init__(self, group: sync_config.SyncGroup, members: Sequence[VirtualRouter]) -> None:
        self.name = group.name
        self._members = {running.instance.name: running for running in members}
        self._core = sync_group.SyncGroup(group.name, {name: one.router for name, one in self._members.items()})
        self._settling = True  # only when all are in
        for running in members:
            running.group = self
            running.handle(events.GroupJoined())
        self._settling = False
        self.settle()

    def settle(self) -> None:
        """Tell the members what follows from what has happened, until nothing does."""
        if self._settling:
            return
        self._settling = True
        try:
            while True:
                orders = self._core.decide(time.monotonic_ns())
                for order in orders:
                    self._members[order.member].handle(order.event)
                if not orders:
                    return
        finally:
            self._settling = False

    def resign(self, force: bool) -> None:
        """Have every member that is MASTER resign, before anything is decided: they go together or not at all."""
        self._settling = True
        for running in self._members.values():
            running.still_master = None
            running.handle(events.Resign(force))
        self._settling = False
        self.settle()

    def dissolve(self) -> None:
        """Decide no more; the members stay as they are, and none takes a role before it is told that it is alone."""
        for running in self._members.values():
            running.group = None

    def status(self) -> dict[str, Any]:
        """The group's part of the status document."""
        return {
            "name": self.name,
            "state": self._core.state.value,
            "fault": self._core.fault,
            "instances": list(self._members),
        }


def form_groups(groups: Iterable[sync_config.SyncGroup], routers: Sequence[VirtualRouter]) -> list[SyncGroup]:
    """The groups over these virtual routers; who was in a group and no longer is goes on alone."""
    names = {running.instance.name: running for running in routers}
    formed = [SyncGroup(group, [names[name] for name in group.instances]) for group in groups]
    for running in routers:
        if running.group is None and running.router.group.joined:
            running.handle(events.GroupLeft())
    return formed
