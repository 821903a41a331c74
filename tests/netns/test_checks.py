# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The service of a MASTER is sick: the role moves within fall x interval and the bound, and comes back with it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from adverts import adverts, heard_from
from metronome import Metronomes
from peers import OurAgent, Wire
from segment import Namespace, Segment, wait_for

WIRE = Wire(3, interval_s=0.2)
SOON_S = 20.0
PORT = 8080
URL = f"http://127.0.0.1:{PORT}/"
HTTP = {"type": "http", "name": "web", "url": URL, "interval": 0.5, "timeout": 0.5, "fall": 2, "rise": 2}
# What a machine that runs other tests may add.
BUSY_S = 3.0
LATE_S = 0.020


@contextmanager
def serving(node: Namespace, folder: Path) -> Iterator[subprocess.Popen[Any]]:
    """A web server in a namespace."""
    folder.mkdir(exist_ok=True)
    command = [sys.executable, "-m", "http.server", str(PORT), "--bind", "127.0.0.1", "--directory", str(folder)]
    server = node.popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for(lambda: node.run(["ss", "-Hltn", f"sport = {PORT}"]).stdout, "the server listens", SOON_S)
        yield server
    finally:
        server.send_signal(signal.SIGCONT)
        server.kill()
        server.wait()


@pytest.fixture
def pair(segment: Segment, tmp_path: Path) -> tuple[OurAgent, OurAgent]:
    """Two agents, not yet started."""
    return OurAgent(segment["a"], tmp_path / "a"), OurAgent(segment["b"], tmp_path / "b")


def test_a_server_that_stops_hangs_and_returns(pair: tuple[OurAgent, OurAgent], tmp_path: Path) -> None:
    first, second = pair
    second.start(WIRE, priority=100)
    first.start(WIRE, priority=150, checks=[HTTP])
    # Its service is not there yet: it claims nothing.
    wait_for(lambda: first.status()["checks"][0]["healthy"] is False, "the check has failed", SOON_S)
    assert first.status()["state"] == "FAULT"
    second.wait_for_state("MASTER", SOON_S)
    assert "BACKUP -> MASTER" not in first.log

    with serving(first.node, tmp_path / "www") as server:
        status = first.wait_for_state("MASTER", SOON_S)
        assert status["checks"][0]["detail"] == "HTTP status 200"
        second.wait_for_state("BACKUP", SOON_S)
        began_s = time.monotonic()
        os.kill(server.pid, signal.SIGSTOP)
        second.wait_for_state("MASTER", SOON_S)
        # The last good answer may be an interval old, each bad one takes its time to be known.
        assert time.monotonic() - began_s < 3 * 0.5 + WIRE.interval_s + BUSY_S
        assert first.status()["fault"] == "check web: no answer within 0.5 s"
        assert first.holds() == []
        assert "resigned (priority 0)" in second.status()["last_transition"]["reason"]
        os.kill(server.pid, signal.SIGCONT)
        first.wait_for_state("MASTER", SOON_S)
    second.wait_for_state("MASTER", SOON_S)
    assert "web eth0/51: check web: failed: " in first.log
    assert "web eth0/51: check web: healthy: HTTP status 200" in first.log
    events = first.command("events", "--json").stdout
    assert '"event": "check"' in events


def test_a_lower_priority(pair: tuple[OurAgent, OurAgent], tmp_path: Path) -> None:
    first, second = pair
    switch = tmp_path / "switch"
    check = {"type": "file", "path": str(switch), "expect": "absent", "interval": 0.5, "on_fail": {"priority": -60}}
    second.start(WIRE, priority=100)
    first.start(WIRE, priority=150, checks=[check])
    assert first.wait_for_state("MASTER", SOON_S)["effective_priority"] == 150
    switch.touch()
    second.wait_for_state("MASTER", SOON_S)
    status = first.wait_for_state("BACKUP", SOON_S)
    assert status["effective_priority"] == 90
    assert f"effective priority 150 -> 90: check file: {switch} is there" in first.log
    switch.unlink()
    first.wait_for_state("MASTER", SOON_S)


