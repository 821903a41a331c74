# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A sick node of ours beside a keepalived: it gives the role to one that is there, and serves where none is."""

from __future__ import annotations

from pathlib import Path

import pytest
from peers import Keepalived, OurAgent, Wire
from segment import wait_for

WIRES = {"v2-pass": Wire(2, "abc"), "v3": Wire(3, interval_s=0.4)}
SOON_S = 15.0


@pytest.mark.parametrize("wire", WIRES.values(), ids=WIRES)
def test_the_last_resort(ours: OurAgent, theirs: Keepalived, wire: Wire, tmp_path: Path) -> None:
    """keepalived takes the role from our lowest priorities after our goodbye, as from a node that has left."""
    sick = tmp_path / "sick"
    check = {"type": "file", "path": str(sick), "expect": "absent", "interval": 0.2, "rise": 1, "fall": 1}
    sick.touch()
    ours.start(wire, priority=150, checks=[check], last_resort=True)
    status = ours.wait_for_state("MASTER", SOON_S)
    assert (status["effective_priority"], status["last_resort"]) == (20, True)
    theirs.start(wire, priority=100)
    theirs.wait_until_master(SOON_S)
    ours.wait_for_state("BACKUP", SOON_S)
    sick.unlink()
    ours.wait_for_state("MASTER", SOON_S)
    theirs.wait_until_backup(SOON_S)
    assert not ours.status()["last_resort"]
    sick.touch()
    theirs.wait_until_master(SOON_S)
    reason = ours.wait_for_state("BACKUP", SOON_S)["last_transition"]["reason"]
    assert reason == "10.139.1.12 has the higher priority: 100 > 20"
    theirs.stop()
    ours.wait_for_state("MASTER", SOON_S)
    assert ours.status()["counters"]["priority_zero_pkts_sent"] == 1
    assert wait_for(lambda: sorted(ours.holds()) == sorted(wire.vips), "ours holds the VIPs", SOON_S)
    assert (ours.status()["conflicts"], ours.status()["not_heard_by"]) == ([], None)
