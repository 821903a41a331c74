# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Our agent and a real keepalived share a virtual router, in both roles.

docs/interoperability.md has a table of these tests, and tests/unit/test_docs.py keeps the two together.
"""

from __future__ import annotations

from typing import Any

import pytest
from peers import VIPS, VIPS_IPV6, Keepalived, OurAgent, Wire
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
    "destination_errors",
    "source_errors",
)
# Generous beside the protocol's own 3.6 s, because these machines are shared; the reasons are exact.
TAKEOVER_S = 20.0
UNICAST = ("10.139.1.11", "10.139.1.12")
# For what does not depend on the interval.
QUICK = Wire(3, interval_s=0.2)
ADVERTS_ENOUGH = 6  # longer than the master down interval

# Version 2 has whole seconds; elsewhere a short interval takes less time, and is nothing that a test is about.
WIRES = {
    "v2": Wire(2),
    "v2-pass": Wire(2, "abc"),
    "v2-pass-8": Wire(2, "abcdefgh"),
    "v3": Wire(3),
    "v3-100ms": Wire(3, interval_s=0.1),
    "v3-ipv6": Wire(3, interval_s=0.4, vips=VIPS_IPV6),
    "v3-vmac": Wire(3, interval_s=0.4, use_vmac=True),
    "v3-ipv6-vmac": Wire(3, interval_s=0.4, vips=VIPS_IPV6, use_vmac=True),
    "v2-unicast": Wire(2, "abc", unicast=UNICAST),
    "v3-unicast": Wire(3, interval_s=0.4, unicast=UNICAST),
}
wires = pytest.mark.parametrize("wire", WIRES.values(), ids=WIRES)


def assert_no_errors(status: dict[str, Any]) -> None:
    """Both sides understand each other's every packet, and a role that moves is no conflict."""
    assert {name: status["counters"][name] for name in ERRORS} == dict.fromkeys(ERRORS, 0)
    assert (status["conflicts"], status["not_heard_by"]) == ([], None)


def their_address(theirs: Keepalived, wire: Wire) -> str:
    """What keepalived will send from: the link-local address that is there before a VIP is."""
    return theirs.node.link_local() if wire.vips == VIPS_IPV6 else "10.139.1.12"


def test_ipv6_unicast(ours: OurAgent, theirs: Keepalived) -> None:
    """keepalived sends with the kernel's hop limit, 64: heard where the configuration allows it, in both roles."""
    wire = Wire(3, interval_s=0.2, vips=VIPS_IPV6, unicast=("fd00:139::11", "fd00:139::12"))
    theirs.start(wire, priority=100)
    theirs.wait_until_master(TAKEOVER_S)
    ours.start(wire, priority=150, unicast_min_ttl=64)
    status = ours.wait_for_state("MASTER", TAKEOVER_S)
    assert status["last_transition"]["reason"] == "fd00:139::12 has the lower priority: 100 < 150"
    theirs.wait_until_backup(2)
    theirs.write(wire, priority=200)
    theirs.reload()
    theirs.wait_until_master(TAKEOVER_S)
    status = ours.wait_for_state("BACKUP", 2)
    assert status["master"]["address"] == "fd00:139::12"
    assert_no_errors(status)


def wait_for_adverts(ours: OurAgent) -> None:
    """Wait until ours has heard the other for longer than the master down interval."""
    heard = ours.status()["counters"]["advertisement_rcvd"] + ADVERTS_ENOUGH
    wait_for(lambda: ours.status()["counters"]["advertisement_rcvd"] >= heard, f"{heard} adverts", 2 * ADVERTS_ENOUGH)


@wires
def test_ours_is_backup(ours: OurAgent, theirs: Keepalived, wire: Wire) -> None:
    """We follow keepalived, take over when it leaves, and give the role back."""
    them = their_address(theirs, wire)
    theirs.start(wire, priority=150)
    theirs.wait_until_master(TAKEOVER_S)
    ours.start(wire, priority=100)
    ours.wait_for_state("BACKUP", 2)
    theirs.stop()
    status = ours.wait_for_state("MASTER", TAKEOVER_S)
    assert status["last_transition"]["reason"] == f"{them} resigned (priority 0)"
    assert sorted(ours.holds()) == sorted(wire.vips)
    assert_no_errors(status)

    theirs.start(wire, priority=150)
    theirs.wait_until_master(TAKEOVER_S)
    status = ours.wait_for_state("BACKUP", TAKEOVER_S)
    assert status["last_transition"]["reason"] == f"{them} has the higher priority: 150 > 100"
    assert status["master"]["address"] == them
    assert ours.holds() == []
    assert_no_errors(status)


