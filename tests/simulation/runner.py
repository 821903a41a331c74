# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Many seeds on all cores, and the story of one."""

from __future__ import annotations

import itertools
import multiprocessing
import os
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Callable

from .scenario import Scenario
from .schedule import draw, play
from .world import Broken

_CHUNK = 100
_LINES = 80


@dataclass(frozen=True)
class Result:
    """How many schedules of consecutive seeds have run, how often a virtual router agreed in them, and what failed."""

    first: int
    schedules: int
    agreements: int
    seconds: float
    failed_seed: int | None

    def __str__(self) -> str:
        rate = self.schedules / self.seconds
        return (
            f"{self.schedules} schedules (seeds {self.first} to {self.first + self.schedules - 1}), "
            f"{self.agreements} agreements checked, {rate:.0f} schedules a second"
        )


def run(
    seconds: float, first: int = 0, jobs: int | None = None, progress: Callable[[int], None] | None = None
) -> Result:
    """Run the schedules of consecutive seeds for so long, or until one fails."""
    started = time.monotonic()
    processes = jobs or os.cpu_count() or 1
    schedules = agreements = 0
    failed: int | None = None
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        chunks = itertools.count(first, _CHUNK)
        # In order: what has run is consecutive, and what fails first is the lowest seed that does.
        pending = deque(pool.apply_async(_run_chunk, (next(chunks),)) for turn in range(2 * processes))
        while pending and failed is None:
            failed, agreed = pending.popleft().get()
            agreements += agreed
            schedules += _CHUNK
            if time.monotonic() - started < seconds:
                pending.append(pool.apply_async(_run_chunk, (next(chunks),)))
            if progress is not None:
                progress(schedules)
    return Result(first, schedules, agreements, time.monotonic() - started, failed)


def _run_chunk(first: int) -> tuple[int | None, int]:
    agreements = 0
    for seed in range(first, first + _CHUNK):
        try:
            scenario = play(seed)
        except Broken:
            return seed, agreements
        agreements += sum(group.agreements for group in scenario.groups)
    return None, agreements


def find(seeds: range) -> int | None:
    """The first of these seeds whose schedule fails, in this process."""
    for seed in seeds:
        try:
            play(seed)
        except Broken:
            return seed
    return None


def tell(seed: int, verbose: bool = False, signed: bool | None = None) -> tuple[bool, str]:
    """Whether a seed's schedule holds, and its story."""
    try:
        scenario, broken = play(seed, story=True, verbose=verbose, signed=signed), None
    except Broken as error:
        scenario, broken = error.scenario or draw(seed, signed), error
    return broken is None, "\n".join(_story(seed, scenario, broken, verbose, signed))


def _story(seed: int, scenario: Scenario, broken: Broken | None, verbose: bool, signed: bool | None) -> Iterator[str]:
    yield f"seed {seed}: {broken or 'everything holds'}"
    yield from draw(seed, signed).describe()
    lines = scenario.world.retell()
    if len(lines) > _LINES and not verbose:
        yield f"  ... {len(lines) - _LINES} lines before that (--verbose shows them, and every advert)"
        lines = lines[-_LINES:]
    yield from lines
    if broken is not None:
        yield f"BROKEN: {broken}"
    yield f"replay: python3 -m tests.simulation --seed {seed}"
