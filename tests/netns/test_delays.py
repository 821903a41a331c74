# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""preempt_delay and startup_delay between two agents; how long they waited stands in their reasons."""

from __future__ import annotations

import time
from pathlib import Path

from peers import OurAgent, Wire
from segment import Segment, wait_for

WIRE = Wire(3, interval_s=0.2)
SOON_S = 20.0


def test_a_better_node_waits_and_a_lost_master_does_not(segment: Segment, tmp_path: Path) -> None:
    lesser, better = OurAgent(segment["a"], tmp_path / "a"), OurAgent(segment["b"], tmp_path / "b")
    lesser.start(WIRE, priority=100)
    lesser.wait_for_state("MASTER", SOON_S)
    started = time.monotonic()
    better.start(WIRE, priority=150, preempt_delay=2)
    status = better.wait_for_state("MASTER", SOON_S + 2)
    assert time.monotonic() - started >= 2
    assert status["last_transition"]["reason"] == "10.139.1.11 has the lower priority: 100 < 150"
    assert status["preempt_delay"] == 2

    better.stop()
    lesser.wait_for_state("MASTER", SOON_S)
    better.start(WIRE, priority=150, preempt_delay=600)
    wait_for(lambda: better.status()["master"], "b hears the lesser master", SOON_S)
    lesser.kill()
    status = better.wait_for_state("MASTER", SOON_S)
    assert status["last_transition"]["reason"].startswith("no advert from 10.139.1.11 for 0.")


def test_a_starting_node_listens_and_still_helps_where_it_hears_a_fault(segment: Segment, tmp_path: Path) -> None:
    first, second = OurAgent(segment["a"], tmp_path / "a"), OurAgent(segment["b"], tmp_path / "b")
    first.start(WIRE, priority=100, startup_delay=2)
    status = first.wait_for_state("MASTER", SOON_S + 2)
    reason, _colon, waited = status["last_transition"]["reason"].partition(" for ")
    assert reason == "no advert heard"
    assert float(waited.split()[0]) >= 2.7

    second.start(WIRE, priority=50, startup_delay=600)
    wait_for(lambda: second.status()["master"], "b hears the master", SOON_S)
    first.kill()
    second.wait_for_state("MASTER", SOON_S)
