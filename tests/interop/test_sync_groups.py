# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Our sync group and keepalived's vrrp_sync_group over two segments: what moves, moves on both."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from group_peers import KeepalivedGroup, OurGroup, wait_until_moved
from peers import Wire
from segment import Segment

WIRE = Wire(3, interval_s=0.4)
# Generous beside the protocol's own 3.6 s, because these machines are shared.
TAKEOVER_S = 20.0


@pytest.fixture
def segment() -> Iterator[Segment]:
    """Two nodes, ours and theirs, on two bridges."""
    made = Segment(["ours", "theirs"], links=2)
    yield made
    made.remove()


@pytest.fixture
def ours(segment: Segment, tmp_path: Path) -> OurGroup:
    """Our agent, not yet started."""
    return OurGroup(segment["ours"], tmp_path / "ours")


@pytest.fixture
def theirs(segment: Segment, tmp_path: Path, keepalived_root: Path) -> KeepalivedGroup:
    """keepalived, not yet started."""
    return KeepalivedGroup(segment["theirs"], tmp_path / "theirs", keepalived_root)


def assert_no_errors(ours: OurGroup) -> None:
    """Both sides understand each other's every packet."""
    for instance in ours.instances().values():
        assert {name for name, count in instance["counters"].items() if "error" in name and count} == set()


def test_our_sync_group_is_master(segment: Segment, ours: OurGroup, theirs: KeepalivedGroup) -> None:
    """Our cut of one segment gives keepalived both; its return takes both back; so does a stop."""
    theirs.start(WIRE, priority=100)
    theirs.wait_until_master(TAKEOVER_S)
    ours.start(WIRE, priority=150)
    wait_until_moved(ours, theirs, TAKEOVER_S)
    segment.cut(ours.node, "eth1")
    wait_until_moved(theirs, ours, TAKEOVER_S)
    assert ours.status()["state"] == "FAULT"
    segment.plug(ours.node, "eth1")
    wait_until_moved(ours, theirs, TAKEOVER_S)
    ours.stop()
    wait_until_moved(theirs, ours, TAKEOVER_S)
    ours.start(WIRE, priority=150)
    wait_until_moved(ours, theirs, TAKEOVER_S)
    assert_no_errors(ours)


def test_their_sync_group_is_master(segment: Segment, ours: OurGroup, theirs: KeepalivedGroup) -> None:
    """keepalived's cut of one segment gives us both, soon by its goodbye on the other; its return takes both back."""
    theirs.start(WIRE, priority=150)
    theirs.wait_until_master(TAKEOVER_S)
    ours.start(WIRE, priority=100)
    segment.cut(theirs.node, "eth1")
    wait_until_moved(ours, theirs, TAKEOVER_S)
    reasons = [instance["last_transition"]["reason"] for instance in ours.instances().values()]
    assert reasons == [
        "sync group edge: 10.139.1.12 resigned (priority 0)",
        "sync group edge: outside takes over: 10.139.1.12 resigned (priority 0)",
    ]
    segment.plug(theirs.node, "eth1")
    wait_until_moved(theirs, ours, TAKEOVER_S)
    assert ours.status()["state"] == "BACKUP"
    theirs.kill()
    ours.wait_until_master(TAKEOVER_S)
    assert_no_errors(ours)
