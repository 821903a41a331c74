# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Unicast on real interfaces: two agents without multicast, a source address of one's choice, and mistakes."""

from __future__ import annotations

import socket
from ipaddress import ip_address
from pathlib import Path

import pytest
from peers import VIPS_IPV6, OurAgent, Wire
from segment import Segment, wait_for
from vrrp_agent.linux.sockets import AdvertSocket

SOON_S = 20.0
WIRES = {
    "v2": (Wire(2), "10.139.1.11", "10.139.1.12"),
    "v3": (Wire(3, interval_s=0.2), "10.139.1.11", "10.139.1.12"),
    "v3-ipv6": (Wire(3, interval_s=0.2, vips=VIPS_IPV6), "fd00:139::11", "fd00:139::12"),
}


@pytest.mark.parametrize(("wire", "here", "there"), WIRES.values(), ids=WIRES)
def test_fails_over_and_back(segment: Segment, tmp_path: Path, wire: Wire, here: str, there: str) -> None:
    """With multicast cut off, so that only unicast can explain it."""
    for node in segment.nodes.values():
        node.run(["nft", "add table inet f; add chain inet f i { type filter hook input priority 0; }"])
        node.run(["nft", "add rule inet f i ip daddr 224.0.0.18 drop; add rule inet f i ip6 daddr ff02::12 drop"])
    master, backup = OurAgent(segment["a"], tmp_path / "a"), OurAgent(segment["b"], tmp_path / "b")
    master.start(wire, priority=150, unicast_peers=[there])
    master.wait_for_state("MASTER", SOON_S)
    backup.start(wire, priority=100, unicast_peers=[here], source_address=there)
    wait_for(lambda: backup.status()["master"], "b hears the master", SOON_S)
    assert backup.status()["master"]["address"] == here
    assert backup.status()["unicast_peers"] == [here]
    assert master.status()["source_address"] == here
    master.stop()
    status = backup.wait_for_state("MASTER", SOON_S)
    assert status["last_transition"]["reason"] == f"{here} resigned (priority 0)"
    master.start(wire, priority=150, unicast_peers=[there])
    master.wait_until_master(SOON_S)
    backup.wait_until_backup(SOON_S)


def test_a_hop_limit_of_64_only_where_it_is_configured(segment: Segment, tmp_path: Path) -> None:
    wire = Wire(3, interval_s=0.2, vips=VIPS_IPV6)
    master, backup = OurAgent(segment["a"], tmp_path / "a"), OurAgent(segment["b"], tmp_path / "b")
    # What leaves node a is made to look as if it came from keepalived.
    segment["a"].run(["nft", "add table ip6 m; add chain ip6 m o { type filter hook output priority 0; }"])
    segment["a"].run(["nft", "add rule ip6 m o meta l4proto 112 ip6 hoplimit set 64"])
    master.start(wire, priority=150, unicast_peers=["fd00:139::12"])
    backup.start(wire, priority=100, unicast_peers=["fd00:139::11"])
    wait_for(lambda: backup.status()["counters"]["ip_ttl_errors"], "the hop limit is counted", SOON_S)
    assert "ip_ttl_errors: TTL 64, not 255" in backup.log
    backup.wait_for_state("MASTER", SOON_S)
    backup.rewrite(unicast_min_ttl=64)
    assert backup.command("reload").returncode == 0
    backup.wait_for_state("BACKUP", SOON_S)


def test_a_stranger_is_no_peer(segment: Segment, tmp_path: Path) -> None:
    """Whom the MASTER does not list is not heard, however good."""
    master, stranger = OurAgent(segment["a"], tmp_path / "a"), OurAgent(segment["b"], tmp_path / "b")
    wire = Wire(3, interval_s=0.2)
    master.start(wire, priority=100, unicast_peers=["10.139.1.13"])
    before = master.wait_for_state("MASTER", SOON_S)
    stranger.start(wire, priority=150, unicast_peers=["10.139.1.11"])
    wait_for(lambda: master.status()["counters"]["source_errors"] >= 3, "it is counted", SOON_S)
    assert master.status()["since"] == before["since"]
    assert "dropped an advert from 10.139.1.12: source_errors: not one of unicast_peers" in master.log


def test_a_source_address_that_is_not_there(segment: Segment, tmp_path: Path) -> None:
    """A FAULT that says so, and mends itself when the address appears; in unicast and in multicast."""
    agent = OurAgent(segment["a"], tmp_path / "a")
    agent.start(Wire(3, interval_s=0.2), priority=100, source_address="10.139.1.77")
    assert agent.status()["fault"] == "source_address 10.139.1.77 is not on eth0"
    segment["a"].ip("address", "add", "10.139.1.77/24", "dev", "eth0")  # a secondary address
    assert agent.wait_for_state("MASTER", SOON_S)["source_address"] == "10.139.1.77"
    segment["a"].ip("address", "del", "10.139.1.77/24", "dev", "eth0")
    agent.wait_for_state("FAULT", SOON_S)


def test_a_source_address_that_is_changed_by_reload(segment: Segment, tmp_path: Path) -> None:
    """Without a change of role, and without waiting for news of the network."""
    segment["a"].ip("address", "add", "10.139.1.77/24", "dev", "eth0")
    agent = OurAgent(segment["a"], tmp_path / "a")
    agent.start(Wire(3, interval_s=0.2), priority=100)
    before = agent.wait_for_state("MASTER", SOON_S)
    assert before["source_address"] == "10.139.1.11"
    agent.rewrite(source_address="10.139.1.77")
    assert agent.command("reload").returncode == 0
    after = agent.status()
    assert (after["source_address"], after["since"]) == ("10.139.1.77", before["since"])


def test_an_own_address_among_the_peers(segment: Segment, tmp_path: Path) -> None:
    """The file cannot know, the node does."""
    agent = OurAgent(segment["a"], tmp_path / "a")
    agent.start(Wire(3), priority=100, unicast_peers=["10.139.1.12", "10.139.1.11"])
    reason = "unicast_peers names 10.139.1.11, an address of this node; list the other nodes only"
    assert agent.status()["fault"] == reason


def test_a_peer_that_is_not_there_keeps_nobody_waiting(segment: Segment) -> None:
    """Adverts to it wait in the kernel for its MAC: one to a living peer goes out all the same."""
    with segment["a"].entered():
        ours = AdvertSocket(socket.if_nametoindex("eth0"), "eth0", 4)
    with segment["b"].entered():
        theirs = socket.socket(socket.AF_INET, socket.SOCK_RAW, 112)
        theirs.settimeout(SOON_S)
    source = ip_address("10.139.1.11")
    for absent in (98, 99):
        for _again in range(2000):
            ours.send(b"to nobody", source, ip_address(f"10.139.1.{absent}"))
    ours.send(b"to a peer", source, ip_address("10.139.1.12"))
    assert theirs.recv(100)[20:] == b"to a peer"
    ours.close()
    theirs.close()
