# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Says when the machine itself stood still: a process on each processor that wants it every 2 ms, ahead of all others.

What is late while a metronome is late too is no fault of the agent's. As a program it prints a line "FROM TO", in
seconds of the wall clock, for every time that it was late, until it is ended.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import dataclass

TICK_S = 0.002
# Less is no excuse at the shortest interval: 10 ms adverts are waited for 30 ms at least.
LATE_S = 0.015
_PRIORITY = 50


@dataclass(frozen=True)
class Pause:
    """When a processor gave no time to anybody."""

    begin_s: float
    end_s: float

    def explains(self, begin_s: float, end_s: float) -> bool:
        """Whether what happened between two moments may come of it; its consequences take a little longer."""
        return self.begin_s - 0.05 <= end_s and begin_s <= self.end_s + 0.2


class Metronomes:
    """One on each processor, from now on."""

    def __init__(self) -> None:
        self._processes = [
            subprocess.Popen([sys.executable, __file__, str(number)], stdout=subprocess.PIPE, text=True)
            for number in sorted(os.sched_getaffinity(0))
        ]

    def stop(self) -> list[Pause]:
        """When the machine stood still."""
        lines: list[str] = []
        for process in self._processes:
            process.terminate()
            lines += process.communicate()[0].splitlines()
        return [Pause(*map(float, line.split())) for line in lines]


def main() -> None:
    """Tick."""
    os.sched_setaffinity(0, [int(sys.argv[1])])
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(_PRIORITY))
    except PermissionError:
        pass  # it is late more often then, and that is the machine's own, too
    last_s = time.time()
    while True:
        time.sleep(TICK_S)
        now_s = time.time()
        if now_s - last_s > TICK_S + LATE_S:
            print(f"{last_s:.4f} {now_s:.4f}", flush=True)
        last_s = now_s


if __name__ == "__main__":
    main()
