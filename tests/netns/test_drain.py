# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`vrrp-agent drain` and `undrain`: a node that takes no part, whoever fails, until it is told to."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import pytest
from conftest import MakeSegment
from peers import VIPS, OurAgent, Wire
from probe import probing
from segment import Segment, wait_for
from vrrp_agent import client

QUICK = Wire(3, interval_s=0.2)
SOON_S = 20.0
OTHER = {
    "name": "other",
    "interface": "eth0",
    "virtual_router_id": 52,
    "priority": 150,
    "advert_interval": 0.2,
    "virtual_addresses": ["10.139.1.3/24"],
}


@pytest.fixture
def segment(make_segment: MakeSegment) -> Segment:
    """Two nodes and a client on one bridge."""
    return make_segment("a", "b", "client")


@pytest.fixture
def better(segment: Segment, tmp_path: Path) -> OurAgent:
    """The agent of node a, MASTER by priority."""
    agent = OurAgent(segment["a"], tmp_path / "a")
    agent.start(QUICK, priority=150)
    agent.wait_for_state("MASTER", SOON_S)
    return agent


@pytest.fixture
def lesser(segment: Segment, tmp_path: Path, better: OurAgent) -> OurAgent:
    """The agent of node b, which has heard the MASTER."""
    agent = OurAgent(segment["b"], tmp_path / "b")
    agent.start(QUICK, priority=100)
    wait_for(lambda: agent.status()["master"], "b hears the master", SOON_S)
    return agent


def ask(agent: OurAgent, *arguments: str) -> dict[str, Any]:
    """Run a command; its answer."""
    done = agent.command(*arguments, "--json")
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def states(agent: OurAgent) -> dict[str, str]:
    """The state of each instance."""
    return {instance["name"]: instance["state"] for instance in agent.document()["instances"]}


def test_drain_and_undrain_lose_nothing(segment: Segment, better: OurAgent, lesser: OurAgent) -> None:
    """Idempotent both; undrained, it begins as BACKUP and preempts."""
    with probing(segment["client"], "10.139.1.1", "10.139.1.12") as probe:
        drained = ask(better, "drain")
        assert (better.status()["state"], better.holds()) == ("INIT", [])
        assert (lesser.status()["state"], lesser.holds()) == ("MASTER", list(VIPS))
        assert ask(better, "drain")["changed"] is False
        undrained = ask(better, "undrain")
        assert undrained["after"]["instances"]["web"]["state"] == "BACKUP"
        assert ask(better, "undrain")["changed"] is False
        better.wait_for_state("MASTER", SOON_S)
        lesser.wait_for_state("BACKUP", SOON_S)
    assert probe.report.lost == 0, probe.report
    assert drained["before"] == {"drained": False, "instances": {"web": {"state": "MASTER", "master": "10.139.1.11"}}}
    assert drained["after"] == {"drained": True, "instances": {"web": {"state": "INIT", "master": None}}}
    assert (drained["changed"], undrained["changed"]) == (True, True)
    assert (undrained["before"]["drained"], undrained["after"]["drained"]) == (True, False)


def test_a_drained_node_takes_no_part(better: OurAgent, lesser: OurAgent) -> None:
    """Not when the other dies, not after kill -9, not after a stop, not after a reload with another instance."""
    ask(better, "drain")
    assert "DRAINED: this node takes no part until" in better.command("status").stdout
    lesser.kill()
    for end in (better.kill, better.stop):
        end()
        better.launch(better.run_command())
        wait_for(better._answers, "the agent answers", 10)
        assert better.document()["drained"] is True
    better.rewrite_instances(lambda instances: [*instances, OTHER])
    assert better.command("reload").returncode == 0
    done = better.command("switchover", "web")
    assert (done.returncode, done.stdout) == (0, "web: nothing to do: INIT\n")
    lesser.wait_until_backup(SOON_S)
    assert states(better) == {"web": "INIT", "other": "INIT"}
    assert better.holds() == []
    assert better.log.count("this node is drained: no instance takes part until `vrrp-agent undrain`") == 2
    ask(better, "undrain")
    wait_for(lambda: states(better) == {"web": "MASTER", "other": "MASTER"}, "both are MASTER", SOON_S)


