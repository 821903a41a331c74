# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A simulated interface: addresses that the kernel removes when nobody renews them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Callable

from vrrp_agent.protocol.settings import IPInterface

from .world import SECOND_NS, World

# The kernel counts in whole ticks: 3.07 s were measured for a lifetime of 3 s.
KERNEL_SLACK_NS = 100_000_000


class Interface:
    """Addresses with a lifetime; `on_expiry` hears of what the kernel itself has removed."""

    def __init__(self, world: World, on_expiry: Callable[[list[IPInterface]], None]) -> None:
        self._world = world
        self._on_expiry = on_expiry
        self._expiry_ns: dict[IPInterface, int] = {}
        self._next_look_ns: int | None = None

    @property
    def addresses(self) -> Iterable[IPInterface]:
        """What is on the interface now."""
        return self._expiry_ns.keys()

    def claim(self, addresses: Iterable[IPInterface], lifetime_s: int) -> None:
        """Add addresses, or renew them."""
        slack_ns = int(self._world.random.random() * KERNEL_SLACK_NS)
        expiry_ns = self._world.now_ns + lifetime_s * SECOND_NS + slack_ns
        for address in addresses:
            self._expiry_ns[address] = expiry_ns
        self._look_at(expiry_ns)

    def release(self, addresses: Iterable[IPInterface]) -> None:
        """Remove addresses; one that is not there is no error."""
        for address in addresses:
            self._expiry_ns.pop(address, None)

    def clear(self) -> None:
        """Remove everything."""
        self._expiry_ns.clear()

    def _look_at(self, at_ns: int) -> None:
        if self._next_look_ns is None or self._next_look_ns > at_ns:
            self._next_look_ns = at_ns
            self._world.at(at_ns, self._look, at_ns)

    def _look(self, at_ns: int) -> None:
        if self._next_look_ns != at_ns:
            return  # an earlier look was asked for since
        self._next_look_ns = None
        expired = [address for address, expiry_ns in self._expiry_ns.items() if expiry_ns <= at_ns]
        if expired:
            self.release(expired)
        if self._expiry_ns:
            self._look_at(min(self._expiry_ns.values()))
        if expired:
            self._on_expiry(expired)
