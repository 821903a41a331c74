# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who waits for the same moment is woken by one timer."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import pytest
from vrrp_agent.service.wakings import Wakings


class Waiter:
    """Notes when it was woken, and for which moment."""

    def __init__(self, fails: bool = False) -> None:
        self.woken: list[int] = []
        self._fails = fails

    def due(self, at_ns: int) -> None:
        assert time.monotonic_ns() >= at_ns - 1_000
        self.woken.append(at_ns)
        if self._fails:
            raise ValueError("a bug")


def test_all_of_one_moment_are_woken_by_one_timer(monkeypatch: pytest.MonkeyPatch) -> None:
    async def story() -> None:
        wakings, first, second, timers = Wakings(nullcontext), Waiter(), Waiter(), []
        loop = asyncio.get_running_loop()
        call_at = loop.call_at
        monkeypatch.setattr(loop, "call_at", lambda *given, **more: timers.append(given) or call_at(*given, **more))
        soon_ns = time.monotonic_ns() + 20_000_000
        later_ns = soon_ns + 10_000_000
        for waiter, at_ns in ((first, later_ns), (second, soon_ns), (first, soon_ns), (second, later_ns)):
            wakings.wake(at_ns, waiter)
        assert len(timers) == 2
        while len(first.woken) + len(second.woken) < 4:
            await asyncio.sleep(0.001)
        assert first.woken == second.woken == [soon_ns, later_ns]

    asyncio.run(asyncio.wait_for(story(), 20))


def test_a_bug_in_one_is_told_and_costs_no_other_its_moment() -> None:
    async def story() -> None:
        told: list[dict[str, Any]] = []
        spans: list[list[int]] = []

        @contextmanager
        def together() -> Iterator[None]:
            yield
            spans.append([*broken.woken, *sound.woken])

        asyncio.get_running_loop().set_exception_handler(lambda loop, context: told.append(context))
        wakings, broken, sound = Wakings(together), Waiter(fails=True), Waiter()
        at_ns = time.monotonic_ns()
        wakings.wake(at_ns, broken)
        wakings.wake(at_ns, sound)
        while not sound.woken:
            await asyncio.sleep(0.001)
        assert [str(context["exception"]) for context in told] == ["a bug"]
        assert spans == [[at_ns, at_ns]]

    asyncio.run(asyncio.wait_for(story(), 20))
