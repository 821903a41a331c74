# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The event source of Event-Driven Ansible: what it yields, over lost connections; and a rulebook, run for real."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[3]
SOURCE = ROOT / "extensions/eda/plugins/event_source/vrrp_events.py"
RULEBOOK = Path(sys.executable).parent / "ansible-rulebook"
SOON_S = 60.0

# Says what the file beside it holds, as `vrrp-agent events` does, and ends: the connection is lost at once.
AGENT = """#!/bin/sh
case "$*" in
*--follow*) cat "$0.events"; touch "$0.followed" ;;
*) tail -n 1 "$0.events" ;;
esac
"""


def event(number: int, kind: str = "transition", **more: Any) -> dict[str, Any]:
    return {"seq": number, "at": "2026-11-22T16:00:00.123Z", "event": kind, "instance": "web", **more}


class Agent:
    """A command that tells these events."""

    def __init__(self, folder: Path) -> None:
        self.command = folder / "agent"
        self.command.write_text(AGENT)
        self.command.chmod(0o755)
        self.followed = folder / "agent.followed"
        self.tell()

    def tell(self, *events: Any) -> None:
        """Have these events from now on."""
        lines = (one if isinstance(one, str) else json.dumps(one) for one in events)
        new = self.command.with_suffix(".new")
        new.write_text("".join(f"{line}\n" for line in lines))
        new.replace(f"{self.command}.events")


@pytest.fixture
def agent(tmp_path: Path) -> Agent:
    return Agent(tmp_path)


def load() -> Any:
    specification = importlib.util.spec_from_file_location("vrrp_events", SOURCE)
    assert specification and specification.loader
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def yielded(agent: Agent, *steps: tuple[tuple[Any, ...], int], **more: Any) -> list[tuple[str, int]]:
    """Host and number of each event, when the agent tells one thing after the other; with each, how many must come."""
    queue: asyncio.Queue[Any] = asyncio.Queue()
    found: list[tuple[str, int]] = []

    async def story() -> None:
        arguments = {"hosts": ["lb1"], "command": [str(agent.command)], "retry": 0.05, **more}
        following = asyncio.create_task(load().main(queue, arguments))
        while not agent.followed.exists():  # it has seen what is old by then
            await asyncio.sleep(0.01)
        for done, (events, _wanted) in enumerate(steps):
            agent.tell(*events)
            while len(found) < sum(wanted for unused, wanted in steps[: done + 1]):
                one = await asyncio.wait_for(queue.get(), SOON_S)
                found.append((one["host"], one["vrrp"]["seq"]))
        await asyncio.sleep(0.3)  # what must not come has had time to come
        assert queue.empty()
        following.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await following

    asyncio.run(story())
    return found


def test_each_event_once_over_lost_connections(agent: Agent) -> None:
    """What has happened before is no news; what happens while nobody is connected is."""
    agent.tell(event(1), event(2))
    first = (event(1), event(2), event(3))
    second = (*first, event(4, "check"), event(5, "conflict"), event(6, "reload"), event(7))
    assert yielded(agent, (first, 1), (second, 3)) == [("lb1", number) for number in (3, 4, 5, 7)]


def test_only_what_is_wanted(agent: Agent) -> None:
    events = (event(1, "reload"), event(2), event(3, "reload"))
    assert yielded(agent, (events, 2), events=["reload"]) == [("lb1", 1), ("lb1", 3)]


def test_what_is_no_event_is_passed_over(agent: Agent) -> None:
    events = ("", "[]", "{", '{"seq": "1"}', '{"event": 1, "seq": 1}', "[" * 50_000, event(5))
    assert yielded(agent, (events, 1)) == [("lb1", 5)]


def test_an_agent_that_counts_anew(agent: Agent) -> None:
    """Its state folder was lost."""
    agent.tell(event(500))
    assert yielded(agent, ((event(501),), 1), ((event(1), event(2)), 2)) == [("lb1", 501), ("lb1", 1), ("lb1", 2)]


@pytest.mark.parametrize("hosts", [None, [], "lb1", ["-oProxyCommand=x"]])
def test_hosts_must_be_named(hosts: Any) -> None:
    """A name that ssh would take for an option is none."""
    with pytest.raises(ValueError, match="name the hosts"):
        asyncio.run(load().main(asyncio.Queue(), {"hosts": hosts}))


def test_the_example_rulebook_runs(agent: Agent, tmp_path: Path) -> None:
    """By ansible-rulebook itself, which needs Java."""
    assert RULEBOOK.exists(), "requirements-dev.txt brings it"
    agent.tell(event(1))
    variables = tmp_path / "vars.yml"
    variables.write_text(f"vrrp_hosts: [lb1]\nvrrp_command: [{agent.command}]\nvrrp_retry: 0.2\n")
    environment = {
        **os.environ,
        "PATH": f"{RULEBOOK.parent}:{os.environ['PATH']}",
        "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".build"),
    }
    environment.pop("PYTHONPATH", None)
    java = Path("/usr/bin/java").resolve().parent.parent
    environment.setdefault("JAVA_HOME", str(java))
    inventory = tmp_path / "inventory.yml"
    inventory.write_text("all: {hosts: {localhost: {ansible_connection: local}}}\n")
    command = [RULEBOOK, "--rulebook", "duet.ha_pair.vrrp_events", "-i", inventory, "--vars", variables]
    with subprocess.Popen(
        [str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment
    ) as process:
        patience = threading.Timer(2 * SOON_S, process.kill)
        patience.start()
        try:
            assert process.stdout
            while not agent.followed.exists() and process.poll() is None:
                time.sleep(0.05)
            agent.tell(event(1), event(2, **{"from": "BACKUP", "to": "MASTER", "reason": "no advert heard for 3.41 s"}))
            told = []
            for line in process.stdout:
                told.append(line)
                if line.startswith("lb1 is MASTER of web"):
                    break
        finally:
            patience.cancel()
            process.kill()
    assert told[-1:] == ["lb1 is MASTER of web: no advert heard for 3.41 s\n"], "".join(told)
