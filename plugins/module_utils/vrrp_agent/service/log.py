# Copyright: (c) 2026, duet.ha_pair contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""The agent's voice: one line a decision, to journald or to a terminal, and never the same complaint in a flood."""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Hashable

LOGGER = logging.getLogger("vrrp_agent")

# sd-daemon(3): the levels that journald reads at the start of a line.
_JOURNAL_LEVELS = ((logging.ERROR, "<3>"), (logging.WARNING, "<4>"), (logging.INFO, "<6>"), (logging.DEBUG, "<7>"))


class _JournalFormatter(logging.Formatter):
    """Every line with its level in front; journald knows the time."""

    def format(self, record: logging.LogRecord) -> str:
        prefix = next(mark for level, mark in _JOURNAL_LEVELS if record.levelno >= level)
        return "\n".join(prefix + line for line in super().format(record).splitlines())


def set_up() -> None:
    """Log to standard error, in the form that its reader understands."""
    handler = logging.StreamHandler()
    if "JOURNAL_STREAM" in os.environ:
        handler.setFormatter(_JournalFormatter("%(message)s"))
        # A journal that does not read, or a disk that is full, loses lines, and must not hold up the adverts.
        with contextlib.suppress(OSError):  # no file at all
            os.set_blocking(handler.stream.fileno(), False)
    else:
        handler.setFormatter(logging.Formatter("%(asctime)s.%(msecs)03d %(levelname)s %(message)s", "%H:%M:%S"))
    LOGGER.handlers = [handler]
    LOGGER.setLevel(logging.INFO)
    LOGGER.propagate = False


class Limiter:
    """Lets one line of a kind through in every `period_s`, and says how many it held back.

    Kinds may carry a stranger's made-up address: there are lines for at most `kinds_max` kinds in a period.
    """

    def __init__(self, period_s: float = 60.0, kinds_max: int = 256) -> None:
        self._period_s = period_s
        self._kinds_max = kinds_max
        # When a line of the kind was let through, and how many were not since; the oldest first.
        self._kinds: dict[Hashable, tuple[float, int]] = {}

    def admit(self, kind: Hashable, now_s: float) -> int | None:
        """None when the line must not be logged, otherwise how many of its kind were held back since the last."""
        since_s, held_back = self._kinds.get(kind, (None, 0))
        if since_s is not None and now_s - since_s < self._period_s:
            self._kinds[kind] = (since_s, held_back + 1)
            return None
        if since_s is None and not self._make_room(now_s):
            return None
        self._kinds.pop(kind, None)
        self._kinds[kind] = (now_s, 0)
        return held_back

    def _make_room(self, now_s: float) -> bool:
        """Whether there is room for another kind; one that was silent for a period is forgotten for it."""
        if len(self._kinds) < self._kinds_max:
            return True
        oldest = next(iter(self._kinds))
        if now_s - self._kinds[oldest][0] < self._period_s:
            return False
        del self._kinds[oldest]
        return True
