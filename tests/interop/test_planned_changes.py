# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A planned change loses no packet next to a keepalived, which is changed along."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import pytest

from tests.reliability import planned
from tests.reliability.nodes import KeepalivedNode, OurNode
from tests.reliability.pair import Event, MakeNode, Pair

# How often a node becomes MASTER by each, where ours is the better node, and where keepalived is.
OURS_BETTER = {
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
THEIRS_BETTER = {"return": 1, "healed": 0}
EVENTS = {event.name: event for event in planned.EVENTS}


def check(nodes: Sequence[MakeNode], event: Event, moves: int, folder: Path) -> None:
    """Nothing is lost, and the role moves as often as it must.

    Both are changed at once: before 2.3.3 keepalived makes a second master of adverts with other addresses.
    """
    pair = Pair(nodes, folder, event.wire, rollout_s=0)
    try:
        pair.up()
        outcome, report = pair.measure(event)
        print(report, pair.a.peer.log, pair.b.peer.log, sep="\n")
    finally:
        pair.remove()
    assert (outcome.lost, outcome.moves) == (0, moves)


@pytest.mark.parametrize("name", OURS_BETTER)
def test_a_planned_change(name: str, tmp_path: Path, keepalived_root: Path) -> None:
    """Not here: a split that heals when ours speaks first. keepalived yields silently, so that nobody announces."""
    theirs = partial(KeepalivedNode, root=keepalived_root)
    check((OurNode, theirs), EVENTS[name], OURS_BETTER[name], tmp_path)


@pytest.mark.parametrize("name", THEIRS_BETTER)
def test_a_planned_change_of_the_better_keepalived(name: str, tmp_path: Path, keepalived_root: Path) -> None:
    """It speaks before its addresses answer, and ours answers on until they do."""
    theirs = partial(KeepalivedNode, root=keepalived_root)
    check((theirs, OurNode), EVENTS[name], THEIRS_BETTER[name], tmp_path)
