# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What goes wrong inside the process and around it: a bug anywhere, nowhere to log to, a flood of questions."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from peers import OurAgent, Wire
from segment import Segment, wait_for
from vrrp_agent import client

WIRE = Wire(3, interval_s=0.2)
SOON_S = 20.0
# 31 clients send 60,000 octets each. Python takes a MiB at a time for small things, and half of one has to be left for
# an answer once they have gone: with nothing left at all it is luck whether there is room for one in what there is.
LEFT_OCTETS = 3 << 19

# Imported by the agent's interpreter before anything else: from the moment that a file is there, a method has a bug.
BUG = """
import os
from vrrp_agent.service import {module}
original = {module}.{where}
def broken(self, *arguments, **named):
    if os.path.exists({trigger!r}):
        raise ZeroDivisionError("a bug of the test")
    return original(self, *arguments, **named)
{module}.{where} = broken
"""


@pytest.fixture
def master(segment: Segment, tmp_path: Path) -> OurAgent:
    """The agent of node a, not yet started."""
    return OurAgent(segment["a"], tmp_path / "a")


@pytest.fixture
def backup(segment: Segment, tmp_path: Path) -> OurAgent:
    """The agent of node b."""
    agent = OurAgent(segment["b"], tmp_path / "b")
    agent.start(WIRE, priority=100)
    return agent


def run(agent: OurAgent, *before: str, **options: object) -> None:
    """Start it with words before its command, and wait until it is MASTER."""
    agent.write(WIRE, priority=150)
    command = [*before, *agent.run_command()]
    if options:
        agent.process = agent.node.popen(command, **options)
    else:
        agent.launch(command)
    wait_for(lambda: state(agent) == "MASTER", "it is MASTER", SOON_S)


def hears_it(backup: OurAgent) -> None:
    """Wait until it is BACKUP of another one: it may have been MASTER itself until that came."""
    backup.wait_for_state("BACKUP", SOON_S)
    wait_for(lambda: backup.status()["master"], "b hears it", SOON_S)


def state(agent: OurAgent) -> str | None:
    """Its state; None if it does not answer."""
    with suppress(client.ControlError):
        return str(agent.status()["state"])
    return None


def ask(agent: OurAgent) -> None:
    """Whatever it answers."""
    with suppress(client.ControlError):
        agent.document()


def hang_up(agent: OurAgent) -> None:
    """Reload by signal."""
    assert agent.process is not None
    agent.process.send_signal(signal.SIGHUP)


def stir(agent: OurAgent) -> None:
    """News from the kernel."""
    agent.node.ip("address", "add", "192.0.2.1/32", "dev", "eth0")


def wait(agent: OurAgent) -> None:
    """It comes by itself."""


BUGS: dict[str, tuple[str, str, Callable[[OurAgent], None]]] = {
    "timer": ("deadline", "Deadline.due", wait),
    "advert": ("virtual_router", "VirtualRouter._send", wait),
    "news": ("routers", "Routers.follow_network", stir),
    "command": ("agent", "Agent._status", ask),
    "signal": ("routers", "Routers.apply", hang_up),
}


@pytest.mark.parametrize("bug", BUGS)
def test_a_bug_anywhere(master: OurAgent, backup: OurAgent, tmp_path: Path, bug: str) -> None:
    """Its traceback is in the log, the VIPs are let go, the exit code makes systemd start it again, the peer serves."""
    module, where, provoke = BUGS[bug]
    trigger, double = tmp_path / "trigger", tmp_path / "double"
    double.mkdir()
    (double / "sitecustomize.py").write_text(BUG.format(module=module, where=where, trigger=str(trigger)))
    run(master, "env", f"PYTHONPATH={double}{os.pathsep}{os.environ['PYTHONPATH']}")
    trigger.touch()
    provoke(master)
    assert master.process is not None
    assert master.process.wait(SOON_S) == 1
    assert master.holds() == []
    assert "Traceback (most recent call last):" in master.log
    assert "ZeroDivisionError: a bug of the test" in master.log
    backup.wait_until_master(SOON_S)


