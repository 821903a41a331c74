# Copyright: (c) 2026, duet.ha_pair contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""What has happened on this node and why: one place collects it, and keeps it over restarts and upgrades.

Events are numbered (`seq`), and the numbers go on in the next life. They are written off the loop: a disk that is slow
makes no advert late, one that is full costs lines in the file, and `status()` says so.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections import deque
from typing import Any, Protocol

from .control import CommandError
from .event_file import EventFile
from .log import LOGGER
from .status import iso_time

Event = dict[str, Any]

# In memory, for those who ask and for those who follow.
KEPT_MAX = 500
_UNWRITTEN_MAX = 10_000
_FOLLOWERS_MAX = 8
_FOLLOW_S = 20.0
_LAST_WRITE_S = 2.0


class _Configured(Protocol):
    """What is told of an instance."""

    @property
    def name(self) -> str:
        """Its name."""

    @property
    def interface(self) -> str:
        """Where it takes part."""

    @property
    def virtual_router_id(self) -> int:
        """Its number there."""


class Running(Protocol):
    """The virtual router that an event is about."""

    @property
    def instance(self) -> _Configured:
        """As it is configured."""


class EventLog:
    """The node's events."""

    def __init__(self, state_dir: str) -> None:
        self._file = EventFile(state_dir)
        self._kept: deque[Event] = deque(self._file.last(KEPT_MAX), KEPT_MAX)
        self._last = max((event["seq"] for event in self._kept), default=0)
        self._unwritten: deque[Event] = deque()
        self._writing: asyncio.Task[None] | None = None
        self._lost = 0
        self._error: str | None = None
        self._news = asyncio.Event()
        self._followers = 0

    def note(self, event: str, running: Running | None = None, **fields: Any) -> Event:
        """Something has happened, to a virtual router or to the whole node; `fields` tell what, as JSON can."""
        instance = running.instance if running is not None else None
        self._last += 1
        noted = {
            "seq": self._last,
            "at": iso_time(time.time()),
            "event": event,
            "instance": instance.name if instance else None,
            "interface": instance.interface if instance else None,
            "virtual_router_id": instance.virtual_router_id if instance else None,
            **fields,
        }
        self._kept.append(noted)
        self._write_soon(noted)
        self._news.set()
        return noted

    def status(self) -> dict[str, Any]:
        """The events' part of the status document; `error` is why the last write failed."""
        return {"last": self._last, "lost": self._lost, "error": self._error}

    # --- those who ask

    async def answer(self, lines: int) -> dict[str, Any]:
        """The command `events`: the last ones, at most 500."""
        return {"events": list(self._kept)[-lines:] if lines > 0 else [], "last": self._last}

    async def follow(self, after: int) -> dict[str, Any]:
        """The command `follow`: what comes after a `seq`, as soon as there is something, or nothing after 20 s.

        A number that is not reached yet comes from a life whose file is lost: everything is news then.
        """
        if self._followers >= _FOLLOWERS_MAX:
            raise CommandError("busy", f"{_FOLLOWERS_MAX} others are following the events; try again")
        after = after if after <= self._last else 0
        self._followers += 1
        try:
            if after == self._last:
                self._news.clear()
                with contextlib.suppress(asyncio.TimeoutError):
                    await asyncio.wait_for(self._news.wait(), _FOLLOW_S)
        finally:
            self._followers -= 1
        return {"events": [event for event in self._kept if event["seq"] > after], "last": self._last}

    # --- the file

    def _write_soon(self, noted: Event) -> None:
        self._unwritten.append(noted)
        if len(self._unwritten) > _UNWRITTEN_MAX:
            self._unwritten.popleft()
            self._lost += 1
        if self._writing is None:
            self._writing = asyncio.get_running_loop().create_task(self._write())

    async def _write(self) -> None:
        loop = asyncio.get_running_loop()
        while self._unwritten:
            batch = list(self._unwritten)
            error = None
            try:
                await loop.run_in_executor(None, self._file.append, [json.dumps(one, default=str) for one in batch])
            except (OSError, RuntimeError, MemoryError) as problem:  # no thread, no memory: as bad as no disk
                error = getattr(problem, "strerror", None) or str(problem) or type(problem).__name__
                self._lost += len(batch)
            self._note_error(error)
            # Only now, so that a successor is given what may not be on the disk.
            while self._unwritten and self._unwritten[0]["seq"] <= batch[-1]["seq"]:
                self._unwritten.popleft()
        self._writing = None

    def _note_error(self, error: str | None) -> None:
        if error is not None and error != self._error:
            LOGGER.warning("events: not written: %s; everything else goes on", error)
        self._error = error

    async def flush(self) -> int:
        """Wait until everything is written, but not for a disk that hangs; the number of the last event."""
        if self._writing is not None:
            await asyncio.wait([self._writing], timeout=_LAST_WRITE_S)
        return self._last

    # --- a successor, and a predecessor

    def remember(self, after: int) -> dict[str, Any]:
        """What a successor has to know: what came after a number, and from which one on it may not be on the disk."""
        written = self._unwritten[0]["seq"] - 1 if self._unwritten else self._last
        recent = [event for event in self._kept if event["seq"] > min(after, written)]
        return {"last": self._last, "lost": self._lost, "written": written, "recent": recent}

    def restore(self, memory: dict[str, Any]) -> None:
        """Go on where the process before has stopped; a line that both have written counts once."""
        known = {event["seq"] for event in self._kept}
        recent = [event for event in memory["recent"] if event["seq"] not in known]
        self._last, self._lost = max(self._last, memory["last"]), memory["lost"]
        self._kept.extend(recent)
        for event in recent:
            if event["seq"] > memory["written"]:
                self._write_soon(event)