@wires
def test_ours_is_master(ours: OurAgent, theirs: Keepalived, wire: Wire) -> None:
    """keepalived follows us, takes over when we leave, and gives the role back."""
    them = their_address(theirs, wire)
    theirs.start(wire, priority=100)
    theirs.wait_until_master(TAKEOVER_S)
    ours.start(wire, priority=150)
    status = ours.wait_for_state("MASTER", TAKEOVER_S)
    assert status["last_transition"]["reason"] == f"{them} has the lower priority: 100 < 150"
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


def test_theirs_is_killed(ours: OurAgent, theirs: Keepalived) -> None:
    """keepalived dies without a word: we take over when its time is up; its VIPs stay until it is started again."""
    theirs.start(Wire(3), priority=150)
    theirs.wait_until_master(TAKEOVER_S)
    ours.start(Wire(3), priority=100)
    wait_for(lambda: ours.status()["master"], "ours hears keepalived", 2)
    theirs.kill()
    status = ours.wait_for_state("MASTER", TAKEOVER_S)
    # 3 intervals and the skew; more only where the machine is busy.
    assert status["last_transition"]["reason"].startswith("no advert from 10.139.1.12 for 3.6")
    assert theirs.holds() == list(VIPS)
    assert_no_errors(status)


def test_ours_does_not_preempt(ours: OurAgent, theirs: Keepalived) -> None:
    """With preempt: false the better node of ours leaves the role where it is."""
    theirs.start(QUICK, priority=100)
    theirs.wait_until_master(TAKEOVER_S)
    ours.start(QUICK, priority=150, preempt=False)
    wait_for_adverts(ours)
    assert ours.status()["state"] == "BACKUP"
    assert ours.status()["master"]["priority"] == 100


def test_theirs_does_not_preempt(ours: OurAgent, theirs: Keepalived) -> None:
    """With nopreempt the better node of keepalived leaves the role with us."""
    ours.start(QUICK, priority=100)
    before = ours.wait_for_state("MASTER", TAKEOVER_S)
    theirs.start(QUICK, priority=150, preempt=False)
    sent = ours.status()["counters"]["advertisement_sent"] + ADVERTS_ENOUGH
    wait_for(lambda: ours.status()["counters"]["advertisement_sent"] >= sent, "more adverts", TAKEOVER_S)
    assert ours.status()["since"] == before["since"]
    assert theirs.holds() == []


def test_our_priority_changes(ours: OurAgent, theirs: Keepalived) -> None:
    """A lower priority in our file hands the role to keepalived, a higher one takes it back, by reload."""
    theirs.start(QUICK, priority=100)
    ours.start(QUICK, priority=150)
    ours.wait_for_state("MASTER", TAKEOVER_S)
    theirs.wait_until_backup(2)
    ours.rewrite(priority=50)
    assert ours.command("reload").returncode == 0
    theirs.wait_until_master(TAKEOVER_S)
    ours.wait_for_state("BACKUP", 2)
    ours.rewrite(priority=150)
    assert ours.command("reload").returncode == 0
    status = ours.wait_for_state("MASTER", TAKEOVER_S)
    assert status["last_transition"]["reason"] == "10.139.1.12 has the lower priority: 100 < 150"
    theirs.wait_until_backup(2)
    assert_no_errors(status)


def test_their_priority_changes(ours: OurAgent, theirs: Keepalived) -> None:
    """A lower priority in keepalived's file hands the role to us, a higher one takes it back, by SIGHUP."""
    theirs.start(QUICK, priority=150)
    theirs.wait_until_master(TAKEOVER_S)
    ours.start(QUICK, priority=100)
    ours.wait_for_state("BACKUP", 2)
    theirs.write(QUICK, priority=50)
    theirs.reload()
    ours.wait_for_state("MASTER", TAKEOVER_S)
    theirs.wait_until_backup(2)
    theirs.write(QUICK, priority=150)
    theirs.reload()
    theirs.wait_until_master(TAKEOVER_S)
    status = ours.wait_for_state("BACKUP", 2)
    assert status["last_transition"]["reason"] == "10.139.1.12 has the higher priority: 150 > 100"
    assert_no_errors(status)


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
