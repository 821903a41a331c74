# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rows of the benchmark, each of some cases."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from tests.reliability import measure as reliability
from tests.reliability import planned
from tests.reliability.pair import Event

from . import busy, scale, takeover
from .daemons import KINDS, OURS, Load
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
    # Both kinds at once: what is counted does not come of the other's work.
    together: bool = False
    # Those that have such a thing.
    kinds: tuple[str, ...] = KINDS


@dataclass(frozen=True)
class Row:
    """One question."""

    name: str
    title: str
    cases: tuple[Case, ...]


def _once(measure: Callable[..., Figures], load: Load, kind: str, release: str) -> list[Figures]:
    return [measure(kind, load, release)]


def _planned(event: Event, kind: str, release: str) -> list[Figures]:
    outcome = reliability.measure(event, OURS if kind == OURS else release)
    if "error" in outcome:
        raise AssertionError(outcome["error"])
    return [{"lost": outcome["lost"]}]


def _scale(instances: int, rounds: int) -> Case:
    load = Load(instances)
    return Case(str(instances), f"{instances} at 1 s", partial(_once, scale.measure, load), rounds)


def _cases(names: dict[str, str]) -> tuple[Case, ...]:
    """Planned changes: the name here -> the event's name."""
    events = {event.name: event for event in planned.EVENTS}
    return tuple(
        Case(name, events[event].title, partial(_planned, events[event]), 2, True, _able(events[event]))
        for name, event in names.items()
    )


def _able(event: Event) -> tuple[str, ...]:
    return tuple(kind for kind in KINDS if kind not in event.missing)


def rows(busy_s: float) -> tuple[Row, ...]:
    """All of them; `busy_s`: for how long the machine is kept busy."""
    return (
        Row(
            "takeover",
            "The MASTER dies: when the VIP answers",
            (
                Case("1s", "adverts every 1 s", partial(takeover.answers, Load(1, 1.0), 3), 2),
                Case("100ms", "adverts every 100 ms", partial(takeover.answers, Load(1, 0.1), 5), 2),
                Case("10ms", "adverts every 10 ms", partial(takeover.answers, Load(1, 0.01), 5), 2),
            ),
        ),
        Row(
            "addresses",
            "The MASTER dies: many VIPs on one virtual router",
            tuple(
                Case(f"{vips}", f"{vips} VIP{'s' * (vips > 1)}", partial(takeover.addresses, Load(1, 0.1, vips), 4), 2)
                for vips in (1, 20, 200)
            ),
        ),
        Row(
            "planned",
            "Planned changes, asked every millisecond",
            _cases({"reload": "vip_added", **{name: name for name in ("stop", "restart", "upgrade", "switchover")}}),
        ),
        Row(
            "busy",
            "All processors kept busy by other work",
            (Case("10ms", f"adverts every 10 ms, {busy_s:g} s", partial(busy.measure, busy_s), 1, True),),
        ),
        Row(
            "fast",
            "Many virtual routers with fast adverts",
            tuple(
                Case(f"50x{ms}ms", f"50 at {ms} ms", partial(_once, scale.cost, Load(50, ms / 1000)), 2)
                for ms in (100, 10)
            ),
        ),
        Row(
            "scale",
            "Many virtual routers",
            (_scale(1, 2), _scale(10, 1), _scale(100, 1), _scale(1000, 3)),
        ),
    )
