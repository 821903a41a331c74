# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was seen on several machines, in the order of the controller's clock and cut to the time of one fault. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any

Span = tuple[float, float]

# A connection that was half through when a role moved is reset: the hosts share no connections.
_CUT_OFF = {"connection reset by peer"}
_MOST_CUT_OFF = 2
MOST_LINES = 400


class Clocks:
    """Turns a machine's time into the controller's; a difference that may be none is taken for none."""

    def __init__(self, clocks: Mapping[str, Mapping[str, Any]]) -> None:
        self._ahead_s = {
            name: float(clock["offset"])
            for name, clock in clocks.items()
            if clock.get("offset") is not None and abs(clock["offset"]) > clock["uncertainty"]
        }

    def ahead_s(self, machine: str) -> float:
        """By how much its times are corrected."""
        return self._ahead_s.get(machine, 0.0)

    def ours(self, machine: str, at_s: float) -> float:
        """The controller's time for a time of that machine."""
        return round(at_s - self.ahead_s(machine), 5)


def segments(
    watched: Mapping[str, Mapping[str, Any]], address: str, window: Span, clocks: Clocks
) -> list[dict[str, Any]]:
    """Which host had the address from when to when."""
    return [
        {"host": host, "from": began_s, "to": ended_s}
        for host, watch in watched.items()
        for began_s, ended_s in _spans(host, watch, address, window, clocks)
    ]


def overlap_s(held: Sequence[Mapping[str, Any]], window: Span) -> float:
    """The longest time in which two hosts had the address at once."""
    pairs = combinations(held, 2)
    both_s = [
        min(one["to"], other["to"], window[1]) - max(one["from"], other["from"], window[0])
        for one, other in pairs
        if one["host"] != other["host"]
    ]
    return round(max(0.0, *both_s) if both_s else 0.0, 5)


def lane(series: Mapping[str, Any], window: Span, ours: Clocks, client: str) -> dict[str, Any]:
    """The probes of one kind, cut to the window."""
    gaps = [_gap(gap, ours, client) for gap in series["gaps"]]
    return {
        "type": series["type"],
        "sent": series["sent"],
        "answered": series["answered"],
        "from": None if series["from"] is None else ours.ours(client, series["from"]),
        "to": None if series["to"] is None else ours.ours(client, series["to"]),
        "gaps": [gap for gap in gaps if window[0] <= gap["at"] <= window[1]],
        "turns": [turn for turn in _within(series["turns"], window, ours, client) if turn["node"]],
        "silences": _within(series["silences"], window, ours, client),
        "pauses": _within(series["pauses"], window, ours, client),
    }


def log(watched: Mapping[str, Mapping[str, Any]], window: Span, clocks: Clocks) -> list[dict[str, Any]]:
    """What all hosts have logged in the window, in one order."""
    found = [
        {"at": clocks.ours(host, line["at"]), "host": host, "text": line["text"], "transition": " -> " in line["text"]}
        for host, watch in watched.items()
        for line in watch.get("journal") or []
    ]
    within = [line for line in found if window[0] <= line["at"] <= window[1]]
    return sorted(within, key=lambda line: float(line["at"]))[:MOST_LINES]


def _within(spans: Sequence[Mapping[str, Any]], window: Span, clocks: Clocks, client: str) -> list[dict[str, Any]]:
    found = [{**span, **{key: clocks.ours(client, span[key]) for key in ("from", "to")}} for span in spans]
    return [span for span in found if span["to"] >= window[0] and span["from"] <= window[1]]


def _spans(host: str, watch: Mapping[str, Any], address: str, window: Span, clocks: Clocks) -> Iterator[Span]:
    for began_s, ended_s in (watch.get("held") or {}).get(address, []):
        began = max(window[0], clocks.ours(host, began_s))
        ended = window[1] if ended_s is None else min(window[1], clocks.ours(host, ended_s))
        if began < ended:
            yield began, ended


def _gap(gap: Mapping[str, Any], clocks: Clocks, client: str) -> dict[str, Any]:
    lost_at = [clocks.ours(client, at_s) for at_s in gap["lost_at"]]
    after, before = (None if gap[key] is None else clocks.ours(client, gap[key]) for key in ("after", "before"))
    # Of very many lost probes the last ones are only counted.
    first = next(moment for moment in (*lost_at[:1], after, before, 0.0) if moment is not None)
    return {
        "at": first,
        "after": after,
        "before": before,
        "lost": gap["lost"],
        "lost_at": lost_at,
        "errors": gap["errors"],
        "outage_s": None if before is None else round(before - (first if after is None else after), 5),
        "cut_off": gap["lost"] <= _MOST_CUT_OFF and set(gap["errors"]) <= _CUT_OFF,
    }
