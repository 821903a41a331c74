# Copyright: (c) 2026, duet.ha_pair contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""What waits to be delivered: bounded in number and age, tried again after ever longer pauses. Pure: time is given."""

from __future__ import annotations

from collections import deque
from typing import Any

WAITING_MAX = 1000
_KEPT_S = 24 * 3600.0
_PAUSE_FIRST_S, _PAUSE_LAST_S = 1.0, 60.0


class Outbox:
    """A queue of events to one receiver; `first_s` is how long the first one waits for others to come along."""

    def __init__(self, first_s: float = 0.0) -> None:
        self.dropped = 0
        self._first_s = first_s
        self._waiting: deque[tuple[float, dict[str, Any]]] = deque()
        self._pause_s = 0.0
        self._not_before_s = 0.0

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def waiting(self) -> list[dict[str, Any]]:
        """The events, the oldest first."""
        return [event for came_s, event in self._waiting]

    def add(self, event: dict[str, Any], now_s: float) -> None:
        """Take one more; the oldest goes when there are too many."""
        if not self._waiting:
            self._not_before_s = max(self._not_before_s, now_s + self._first_s)
        self._waiting.append((now_s, event))
        if len(self._waiting) > WAITING_MAX:
            self._drop()

    def due_s(self) -> float | None:
        """When there is something to be delivered; None when there is not."""
        return self._not_before_s if self._waiting else None

    def batch(self, most: int, now_s: float) -> list[dict[str, Any]]:
        """What is to be delivered now; it stays until it was `delivered`. What is too old for anybody goes."""
        while self._waiting and now_s - self._waiting[0][0] > _KEPT_S:
            self._drop()
        return self.waiting[:most] if now_s >= self._not_before_s else []

    def delivered(self, count: int) -> None:
        """The first ones are with their receiver, or were refused by it for ever."""
        for _one in range(min(count, len(self._waiting))):
            self._waiting.popleft()
        self._pause_s = 0.0

    def failed(self, now_s: float) -> float:
        """The receiver could not take the rest; how long to wait until the next try."""
        self._pause_s = min(max(_PAUSE_FIRST_S, 2 * self._pause_s), _PAUSE_LAST_S)
        self._not_before_s = now_s + self._pause_s
        return self._pause_s

    def _drop(self) -> None:
        self._waiting.popleft()
        self.dropped += 1
