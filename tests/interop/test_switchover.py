# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`vrrp-agent switchover` and `drain` with a keepalived as the peer, under a client that asks every millisecond."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from losses import Report
from peers import VIPS, Keepalived, OurAgent, Wire
from probe import probing
from segment import Segment, wait_for

WIRES = {"v2-pass": Wire(2, "abc"), "v3": Wire(3), "v3-vmac": Wire(3, interval_s=0.4, use_vmac=True)}
TAKEOVER_S = 20.0
ADVERTS_ENOUGH = 5  # longer than the master down interval


@pytest.fixture
def segment() -> Iterator[Segment]:
    """Two nodes and a client on one bridge."""
    made = Segment(["ours", "theirs", "client"])
    yield made
    made.remove()


def hear(ours: OurAgent) -> None:
    """Hear keepalived as master for longer than a backup that wants the role waits."""
    before = ours.status()["counters"]["advertisement_rcvd"]
    wait_for(lambda: ours.status()["counters"]["advertisement_rcvd"] > before + ADVERTS_ENOUGH, "adverts", 15)


def assert_nothing_lost(report: Report, wire: Wire) -> None:
    """With a virtual MAC a switch follows keepalived's first advert, some ms before keepalived has its addresses."""
    if not wire.use_vmac:
        assert report.lost == 0, report


@pytest.mark.parametrize("wire", WIRES.values(), ids=WIRES)
def test_switchover_to_keepalived_and_drain(segment: Segment, ours: OurAgent, theirs: Keepalived, wire: Wire) -> None:
    """It takes over before we let go, keeps the role against our higher priority, and gives it back when it ends."""
    ours.start(wire, priority=150)
    ours.wait_for_state("MASTER", TAKEOVER_S)
    theirs.start(wire, priority=100)
    with probing(segment["client"], "10.139.1.1", "10.139.1.12") as probe:
        done = ours.command("switchover", "web")
        assert done.returncode == 0, done.stderr
        assert theirs.holds() == list(VIPS)
        hear(ours)
        status = ours.status()
        assert (status["state"], status["switched_over"], ours.holds()) == ("BACKUP", True, [])
    assert_nothing_lost(probe.report, wire)
    theirs.stop()
    status = ours.wait_for_state("MASTER", TAKEOVER_S)
    assert status["last_transition"]["reason"] == "10.139.1.12 resigned (priority 0)"
    assert status["switched_over"] is False
    theirs.start(wire, priority=100)
    with probing(segment["client"], "10.139.1.1", "10.139.1.12") as probe:
        done = ours.command("drain")
        assert done.returncode == 0, done.stderr
        theirs.wait_until_master(1)
    assert_nothing_lost(probe.report, wire)
    assert ours.status()["state"] == "INIT"
