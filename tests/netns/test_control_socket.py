# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The control socket under attack, and in trouble: the role and the adverts do not notice."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from peers import VIPS, OurAgent, Wire
from segment import Segment, wait_for
from vrrp_agent import client

FAST = Wire(3, interval_s=0.01)
QUICK = Wire(3, interval_s=0.2)
SOON_S = 20.0


def connect(agent: OurAgent) -> socket.socket:
    """A connection to its control socket."""
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(2)
    connection.connect(str(agent.folder / client.SOCKET_NAME))
    return connection


def attack(agent: OurAgent, octets: bytes, stop: threading.Event, pause_s: float) -> None:
    """Connect again and again, send, read nothing."""
    while not stop.is_set():
        with contextlib.suppress(OSError), connect(agent) as connection:
            for _piece in range(100):
                if stop.is_set():
                    break
                connection.sendall(octets)
                stop.wait(pause_s)


@contextlib.contextmanager
def attacks(agent: OurAgent) -> Iterator[None]:
    """64 clients that stall, others that trickle, flood, send lines of 10 MB and garbage, or never read."""
    stop = threading.Event()
    kinds = [(b"x" * 100_000, 0.01), (b"{", 0.05), (b'{"command": "status"}\n', 0.02), (os.urandom(4096), 0.01)]
    threads = [threading.Thread(target=attack, args=(agent, octets, stop, pause_s)) for octets, pause_s in kinds]
    stalled = [connect(agent) for _each in range(64)]
    try:
        for thread in threads:
            thread.start()
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join()
        for connection in stalled:
            connection.close()


@pytest.mark.alone
def test_attacked_the_adverts_stay_on_time(segment: Segment, tmp_path: Path) -> None:
    """Adverts each 10 ms, and a peer that takes over when it hears none for 36 ms."""
    master, backup = OurAgent(segment["a"], tmp_path / "a"), OurAgent(segment["b"], tmp_path / "b")
    master.start(FAST, priority=150)
    master.wait_for_state("MASTER", SOON_S)
    backup.start(FAST, priority=100)
    wait_for(lambda: backup.status()["master"], "b hears the master", SOON_S)
    before, took = backup.status(), master.status()["counters"]["master_transitions"]
    with attacks(master):
        deadline = time.monotonic() + 6  # longer than a stalled request may last
        while time.monotonic() < deadline:
            assert master.holds() == list(VIPS)
            time.sleep(0.2)
    after = backup.status()
    assert after["since"] == before["since"], after["last_transition"]
    wait_for(master._answers, "an honest client is answered again", SOON_S)
    assert master.status()["counters"]["master_transitions"] == took
    assert after["counters"]["advertisement_rcvd"] - before["counters"]["advertisement_rcvd"] > 300


def test_without_a_place_for_the_socket(segment: Segment, tmp_path: Path) -> None:
    """The agent is MASTER all the same, says what is wrong, and has its socket as soon as it can."""
    agent = OurAgent(segment["a"], tmp_path / "a")
    agent.write(QUICK, priority=150)
    place = tmp_path / "run"
    place.write_text("in the way")
    command = agent.run_command()
    agent.launch([*command[:-1], str(place), "--state-dir", str(tmp_path)])
    agent.wait_until_master(SOON_S)
    assert f"no control socket: {place}/control.sock: File exists; everything else goes on" in agent.log
    place.unlink()
    wait_for((place / "control.sock").is_socket, "the socket is there", SOON_S)
    assert client.status(str(place))["instances"][0]["state"] == "MASTER"
    (place / "control.sock").unlink()
    wait_for((place / "control.sock").is_socket, "the socket is there again", SOON_S)
    assert agent.log.count("no control socket") == 1


def test_a_folder_that_is_full_or_read_only(segment: Segment, tmp_path: Path) -> None:
    agent = OurAgent(segment["a"], tmp_path / "a")
    agent.start(QUICK, priority=150)
    agent.wait_for_state("MASTER", SOON_S)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "ro,size=4k", "none", agent.folder], check=True)
    try:
        place = f"{agent.folder}/control.sock: Read-only file system"
        # Its log is the file that it has open, below the mount.
        since = time.monotonic()
        wait_for(lambda: time.monotonic() > since + 6, "it has looked for its socket", SOON_S)
        assert agent.holds() == list(VIPS)
    finally:
        subprocess.run(["umount", agent.folder], check=True)
    assert f"no control socket: {place}; everything else goes on" in agent.log
    wait_for(agent._answers, "it answers again", SOON_S)
    assert agent.status()["counters"]["master_transitions"] == 1


@pytest.mark.parametrize("group", ["daemon", "nogroup"])
def test_a_stranger_is_refused_whatever_the_mode(segment: Segment, tmp_path: Path, group: str) -> None:
    with tempfile.TemporaryDirectory(prefix="duet-") as folder:  # that others can get to
        agent = OurAgent(segment["a"], Path(folder))
        agent.start(QUICK, priority=150)
        path = agent.folder / client.SOCKET_NAME
        assert oct(path.stat().st_mode & 0o777) == "0o660"
        path.chmod(0o777)
        agent.folder.chmod(0o755)
        command = ["setpriv", "--reuid=nobody", f"--regid={group}", "--clear-groups", *agent.run_command()[:3]]
        done = segment["a"].run([*command, "drain", "--runtime-dir", str(agent.folder)], check=False)
        assert done.returncode == 1
        assert "only root and the members of the agent's own group may use the control socket" in done.stderr
        assert "control socket: refused uid 65534" in agent.log
        agent.stop()
