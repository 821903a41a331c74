# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fast adverts while other work keeps all processors busy: how often the BACKUP takes over, and nobody has died."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from os import cpu_count

from metronome import Metronomes, Pause

from .daemons import Load
from .pair import Figures, pair_of
from .wire import ADVERT, Heard, late_ms

LOAD = Load(1, 0.01)
READ_EVERY_S = 5.0


def measure(seconds: float, kind: str, release: str, workers: int | None = None) -> list[Figures]:
    """One virtual router at 10 ms, with so many busy processes; as many as there are processors if nothing is said."""
    with pair_of(kind, LOAD, release) as pair:
        pair.up(settle_s=1.0)
        before, metronomes = pair.b.masterships(), Metronomes()
        try:
            with _busy(cpu_count() or 1 if workers is None else workers), pair.recording() as heard:
                ended = time.monotonic() + seconds
                while time.monotonic() < ended:
                    time.sleep(min(READ_EVERY_S, max(0.0, ended - time.monotonic())))
                    heard += pair.observer.read()
        finally:
            pauses = metronomes.stop()
        gap_ms = max(late_ms(heard, "a", LOAD.interval_s)) + LOAD.interval_s * 1000
        return [
            {
                "failovers": pair.b.masterships() - before,
                "unexplained": len(unexplained(heard, pauses)),
                "pauses": count(pauses),
                "longest_gap_ms": gap_ms,
            }
        ]


def unexplained(heard: Sequence[Heard], pauses: Sequence[Pause]) -> list[float]:
    """When b spoke after a, in seconds of the wall clock, and the machine itself had not just stood still."""
    adverts = [one for one in heard if one.kind == ADVERT]
    pairs = zip(adverts, adverts[1:])
    takeovers = [now.at_ns / 1e9 for last, now in pairs if (last.sender, now.sender) == ("a", "b")]
    return [at_s for at_s in takeovers if not any(pause.explains(at_s - LOAD.down_s, at_s) for pause in pauses)]


def count(pauses: Sequence[Pause]) -> int:
    """How often the machine stood still: several processors may at the same time."""
    times, until_s = 0, 0.0
    for pause in sorted(pauses, key=lambda pause: pause.begin_s):
        times += pause.begin_s > until_s
        until_s = max(until_s, pause.end_s)
    return times


@contextmanager
def _busy(count: int) -> Iterator[None]:
    command = [sys.executable, "-c", "while True: pass"]
    processes = [subprocess.Popen(command) for _worker in range(count)]
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()
