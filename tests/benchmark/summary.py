# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Samples summed up: median, least and most of each kind of daemon, and the ratio of the two, round by round."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .daemons import OURS, THEIRS
from .titles import AIMS, FIGURES, Aim

Sample = Mapping[str, Any]


@dataclass(frozen=True)
class Spread:
    """Least, median and most."""

    least: float
    median: float
    most: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread | None:
        """Of some values; None of none."""
        return cls(min(values), statistics.median(values), max(values)) if values else None

    def __str__(self) -> str:
        if self.least == self.most:
            return number(self.median)
        return f"{number(self.median)} ({number(self.least)} - {number(self.most)})"


@dataclass(frozen=True)
class Line:
    """One figure of one case."""

    figure: str
    ours: Spread | None
    theirs: Spread | None
    ratio: Spread | None
    aim: Aim | None

    @property
    def title(self) -> str:
        """What the figure is called, with its unit."""
        name, unit = FIGURES[self.figure]
        return f"{name}, {unit}" if unit else name

    @property
    def met(self) -> bool | None:
        """Whether our median keeps to the aim; None where there is no aim, or nothing was measured."""
        if self.aim is None or self.ours is None:
            return None
        return self.aim.met(self.ours.median, self.theirs.median if self.theirs else None)


def lines_of(row: str, case: Mapping[str, Any]) -> Iterator[Line]:
    """All figures of a case, in the order of their titles."""
    samples = case["samples"]
    for figure in FIGURES:
        if any(figure in one for one in samples):
            yield Line(
                figure,
                Spread.of(_values(samples, OURS, figure)),
                Spread.of(_values(samples, THEIRS, figure)),
                Spread.of(_ratios(samples, figure)),
                AIMS.get((row, case["name"], figure)),
            )


def lines(row: str, case: Mapping[str, Any]) -> str:
    """A case for people at a terminal."""
    head = f"\n{row}/{case['name']}: {case['title']}"
    rows = [f"  {'':64}{'ours':>26}{'keepalived':>26}{'ratio':>22}"]
    for line in lines_of(row, case):
        aim = "" if line.aim is None else f"  {'ok' if line.met else 'NOT MET'}: at most {line.aim}"
        rows.append(f"  {line.title:64}{_text(line.ours):>26}{_text(line.theirs):>26}{_text(line.ratio):>22}{aim}")
    rows += [f"  {one['kind']}: {one['error']}" for one in case["samples"] if "error" in one]
    return "\n".join([head, *rows])


def number(value: float) -> str:
    """Three digits that count."""
    return f"{value:.0f}" if abs(value) >= 100 or value == int(value) else f"{value:.3g}"


def _text(spread: Spread | None) -> str:
    return "" if spread is None else str(spread)


def _values(samples: Sequence[Sample], kind: str, figure: str) -> list[float]:
    return [one[figure] for one in samples if one["kind"] == kind and figure in one]


def _ratios(samples: Sequence[Sample], figure: str) -> list[float]:
    """Of each round's medians; none where a quotient says nothing."""
    found = []
    for turn in sorted({one["round"] for one in samples}):
        within = [one for one in samples if one["round"] == turn]
        ours, theirs = _values(within, OURS, figure), _values(within, THEIRS, figure)
        if ours and theirs and statistics.median(ours) >= 0 and statistics.median(theirs) > 0:
            found.append(statistics.median(ours) / statistics.median(theirs))
    return found
