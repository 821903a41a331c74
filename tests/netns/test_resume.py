# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`kill -9` of the MASTER, and started again 100 ms later, as systemd does it."""

from __future__ import annotations

import time
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from adverts import adverts, heard_from
from group_peers import OurGroup
from peers import VIPS, Keepalived, OurAgent, Peer, Wire
from probe import probing
from segment import Segment, wait_for

from lab import roots

SLOW, QUICK = Wire(3), Wire(3, interval_s=0.1)
# A busy machine may take a second or two to start an agent again: it must be back before three of these are over.
PATIENT = Wire(3, interval_s=1.5)
PATIENCE_S = 6.0
VIP, CONTROL = "10.139.1.1", "10.139.1.13"
RESTART_S = 0.1
SOON_S = 20.0


@pytest.fixture
def segment(make_segment: Any) -> Segment:
    """Two nodes, one that nothing happens to, and a client."""
    made: Segment = make_segment("a", "b", "control", "client")
    return made


def launched_again(agent: OurAgent) -> None:
    """The next life, as the same command."""
    agent.launch(agent.run_command())
    wait_for(agent._answers, "the agent answers", SOON_S)


def killed_and_started(agent: OurAgent) -> None:
    """Killed when it has just sent an advert: a machine under tests may take its time to start it again."""
    before = sent(agent)
    wait_for(lambda: sent(agent) > before, "it sends an advert", SOON_S)
    agent.kill()
    time.sleep(RESTART_S)
    launched_again(agent)


def sent(agent: OurAgent) -> int:
    return sum(instance["counters"]["advertisement_sent"] for instance in agent.document()["instances"])


@pytest.mark.parametrize("theirs", ["ours", "keepalived"])
@pytest.mark.parametrize("more", [{}, {"use_vmac": True}], ids=["", "vmac"])
def test_nobody_notices(segment: Segment, tmp_path: Path, theirs: str, more: dict[str, Any]) -> None:
    """MASTER again before the peer's patience ends: no transition there, no packet lost."""
    master = OurAgent(segment["a"], tmp_path / "a")
    wire = replace(PATIENT, use_vmac=bool(more))
    master.start(wire, priority=150)
    peer: Peer
    if theirs == "ours":
        peer = OurAgent(segment["b"], tmp_path / "b")
        peer.start(wire, priority=100)
        master.wait_for_state("MASTER", SOON_S)
        wait_for(lambda: peer.status()["master"], "b hears the master", SOON_S)
    else:
        peer = Keepalived(segment["b"], tmp_path / "b", roots.ensure("bookworm", ["keepalived"]))
        peer.start(PATIENT, priority=100)
        master.wait_for_state("MASTER", SOON_S)
    client = segment["client"]
    with heard_from(client, master.node.mac(master.device)) as packets:
        with probing(client, VIP, CONTROL) as probe:
            killed_and_started(master)
            status = master.status()
            time.sleep(PATIENCE_S)  # whoever were to take over would have
        times = adverts(packets)
    print(max(later - earlier for earlier, later in pairwise(times)), probe.report)
    assert status["state"] == "MASTER"
    assert status["last_transition"]["reason"].startswith("resumed: its addresses were renewed less than ")
    assert probe.report.lost == 0, probe.report
    assert master.holds() == list(VIPS)
    if isinstance(peer, OurAgent):
        assert peer.status()["state"] == "BACKUP"
    assert "MASTER STATE" not in peer.log and "-> MASTER" not in peer.log


def test_again_and_again(segment: Segment, tmp_path: Path) -> None:
    """Each life goes on; when no other one comes, the kernel removes the VIPs, and the peer has the role."""
    master, peer = (OurAgent(segment[label], tmp_path / label) for label in ("a", "b"))
    master.start(PATIENT, priority=150)
    master.wait_for_state("MASTER", SOON_S)
    peer.start(PATIENT, priority=100)
    wait_for(lambda: peer.status()["master"], "b hears the master", SOON_S)
    for _turn in range(3):
        killed_and_started(master)
    assert "-> MASTER" not in peer.log
    master.kill()
    master.wait_until_backup(PATIENCE_S)
    peer.wait_for_state("MASTER", SOON_S)


def test_too_late_for_a_fast_one(segment: Segment, tmp_path: Path) -> None:
    """At 100 ms a backup has taken over meanwhile: the next life holds nothing and hears it."""
    master, peer = (OurAgent(segment[label], tmp_path / label) for label in ("a", "b"))
    master.start(QUICK, priority=150, preempt=False)
    master.wait_for_state("MASTER", SOON_S)
    peer.start(QUICK, priority=100)
    wait_for(lambda: peer.status()["master"], "b hears the master", SOON_S)
    killed_and_started(master)
    assert master.holds() == []
    peer.wait_until_master(SOON_S)
    status = master.wait_for_state("BACKUP", SOON_S)
    assert "resumed" not in status["last_transition"]["reason"]
    assert master.holds() == []


def test_another_configuration(segment: Segment, tmp_path: Path) -> None:
    """In doubt as ever: what is left is removed, and the agent listens first."""
    master = OurAgent(segment["a"], tmp_path / "a")
    master.start(SLOW, priority=150)
    master.wait_for_state("MASTER", SOON_S)
    master.kill()
    master.rewrite(priority=149)
    launched_again(master)
    assert master.status()["state"] == "BACKUP"
    assert master.holds() == []


def test_a_peer_with_a_higher_priority(segment: Segment, tmp_path: Path) -> None:
    """No timer excludes that it took the role meanwhile: its next advert ends ours."""
    master, peer = (OurAgent(segment[label], tmp_path / label) for label in ("a", "b"))
    master.start(SLOW, priority=150)
    master.wait_for_state("MASTER", SOON_S)
    peer.write(SLOW, priority=255, virtual_addresses=list(VIPS))
    master.kill()
    for vip in VIPS:
        peer.node.ip("address", "add", vip, "dev", "eth0")
    peer.launch(peer.run_command())
    peer.wait_until_master(SOON_S)
    launched_again(master)
    master.wait_for_state("BACKUP", 2)
    assert master.holds() == []


def test_a_sync_group(make_segment: Any, tmp_path: Path) -> None:
    """As one."""
    segment = make_segment("a", "b", links=2)
    groups = [OurGroup(segment[label], tmp_path / label) for label in ("a", "b")]
    for group, priority in zip(groups, (150, 100)):
        group.start(PATIENT, priority=priority)
        group.wait_for_state("MASTER" if priority == 150 else "BACKUP", SOON_S)
    wait_for(lambda: all(one["master"] for one in groups[1].instances().values()), "b hears a", SOON_S)
    killed_and_started(groups[0])
    reasons = [one["last_transition"]["reason"] for one in groups[0].instances().values()]
    assert all(reason.startswith("resumed: ") for reason in reasons), reasons
    time.sleep(PATIENCE_S)  # whoever were to take over would have
    assert "-> MASTER" not in groups[1].log
    assert [group.status()["state"] for group in groups] == ["MASTER", "BACKUP"]
