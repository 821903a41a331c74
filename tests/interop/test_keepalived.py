# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Our agent and a real keepalived share a virtual router, in both roles."""

from __future__ import annotations

from typing import Any

import pytest
from peers import VIPS, Keepalived, OurAgent, Wire
from segment import wait_for

ERRORS = (
    "checksum_errors",
    "version_errors",
    "ip_ttl_errors",
    "packet_length_errors",
    "invalid_type_pkts_rcvd",
    "address_list_errors",
    "interval_errors",
    "auth_type_mismatch",
    "auth_failures",
    "own_source_errors",
)
# Generous beside the protocol's own 3.6 s, because these machines are shared; the reasons are exact.
TAKEOVER_S = 8.0

wires = pytest.mark.parametrize(
    "wire", [Wire(2), Wire(2, "abc"), Wire(2, "abcdefgh"), Wire(3)], ids=["v2", "v2-pass", "v2-pass-8", "v3"]
)


def assert_no_errors(status: dict[str, Any]) -> None:
    """Both sides understand each other's every packet."""
    assert {name: status["counters"][name] for name in ERRORS} == dict.fromkeys(ERRORS, 0)


@wires
def test_ours_is_backup(ours: OurAgent, theirs: Keepalived, wire: Wire) -> None:
    """We follow keepalived, take over when it leaves or dies, and give the role back."""
    theirs.start(wire, priority=150)
    theirs.wait_until_master(TAKEOVER_S)
    ours.start(wire, priority=100)
    status = ours.wait_for_state("BACKUP", 2)
    theirs.stop()
    status = ours.wait_for_state("MASTER", TAKEOVER_S)
    assert status["last_transition"]["reason"] == "10.139.1.12 resigned (priority 0)"
    assert status["addresses_present"] == list(VIPS)
    assert_no_errors(status)

    theirs.start(wire, priority=150)
    theirs.wait_until_master(TAKEOVER_S)
    status = ours.wait_for_state("BACKUP", TAKEOVER_S)
    assert status["last_transition"]["reason"] == "10.139.1.12 has the higher priority: 150 > 100"
    assert status["master"]["address"] == "10.139.1.12"
    assert ours.holds() == []
    assert_no_errors(status)


@wires
def test_ours_is_master(ours: OurAgent, theirs: Keepalived, wire: Wire) -> None:
    """keepalived follows us, takes over when we leave, and gives the role back."""
    theirs.start(wire, priority=100)
    theirs.wait_until_master(TAKEOVER_S)
    ours.start(wire, priority=150)
    status = ours.wait_for_state("MASTER", TAKEOVER_S)
    assert status["last_transition"]["reason"] == "10.139.1.12 has the lower priority: 100 < 150"
    theirs.wait_until_backup(2)

    ours.stop()
    assert ours.holds() == []
    theirs.wait_until_master(2)
    ours.start(wire, priority=150)
    status = ours.wait_for_state("MASTER", TAKEOVER_S)
    theirs.wait_until_backup(2)
    assert_no_errors(status)


def test_ours_is_killed(ours: OurAgent, theirs: Keepalived) -> None:
    """Nothing of ours runs any more, and yet no VIP stays behind when keepalived claims them."""
    theirs.start(Wire(3), priority=100)
    ours.start(Wire(3), priority=150)
    ours.wait_for_state("MASTER", TAKEOVER_S)
    theirs.wait_until_backup(2)
    ours.kill()
    assert ours.holds() == list(VIPS)
    theirs.wait_until_master(TAKEOVER_S)
    ours.wait_until_backup(1)


def test_no_preempt(ours: OurAgent, theirs: Keepalived) -> None:
    """With preempt: false the better node leaves the role where it is."""
    theirs.start(Wire(3), priority=100)
    theirs.wait_until_master(TAKEOVER_S)
    ours.start(Wire(3), priority=150, preempt=False)
    adverts = 6

    def heard() -> bool:
        return bool(ours.status()["counters"]["advertisement_rcvd"] >= adverts)

    wait_for(heard, f"{adverts} adverts, longer than the master down interval", 2 * adverts)
    assert ours.status()["state"] == "BACKUP"
    assert ours.status()["master"]["priority"] == 100


def test_wrong_password(ours: OurAgent, theirs: Keepalived) -> None:
    """A password that differs is counted, said without the password, and moves no timer."""
    theirs.start(Wire(2, "theirs"), priority=150)
    theirs.wait_until_master(TAKEOVER_S)
    ours.start(Wire(2, "ours-pw"), priority=100)
    status = ours.wait_for_state("MASTER", TAKEOVER_S)
    assert status["counters"]["auth_failures"] >= 3
    assert status["counters"]["advertisement_rcvd"] == 0
    assert "auth_failures: the password differs" in ours.log
    assert "ours-pw" not in ours.log and "theirs" not in ours.log
