# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`vrrp-agent switchover` between our agents: a client asks the VIP every millisecond, and loses nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from conftest import MakeSegment
from group_peers import GROUP_VIPS, OurGroup, wait_until_moved
from peers import VIPS, VIPS_IPV6, OurAgent, Wire
from probe import probing
from segment import Segment, wait_for

SECOND = Wire(3)
QUICK = Wire(3, interval_s=0.2)
IPV6 = Wire(3, interval_s=0.4, vips=VIPS_IPV6)
VMAC = Wire(3, interval_s=0.4, use_vmac=True)
HMAC = {"authentication": {"type": "hmac", "keys": [{"id": 1, "key": "6b" * 32}]}}
SOON_S = 20.0


@pytest.fixture
def segment(make_segment: MakeSegment) -> Segment:
    """Two nodes and a client on one bridge."""
    return make_segment("a", "b", "client")


def switchover(agent: OurAgent, *options: str) -> dict[str, Any]:
    """Run the command; its answer."""
    done = agent.command("switchover", "web", "--json", *options)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def start(agent: OurAgent, wire: Wire, priority: int, **more: Any) -> None:
    """Start it, and wait until it is MASTER or hears one."""
    agent.start(wire, priority=priority, **more)
    wait_for(lambda: agent.status()["master"], f"{agent.node.label} hears a master or is it", SOON_S)


def adverts_pass(agent: OurAgent, count: int = 6) -> None:
    """Wait for so many adverts: longer than a backup that wants the role waits."""
    before = agent.status()["counters"]["advertisement_rcvd"]
    wait_for(lambda: agent.status()["counters"]["advertisement_rcvd"] >= before + count, "adverts", 15)


@pytest.fixture
def pair(segment: Segment, tmp_path: Path) -> tuple[OurAgent, OurAgent]:
    """Two agents, not yet started."""
    return OurAgent(segment["a"], tmp_path / "a"), OurAgent(segment["b"], tmp_path / "b")


@pytest.mark.parametrize(("wire", "more"), [(SECOND, {}), (QUICK, HMAC), (VMAC, {})], ids=["1 s", "hmac", "vmac"])
def test_there_and_back_loses_nothing(
    segment: Segment, pair: tuple[OurAgent, OurAgent], wire: Wire, more: dict[str, Any]
) -> None:
    """The better node stays BACKUP until it gets the role back by the same command on the other."""
    better, lesser = pair
    start(better, wire, 150, **more)
    start(lesser, wire, 100, **more)
    with probing(segment["client"], "10.139.1.1", "10.139.1.12") as probe:
        there = switchover(better)
        assert better.holds() == []
        assert (better.status()["state"], better.status()["switched_over"]) == ("BACKUP", True)
        assert lesser.wait_for_state("MASTER", 1)["addresses_present"] == list(wire.vips)
        adverts_pass(better)
        assert better.status()["state"] == "BACKUP"
        back = switchover(lesser)
        assert better.wait_for_state("MASTER", 1)["switched_over"] is False
        adverts_pass(lesser)
    assert probe.report.lost == 0, probe.report
    assert there["before"]["instances"]["web"]["state"] == back["before"]["instances"]["web"]["state"] == "MASTER"
    assert there["after"]["instances"]["web"]["state"] == back["after"]["instances"]["web"]["state"] == "BACKUP"
    assert there["after"]["instances"]["web"]["master"] == lesser.status()["source_address"]
    assert there["changed"] is True
    assert 0 < there["duration_s"] < 1.3


def test_over_ipv6(pair: tuple[OurAgent, OurAgent]) -> None:
    """No prober: the kernel makes a new IPv6 address answer only when a work queue of its own gets to it."""
    better, lesser = pair
    start(better, IPV6, 150)
    start(lesser, IPV6, 100)
    for leaver, successor in ((better, lesser), (lesser, better)):
        assert switchover(leaver)["changed"] is True
        assert (leaver.holds(), successor.holds()) == ([], list(VIPS_IPV6))
        adverts_pass(leaver)
        assert (leaver.status()["state"], successor.status()["state"]) == ("BACKUP", "MASTER")


def test_refused_without_a_peer(segment: Segment, pair: tuple[OurAgent, OurAgent]) -> None:
    """The addresses answer all the time, and the adverts go on."""
    alone = pair[0]
    start(alone, QUICK, 150)
    with probing(segment["client"], "10.139.1.1", "10.139.1.12") as probe:
        since = alone.status()["since"]
        done = alone.command("switchover", "web")
    assert probe.report.lost == 0, probe.report
    assert done.returncode == 1
    assert done.stderr == (
        "vrrp-agent: web: no successor answered within 0.399 s; still MASTER\n"
        "Use --force to leave all the same: then nobody holds the addresses.\n"
    )
    status = alone.status()
    assert (status["state"], status["since"], status["switched_over"]) == ("MASTER", since, False)
    sent = status["counters"]["advertisement_sent"]
    wait_for(lambda: alone.status()["counters"]["advertisement_sent"] > sent + 2, "adverts go on", SOON_S)
    assert "web eth0/51: still MASTER: no successor answered within 0.399 s" in alone.log
    assert "control socket: uid 0, pid" in alone.log


