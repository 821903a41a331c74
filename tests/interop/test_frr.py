# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Our agent and FRRouting's vrrpd share a virtual router, in both roles."""

from __future__ import annotations

from pathlib import Path

import pytest
from frr import Frr
from peers import OurAgent, Wire
from segment import Segment
from test_keepalived import TAKEOVER_S, assert_no_errors

from lab import roots

WIRES = {"v2": Wire(2), "v3": Wire(3), "v3-100ms": Wire(3, interval_s=0.1)}
wires = pytest.mark.parametrize("wire", WIRES.values(), ids=WIRES)


@pytest.fixture(params=["bookworm"])
def frr(request: pytest.FixtureRequest, segment: Segment, tmp_path: Path) -> Frr:
    """FRRouting's vrrpd, not yet started."""
    return Frr(segment["theirs"], tmp_path / "theirs", roots.ensure(request.param, ["frr"]))


@wires
def test_frr_is_master(ours: OurAgent, frr: Frr, wire: Wire) -> None:
    """We follow vrrpd and take over as soon as it says goodbye."""
    frr.start(wire, priority=150)
    frr.wait_until_master(TAKEOVER_S)
    ours.start(wire, priority=100)
    status = ours.wait_for_state("BACKUP", 2)
    frr.stop()
    status = ours.wait_for_state("MASTER", TAKEOVER_S)
    assert status["last_transition"]["reason"] == "10.139.1.12 resigned (priority 0)"
    assert_no_errors(status)


@wires
def test_frr_is_backup(ours: OurAgent, frr: Frr, wire: Wire) -> None:
    """vrrpd follows us, takes over when we leave, and gives the role back."""
    frr.start(wire, priority=100)
    frr.wait_until_master(TAKEOVER_S)
    ours.start(wire, priority=150)
    status = ours.wait_for_state("MASTER", TAKEOVER_S)
    assert status["last_transition"]["reason"] == "10.139.1.12 has the lower priority: 100 < 150"
    frr.wait_until_backup(2)
    ours.stop()
    frr.wait_until_master(2)
    ours.start(wire, priority=150)
    status = ours.wait_for_state("MASTER", TAKEOVER_S)
    frr.wait_until_backup(2)
    assert_no_errors(status)
