# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Notify commands of a running agent: on each transition in order, and in a new life for the present state."""

from __future__ import annotations

import json
import os
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from adverts import adverts, heard_from
from peers import OurAgent, Wire
from segment import Segment, wait_for

QUICK, FAST = Wire(3, interval_s=0.2), Wire(3, interval_s=0.02)
SOON_S = 20.0

# As a keepalived user has it: the four arguments, and nothing of ours.
SCRIPT = """#!/bin/sh
TYPE=$1 NAME=$2 STATE=$3 PRIORITY=$4
case $STATE in
    MASTER|BACKUP|FAULT|STOP) echo "$TYPE $NAME $STATE $PRIORITY" >> {told} ;;
    *) echo "unknown state" ; exit 1 ;;
esac
"""


class Told(OurAgent):
    """An agent with a notify command, a script that keeps what it is told."""

    @property
    def script(self) -> Path:
        """The command."""
        return self.folder / "notify"

    def begin(self, wire: Wire, script: str = SCRIPT, instances: tuple[dict[str, Any], ...] = (), **top: Any) -> None:
        """Write the script and the configuration, and start."""
        self.script.write_text(script.format(told=self.folder / "told"))
        self.script.chmod(0o755)
        self.write(wire, 150)
        self.rewrite_instances(lambda own: [*own, *instances])
        self.put(notify=[{"command": [str(self.script)], "timeout": 5}], **top)
        self.launch(self.run_command())
        wait_for(lambda: self.node and (self.folder / "control.sock").exists(), "the agent answers", SOON_S)

    def put(self, **top: Any) -> None:
        """Change top-level keys of the configuration."""
        document = json.loads(self.config.read_text())
        self.config.write_text(json.dumps({**document, **top}))

    @property
    def told(self) -> list[str]:
        """What the script was told so far."""
        path = self.folder / "told"
        return path.read_text().splitlines() if path.exists() else []

    def wait_until_told(self, *lines: str) -> None:
        """Wait until it has been told exactly this."""
        wait_for(lambda: self.told == list(lines), f"it is told {lines}, not {self.told}", SOON_S)

    def result(self) -> dict[str, Any]:
        """The command's part of the status."""
        [notify] = self.document()["notify"]
        return dict(notify)


@pytest.fixture
def agent(segment: Segment, tmp_path: Path) -> Told:
    """An agent that is alone on its segment."""
    return Told(segment["a"], tmp_path / "a")


B, M, S = "INSTANCE web BACKUP 150", "INSTANCE web MASTER 150", "INSTANCE web STOP 150"


def test_the_life_of_a_keepalived_script(agent: Told) -> None:
    """Told of each state once: not again by an upgrade or a reload, but by the next life, for what is then."""
    agent.begin(QUICK)
    agent.wait_until_told(B, M)
    wait_for(lambda: agent.result()["runs"] == 2, "both runs are in the status", SOON_S)
    last = agent.result()["last"]
    assert (last["name"], last["state"], last["exit_code"], last["result"]) == ("web", "MASTER", 0, "ok")
    assert 0 < last["duration_ms"] < 5000
    assert agent.command("upgrade").returncode == 0
    assert agent.command("reload").returncode == 0
    assert agent.result()["runs"] == 2
    agent.command("drain", "--force")
    agent.wait_until_told(B, M, S)
    agent.command("undrain")
    agent.wait_until_told(B, M, S, B, M)
    os.kill(agent.document()["pid"], 9)
    agent.launch(agent.run_command())
    wait_for(lambda: len(agent.told) > 5 and agent.told[-1] == M, f"the next life tells, not {agent.told}", SOON_S)


def test_the_end_is_told(agent: Told) -> None:
    agent.begin(QUICK)
    agent.wait_until_told(B, M)
    agent.stop()
    assert agent.told == [B, M, S]


