# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A tracked interface of a MASTER fails: the role moves, by a lower priority or by FAULT, and comes back."""

from __future__ import annotations

from pathlib import Path

import pytest
from peers import OurAgent, Wire
from segment import Segment

WIRE = Wire(3, interval_s=0.2)
SOON_S = 20.0


@pytest.fixture
def pair(segment: Segment, tmp_path: Path) -> tuple[OurAgent, OurAgent]:
    """Two agents, not yet started; node a has an uplink of its own."""
    segment["a"].ip("link", "add", "uplink", "type", "veth", "peer", "beyond")
    for name in ("beyond", "uplink"):
        segment["a"].ip("link", "set", name, "up")
    return OurAgent(segment["a"], tmp_path / "a"), OurAgent(segment["b"], tmp_path / "b")


def test_a_lower_priority(pair: tuple[OurAgent, OurAgent]) -> None:
    first, second = pair
    second.start(WIRE, priority=100)
    first.start(WIRE, priority=150, track_interfaces=[{"name": "uplink", "on_fail": {"priority": -60}}])
    status = first.wait_for_state("MASTER", SOON_S)
    assert (status["priority"], status["effective_priority"]) == (150, 150)
    assert status["track_interfaces"] == [{"name": "uplink", "fault": None}]
    second.wait_for_state("BACKUP", SOON_S)  # it may have been MASTER before, and a MASTER that yields answers on

    first.node.ip("link", "set", "beyond", "down")
    status = second.wait_for_state("MASTER", SOON_S)
    assert status["last_transition"]["reason"] == "10.139.1.11 has the lower priority: 90 < 100"
    status = first.wait_for_state("BACKUP", SOON_S)
    assert (status["priority"], status["effective_priority"]) == (150, 90)
    assert status["track_interfaces"] == [{"name": "uplink", "fault": "uplink has no carrier"}]
    assert "effective priority 150 -> 90: uplink has no carrier" in first.log
    first.rewrite(priority=160)
    assert first.command("reload").returncode == 0
    assert first.status()["effective_priority"] == 100

    first.node.ip("link", "set", "beyond", "up")
    assert first.wait_for_state("MASTER", SOON_S)["effective_priority"] == 160
    second.wait_for_state("BACKUP", SOON_S)


def test_release(pair: tuple[OurAgent, OurAgent]) -> None:
    """The MASTER says goodbye, so that the other need not wait; who starts without the interface is in FAULT."""
    first, second = pair
    second.start(WIRE, priority=100)
    first.start(WIRE, priority=150, track_interfaces=[{"name": "uplink"}])
    first.wait_for_state("MASTER", SOON_S)
    second.wait_for_state("BACKUP", SOON_S)
    first.node.ip("link", "del", "uplink")
    fault = "tracked interface: no interface uplink on this host"
    assert first.wait_for_state("FAULT", SOON_S)["fault"] == fault
    assert first.holds() == []
    status = second.wait_for_state("MASTER", SOON_S)
    assert status["last_transition"]["reason"] == "10.139.1.11 resigned (priority 0)"

    first.stop()
    first.start(WIRE, priority=150, track_interfaces=[{"name": "uplink"}])
    assert first.status()["fault"] == fault
    first.rewrite(track_interfaces=[])
    assert first.command("reload").returncode == 0
    first.wait_for_state("MASTER", SOON_S)
