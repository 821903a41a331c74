# Copyright: (c) 2026, duet.ha_pair contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Which notify command runs when: for one instance or sync group in order, one at a time; several of them at once.

Pure: it starts nothing and knows no time. A job that waits when its subject changes state again is superseded.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..notification import NotifyCommand

AT_ONCE_MAX = 8

Subject = tuple[str, str]  # INSTANCE or GROUP, and its name
Identity = tuple[Any, ...]  # of a command


@dataclass(frozen=True)
class Job:
    """A command that is to be run for a state of its subject."""

    hook: NotifyCommand
    subject: Subject
    state: str
    priority: int
    environment: Mapping[str, str]


class HookQueue:
    """The jobs that wait and those that run."""

    def __init__(self) -> None:
        self._lanes: dict[Subject, deque[Job]] = {}
        self.running: dict[Subject, Job] = {}

    @property
    def idle(self) -> bool:
        """Whether there is nothing left to do."""
        return not self._lanes and not self.running

    @property
    def waiting(self) -> set[tuple[Identity, Subject]]:
        """What has not begun."""
        return {(job.hook.identity, job.subject) for lane in self._lanes.values() for job in lane}

    def want(self, subject: Subject, jobs: Sequence[Job]) -> list[Job]:
        """Have these jobs run, in this order; those of the same commands that still wait are superseded, returned."""
        hooks = {job.hook.identity for job in jobs}
        waiting = self._lanes.pop(subject, deque())
        superseded = [job for job in waiting if job.hook.identity in hooks]
        lane = deque([*(job for job in waiting if job.hook.identity not in hooks), *jobs])
        if lane:
            self._lanes[subject] = lane
        return superseded

    def forget(self, hooks: Sequence[NotifyCommand]) -> None:
        """Drop what waits for other commands than these."""
        known = {hook.identity for hook in hooks}
        for subject, lane in list(self._lanes.items()):
            self._lanes[subject] = deque(job for job in lane if job.hook.identity in known)
            if not self._lanes[subject]:
                del self._lanes[subject]

    def start(self) -> list[Job]:
        """What is to be started now; each is running from here on, until it is `done`."""
        started = []
        for subject in list(self._lanes):
            if subject not in self.running and len(self.running) < AT_ONCE_MAX:
                lane = self._lanes[subject]
                self.running[subject] = lane.popleft()
                started.append(self.running[subject])
                if not lane:
                    del self._lanes[subject]
        return started

    def done(self, job: Job) -> None:
        """A job has ended, whatever its end."""
        del self.running[job.subject]
