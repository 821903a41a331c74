# Copyright: (c) 2026, duet.ha_pair contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Each holder's addresses are renewed by requests that were encoded once; who is refused does it the long way."""

from __future__ import annotations

import asyncio
from collections.abc import Hashable
from typing import Callable, NamedTuple

from ..linux.renewals import Renewal, RenewalSocket
from ..protocol.settings import IPInterface

# Interface index, lifetime in seconds, whether with a route to the subnet, addresses.
_Terms = tuple[int, int, bool, tuple[IPInterface, ...]]


class _Kept(NamedTuple):
    """What was prepared, and for which terms; `again` is called when the kernel refuses it."""

    terms: _Terms
    renewal: Renewal
    again: Callable[[], None]


# After so long they may have gone, and be another node's: they are no longer ours to put there.
_LATE_S = 1.0


class Renewals:
    """Of all holders; what several want renewed at the same time goes to the kernel together."""

    def __init__(self, opened: RenewalSocket) -> None:
        self._socket = opened
        self._kept: dict[Hashable, _Kept] = {}
        self._due: list[Hashable] = []
        self._due_since_s = 0.0
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(opened.fileno(), self._read_refused)

    def close(self) -> None:
        """Hear no more; the socket is not ours."""
        self._loop.remove_reader(self._socket.fileno())

    def prepare(self, holder: Hashable, terms: _Terms, again: Callable[[], None]) -> bool:
        """Be ready to renew addresses that are there; whether that can be, and calls `again` if the kernel refuses."""
        kept = self._kept.get(holder)
        if kept is None or kept.terms != terms:
            renewal = self._socket.prepare(*terms)
            if renewal is None:
                return False
            self._kept[holder] = _Kept(terms, renewal, again)
        return True

    def send(self, holder: Hashable) -> bool:
        """Have what was prepared for a holder renewed, in this turn of the loop; whether there is such a thing."""
        if holder not in self._kept:
            return False
        if not self._due:
            self._due_since_s = self._loop.time()
            self._loop.call_soon(self._send_due)
        self._due.append(holder)
        return True

    def forget(self, holder: Hashable) -> None:
        """It renews nothing any more."""
        self._kept.pop(holder, None)

    def _send_due(self) -> None:
        due, self._due = self._due, []
        if self._loop.time() - self._due_since_s > _LATE_S:
            return
        kept = [self._kept[holder] for holder in due if holder in self._kept]
        if not self._socket.send([one.renewal for one in kept]):
            for one in kept:
                one.again()

    def _read_refused(self) -> None:
        refused = self._socket.refused()
        for kept in [kept for kept in self._kept.values() if kept.renewal.sequence in refused]:
            kept.again()
