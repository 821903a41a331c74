# Copyright: (c) 2026, duet.ha_pair contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Whether a virtual router can take part, and with which priority: its interface, and what it depends on beside it."""

from __future__ import annotations

import asyncio
from typing import Callable, cast

from ..config import Instance
from ..linux.interfaces import Link
from ..protocol.events import InterfaceDown, InterfaceUp
from ..protocol.settings import IPAddress, last_resort_priority
from .checks.runner import Checks
from .network import Network
from .owner import owner_fault
from .source import source_or_fault
from .tracking import link_fault, tracked_fault, tracked_priority

# Who configures an interface anew (NetworkManager, `networkctl reconfigure`) takes all addresses off it, the host's own
# too, and puts its own back some ms later. No longer than an interval: no advert may be missing.
_SPARED_S = 0.2


class Condition:
    """The condition of one virtual router; `on_change` is called when it may be another one without any news."""

    def __init__(self, network: Network, checks: Checks, on_change: Callable[[], None]) -> None:
        self._network = network
        self._checks = checks
        self._on_change = on_change
        self._loop = asyncio.get_running_loop()
        # Since when the interface has no address to send from, while that is not a fault yet.
        self._spared_since_s: float | None = None

    @property
    def spared(self) -> bool:
        """Whether the interface has no address to send from just now, and that is no fault yet."""
        return self._spared_since_s is not None

    def interface(
        self, instance: Instance, link: Link, source_before: IPAddress | None, refused: str | None
    ) -> InterfaceUp | InterfaceDown:
        """What to tell the router; `refused` is why its addresses cannot be had, if so."""
        not_owner = owner_fault(self._network, link.index, instance)
        if not_owner is not None:
            return InterfaceDown(not_owner)
        source = source_or_fault(self._network, link.index, instance)
        if isinstance(source, str) and not self._is_spared(instance, source_before):
            return InterfaceDown(source)
        if isinstance(source, str):
            source = cast(IPAddress, source_before)
        else:
            self._spared_since_s = None
        # Deaf, it would think that there is no master; without its addresses, it would be a master for nothing.
        deaf = self._network.reception.deaf(link.index, instance.family)
        if deaf is not None:
            return InterfaceDown(deaf)
        # The interface still sends: time for a goodbye.
        sick = None if instance.last_resort else self._checks.fault()
        unable = refused or tracked_fault(self._network, instance) or sick
        return InterfaceUp(source) if unable is None else InterfaceDown(unable, can_send=True)

    def priority(self, instance: Instance) -> tuple[int, list[str]]:
        """The priority that is left, and what lowers it."""
        sick = self._checks.fault() if instance.last_resort else None
        if sick is not None:
            return last_resort_priority(instance.priority), [f"last resort: {sick}"]
        priority, reasons = tracked_priority(self._network, instance)
        lowered, failed = self._checks.lowered()
        return max(instance.priority_min, priority + lowered), reasons + failed

    def tracked(self, instance: Instance) -> dict[str, str | None]:
        """The tracked interfaces, and what is wrong with each."""
        return {tracked.name: link_fault(self._network, tracked.name) for tracked in instance.track_interfaces}

    def _is_spared(self, instance: Instance, source_before: IPAddress | None) -> bool:
        """Whether the address to send from has gone only a moment ago, and may be back at once."""
        if source_before is None:
            return False
        now_s, spared_s = self._loop.time(), min(_SPARED_S, instance.advert_interval_cs / 100)
        if self._spared_since_s is None:
            self._spared_since_s = now_s
            self._loop.call_later(spared_s, self._on_change)
        return now_s - self._spared_since_s < spared_s
