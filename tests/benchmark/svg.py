# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A plot as SVG: lines through medians, bars from least to most, logarithmic axes; readable on light and dark."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT = 640, 360
_LEFT, _RIGHT, _TOP, _BOTTOM = 70, 30, 40, 50
# Two hues that people who see no red or no green tell apart; grey is readable on white and on black.
COLOURS = ("#0072b2", "#d55e00")
_GREY = "#808080"


@dataclass(frozen=True)
class Point:
    """One load, and the figure's least, median and most."""

    x: float
    least: float
    median: float
    most: float


@dataclass(frozen=True)
class Series:
    """The points of one daemon."""

    name: str
    points: tuple[Point, ...]


@dataclass(frozen=True)
class _Axis:
    """Values on a line of pixels."""

    low: int  # exponents of ten
    high: int
    begin: float
    end: float

    def at(self, value: float) -> float:
        """Where a value is."""
        share = (math.log10(max(value, 10.0**self.low)) - self.low) / (self.high - self.low)
        return round(self.begin + share * (self.end - self.begin), 1)

    def ticks(self) -> Iterator[float]:
        """The powers of ten."""
        return (10.0**exponent for exponent in range(self.low, self.high + 1))


def plot(title: str, x_label: str, y_label: str, series: Sequence[Series]) -> str:
    """The whole document."""
    points = [point for one in series for point in one.points]
    x = _axis([point.x for point in points], _LEFT, WIDTH - _RIGHT)
    y = _axis([value for one in points for value in (one.least, one.most)], HEIGHT - _BOTTOM, _TOP)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img"'
        f' font-family="sans-serif" font-size="12" fill="{_GREY}">',
        f"<title>{escape(title)}</title>",
        _text(WIDTH / 2, 16, title, "middle", 'font-size="14"'),
        *_grid(x, y),
        _text(WIDTH / 2, HEIGHT - 12, x_label, "middle"),
        _text(14, HEIGHT / 2, y_label, "middle", f'transform="rotate(-90 14 {HEIGHT / 2:g})"'),
    ]
    for number, (one, colour) in enumerate(zip(series, COLOURS)):
        parts += _curve(one, x, y, colour)
        parts.append(_text(_LEFT + 10 + 220 * number, 32, one.name, "start", f'fill="{colour}"'))
    return "\n".join([*parts, "</svg>", ""])


def _axis(values: Sequence[float], begin: float, end: float) -> _Axis:
    # What a logarithm cannot show, negative and nil, is drawn where the axis begins.
    shown = [value for value in values if value > 0] or [1.0]
    low, high = math.floor(math.log10(min(shown))), math.ceil(math.log10(max(shown)))
    return _Axis(low, max(high, low + 1), begin, end)


def _grid(x: _Axis, y: _Axis) -> Iterator[str]:
    for value in x.ticks():
        at = x.at(value)
        yield f'<path d="M{at} {_TOP}V{HEIGHT - _BOTTOM}" stroke="{_GREY}" stroke-opacity="0.3"/>'
        yield _text(at, HEIGHT - _BOTTOM + 16, f"{value:,g}", "middle")
    for value in y.ticks():
        at = y.at(value)
        yield f'<path d="M{_LEFT} {at}H{WIDTH - _RIGHT}" stroke="{_GREY}" stroke-opacity="0.3"/>'
        yield _text(_LEFT - 6, at + 4, f"{value:,g}", "end")


def _curve(series: Series, x: _Axis, y: _Axis, colour: str) -> Iterator[str]:
    places = [(x.at(point.x), y.at(point.median)) for point in series.points]
    path = "L".join(f"{left} {top}" for left, top in places)
    yield f'<path d="M{path}" fill="none" stroke="{colour}" stroke-width="2"/>'
    for point, (left, top) in zip(series.points, places):
        yield f'<path d="M{left} {y.at(point.least)}V{y.at(point.most)}" stroke="{colour}" stroke-width="2"/>'
        yield f'<circle cx="{left}" cy="{top}" r="4" fill="{colour}"/>'


def _text(left: float, top: float, text: str, anchor: str, more: str = "") -> str:
    return f'<text x="{left:g}" y="{top:g}" text-anchor="{anchor}"{" " + more if more else ""}>{escape(text)}</text>'
