# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rows of the benchmark, each of some cases."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from . import scale
from .daemons import Load
from .pair import Figures

# kind of daemon, Debian release -> one or more samples of the figures.
Measure = Callable[[str, str], list[Figures]]


@dataclass(frozen=True)
class Case:
    """One load; measured so many times with each kind of daemon, alternately."""

    name: str
    title: str
    measure: Measure
    rounds: int


@dataclass(frozen=True)
class Row:
    """One question."""

    name: str
    title: str
    cases: tuple[Case, ...]


def _once(measure: Callable[..., Figures], load: Load, kind: str, release: str) -> list[Figures]:
    return [measure(kind, load, release)]


def _scale(instances: int, rounds: int) -> Case:
    load = Load(instances)
    return Case(str(instances), f"{instances} at 1 s", partial(_once, scale.measure, load), rounds)


ROWS = (
    Row(
        "scale",
        "Many virtual routers",
        (_scale(1, 3), _scale(10, 1), _scale(100, 1), _scale(500, 1), _scale(1000, 3)),
    ),
    Row(
        "fast",
        "Fast adverts",
        (
            Case("50x100ms", "50 at 100 ms", partial(_once, scale.cost, Load(50, 0.1)), 2),
            Case("50x10ms", "50 at 10 ms", partial(_once, scale.cost, Load(50, 0.01)), 2),
        ),
    ),
)
