# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A planned change of ours loses no packet next to a keepalived, which is the BACKUP and is changed along."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from tests.reliability import planned
from tests.reliability.nodes import KeepalivedNode, OurNode
from tests.reliability.pair import Event, Pair

# How often a node becomes MASTER by each.
MOVES = {
    "stop": 1,
    "restart": 2,
    "vip_added": 0,
    "several": 0,
    "password": 0,
    "return": 1,
    "lowered": 1,
    "raised": 1,
    "healed_2": 0,
}
EVENTS = {event.name: event for event in planned.EVENTS if event.name in MOVES}


@pytest.mark.parametrize("event", EVENTS.values(), ids=EVENTS)
def test_a_planned_change(event: Event, tmp_path: Path, keepalived_root: Path) -> None:
    """Nothing is lost, and the role moves as often as it must.

    Not here: a split that heals when ours speaks first. keepalived yields without a word, so that nobody announces.

    Both are changed at once: before 2.3.3 keepalived makes a second master of adverts with other addresses.
    """
    pair = Pair((OurNode, partial(KeepalivedNode, root=keepalived_root)), tmp_path, event.wire, rollout_s=0)
    try:
        pair.up()
        outcome, report = pair.measure(event)
        print(report, pair.a.peer.log, pair.b.peer.log, sep="\n")
    finally:
        pair.remove()
    assert (outcome.lost, outcome.moves) == (0, MOVES[event.name])
