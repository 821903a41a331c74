# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Says when the machine itself stood still: processes that want a processor every 2 ms, and tell when they got none.

One on each processor, ahead of all others; one on any, at the agents' own priority, which is late when agents of other
tests keep all processors busy; and one that renews an address in a network namespace of its own, as agents do, which
is late when somebody has the kernel's one lock for all changes of networks. What is late while a metronome is late
too is no fault of the agent's. As a program it prints a line "ready", then a line "FROM TO", in seconds of the wall
clock, for every time that it was late, until it is ended.
"""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import ip_interface

from vrrp_agent.linux.interfaces import Kernel

TICK_S = 0.002
# Less is no excuse at the shortest interval: 10 ms adverts are waited for 30 ms at least.
LATE_S = 0.015
_AHEAD = 50
_ANY, _KERNEL = "any", "kernel"
_READY = "ready\n"


@dataclass(frozen=True)
class Pause:
    """When a processor gave no time to anybody."""

    begin_s: float
    end_s: float

    def explains(self, begin_s: float, end_s: float) -> bool:
        """Whether what happened between two moments may come of it; its consequences take a little longer."""
        return self.begin_s - 0.05 <= end_s and begin_s <= self.end_s + 0.2


class Metronomes:
    """All of them, from now on: that they are started, which disturbs the machine itself, is over by then."""

    def __init__(self) -> None:
        self._processes = [
            subprocess.Popen(
                ["unshare", "--net", sys.executable, __file__, str(kind)], stdout=subprocess.PIPE, text=True
            )
            for kind in [*sorted(os.sched_getaffinity(0)), _ANY, _KERNEL]
        ]
        for process in self._processes:
            assert process.stdout is not None and process.stdout.readline() == _READY

    def stop(self) -> list[Pause]:
        """When the machine stood still."""
        lines: list[str] = []
        for process in self._processes:
            process.terminate()
            lines += process.communicate()[0].splitlines()
        return [Pause(*map(float, line.split())) for line in lines]


def renewal() -> Callable[[], object]:
    """What puts an address on the loopback of this namespace, again and again."""
    kernel = Kernel()
    return lambda: kernel.add_addresses(1, [ip_interface("127.0.0.9/32")], 60)


def main() -> None:
    """Tick."""
    kind = sys.argv[1]
    if kind.isdigit():
        os.sched_setaffinity(0, [int(kind)])
    work = renewal() if kind == _KERNEL else lambda: None
    gc.freeze()
    try:
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1 if kind == _ANY else _AHEAD))
    except PermissionError:
        pass  # it is late more often then, and that is the machine's own, too
    print(_READY, end="", flush=True)
    last_s = time.time()
    while True:
        time.sleep(TICK_S)
        work()
        now_s = time.time()
        if now_s - last_s > TICK_S + LATE_S:
            print(f"{last_s:.4f} {now_s:.4f}", flush=True)
        last_s = now_s


if __name__ == "__main__":
    main()
