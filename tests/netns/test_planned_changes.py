# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A planned change loses no packet, asked every millisecond: the events of `make reliability` between two agents."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.reliability import deaths, planned
from tests.reliability.nodes import OurNode
from tests.reliability.pair import Event, Outcome, Pair

# How often a node becomes MASTER by each; the others move nothing.
MOVES = {"stop": 1, "restart": 2, "lowered": 1, "raised": 1, "return": 1, "switchover": 1, "drain": 1, "undrain": 1}
# What happens to the interface of a MASTER that keeps its role, and comes back within 100 ms.
HARMLESS = [event for event in deaths.EVENTS if event.name in ("mtu", "mac", "deleted", "own_address")]
BACK_MS = 100


def measured(event: Event, folder: Path) -> Outcome:
    """What an event costs a pair of ours; the report and the logs say why."""
    pair = Pair((OurNode, OurNode), folder, event.wire)
    try:
        pair.up()
        outcome, report = pair.measure(event)
        print(report, pair.a.peer.log, pair.b.peer.log, sep="\n")
        return outcome
    finally:
        pair.remove()


@pytest.mark.parametrize("event", planned.EVENTS, ids=lambda event: event.name)
def test_nothing_is_lost(event: Event, tmp_path: Path) -> None:
    """And the role moves as often as it must: in the minutes of a rollout the two differ, and nobody minds."""
    outcome = measured(event, tmp_path)
    assert (outcome.lost, outcome.moves) == (0, MOVES.get(event.name, 0))
    assert outcome.both_ms is not None


@pytest.mark.parametrize("event", HARMLESS, ids=lambda event: event.name)
def test_the_addresses_are_back_at_once(event: Event, tmp_path: Path) -> None:
    """Announced, and without a change of role."""
    outcome = measured(event, tmp_path)
    assert outcome.lost <= BACK_MS
    assert outcome.moves == 0
