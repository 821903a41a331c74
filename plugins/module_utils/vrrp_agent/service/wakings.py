# Copyright: (c) 2026, duet.ha_pair contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""One timer of the loop for all who wait for the same moment, as most of a thousand virtual routers do."""

from __future__ import annotations

import asyncio
from contextlib import AbstractContextManager
from typing import Callable, Protocol


class Waiter(Protocol):
    """Who waits for a moment, and is the one to know whether it still does."""

    def due(self, at_ns: int) -> None:
        """The moment has come."""


class Wakings:
    """Wakes each waiter at its moment of the monotonic clock; nobody is taken out who has thought better of it."""

    def __init__(self, together: Callable[[], AbstractContextManager[None]]) -> None:
        """`together` is entered for as long as those of one moment are being woken."""
        self._together = together
        self._waiting: dict[int, list[Waiter]] = {}

    def wake(self, at_ns: int, waiter: Waiter) -> None:
        """Call its `due` at this moment."""
        waiting = self._waiting.get(at_ns)
        if waiting is None:
            asyncio.get_running_loop().call_at(at_ns / 1e9, self._due, at_ns)
            waiting = self._waiting[at_ns] = []
        waiting.append(waiter)

    def _due(self, at_ns: int) -> None:
        with self._together():
            for waiter in self._waiting.pop(at_ns):
                try:
                    waiter.due(at_ns)
                except Exception as error:  # a bug in one, of which the others know nothing
                    told = {"message": "exception at a deadline", "exception": error}
                    asyncio.get_running_loop().call_exception_handler(told)
