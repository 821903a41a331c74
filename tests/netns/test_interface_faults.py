# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Somebody changes the MASTER's interface, or its addresses: a FAULT where it has to be, and back by itself."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from capture import Capture
from peers import VIPS, OurAgent, Wire
from segment import NETNS_DIR, Namespace, Segment, wait_for
from timeline import Timeline

WIRE = Wire(3, interval_s=0.2)
SOON_S = 20.0
RESTORED_S = 0.1


@pytest.fixture
def master(segment: Segment, tmp_path: Path) -> OurAgent:
    """The agent of node a, MASTER by priority."""
    agent = OurAgent(segment["a"], tmp_path / "a")
    agent.start(WIRE, priority=150)
    agent.wait_for_state("MASTER", SOON_S)
    return agent


@pytest.fixture
def backup(segment: Segment, tmp_path: Path, master: OurAgent) -> OurAgent:
    """The agent of node b, which has heard the MASTER."""
    agent = OurAgent(segment["b"], tmp_path / "b")
    agent.start(WIRE, priority=100)
    wait_for(lambda: agent.status()["master"], "b hears the master", SOON_S)
    return agent


@pytest.fixture
def heard(segment: Segment) -> Iterator[Capture]:
    """What node b receives."""
    capture = Capture(segment["b"], "eth0")
    yield capture
    capture.close()


def announced(heard: Capture, mac: str) -> set[str]:
    """The addresses announced at a MAC address, each as sender and target of an ARP packet: a probe has no sender."""
    return {
        str(frame.sender)
        for frame in heard.frames()
        if frame.kind == "arp" and frame.announced_mac == mac and frame.octets[28:32] == frame.octets[38:42]
    }


def test_a_deleted_vip_is_back_within_100_ms(master: OurAgent, backup: OurAgent, heard: Capture) -> None:
    """By the kernel's own news; announced, and no role moves. The best of three counts, as the machine is shared."""
    before = [agent.status()["since"] for agent in (master, backup)]
    timeline = Timeline(str(NETNS_DIR / master.node.name), VIPS)
    expected = {vip.partition("/")[0] for vip in VIPS}
    took = []
    for _time in range(3):
        heard.frames().clear()
        began_s = time.monotonic()
        for vip in VIPS:
            master.node.ip("address", "del", vip, "dev", "eth0")
        wait_for(lambda at=began_s: timeline.whole_after(timeline.missing_after(at)) < float("inf"), "they are back")
        gone_s = timeline.missing_after(began_s)
        took.append(timeline.whole_after(gone_s) - gone_s)
        wait_for(lambda: announced(heard, master.node.mac()) == expected, "they are announced")
    timeline.close()
    assert min(took) < RESTORED_S, took
    assert [agent.status()["since"] for agent in (master, backup)] == before


def test_the_own_address_is_another_one(master: OurAgent, backup: OurAgent) -> None:
    """The MASTER speaks from the new one. Without any it is in FAULT, and the way back is the same news.

    The kernel takes the VIPs along with the first address of their subnet: they have to be put back.
    """
    node = master.node
    before = master.status()["since"]
    node.sysctl("net.ipv4.conf.eth0.promote_secondaries", 0)
    node.ip("address", "add", "10.139.1.21/32", "dev", "eth0")
    node.ip("address", "del", "10.139.1.11/24", "dev", "eth0")
    wait_for(lambda: backup.status()["master"]["address"] == "10.139.1.21", "b hears the new address", SOON_S)
    wait_for(lambda: sorted(master.holds()) == sorted(VIPS), "the VIPs are there", SOON_S)
    node.ip("address", "del", "10.139.1.21/32", "dev", "eth0")
    assert "no IPv4 address" in master.wait_for_state("FAULT", SOON_S)["fault"]
    assert master.holds() == []
    backup.wait_until_master(SOON_S)
    node.ip("address", "add", "10.139.1.11/24", "dev", "eth0")
    master.wait_until_master(SOON_S)
    assert master.status()["since"] != before
    backup.wait_until_backup(SOON_S)


