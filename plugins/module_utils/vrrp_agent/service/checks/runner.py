# Copyright: (c) 2026, duet.ha_pair contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""The checks of one virtual router at work: each in a task of its own, so that none waits for another or runs twice.

They fail closed: what cannot be run, or ends in an error that nobody has thought of, is a failed check.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from typing import Any, Callable

from ...protocol.checks import Check, Verdict
from .once import run_once

OnChange = Callable[[str, bool, str], None]

# Checks begin one after another: hundreds at once would hold up the loop, and so the adverts. They stay apart.
_APART_S = 0.004
_UNKNOWN = "no result yet"


class Checks:
    """The checks of one virtual router; `on_change` is told a check's name, whether it is healthy now, and why."""

    def __init__(self, checks: Sequence[Check], on_change: OnChange) -> None:
        self._on_change = on_change
        self._started = False
        self._working = {check.name: _Working(check, on_change) for check in checks}

    def start(self, trusting: bool) -> None:
        """Begin; `trusting`: what has no result yet counts as healthy, as this node has had its role before."""
        self._started = True
        for number, working in enumerate(self._working.values()):
            working.start(trusting, number * _APART_S)

    def stop(self) -> None:
        """End those that run, and begin no more."""
        self._started = False
        for working in self._working.values():
            working.stop()

    def replace(self, checks: Sequence[Check]) -> None:
        """Have these checks from now on; whose settings are the same keeps its state and its rhythm.

        Until its first result another one is what the one of its name was; a new one is trusted, unless the others
        have no result yet either.
        """
        waits = self.awaited
        before, self._working = self._working, {}
        for number, check in enumerate(checks):
            known = before.get(check.name)
            if known is not None and known.check == check:
                self._working[check.name] = before.pop(check.name)
                continue
            working = self._working[check.name] = _Working(check, self._on_change)
            if self._started:
                trusting = known.fault() is None if known is not None else not waits
                working.start(trusting, number * _APART_S)
        for gone in before.values():
            gone.stop()

    @property
    def awaited(self) -> bool:
        """Whether one has had no result yet, and there is no reason to trust it."""
        return any(working.awaited for working in self._working.values())

    def fault(self) -> str | None:
        """Why the role must go, or None."""
        faults = (working.fault() for working in self._working.values() if working.check.priority is None)
        return next((fault for fault in faults if fault is not None), None)

    def lowered(self) -> tuple[int, list[str]]:
        """What is added to the priority, and why."""
        demoting = [working for working in self._working.values() if working.check.priority is not None]
        failed = [(working.check.priority or 0, working.fault()) for working in demoting]
        return sum(one for one, why in failed if why), [why for one, why in failed if why]

    def status(self) -> list[dict[str, Any]]:
        """The instance's `checks` in the status document, times as the wall clock's seconds."""
        return [working.status() for working in self._working.values()]

    def remember(self) -> dict[str, Any]:
        """What a successor has to know."""
        return {name: working.remember() for name, working in self._working.items()}

    def restore(self, memory: Mapping[str, Any]) -> None:
        """Go on where the process before has stopped, with the checks whose settings are the same."""
        for name, working in self._working.items():
            known = memory.get(name)
            if known is not None and known["settings"] == repr(working.check):
                working.restore(known)


class _Working:
    """One check, and what is known by it."""

    def __init__(self, check: Check, on_change: OnChange) -> None:
        self.check = check
        self._on_change = on_change
        self._verdict = Verdict(check.rise, check.fall)
        self._reason = _UNKNOWN  # of the verdict
        self._detail = _UNKNOWN  # of the last result
        self._trusting = False
        self._since_s = time.time()
        self._last_run_s: float | None = None
        self._duration_ms: float | None = None
        self._failures = 0
        self._task: asyncio.Task[None] | None = None

    def start(self, trusting: bool, after_s: float) -> None:
        self._trusting = trusting
        self._task = asyncio.get_running_loop().create_task(self._work(after_s))

    def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()

    @property
    def awaited(self) -> bool:
        return self._verdict.healthy is None and not self._trusting

    def fault(self) -> str | None:
        """What is wrong, or None; what is not known yet is wrong unless there is a reason to trust it."""
        healthy = not self.awaited if self._verdict.healthy is None else self._verdict.healthy
        return None if healthy else f"check {self.check.name}: {self._reason}"

    async def _work(self, after_s: float) -> None:
        loop = asyncio.get_running_loop()
        await asyncio.sleep(after_s)
        due_s = loop.time()
        while True:
            await self._run()
            # One that was too late is not made up for.
            due_s = max(due_s + self.check.interval_ms / 1000, loop.time())
            await asyncio.sleep(due_s - loop.time())

    async def _run(self) -> None:
        began_s = time.monotonic()
        good, detail = await run_once(self.check)
        self._duration_ms = round((time.monotonic() - began_s) * 1000, 1)
        # By the loop: a bug in what follows is the agent's, not the check's.
        asyncio.get_running_loop().call_soon(self._note, good, detail)

    def _note(self, good: bool, detail: str) -> None:
        """Take over a result, and tell at once: nobody sees a check that is healthy and an instance that is not yet."""
        self._last_run_s, self._detail = time.time(), detail
        self._failures += not good
        if self._verdict.note(good):
            self._since_s, self._reason = self._last_run_s, detail
            if self._task is not None and not self._task.cancelled():
                self._on_change(self.check.name, good, detail)

    def status(self) -> dict[str, Any]:
        priority = self.check.priority
        return {
            "name": self.check.name,
            "type": self.check.type,
            "healthy": self._verdict.healthy,
            "since": self._since_s,
            "last_run": self._last_run_s,
            "duration_ms": self._duration_ms,
            "detail": self._detail,
            "failures": self._failures,
            "on_fail": "release" if priority is None else {"priority": priority},
        }

    def remember(self) -> dict[str, Any]:
        return {
            "settings": repr(self.check),
            "healthy": self._verdict.healthy,
            "against": self._verdict.against,
            **{key: getattr(self, f"_{key}") for key in _REMEMBERED},
        }

    def restore(self, memory: Mapping[str, Any]) -> None:
        self._verdict.healthy, self._verdict.against = memory["healthy"], memory["against"]
        for key in _REMEMBERED:
            setattr(self, f"_{key}", memory[key])


_REMEMBERED = ("reason", "detail", "since_s", "last_run_s", "duration_ms", "failures")
