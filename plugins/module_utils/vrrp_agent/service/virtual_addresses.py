# Copyright: (c) 2026, duet.ha_pair contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""The addresses of one virtual router on this node: where they go, that they stay, and that they go away."""

from __future__ import annotations

import asyncio
import operator
from collections.abc import Sequence
from typing import TYPE_CHECKING, Callable

from ..config import Instance
from ..linux.errors import KernelError
from ..protocol.events import State
from ..protocol.settings import IPInterface
from .lifetimes import lifetime_s, may_resume, overdue_ns
from .network import Network
from .owner import movable
from .virtual_mac import UnfitError

if TYPE_CHECKING:
    from .virtual_router import VirtualRouter


class VirtualAddresses:
    """Puts them on an interface, renews them, takes them off; `warn` logs what the kernel has against it."""

    def __init__(
        self, running: VirtualRouter, network: Network, warn: Callable[[tuple[object, ...], str], bool]
    ) -> None:
        # Where they are: another interface than the one that is listened on if there is a virtual MAC.
        self.index: int | None = None
        self._running = running
        self._network = network
        self._warn = warn
        self._loop = asyncio.get_running_loop()
        self._renewed_s = 0.0
        # What was so when all of them were found there, and prepared to be renewed.
        self._sure: tuple[object, ...] = ()
        # How long after its deadline the router is as good as dead, where the kernel would keep them for longer.
        self._overdue_ns: int | None = None

    @property
    def _instance(self) -> Instance:
        return self._running.instance

    @property
    def lifetime_s(self) -> int:
        """How long the kernel keeps one that nobody renews."""
        return lifetime_s(self._instance)

    @property
    def due(self) -> bool:
        """Whether it is time to renew them."""
        return self._loop.time() - self._renewed_s > self.lifetime_s / 4

    def place(self, awake: bool) -> str | None:
        """Know where they go, and have that ready, a virtual MAC awake or not; why they can go nowhere, if so."""
        link = self._network.link(self._instance.interface)
        if link is None:
            return None
        try:
            self.index = link.index
            if self._instance.use_vmac:
                self.index = self._network.virtual_macs.ensure(self._instance, link, awake)
        except (KernelError, UnfitError) as error:
            return str(error)
        return None

    def drop_virtual_mac(self) -> None:
        """Remove the interface with the virtual MAC, if there is one."""
        if self._instance.use_vmac:
            self._network.virtual_macs.remove(self._instance)

    def missing(self) -> list[IPInterface]:
        """Those that are not there, as last heard from the kernel."""
        return [] if self.index is None else self._network.missing(self.index, self._instance.addresses)

    def claim(self, awake: bool) -> list[str]:
        """Put those there that are missing and renew the others; what the kernel has against it.

        All of them, as one time of renewal is kept. An interface with a virtual MAC must be awake for that.
        """
        self._renewed_s, self._sure = self._loop.time(), ()
        unfit = self.place(awake) if self._instance.use_vmac else None
        if unfit is not None or self.index is None:
            return [unfit] if unfit else []
        addresses = movable(self._network, self.index, self._instance, self._instance.addresses)
        errors = self._network.claim(self.index, addresses, self.lifetime_s, self._running)
        self._guard(self.index, addresses)
        return [str(error) for error in errors]

    def renew(self, awake: bool, again: Callable[[], None]) -> list[str]:
        """As `claim()`; where all are there nobody waits for an answer, and `again` is called if it is a refusal."""
        # By identity, as every change makes new ones.
        now = (self._instance, self._running.router.settings, self.index, self._network.changes)
        if not (self._sure and all(map(operator.is_, now, self._sure))):
            if not self._prepare(again):
                return self.claim(awake)
            self._sure = now
        if not self._network.renew(self._running):
            return self.claim(awake)
        self._renewed_s = self._loop.time()
        return []

    def _prepare(self, again: Callable[[], None]) -> bool:
        """Whether all are there, and can be renewed without an answer from now on."""
        if self.index is None or self._instance.use_vmac or self.missing():
            return False
        addresses = movable(self._network, self.index, self._instance, self._instance.addresses)
        self._guard(self.index, addresses)
        return self._network.prepare_renewal(self.index, addresses, self.lifetime_s, self._running, again)

    def _guard(self, index: int, addresses: Sequence[IPInterface]) -> None:
        """Have another process take them off in time, where the kernel would be too late."""
        reaper, running = self._network.reaper, self._running
        self._overdue_ns = overdue_ns(self._instance, running.router.settings.priority)
        if self._overdue_ns is None:
            reaper.release(running, index, addresses)
        else:
            reaper.hold(running, running.label, not may_resume(self._instance), index, addresses)

    def keep_until(self, deadline_ns: int) -> None:
        """The router is alive, and next does something at this time."""
        if self._overdue_ns is not None:
            self._network.reaper.renew(self._running, deadline_ns + self._overdue_ns)

    def forget_renewal(self) -> None:
        """They were renewed for the life of another process: the next advert renews them."""
        self._renewed_s = 0.0

    def release(self, addresses: Sequence[IPInterface]) -> None:
        """Take these off, and let the virtual MAC sleep unless the router is MASTER."""
        self._sure = ()
        if self.index is None:
            return
        to_release = movable(self._network, self.index, self._instance, addresses)
        self._network.reaper.release(self._running, self.index, to_release)
        for error in self._network.release(self.index, to_release, self._running):
            self._warn(("release", error.op), f"{error}")
        if self._instance.use_vmac and self._running.router.state is not State.MASTER:
            try:
                self._network.virtual_macs.sleep(self._instance)
            except KernelError as error:
                self._warn(("sleep", error.errno), f"{error}")

    def announce(self, addresses: Sequence[IPInterface]) -> None:
        """Tell the segment that these live here."""
        if self.index is None:
            return
        try:
            self._network.announce(self.index, addresses)
        except KernelError as error:
            self._warn(("announce", error.errno), f"{error}")
