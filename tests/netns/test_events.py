# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`vrrp-agent events`: what has happened and why, over restarts, upgrades and the end of the agent."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from peers import OurAgent, Wire
from segment import Segment, wait_for

QUICK = Wire(3, interval_s=0.2)
SOON_S = 20.0


@pytest.fixture
def agent(segment: Segment, tmp_path: Path) -> OurAgent:
    """The agent of node a, MASTER because it is alone."""
    agent = OurAgent(segment["a"], tmp_path / "a")
    agent.start(QUICK, priority=150)
    agent.wait_for_state("MASTER", SOON_S)
    return agent


def events(agent: OurAgent, *options: str) -> list[dict[str, Any]]:
    """The last events, as `events --json` shows them."""
    done = agent.command("events", "--json", "--state-dir", str(agent.folder), *options)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def names(agent: OurAgent, *options: str) -> list[str]:
    """What they are called; of a transition, the state that it led to."""
    return [event["to"] if event["event"] == "transition" else event["event"] for event in events(agent, *options)]


def test_events_outlive_upgrade_restart_and_the_agent(agent: OurAgent) -> None:
    assert names(agent) == ["started", "BACKUP", "MASTER"]
    last = events(agent, "--lines", "1")[0]
    assert (last["from"], last["to"], last["priority"], last["instance"]) == ("BACKUP", "MASTER", 150, "web")
    assert last["reason"]
    assert agent.command("upgrade").returncode == 0
    wait_for(lambda: names(agent)[-1:] == ["upgrade"], "the new process tells of the upgrade", SOON_S)
    agent.config.write_text("{}")
    assert agent.command("reload").returncode == 2
    assert names(agent) == ["started", "BACKUP", "MASTER", "upgrade", "reload"]
    agent.command("drain", "--force")
    successor = agent.document()["pid"]
    os.kill(successor, signal.SIGTERM)
    wait_for(lambda: not Path(f"/proc/{successor}").exists(), "the agent has ended", SOON_S)
    before = ["started", "BACKUP", "MASTER", "upgrade", "reload", "INIT", "drained", "stopped"]
    assert names(agent) == before
    agent.write(QUICK, 150)
    agent.launch(agent.run_command())
    wait_for(lambda: names(agent) == [*before, "started"], "the next life knows of the one before", SOON_S)
    assert [event["seq"] for event in events(agent)] == list(range(1, 10))


def test_who_follows_sees_the_next_life_too(agent: OurAgent) -> None:
    command = [sys.executable, "-m", "vrrp_agent.cli", "events", "--follow", "--lines", "1"]
    command += ["--runtime-dir", str(agent.folder)]
    with agent.node.popen(command, stdout=subprocess.PIPE, text=True) as following:
        try:
            assert following.stdout
            assert following.stdout.readline()  # it is there
            agent.stop()
            agent.launch(agent.run_command())
            lines = [following.stdout.readline() for unused in range(5)]
        finally:
            following.kill()
    assert "web eth0/51: BACKUP -> MASTER: " in lines[4], lines
