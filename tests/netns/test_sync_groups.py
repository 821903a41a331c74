# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two nodes between two segments: what they hold, they hold on both."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from conftest import MakeSegment
from group_peers import GROUP_VIPS, MEMBERS, OurGroup, wait_until_moved
from peers import Wire
from segment import Segment, wait_for

WIRE = Wire(3, interval_s=0.2)
SOON_S = 20.0


@pytest.fixture
def segment(make_segment: MakeSegment) -> Segment:
    """Two nodes on two bridges."""
    return make_segment("a", "b", links=2)


@pytest.fixture
def master(segment: Segment, tmp_path: Path) -> OurGroup:
    """The agent of node a, MASTER of the group by priority."""
    agent = OurGroup(segment["a"], tmp_path / "a")
    agent.start(WIRE, priority=150)
    agent.wait_until_master(SOON_S)
    return agent


@pytest.fixture
def backup(segment: Segment, tmp_path: Path, master: OurGroup) -> OurGroup:
    """The agent of node b, which has heard the MASTER on both segments."""
    agent = OurGroup(segment["b"], tmp_path / "b")
    agent.start(WIRE, priority=100)
    wait_for(lambda: all(one["master"] for one in agent.instances().values()), "b hears the master", SOON_S)
    return agent


@pytest.mark.parametrize(("device", "cut", "other"), [("eth1", "inside", "outside"), ("eth0", "outside", "inside")])
def test_cut_of_one_segment_moves_both(
    segment: Segment, master: OurGroup, backup: OurGroup, device: str, cut: str, other: str
) -> None:
    """FAULT of one is FAULT of both, with the reason; the peer has both; and both come back."""
    segment.cut(master.node, device)
    wait_until_moved(backup, master, SOON_S)
    found = master.instances()
    why = f"sync group edge: {cut} is in FAULT: {device} has no carrier"
    assert (found[cut]["state"], found[cut]["fault"]) == ("FAULT", f"{device} has no carrier")
    assert (found[other]["state"], found[other]["fault"]) == ("FAULT", why)
    assert found[other]["last_transition"]["reason"] == why
    assert f"{other} {MEMBERS[other][0]}/{MEMBERS[other][1]}: MASTER -> FAULT: {why}" in master.log
    assert master.status() == {"name": "edge", "state": "FAULT", "fault": why, "instances": ["outside", "inside"]}
    taken = backup.instances()
    assert taken[other]["last_transition"]["reason"].startswith("sync group edge: ")
    assert "resigned (priority 0)" in taken[cut]["last_transition"]["reason"]
    assert backup.status()["state"] == "MASTER"

    segment.plug(master.node, device)
    wait_until_moved(master, backup, SOON_S)
    assert master.status()["state"] == "MASTER"
    assert {one["state"] for one in backup.instances().values()} == {"BACKUP"}
    assert {one["sync_group"] for one in backup.instances().values()} == {"edge"}
    assert {one["fault"] for one in master.instances().values()} == {None}


def test_the_peer_has_the_group_long_before_a_timer_runs_out(segment: Segment, tmp_path: Path) -> None:
    """The FAULT of one member is a goodbye of the other: Skew_Time instead of three intervals, on both."""
    slow = Wire(3, interval_s=10)
    one, other = OurGroup(segment["a"], tmp_path / "a"), OurGroup(segment["b"], tmp_path / "b")
    one.start(WIRE, priority=254)
    one.wait_until_master(SOON_S)
    other.start(slow, priority=253)
    wait_for(lambda: all(found["master"] for found in other.instances().values()), "b hears a", SOON_S)
    # It sends an advert at once, after which b waits for 30 s.
    one.write(slow, priority=254)
    heard = [found["counters"]["advertisement_rcvd"] for found in other.instances().values()]
    assert one.command("reload").returncode == 0
    wait_for(
        lambda: [found["counters"]["advertisement_rcvd"] for found in other.instances().values()] > heard,
        "b has heard the new interval",
        SOON_S,
    )
    segment.cut(one.node, "eth1")
    wait_until_moved(other, one, SOON_S)


