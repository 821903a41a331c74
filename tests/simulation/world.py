# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Virtual time: a heap of what is to come, and the one source of chance."""

from __future__ import annotations

import random
from heapq import heappop, heappush
from typing import TYPE_CHECKING, Any, Callable, Protocol

if TYPE_CHECKING:
    from .scenario import Scenario

MILLISECOND_NS = 1_000_000
SECOND_NS = 1_000_000_000
NEVER_NS = 1 << 62

_START_NS = 1_000 * SECOND_NS
# The UTC of the virtual time 0.
_UTC_NS = 1_800_000_000 * SECOND_NS


class Broken(AssertionError):
    """Something that must always hold does not; `scenario` is the one in which it does not."""

    scenario: Scenario | None = None


class Check(Protocol):
    """Something to be looked at once the time is later than `check_ns`."""

    check_ns: int

    def check(self) -> None:
        """Raise Broken when what must hold by now does not."""


class World:
    """The clock, in nanoseconds; the same seed gives the same run to the last packet."""

    def __init__(self, seed: int, late_ns: int = 0) -> None:
        self.random = random.Random(seed)
        self.now_ns = _START_NS
        self.late_ns = late_ns
        # How far a machine's wall clock is ahead of UTC; the monotonic clocks all run as the world's time does.
        self.ahead_ns: dict[int, int] = {}
        self.checks: list[Check] = []
        self.story: list[tuple[int, str, str]] | None = None
        self.verbose = False
        self._heap: list[tuple[int, int, Callable[..., None], tuple[Any, ...]]] = []
        self._order = 0

    def at(self, at_ns: int, action: Callable[..., None], *arguments: Any) -> None:
        """Have something happen at a time; what is due at the same time happens in the order of the calls."""
        self._order += 1
        heappush(self._heap, (at_ns, self._order, action, arguments))

    def after(self, delay_ns: int, action: Callable[..., None], *arguments: Any) -> None:
        """Have something happen after a while."""
        self.at(self.now_ns + delay_ns, action, *arguments)

    def wake_at(self, due_ns: int, action: Callable[..., None], *arguments: Any) -> None:
        """As `at`, but late by as much as this world's processes are, and at once when it is overdue."""
        due_ns = max(due_ns, self.now_ns)
        late_ns = int(self.random.random() * self.late_ns) if self.late_ns else 0
        self.at(due_ns + late_ns, action, *arguments)

    def run(self, until_ns: int) -> None:
        """Let everything up to and including a time happen; the checks see the state before each step."""
        heap = self._heap
        while heap and heap[0][0] <= until_ns:
            at_ns, unused_order, action, arguments = heappop(heap)
            self._look(at_ns)
            self.now_ns = at_ns
            action(*arguments)
        self._look(until_ns)
        self.now_ns = until_ns

    def _look(self, at_ns: int) -> None:
        for check in self.checks:
            while at_ns > check.check_ns:
                self.now_ns = check.check_ns
                check.check()

    def utc_ns(self, machine: int) -> int:
        """The wall clock of a machine."""
        return _UTC_NS + self.now_ns + self.ahead_ns.get(machine, 0)

    def tell(self, who: str, what: str) -> None:
        """Add a line to the story, when somebody wants to read it."""
        if self.story is not None:
            self.story.append((self.now_ns, who, what))

    def retell(self) -> list[str]:
        """The story as lines, in seconds since the start."""
        return [
            f"{(at_ns - _START_NS) / SECOND_NS:+10.4f} s  {who:<10} {what}" for at_ns, who, what in self.story or ()
        ]
