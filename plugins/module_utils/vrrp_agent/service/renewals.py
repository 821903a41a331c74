# Copyright: (c) 2026, duet.ha_pair contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Each holder's addresses are renewed by requests that were encoded once; who is refused does it the long way."""

from __future__ import annotations

import asyncio
from collections.abc import Hashable, Iterator
from contextlib import contextmanager
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


class Renewals:
    """Of all holders."""

    def __init__(self, opened: RenewalSocket) -> None:
        self._socket = opened
        self._kept: dict[Hashable, _Kept] = {}
        # Whose renewals go to the kernel together, while some are being gathered.
        self._gathered: list[Hashable] | None = None
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
        """Have what was prepared for a holder renewed; whether there is such a thing, and the kernel has heard.

        While renewals are gathered it hears all of them at the end, and who it has not heard is told by `again`.
        """
        kept = self._kept.get(holder)
        if kept is not None and self._gathered is not None:
            self._gathered.append(holder)
            return True
        return kept is not None and self._socket.send([kept.renewal])

    @contextmanager
    def together(self) -> Iterator[None]:
        """Gather what is renewed meanwhile; nothing else may come in between, or it would be renewed too late."""
        self._gathered = []
        try:
            yield
        finally:
            gathered, self._gathered = self._gathered, None
            # Not of those who have let go since: nobody would take their addresses away again.
            kept = [self._kept[holder] for holder in gathered if holder in self._kept]
            if kept and not self._socket.send([one.renewal for one in kept]):
                for one in kept:
                    one.again()

    def forget(self, holder: Hashable) -> None:
        """It renews nothing any more."""
        self._kept.pop(holder, None)

    def _read_refused(self) -> None:
        refused = self._socket.refused()
        for kept in [kept for kept in self._kept.values() if kept.renewal.sequence in refused]:
            kept.again()