def test_a_backup_drains_at_once(better: OurAgent, lesser: OurAgent) -> None:
    """And afterwards the MASTER, which nobody can replace, refuses."""
    ask(lesser, "drain")
    assert lesser.status()["last_transition"]["reason"] == "drained"
    since = better.status()["since"]
    done = better.command("drain")
    assert done.returncode == 1
    assert "not drained: web: no successor answered within 0.399 s; still MASTER" in done.stderr
    assert (better.status()["since"], better.document()["drained"]) == (since, False)
    assert better.holds() == list(VIPS)
    assert not (better.folder / "drained").exists()
    # By force it goes all the same.
    assert ask(better, "drain", "--force")["changed"] is True
    assert (better.status()["state"], better.holds()) == ("INIT", [])
    assert better.log.count("drained: nobody has taken over") == 1


def test_all_or_nothing(better: OurAgent, lesser: OurAgent) -> None:
    """One instance has no successor: the other one, which had, takes its role back as it is configured."""
    better.rewrite_instances(lambda instances: [*instances, OTHER])
    assert better.command("reload").returncode == 0
    wait_for(lambda: states(better) == {"web": "MASTER", "other": "MASTER"}, "both are MASTER", SOON_S)
    done = better.command("drain")
    assert done.returncode == 1
    assert "not drained: other: no successor answered within 0.399 s; still MASTER" in done.stderr
    wait_for(lambda: states(better) == {"web": "MASTER", "other": "MASTER"}, "both are MASTER", SOON_S)
    assert better.document()["drained"] is False
    lesser.wait_for_state("BACKUP", SOON_S)


def test_where_it_cannot_be_remembered_it_is_refused(segment: Segment, tmp_path: Path) -> None:
    """Before anything moves; and a node that cannot know whether it is drained does not start."""
    agent, place = OurAgent(segment["a"], tmp_path / "a"), tmp_path / "state"
    agent.write(QUICK, priority=150)
    agent.launch([*agent.run_command(), "--state-dir", str(place)])
    wait_for(agent._answers, "the agent answers", 10)
    since = agent.wait_for_state("MASTER", SOON_S)["since"]
    wait_for(lambda: "MASTER" in (place / "events.jsonl").read_text(), "its last event is written", SOON_S)
    place.rename(tmp_path / "gone")
    place.write_text("no folder")
    done = agent.command("drain", "--force")
    assert done.returncode == 1
    assert f"cannot remember that this node is drained: {place}/drained: File exists; nothing has" in done.stderr
    assert agent.status()["since"] == since
    agent.stop()
    failed = segment["a"].run([*agent.run_command(), "--state-dir", str(place)], check=False)
    assert failed.returncode == 1
    assert f"cannot tell whether this node is drained: {place}/drained: Not a directory" in failed.stderr


def test_two_commands_at_once(segment: Segment, tmp_path: Path) -> None:
    """The second is told so, the first goes on."""
    better = OurAgent(segment["a"], tmp_path / "a")
    better.start(Wire(3, interval_s=3), priority=254)
    better.wait_for_state("MASTER", 15)
    refusals = []

    def drain() -> None:
        with pytest.raises(client.ControlError) as refused:
            client.drain(runtime_dir=str(better.folder))
        refusals.append(refused.value.code)

    first = threading.Thread(target=drain)
    first.start()
    wait_for(lambda: better.log.count(": drain") == 1, "the first has begun", SOON_S)
    with pytest.raises(client.ControlError, match="another switchover, drain, undrain or upgrade is under way"):
        client.switchover("web", runtime_dir=str(better.folder))
    first.join(SOON_S)
    assert refusals == ["no_successor"]
