# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One fault as a picture: who had each address, every lost probe, the fault and the bound. SVG, pure.

The picture is WIDTH units wide, of which the labels take LEFT; times are seconds since the fault.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from .markup import Html, join, tag

WIDTH, LEFT, RIGHT = 960, 150, 14
BAR, GAP, AXIS = 22, 6, 34
_STEPS_S = (0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300)
_MOST_TICKS = 16
COLOURS = 6


class Scale:
    """Times to places from left to right."""

    def __init__(self, fault: Mapping[str, Any]) -> None:
        self.zero_s = float(fault["broke"][0])
        self.began_s, self.ended_s = float(fault["from"]), float(fault["to"])
        self._unit = (WIDTH - LEFT - RIGHT) / max(self.ended_s - self.began_s, 0.001)

    def x(self, at_s: float) -> float:
        """The place of a moment, kept within the picture."""
        return round(LEFT + (min(max(at_s, self.began_s), self.ended_s) - self.began_s) * self._unit, 2)

    def width(self, began_s: float, ended_s: float) -> float:
        """How wide a time is; never so narrow that it cannot be seen."""
        return round(max(self.x(ended_s) - self.x(began_s), 1.0), 2)

    def since(self, at_s: float) -> str:
        """A moment as seconds since the fault."""
        return f"{at_s - self.zero_s:+.3f} s"

    def ticks(self) -> list[float]:
        """Round seconds since the fault, as many as there is room for."""
        long_s = self.ended_s - self.began_s
        step_s = next((step for step in _STEPS_S if long_s / step <= _MOST_TICKS), long_s / _MOST_TICKS)
        first, last = (
            math.ceil((self.began_s - self.zero_s) / step_s),
            math.floor((self.ended_s - self.zero_s) / step_s),
        )
        return [number * step_s for number in range(first, last + 1)]


def draw(fault: Mapping[str, Any], hosts: Sequence[str]) -> Html:
    """The whole picture of a fault."""
    scale = Scale(fault)
    parts: list[Html] = []
    y = AXIS + BAR
    for row in fault["rows"]:
        parts.append(_heading(row, y))
        y += 20
        for host in hosts:
            parts.append(_bar(scale, row, host, hosts.index(host), y))
            y += BAR + 2
        for lane in row["lanes"]:
            parts.append(_lane(scale, row, lane, hosts, y))
            y += BAR + 2
        y += GAP
    name = f"timeline-{fault['name']}"
    return tag(
        "svg",
        tag("title", f"Who had each address during {fault['name']}", id=f"{name}-title"),
        tag("desc", "\n".join(words(fault)), id=f"{name}-desc"),
        _axis(scale, y),
        _moments(scale, fault, y),
        parts,
        viewBox=f"0 0 {WIDTH} {y}",
        class_="timeline",
        role="img",
        aria_labelledby=f"{name}-title {name}-desc",
        data_from=fault["from"] - scale.zero_s,
        data_to=fault["to"] - scale.zero_s,
    )


def words(fault: Mapping[str, Any]) -> Iterator[str]:
    """What the picture shows, for who cannot see it."""
    scale = Scale(fault)
    for row in fault["rows"]:
        for one in row["segments"]:
            yield f"{row['address']} on {one['host']} from {scale.since(one['from'])} to {scale.since(one['to'])}"
        for lane in row["lanes"]:
            for gap in lane["gaps"]:
                what = "cut off" if gap["cut_off"] else "lost"
                errors = ", ".join(gap["errors"])
                yield f"{row['address']} {lane['type']}: {gap['lost']} {what} at {scale.since(gap['at'])}: {errors}"


def _heading(row: Mapping[str, Any], y: float) -> Html:
    return tag(
        "text", row["address"], tag("tspan", f"  {row['instance']}", class_="faint"), x=6, y=y + 14, class_="vip"
    )


def _bar(scale: Scale, row: Mapping[str, Any], host: str, number: int, y: float) -> Html:
    """One host's line: a bar from when to when it had the address."""
    held = [one for one in row["segments"] if one["host"] == host]
    bars = [
        tag(
            "rect",
            tag("title", f"{host} had {row['address']} from {scale.since(one['from'])} to {scale.since(one['to'])}"),
            x=scale.x(one["from"]),
            y=y + 2,
            width=scale.width(one["from"], one["to"]),
            height=BAR - 4,
            rx=3,
            class_=f"segment host{number % COLOURS}",
            data_host=host,
            data_address=row["address"],
            data_from=round(one["from"] - scale.zero_s, 4),
            data_to=round(one["to"] - scale.zero_s, 4),
        )
        for one in held
    ]
    return join(tag("text", f"on {host}", x=LEFT - 8, y=y + 15, class_="label"), _rail(y), bars)


