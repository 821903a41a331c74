# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When which of some addresses were in a network namespace, as its kernel tells of every change."""

from __future__ import annotations

import os
import select
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from ipaddress import ip_interface

from segment import enter_namespace, wait_for
from vrrp_agent.linux.interfaces import AddressAdded, AddressRemoved, Kernel, event_of
from vrrp_agent.linux.netlink import EventSocket, Frame, IPInterface


class Timeline:
    """Follows addresses from the moment that this is made; times are time.monotonic()'s.

    `namespace` is a file such as /run/netns/NAME or /proc/PID/ns/net. What the kernel tells is decoded when somebody
    asks: that takes longer than to put an address there, and the next one's time would be wrong.
    """

    def __init__(self, namespace: str, addresses: Sequence[str]) -> None:
        self._wanted = {ip_interface(address) for address in addresses}
        self._there: set[IPInterface] = set()
        self._changes: list[tuple[float, int]] = []
        self._told: deque[tuple[float, list[Frame] | None]] = deque()
        self._stop, self._stopper = os.pipe()
        self._thread = threading.Thread(target=self._follow, args=(namespace,), daemon=True)
        self._thread.start()
        wait_for(lambda: self.changes, "the addresses are followed")

    @property
    def changes(self) -> list[tuple[float, int]]:
        """When something changed, and how many are there from then on."""
        while self._told:
            at_s, frames = self._told.popleft()
            assert frames is not None, "the kernel's news came faster than they were read"
            for event in map(event_of, frames):
                if isinstance(event, AddressAdded):
                    self._there |= {event.address.interface} & self._wanted
                elif isinstance(event, AddressRemoved):
                    self._there -= {event.address.interface}
                self._changes.append((at_s, len(self._there)))
        return self._changes

    def present(self) -> bool:
        """Whether any of the addresses is there now."""
        return self.changes[-1][1] > 0

    def gone_after(self, moment_s: float) -> float:
        """The first moment from this one on at which none is there; infinity if there was none yet."""
        return self._first(moment_s, lambda count: count == 0)

    def missing_after(self, moment_s: float) -> float:
        """The first moment from this one on at which not all are there; infinity if there was none yet."""
        return self._first(moment_s, lambda count: count < len(self._wanted))

    def whole_after(self, moment_s: float) -> float:
        """The first moment from this one on at which all are there; infinity if there was none yet."""
        return self._first(moment_s, lambda count: count == len(self._wanted))

    def close(self) -> None:
        """Follow no more."""
        os.write(self._stopper, b"x")
        self._thread.join(5)
        os.close(self._stop)
        os.close(self._stopper)

    def _first(self, moment_s: float, test: Callable[[int], bool]) -> float:
        before = [count for at_s, count in self.changes if at_s <= moment_s]
        if before and test(before[-1]):
            return moment_s
        return next((at_s for at_s, count in self.changes if at_s > moment_s and test(count)), float("inf"))

    def _follow(self, namespace: str) -> None:
        enter_namespace(namespace)
        events = EventSocket()
        kernel = Kernel()
        self._there |= {found.interface for found in kernel.addresses()} & self._wanted
        kernel.close()
        self._changes.append((time.monotonic(), len(self._there)))
        while self._stop not in select.select([events, self._stop], [], [])[0]:
            at_s = time.monotonic()
            self._told.append((at_s, events.read(1)))
        events.close()