def test_a_new_command_is_told_the_present_state(agent: Told) -> None:
    agent.begin(QUICK)
    agent.wait_until_told(B, M)
    second = [str(agent.script), "INSTANCE-TOO"]
    agent.put(notify=[{"command": [str(agent.script)], "timeout": 6}, {"command": ["/bin/sh", *second], "timeout": 5}])
    assert agent.command("reload").returncode == 0
    wait_for(lambda: agent.document()["notify"][1]["runs"] == 1, "the new one runs", SOON_S)
    first, new = agent.document()["notify"]
    assert (first["runs"], first["timeout"]) == (2, 6)  # known: only its timeout is another one
    assert new["last"]["state"] == "MASTER" and new["last"]["exit_code"] == 1
    assert "unknown state" in new["last"]["output"]


def test_a_user_that_cannot_be_had_is_refused(agent: Told) -> None:
    agent.begin(QUICK)
    agent.put(notify=[{"command": ["/bin/true"], "user": "ghost"}])
    done = agent.command("reload")
    assert done.returncode == 2 and "notify[0].user: there is no user ghost on this host" in done.stderr


def test_the_environment_tells_more(agent: Told) -> None:
    agent.begin(QUICK, script="#!/bin/sh\nenv | grep ^VRRP_ | sort > {told}.$3; mv {told}.$3 {told}-$3\n")
    path = agent.folder / "told-MASTER"
    wait_for(path.exists, "the command has run", SOON_S)
    told = dict(line.split("=", 1) for line in path.read_text().splitlines())
    reason = told.pop("VRRP_REASON")
    assert reason == agent.status()["last_transition"]["reason"]
    assert told == {
        "VRRP_INTERFACE": "eth0",
        "VRRP_NAME": "web",
        "VRRP_PREVIOUS_STATE": "BACKUP",
        "VRRP_PRIORITY": "150",
        "VRRP_ROUTER_ID": "a",
        "VRRP_STATE": "MASTER",
        "VRRP_TYPE": "INSTANCE",
        "VRRP_VIRTUAL_ADDRESSES": "10.139.1.1/24 10.139.1.2/24",
        "VRRP_VIRTUAL_ROUTER_ID": "51",
    }


def test_a_sync_group_is_told_as_one(agent: Told) -> None:
    api = {"name": "api", "interface": "eth0", "virtual_router_id": 52, "priority": 150, "advert_interval": 0.2}
    groups = [{"name": "both", "instances": ["web", "api"]}]
    agent.begin(QUICK, instances=({**api, "virtual_addresses": ["10.139.1.3/24"]},), sync_groups=groups)
    wait_for(lambda: "GROUP both MASTER 0" in agent.told, "the group is told", SOON_S)
    agent.stop()
    assert [line for line in agent.told if line.startswith("GROUP")] == [
        "GROUP both BACKUP 0",
        "GROUP both MASTER 0",
        "GROUP both STOP 0",
    ]


@pytest.mark.alone
def test_commands_that_hang_and_fork_make_no_advert_late(segment: Segment, agent: Told) -> None:
    """They are killed with all their children; what they were to tell next is superseded and recorded."""
    script = "#!/bin/sh\ntrap '' TERM\n(trap '' TERM; sleep 1000) & echo $! >> {told}\nwhile :; do :; done\n"
    agent.begin(FAST, script=script)
    agent.put(notify=[{"command": [str(agent.script)], "timeout": 1.5}])
    agent.command("reload")
    agent.wait_for_state("MASTER", SOON_S)
    for _again in range(2):
        agent.command("drain", "--force")
        agent.command("undrain")
        agent.wait_for_state("MASTER", SOON_S)
    before = agent.result()["failures"]
    with heard_from(segment["b"], agent.node.mac()) as packets:
        wait_for(lambda: agent.result()["failures"] >= before + 2, "two more are killed", SOON_S)
        times = adverts(packets)
    gap = max(later - earlier for earlier, later in pairwise(times))
    print(f"{len(times)} adverts, the longest gap {gap * 1000:.1f} ms")
    assert gap < 3 * FAST.interval_s, gap
    result = agent.result()
    assert result["superseded"] > 0 and result["last"]["exit_code"] is None
    assert result["last"]["problem"].startswith("not ended after")
    wait_for(lambda: not agent.result()["running"], "all have ended", SOON_S)
    assert not [pid for pid in agent.told if _lives(int(pid))]


def _lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