def _lane(scale: Scale, row: Mapping[str, Any], lane: Mapping[str, Any], hosts: Sequence[str], y: float) -> Html:
    """One kind of probes: who answered, a stroke for each lost one, boxes where no answer came or none was sent."""
    marks = [_marks(scale, row, lane, gap, y) for gap in lane["gaps"]]
    lost = sum(gap["lost"] for gap in lane["gaps"])
    return join(
        tag("text", f"{lane['type']}, {lost} of {lane['sent']} lost", x=LEFT - 8, y=y + 15, class_="label"),
        _rail(y),
        [_turn(scale, turn, hosts, y) for turn in lane["turns"]],
        [_box(scale, span, "silence", "no answer came", y) for span in lane["silences"]],
        [_box(scale, span, "pause", "no probe was sent", y) for span in lane["pauses"]],
        marks,
    )


def _turn(scale: Scale, turn: Mapping[str, Any], hosts: Sequence[str], y: float) -> Html:
    """Who answered; a node is coloured as the host of that name."""
    colour = f" host{hosts.index(turn['node']) % COLOURS}" if turn["node"] in hosts else ""
    return tag(
        "rect",
        tag("title", f"{turn['node']} answered from {scale.since(turn['from'])} to {scale.since(turn['to'])}"),
        x=scale.x(turn["from"]),
        y=y + BAR / 2 - 1.5,
        width=scale.width(turn["from"], turn["to"]),
        height=3,
        class_=f"turn{colour}",
        data_node=turn["node"],
    )


def _box(scale: Scale, span: Mapping[str, Any], name: str, what: str, y: float) -> Html:
    return tag(
        "rect",
        tag("title", f"{what} from {scale.since(span['from'])} to {scale.since(span['to'])}"),
        x=scale.x(span["from"]),
        y=y + 7,
        width=scale.width(span["from"], span["to"]),
        height=BAR - 14,
        class_=name,
    )


def _marks(scale: Scale, row: Mapping[str, Any], lane: Mapping[str, Any], gap: Mapping[str, Any], y: float) -> Html:
    """The lost probes of one gap: a stroke for each."""
    strokes = "".join(f"M{scale.x(moment)} {y + 3}v{BAR - 6}" for moment in gap["lost_at"])
    what = "cut off, half through" if gap["cut_off"] else "lost"
    outage = "to the end" if gap["outage_s"] is None else f"{gap['outage_s']:.3f} s between two answers"
    errors = ", ".join(f"{text}: {count}" for text, count in gap["errors"].items())
    return tag(
        "path",
        tag("title", f"{gap['lost']} {what} from {scale.since(gap['at'])}, {outage} ({errors})"),
        d=strokes,
        class_="cutoff" if gap["cut_off"] else "lost",
        data_lost=gap["lost"],
        data_type=lane["type"],
        data_address=row["address"],
    )


def _rail(y: float) -> Html:
    return tag("line", x1=LEFT, x2=WIDTH - RIGHT, y1=y + BAR / 2, y2=y + BAR / 2, class_="rail")


def _axis(scale: Scale, bottom: float) -> Html:
    places = [(tick, scale.x(scale.zero_s + tick)) for tick in scale.ticks()]
    return join(
        [
            join(
                tag("line", x1=x, x2=x, y1=AXIS - 12, y2=bottom, class_="grid"),
                tag("text", f"{tick:g} s", x=x, y=AXIS - 18, class_="tick"),
            )
            for tick, x in places
        ]
    )


def _moments(scale: Scale, fault: Mapping[str, Any], bottom: float) -> Html:
    """When the fault was made and mended, as bands, and until when the bound lets it last."""
    parts = []
    for name, word in (("broke", "made"), ("mended", "mended")):
        began, ended = fault[name]
        x, width = scale.x(began), scale.width(began, ended)
        parts += [
            tag("rect", tag("title", f"{word} between {scale.since(began)} and {scale.since(ended)}"), x=x, y=AXIS - 12,
                width=width, height=bottom - AXIS + 12, class_=f"moment {name}"),
            tag("text", word, x=x + 3, y=AXIS + 2, class_=f"moment {name}"),
        ]  # fmt: skip
    if fault["bound_s"]:
        began, ended = fault["broke"][1], fault["broke"][1] + fault["bound_s"]
        y = AXIS + 12
        parts += [
            tag("path", d=f"M{scale.x(began)} {y - 4}v8M{scale.x(began)} {y}H{scale.x(ended)}m0 -4v8", class_="bound"),
            tag("text", f"bound {fault['bound_s']:.2f} s", x=scale.x(ended) + 4, y=y + 4, class_="bound"),
        ]
    return join(parts)