def test_silence_on_one_segment_moves_nothing(segment: Segment, master: OurGroup, backup: OurGroup) -> None:
    """The backup hears the master on one segment: it is alive, and two masters there would be the end of both."""
    before = [one["since"] for one in (*master.instances().values(), *backup.instances().values())]
    segment.block(master.node, backup.node, device="eth1")
    segment.block(backup.node, master.node, device="eth1")
    heard = backup.instances()["outside"]["counters"]["advertisement_rcvd"]
    wait_for(
        lambda: backup.instances()["outside"]["counters"]["advertisement_rcvd"] >= heard + 10,
        "ten adverts, three times as long as a backup waits",
        2 * SOON_S,
    )
    assert [one["since"] for one in (*master.instances().values(), *backup.instances().values())] == before
    assert backup.instances()["inside"]["state"] == "BACKUP"
    master.stop()
    wait_until_moved(backup, master, SOON_S)


def test_stop_kill_and_return(master: OurGroup, backup: OurGroup) -> None:
    """Both go together, whatever ends the master."""
    master.stop()
    wait_until_moved(backup, master, SOON_S)
    master.start(WIRE, priority=150)
    wait_until_moved(master, backup, SOON_S)
    master.kill()
    wait_until_moved(backup, master, SOON_S)


def test_reload_of_groups_moves_no_role(master: OurGroup, backup: OurGroup) -> None:
    """A group goes, comes back under another name: who is MASTER stays it, and since when."""

    def since() -> list[str]:
        return [one["since"] for one in (*master.instances().values(), *backup.instances().values())]

    before = since()
    for groups in ([], [{"name": "core", "instances": ["inside", "outside"]}]):
        for agent, priority in ((master, 150), (backup, 100)):
            agent.write(WIRE, priority, sync_groups=groups)
            assert agent.command("reload").returncode == 0
            assert [group["name"] for group in agent.groups()] == [group["name"] for group in groups]
    assert since() == before
    master.stop()
    wait_until_moved(backup, master, SOON_S)


def test_a_fault_ends_with_the_group(segment: Segment, master: OurGroup) -> None:
    """Who was in FAULT only for the group takes part again when the group is gone, and not before."""
    segment.cut(master.node, "eth1")
    master.wait_for_state("FAULT", SOON_S)
    master.write(WIRE, 150, sync_groups=[])
    assert master.command("reload").returncode == 0
    wait_for(lambda: master.holds() == [GROUP_VIPS[0]], "outside is MASTER alone", SOON_S)
    assert "outside eth0/51: FAULT -> BACKUP: no longer in a sync group" in master.log


def test_an_instance_joins_a_group_that_is_master(master: OurGroup, backup: OurGroup) -> None:
    """It listens first, and then is MASTER too; the others go on meanwhile."""
    before = [one["since"] for one in master.instances().values()]
    for agent in (backup, master):
        document = json.loads(agent.config.read_text())
        vip = "10.139.2.9/24"
        third = {**document["instances"][1], "name": "third", "virtual_router_id": 53, "virtual_addresses": [vip]}
        document["instances"].append(third)
        document["sync_groups"][0]["instances"].append("third")
        agent.config.write_text(json.dumps(document))
        assert agent.command("reload").returncode == 0
    wait_for(lambda: master.instances()["third"]["state"] == "MASTER", "the third is MASTER too", SOON_S)
    assert [one["since"] for one in master.instances().values()][:2] == before
    assert backup.instances()["third"]["state"] == "BACKUP"


def test_mistakes_are_refused(segment: Segment, tmp_path: Path) -> None:
    """With the path and the mend."""
    agent = OurGroup(segment["a"], tmp_path / "a")
    agent.write(WIRE, priority=150, sync_groups=[{"name": "edge", "instances": ["outside", "insde"]}])
    code, errors = agent.refused("check")
    assert code == 2
    assert "sync_groups[0].instances: no instance is called insde; did you mean inside?" in errors