def test_all_addresses_are_taken_away_and_the_own_one_is_put_back(segment: Segment, tmp_path: Path) -> None:
    """As NetworkManager does it when a connection is activated: no role moves, and the own address is the first."""
    wire = Wire(3)
    master, backup = (OurAgent(segment[label], tmp_path / label) for label in "ab")
    master.start(wire, priority=150)
    master.wait_for_state("MASTER", SOON_S)
    backup.start(wire, priority=100)
    wait_for(lambda: backup.status()["master"], "b hears the master", SOON_S)
    before = [agent.status()["since"] for agent in (master, backup)]
    timeline = Timeline(str(NETNS_DIR / master.node.name), VIPS)
    began_s = time.monotonic()
    script = "ip -4 address flush dev eth0; sleep 0.02; ip address add 10.139.1.11/24 dev eth0"
    master.node.run(["sh", "-c", script])
    back_s = time.monotonic()
    wait_for(lambda: timeline.whole_after(timeline.missing_after(began_s)) < float("inf"), "they are back")
    took_s = timeline.whole_after(timeline.missing_after(began_s)) - back_s
    timeline.close()
    assert took_s < 5 * RESTORED_S
    assert [agent.status()["since"] for agent in (master, backup)] == before
    assert "10.139.1.11/24 scope global eth0" in master.node.ip("-4", "-o", "address", "show", "dev", "eth0")


def test_the_interface_is_renamed(master: OurAgent, backup: OurAgent) -> None:
    """The addresses leave the interface that has another name now; under the old name it is MASTER's again."""
    node = master.node
    rename(node, "eth0", "lan0")
    assert master.wait_for_state("FAULT", SOON_S)["fault"] == "no interface eth0 on this host"
    wait_for(lambda: not set(VIPS) & set(node.addresses("lan0")), "the VIPs are gone from it", SOON_S)
    backup.wait_until_master(SOON_S)
    rename(node, "lan0", "eth0")
    master.wait_until_master(SOON_S)
    backup.wait_until_backup(SOON_S)


def rename(node: Namespace, old: str, new: str) -> None:
    """Give an interface another name, which older kernels do only while it is down."""
    for words in (("dev", old, "down"), ("dev", old, "name", new), ("dev", new, "up")):
        node.ip("link", "set", *words)


def test_the_interface_is_deleted_and_made_again(segment: Segment, master: OurAgent, backup: OurAgent) -> None:
    """It has another index and another MAC address: it is listened on and announced all the same."""
    master.node.ip("link", "del", "eth0")
    assert master.wait_for_state("FAULT", SOON_S)["fault"] == "no interface eth0 on this host"
    backup.wait_until_master(SOON_S)
    segment.join(master.node, 11)
    master.wait_until_master(SOON_S)
    backup.wait_until_backup(SOON_S)
    wait_for(lambda: backup.status()["master"]["address"] == "10.139.1.11", "b hears it", SOON_S)


def test_another_mtu_changes_nothing(master: OurAgent, backup: OurAgent) -> None:
    before = [agent.status()["since"] for agent in (master, backup)]
    sent = master.status()["counters"]["advertisement_sent"]
    master.node.ip("link", "set", "dev", "eth0", "mtu", "1400")
    wait_for(lambda: master.status()["counters"]["advertisement_sent"] > sent + 5, "it goes on", SOON_S)
    assert [agent.status()["since"] for agent in (master, backup)] == before
    assert master.holds() == list(VIPS)


def test_another_mac_address_is_announced(master: OurAgent, backup: OurAgent, heard: Capture) -> None:
    before = [agent.status()["since"] for agent in (master, backup)]
    mac = "02:00:00:00:00:07"
    master.node.ip("link", "set", "dev", "eth0", "address", mac)
    expected = {vip.partition("/")[0] for vip in VIPS}
    wait_for(lambda: announced(heard, mac) >= expected, "the VIPs are announced with it", SOON_S)
    assert [agent.status()["since"] for agent in (master, backup)] == before