def test_refused_when_the_peer_is_deaf(segment: Segment, pair: tuple[OurAgent, OurAgent]) -> None:
    """A peer that cannot answer gets no chance to become a second MASTER: it hears the adverts again at once."""
    better, lesser = pair
    start(better, QUICK, 150)
    start(lesser, QUICK, 100)
    segment.block(lesser.node, better.node)
    assert better.command("switchover", "web").returncode == 1
    lesser.wait_for_state("BACKUP", SOON_S)
    assert (better.holds(), lesser.holds()) == (list(VIPS), [])


def test_forced_it_leaves_and_comes_back(pair: tuple[OurAgent, OurAgent]) -> None:
    alone = pair[0]
    start(alone, QUICK, 150)
    assert switchover(alone, "--force")["changed"] is True
    assert alone.holds() == []
    assert "resigned: nobody has taken over" in alone.log
    assert alone.wait_for_state("MASTER", SOON_S)["switched_over"] is False


def test_nothing_to_do(pair: tuple[OurAgent, OurAgent]) -> None:
    better, lesser = pair
    start(better, QUICK, 150)
    start(lesser, QUICK, 100)
    done = lesser.command("switchover", "web")
    assert (done.returncode, done.stdout) == (0, "web: nothing to do: BACKUP\n")
    assert switchover(lesser)["changed"] is False
    assert lesser.status()["switched_over"] is False
    done = lesser.command("switchover", "wep")
    text = "vrrp-agent: no instance is called wep; there are: web\n"
    assert (done.returncode, done.stderr) == (2, text)


def test_a_new_priority_ends_it(pair: tuple[OurAgent, OurAgent]) -> None:
    """A reload that changes something else does not."""
    better, lesser = pair
    start(better, QUICK, 150)
    start(lesser, QUICK, 100)
    switchover(better)
    better.rewrite(advert_interval=0.25)
    assert better.command("reload").returncode == 0
    assert better.status()["switched_over"] is True
    better.rewrite(priority=151)
    assert better.command("reload").returncode == 0
    assert better.wait_for_state("MASTER", SOON_S)["switched_over"] is False


def test_it_takes_over_when_the_new_master_dies(pair: tuple[OurAgent, OurAgent]) -> None:
    better, lesser = pair
    start(better, QUICK, 150)
    start(lesser, QUICK, 100)
    switchover(better)
    lesser.kill()
    reason = better.wait_for_state("MASTER", SOON_S)["last_transition"]["reason"]
    assert reason.startswith("no advert from 10.139.1.12 for 0.")


@pytest.mark.alone
def test_the_role_makes_the_round_of_three(make_segment: MakeSegment, tmp_path: Path) -> None:
    """Who has resigned lets the others go first, so that two commands bring the role to the least of three.

    Of two who have, the better one is but 3/256 of an interval earlier.
    """
    segment = make_segment("a", "b", "c", "client")
    agents = [OurAgent(segment[name], tmp_path / name) for name in ("a", "b", "c")]
    for agent, priority in zip(agents, (254, 63, 50)):
        start(agent, SECOND, priority)
    with probing(segment["client"], "10.139.1.1", "10.139.1.11") as probe:
        for leaver, successor in ((0, 1), (1, 2), (2, 0)):
            switchover(agents[leaver])
            agents[successor].wait_for_state("MASTER", 1)
            adverts_pass(agents[leaver], 4)
            states = [agent.status()["state"] for agent in agents]
            assert states == ["MASTER" if place == successor else "BACKUP" for place in range(3)]
    assert probe.report.lost == 0, probe.report


def test_a_sync_group_moves_as_one(make_segment: MakeSegment, tmp_path: Path) -> None:
    segment = make_segment("a", "b", "client", links=2)
    better, lesser = OurGroup(segment["a"], tmp_path / "a"), OurGroup(segment["b"], tmp_path / "b")
    for agent, priority in ((better, 150), (lesser, 100)):
        agent.start(QUICK, priority=priority)
        wait_for(lambda agent=agent: all(one["master"] for one in agent.instances().values()), "hears or is", SOON_S)
    with probing(segment["client"], "10.139.1.1", "10.139.1.12") as probe:
        done = better.command("switchover", "inside", "--json")
        assert (better.holds(), lesser.holds()) == ([], list(GROUP_VIPS))
    assert probe.report.lost == 0, probe.report
    after = json.loads(done.stdout)["after"]["instances"]
    assert {name: one["state"] for name, one in after.items()} == {"outside": "BACKUP", "inside": "BACKUP"}
    # ... or not at all.
    assert lesser.command("switchover", "inside").returncode == 0
    segment.block(lesser.node, better.node, device="eth1")
    done = better.command("switchover", "outside")
    assert done.returncode == 1
    assert "inside: no successor answered within 0.399 s; still MASTER" in done.stderr
    wait_until_moved(better, lesser, SOON_S)


def test_the_address_owner_refuses(segment: Segment, pair: tuple[OurAgent, OurAgent]) -> None:
    owner = pair[0]
    start(owner, Wire(3, interval_s=0.2, vips=("10.139.1.11/24",)), 255)
    for command in (("switchover", "web", "--force"), ("drain", "--force")):
        done = owner.command(*command)
        assert done.returncode == 1
        assert "the address owner (priority 255) keeps its own addresses" in done.stderr
    assert owner.status()["state"] == "MASTER"
    assert owner.document()["drained"] is False
