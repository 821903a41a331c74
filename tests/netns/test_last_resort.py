# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""last_resort: the VIP stays while every node is sick, and moves to the first healthy one; clients notice nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from conftest import MakeSegment
from peers import OurAgent, Wire
from probe import probing
from segment import wait_for

WIRE = Wire(3, interval_s=0.4)
SOON_S = 20.0
HMAC = {"type": "hmac", "keys": [{"id": 1, "key": "00112233" * 8}]}


def switch(file: Path) -> dict[str, Any]:
    """A check that fails while a file is there."""
    return {"type": "file", "path": str(file), "expect": "absent", "interval": 0.2, "rise": 1, "fall": 1}


@pytest.mark.parametrize("more", [{}, {"authentication": HMAC, "preempt": False}], ids=["plain", "hmac-nopreempt"])
def test_both_fall_sick_and_recover(make_segment: MakeSegment, tmp_path: Path, more: dict[str, Any]) -> None:
    """The better one of two sick ones has it, where it may preempt; a healthy one takes it in any case."""
    segment = make_segment("a", "b", "client")
    first, second = (OurAgent(segment[label], tmp_path / label) for label in "ab")
    sick = {agent: tmp_path / f"{agent.node.label}-is-sick" for agent in (first, second)}
    more = {"last_resort": True, **more}
    first.start(WIRE, priority=150, checks=[switch(sick[first])], **more)
    first.wait_for_state("MASTER", SOON_S)
    second.start(WIRE, priority=100, checks=[switch(sick[second])], **more)
    wait_for(lambda: second.status()["master"], "b follows a", SOON_S)
    # Who answers: their own addresses tell them apart.
    with probing(segment["client"], "10.139.1.1", "10.139.1.11") as probe:
        sick[first].touch()
        reason = second.wait_for_state("MASTER", SOON_S)["last_transition"]["reason"]
        assert reason == "10.139.1.11 is sick: the last resort, with priority 20"
        status = first.wait_for_state("BACKUP", SOON_S)
        assert (status["effective_priority"], status["last_resort"], status["fault"]) == (20, True, None)
        sick[second].touch()
        wait_for(lambda: second.status()["last_resort"], "b is sick as well", SOON_S)
        last, healthy = (first, second) if more.get("preempt", True) else (second, first)
        last.wait_for_state("MASTER", SOON_S)
        healthy.wait_for_state("BACKUP", SOON_S)
        assert "WARNING web: MASTER as the last resort" in last.command("status").stdout
        sick[healthy].unlink()
        healthy.wait_for_state("MASTER", SOON_S)
        assert last.wait_for_state("BACKUP", SOON_S)["effective_priority"] in (14, 20)
        sick[last].unlink()
        wait_for(lambda: not last.status()["last_resort"], "all are healthy", SOON_S)
    assert probe.report.lost == 0, probe.report
    assert f"effective priority 150 -> 20: last resort: check file: {sick[first]} is there" in first.log
    assert "FAULT" not in first.log + second.log


def test_the_gateway_that_both_need_is_gone(make_segment: MakeSegment, tmp_path: Path) -> None:
    """Nobody lets go for what nobody can help; who has lost the way alone gives the role away."""
    segment = make_segment("a", "b", "gateway")
    first, second = (OurAgent(segment[label], tmp_path / label) for label in "ab")
    check = {"type": "gateway", "targets": ["10.139.1.13"], "interval": 1, "timeout": 1, "fall": 2, "rise": 1}
    first.start(WIRE, priority=150, checks=[check], last_resort=True)
    first.wait_for_state("MASTER", SOON_S)
    wait_for(lambda: first.status()["checks"][0]["healthy"], "the gateway answers", SOON_S)
    second.start(WIRE, priority=100, checks=[check], last_resort=True)
    wait_for(lambda: second.status()["checks"][0]["healthy"], "the gateway answers b as well", SOON_S)
    segment.cut(segment["gateway"])
    for agent in (first, second):
        wait_for(lambda agent=agent: agent.status()["last_resort"], "the gateway is missed", SOON_S)
    first.wait_for_state("MASTER", SOON_S)
    first.stop()
    second.wait_for_state("MASTER", SOON_S)
    segment.plug(segment["gateway"])
    wait_for(lambda: not second.status()["last_resort"], "the gateway is back", SOON_S)
    first.start(WIRE, priority=150, checks=[check], last_resort=True)
    first.wait_for_state("MASTER", SOON_S)
    second.wait_for_state("BACKUP", SOON_S)
    segment.block(segment["gateway"], first.node)
    reason = second.wait_for_state("MASTER", SOON_S)["last_transition"]["reason"]
    assert reason == "10.139.1.11 is sick: the last resort, with priority 20"
    detail = first.status()["checks"][0]["detail"]
    assert detail == "no answer to ARP from 10.139.1.13 on eth0"