def test_a_master_keeps_its_role_over_upgrade_and_reload(pair: tuple[OurAgent, OurAgent], tmp_path: Path) -> None:
    """What is known is handed over; a check that is new counts as healthy until its first result."""
    first, second = pair
    slow = {**HTTP, "interval": 2}
    with serving(first.node, tmp_path / "www"):
        second.start(WIRE, priority=100)
        first.start(WIRE, priority=150, checks=[slow])
        first.wait_for_state("MASTER", SOON_S)
        second.wait_for_state("BACKUP", SOON_S)
        at = first.status()["last_transition"]["at"]
        known = first.status()["checks"][0]
        assert first.command("upgrade").returncode == 0
        after = first.status()["checks"][0]
        assert (after["healthy"], after["since"]) == (True, known["since"])
        first.rewrite(checks=[slow, {**slow, "name": "new"}])
        assert first.command("reload").returncode == 0
        wait_for(lambda: first.status()["checks"][1]["healthy"], "the new check has a result", SOON_S)
        assert first.status()["last_transition"]["at"] == at
        assert "no result yet" not in first.log.partition("-> MASTER")[2]
        assert second.status()["state"] == "BACKUP"
        first.command("drain", "--force")


def test_a_script_that_forks_and_hangs_or_is_deleted(pair: tuple[OurAgent, OurAgent], tmp_path: Path) -> None:
    first, second = pair
    script, children = tmp_path / "healthy", tmp_path / "children"
    script.write_text("#!/bin/sh\nexit 0\n")
    script.chmod(0o755)
    check = {"type": "script", "command": [str(script)], "interval": 0.5, "fall": 1}
    second.start(WIRE, priority=100)
    first.start(WIRE, priority=150, checks=[check])
    first.wait_for_state("MASTER", SOON_S)
    hanging = tmp_path / "hanging"
    hanging.write_text(f"#!/bin/sh\nsleep 600 & echo $! >> {children}\nsleep 600\n")
    hanging.chmod(0o755)
    hanging.rename(script)
    second.wait_for_state("MASTER", SOON_S)
    wait_for(lambda: first.status()["checks"][0]["failures"] > 2, "it hangs again and again", SOON_S)
    script.unlink()
    missing = f"{script}: cannot be run: No such file or directory"
    wait_for(lambda: first.status()["checks"][0]["detail"] == missing, "it is missed", SOON_S)
    assert first.status()["state"] == "FAULT"
    wait_for(lambda: not [pid for pid in children.read_text().split() if _lives(pid)], "nothing is left", SOON_S)


def _lives(pid: str) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_two_hundred_checks_make_no_advert_late(pair: tuple[OurAgent, OurAgent], tmp_path: Path) -> None:
    """Of all types at 1 s, some of which fail; none is in the way of the role, however busy the machine is."""
    first, second = pair
    quick = Wire(3, interval_s=0.1)
    good, bad = tmp_path / "good", tmp_path / "bad"
    good.touch()
    kinds = [
        {"type": "http", "url": URL},
        {"type": "tcp", "port": PORT},
        {"type": "tcp", "port": PORT + 1},
        {"type": "file", "path": str(good)},
        {"type": "file", "path": str(bad)},
        {"type": "http", "url": URL, "text": "Directory"},
        {"type": "http", "url": f"http://127.0.0.1:{PORT}/missing"},
        {"type": "tcp", "port": PORT},
        {"type": "file", "path": str(bad), "expect": "absent"},
        {"type": "script", "command": ["/bin/true"]},
    ]
    checks = [
        {**kinds[number % 10], "name": f"check{number}", "interval": 1, "on_fail": {"priority": -1}}
        for number in range(200)
    ]
    with serving(first.node, tmp_path / "www"):
        second.start(quick, priority=50)
        first.start(quick, priority=254, checks=checks)
        first.wait_for_state("MASTER", 2 * SOON_S)
        wait_for(lambda: all(one["last_run"] for one in first.status()["checks"]), "each has run", 2 * SOON_S)
        metronomes = Metronomes()
        with heard_from(second.node, first.node.mac()) as packets:
            ran = {one["name"]: one["last_run"] for one in first.status()["checks"]}
            time.sleep(4)
            seen = adverts(packets)
            pauses = metronomes.stop()
        statuses = first.status()["checks"]
        assert [one["name"] for one in statuses if one["last_run"] == ran[one["name"]]] == []
    assert len(seen) > 30
    late = [(before, after) for before, after in pairwise(seen) if after - before > quick.interval_s + LATE_S]
    assert [gap for gap in late if not any(pause.explains(*gap) for pause in pauses)] == []
    assert first.log.count("-> MASTER") == 1
