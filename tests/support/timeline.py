# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When which of some addresses were in a network namespace, as its kernel tells of every change."""

from __future__ import annotations

import os
import select
import threading
import time
from collections.abc import Callable, Sequence
from ipaddress import ip_interface

from segment import enter_namespace, wait_for
from vrrp_agent.linux.interfaces import AddressAdded, AddressRemoved, Kernel


class Timeline:
    """Follows addresses from the moment that this is made; times are time.monotonic()'s.

    `namespace` is a file such as /run/netns/NAME or /proc/PID/ns/net.
    """

    def __init__(self, namespace: str, addresses: Sequence[str]) -> None:
        self._wanted = {ip_interface(address) for address in addresses}
        self.changes: list[tuple[float, int]] = []  # when, and how many are there from then on
        self._stop, self._stopper = os.pipe()
        self._thread = threading.Thread(target=self._follow, args=(namespace,), daemon=True)
        self._thread.start()
        wait_for(lambda: self.changes, "the addresses are followed")

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
        kernel = Kernel()
        there = {found.interface for found in kernel.addresses()} & self._wanted
        self.changes.append((time.monotonic(), len(there)))
        while self._stop not in select.select([kernel, self._stop], [], [])[0]:
            at_s = time.monotonic()
            for event in kernel.read_events():
                if isinstance(event, AddressAdded):
                    there |= {event.address.interface} & self._wanted
                elif isinstance(event, AddressRemoved):
                    there -= {event.address.interface}
                self.changes.append((at_s, len(there)))
        kernel.close()