def test_nowhere_to_log_to(master: OurAgent, backup: OurAgent) -> None:
    """A full disk below the log costs lines, and no role."""
    with open("/dev/full", "w") as full:
        run(master, stderr=full)
    before = master.status()["since"]
    assert master.command("reload").returncode == 0
    hears_it(backup)
    assert master.status()["since"] == before
    master.stop()
    assert master.holds() == []


def test_a_journal_that_does_not_read(master: OurAgent, backup: OurAgent) -> None:
    """The agent writes to a socket that is full, and goes on."""
    journal, its_end = socket.socketpair()
    with journal, its_end:
        its_end.setblocking(False)
        with suppress(BlockingIOError):
            while True:
                its_end.send(bytes(1024))
        its_end.setblocking(True)
        run(master, "env", "JOURNAL_STREAM=8:1", stderr=its_end.fileno())
        for _time in range(3):
            assert master.command("reload").returncode == 0
        hears_it(backup)
        master.stop()
    assert master.holds() == []


def test_a_read_only_runtime_folder(master: OurAgent, tmp_path: Path) -> None:
    """What listens there goes on answering; and it leaves in good order."""
    master.folder.mkdir(exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "none", str(master.folder)], check=True)
    try:
        with open(tmp_path / "log", "w") as log:
            run(master, stderr=log)
        master.rewrite(priority=149)
        subprocess.run(["mount", "-o", "remount,ro", str(master.folder)], check=True)
        assert master.command("reload").returncode == 0
        assert (master.status()["state"], master.status()["priority"]) == ("MASTER", 149)
        process = master.process
        assert process is not None
        master.stop()
        assert (process.returncode, master.holds()) == (0, [])
    finally:
        if master.process is not None:
            master.kill()
        subprocess.run(["umount", "--lazy", str(master.folder)], check=True)


def test_a_flooded_control_socket(master: OurAgent, backup: OurAgent) -> None:
    """Garbage, and clients that never say anything, for several of a backup's patiences: no role moves."""
    run(master)
    hears_it(backup)
    before = [agent.status()["since"] for agent in (master, backup)]
    path = str(master.folder / client.SOCKET_NAME)
    deadline = time.monotonic() + 3
    silent: list[socket.socket] = []
    while time.monotonic() < deadline:
        connection = socket.socket(socket.AF_UNIX)
        connection.setblocking(False)
        with suppress(OSError):
            connection.connect(path)
            connection.send(os.urandom(70_000))
        silent.append(connection)
        if len(silent) > 100:
            silent.pop(0).close()
        time.sleep(0.001)
    for connection in silent:
        connection.close()
    wait_for(lambda: state(master) == "MASTER", "it answers again", 10)
    assert [agent.status()["since"] for agent in (master, backup)] == before


def test_no_memory_left(master: OurAgent, backup: OurAgent) -> None:
    """A limit that leaves less to grow than a flood takes: clients are refused, and the role stays."""
    run(master)
    hears_it(backup)
    before = master.status()["since"]
    assert master.process is not None
    pid = str(master.process.pid)
    used = int(Path(f"/proc/{pid}/statm").read_text().split()[0]) * os.sysconf("SC_PAGESIZE")
    subprocess.run(["prlimit", "--pid", pid, f"--as={used + LEFT_OCTETS}:"], check=True)
    path = str(master.folder / client.SOCKET_NAME)
    connections = [socket.socket(socket.AF_UNIX) for _number in range(31)]
    for connection in connections:
        connection.connect(path)
        connection.sendall(b"x" * 60_000)
    time.sleep(4 * WIRE.interval_s)  # what is waited for is that nothing happens
    for connection in connections:
        connection.close()
    wait_for(lambda: state(master) == "MASTER", "it answers again", 10)
    assert master.status()["since"] == before
    assert "control socket: " in master.log
