# Copyright: (c) 2026, duet.ha_pair contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""A second master that has lost, was told so, and goes on all the same: it does not hear this one.

Its adverts pass and ours do not, or it drops them. Nothing follows for the role; people have to know.
"""

from __future__ import annotations

from dataclasses import dataclass

from . import timers
from .events import Master, NotHeard
from .settings import PRIORITY_LOWEST


@dataclass
class Rival:
    """The losing master that a MASTER is hearing, one at a time: who makes up many is not worth more."""

    _first: Master | None = None
    _last: Master | None = None
    _deaf: bool = False

    @property
    def deaf(self) -> Master | None:
        """The rival that does not hear us, as first heard; None while there is none."""
        return self._first if self._deaf else None

    def hear(self, rival: Master, version: int) -> NotHeard | None:
        """Note a losing advert; what there is to be said now."""
        if self._last is not None and rival.address != self._last.address and not self._is_silent(rival.heard_ns):
            return None
        if rival.priority <= PRIORITY_LOWEST:
            # A goodbye, or the last word of one that has yielded.
            return self._end()
        if self._first is None or self._is_silent(rival.heard_ns):
            self._first, self._deaf = rival, False
        self._last = rival
        lasts_ns = rival.heard_ns - self._first.heard_ns
        if self._deaf or lasts_ns <= timers.master_down_ns(version, rival.priority, rival.interval_cs):
            return None
        self._deaf = True
        return NotHeard(rival.address, rival.priority)

    def expire(self, now_ns: int) -> NotHeard | None:
        """Forget one who has fallen silent; what there is to be said of it."""
        return self._end() if self._is_silent(now_ns) else None

    def _is_silent(self, now_ns: int) -> bool:
        last = self._last
        # A rival that yields needs longer than this to be master again.
        return last is not None and now_ns - last.heard_ns > 3 * timers.interval_ns(last.interval_cs)

    def _end(self) -> NotHeard | None:
        ended = self.deaf
        self._first, self._last, self._deaf = None, None, False
        return NotHeard(ended.address, ended.priority, over=True) if ended else None
