# Copyright: (c) 2026, duet.ha_pair contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""The file that keeps events over restarts: JSON lines, of a bounded size; the one before it is kept beside it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from typing import Any

FILE_NAME = "events.jsonl"
FILE_MAX_OCTETS = 1024 * 1024


class EventFile:
    """Appends lines and reads the last ones; everything here may wait for a disk."""

    def __init__(self, folder: str, max_octets: int = FILE_MAX_OCTETS) -> None:
        self._folder = folder
        self._path = os.path.join(folder, FILE_NAME)
        self._older = f"{self._path}.1"
        self._max_octets = max_octets

    def append(self, lines: Iterable[str]) -> None:
        """Write whole lines onto the disk itself; raises OSError, and then any of them may be missing or torn."""
        octets = "".join(f"{line}\n" for line in lines).encode()
        os.makedirs(self._folder, mode=0o700, exist_ok=True)
        self._make_room(len(octets))
        descriptor = os.open(self._path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            # What a power cut or a full disk has torn stays a line of its own, which readers pass over.
            octets = b"\n" * _is_torn(descriptor) + octets
            while octets:
                octets = octets[os.write(descriptor, octets) :]
            os.fdatasync(descriptor)
        finally:
            os.close(descriptor)

    def last(self, count: int) -> list[dict[str, Any]]:
        """The last events, the oldest first, each once; what cannot be read or is no event is passed over."""
        events: list[dict[str, Any]] = []
        for path in (self._path, self._older):
            if len(events) < count:
                events = _last_in(path, count - len(events)) + events
        return list({event["seq"]: event for event in events}.values())

    def _make_room(self, more_octets: int) -> None:
        try:
            if os.stat(self._path).st_size + more_octets > self._max_octets:
                os.replace(self._path, self._older)
        except FileNotFoundError:
            pass


def event_in(line: str) -> dict[str, Any] | None:
    """The event in a line; None if the line is torn, or something else."""
    try:
        event = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return event if isinstance(event, dict) and isinstance(event.get("seq"), int) and "event" in event else None


def _last_in(path: str, count: int) -> list[dict[str, Any]]:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            lines = file.read(2 * FILE_MAX_OCTETS).splitlines()
    except OSError:
        return []
    found: list[dict[str, Any]] = []
    for line in reversed(lines):
        event = event_in(line)
        if event is not None:
            found.append(event)
        if len(found) >= count:
            break
    return found[::-1]


def _is_torn(descriptor: int) -> bool:
    """Whether the file's last line has no end."""
    size = os.fstat(descriptor).st_size
    return size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"
