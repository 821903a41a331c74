# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`vrrp-agent status` as a process: on a terminal, in a pipe, and watched."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import vrrp_agent
from test_control import Host
from test_status_table import an_instance

PACKAGE = str(Path(vrrp_agent.__file__).parent.parent)
ENTER, LEAVE = "\x1b[?1049h\x1b[?25l", "\x1b[?25h\x1b[?1049l"
SOON_S = 20.0


@pytest.fixture
def folder() -> Iterator[Path]:
    """A short path: a socket's has at most 107 octets."""
    with tempfile.TemporaryDirectory(prefix="duet-") as path:
        yield Path(path)


@pytest.fixture
def agent(folder: Path) -> Iterator[str]:
    """The runtime folder of something that answers `status`."""
    host = Host(folder)
    host.document = {"router_id": "lb1", "instances": [an_instance()]}
    yield str(folder)
    host.close()


def command(folder: str, *options: str) -> list[str]:
    return [sys.executable, "-m", "vrrp_agent.cli", "status", "--runtime-dir", folder, *options]


def environment(**more: str) -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if key not in ("NO_COLOR", "COLUMNS", "LINES")}
    return {**kept, "PYTHONPATH": PACKAGE, "TERM": "xterm", **more}


class Terminal:
    """A process on a terminal of its own, and all that it has written there."""

    def __init__(self, process: subprocess.Popen[bytes], master: int) -> None:
        self.process = process
        self.text = ""
        self._master = master

    def read_until(self, condition: Callable[[str], bool]) -> str:
        """Read until that is so, or to the end."""
        deadline = time.monotonic() + SOON_S
        while not condition(self.text):
            left_s = deadline - time.monotonic()
            assert left_s > 0 and select.select([self._master], [], [], left_s)[0], f"not in time: {self.text!r}"
            try:
                octets = os.read(self._master, 65536)
            except OSError:  # the last one who wrote has ended
                octets = b""
            if not octets:
                break
            self.text += octets.decode()
        return self.text

    def read_all(self) -> str:
        """Everything, to the end of the process."""
        self.read_until(lambda text: False)
        self.process.wait(SOON_S)
        return self.text

    def type(self, text: bytes) -> None:
        """Press keys."""
        os.write(self._master, text)

    def resize(self, columns: int, rows: int = 24) -> None:
        """Make the window another size."""
        resize(self._master, columns, rows)


def resize(descriptor: int, columns: int, rows: int) -> None:
    fcntl.ioctl(descriptor, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


@contextlib.contextmanager
def terminal(words: list[str], columns: int = 120, rows: int = 24, **more: str) -> Iterator[Terminal]:
    master, slave = pty.openpty()
    resize(slave, columns, rows)

    def become_owner() -> None:
        fcntl.ioctl(slave, termios.TIOCSCTTY, 0)

    with subprocess.Popen(
        words, stdin=slave, stdout=slave, stderr=slave, env=environment(**more), start_new_session=True,
        preexec_fn=become_owner,
    ) as process:  # fmt: skip
        os.close(slave)
        try:
            yield Terminal(process, master)
        finally:
            process.kill()
            os.close(master)


def test_a_terminal_has_colours(agent: str) -> None:
    with terminal(command(agent)) as shown:
        assert "\x1b[32mMASTER\x1b[0m" in shown.read_all()
        assert shown.process.returncode == 0


@pytest.mark.parametrize("more", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_unless_somebody_wants_none(agent: str, more: dict[str, str]) -> None:
    with terminal(command(agent), **more) as shown:
        text = shown.read_all()
    assert "MASTER" in text and "\x1b" not in text


def test_a_narrow_one_is_not_overrun(agent: str) -> None:
    with terminal(command(agent), columns=40, NO_COLOR="1") as shown:
        told = shown.read_all().splitlines()
    assert told[0] == "web eth0/51 MASTER" and max(map(len, told)) <= 40


def test_a_pipe_gets_plain_text(agent: str) -> None:
    done = subprocess.run(command(agent), capture_output=True, text=True, env=environment(), timeout=60, check=True)
    assert done.stdout.splitlines()[1].startswith("web       eth0/51         MASTER  ")
    assert "\x1b" not in done.stdout


@pytest.mark.parametrize("end", [b"\x03", signal.SIGTERM, signal.SIGHUP])
def test_watch_draws_again_and_leaves_a_clean_terminal(agent: str, end: Any) -> None:
    with terminal(command(agent, "--watch")) as shown:
        text = shown.read_until(lambda text: text.count("\x1b[H") == 3)
        assert text.startswith(f"{ENTER}\x1b[Hlb1  20") and text.count("MASTER") >= 2
        shown.resize(40)
        # A paragraph for each instance now.
        shown.read_until(lambda text: "\x1b[1mweb\x1b[0m eth0/51" in text)
        if isinstance(end, bytes):
            shown.type(end)
        else:
            shown.process.send_signal(end)
        text = shown.read_all()
    assert text.endswith(LEAVE) and shown.process.returncode == 0
    assert "Traceback" not in text


def test_watch_does_not_scroll(agent: str) -> None:
    """A screen of three lines gets three, and no newline after them."""
    with terminal(command(agent, "--watch"), rows=3, columns=40, NO_COLOR="1") as shown:
        text = shown.read_until(lambda text: text.count("\x1b[H") == 2)
    first = text.split("\x1b[H")[1]
    assert first.count("\n") == 2 and "(6 more lines)" in first


def test_watch_waits_for_an_agent(folder: Path) -> None:
    with terminal(command(str(folder), "--watch")) as shown:
        shown.read_until(lambda text: "the agent is not running" in text)
        host = Host(folder)
        host.document = {"router_id": "lb1", "instances": [an_instance()]}
        try:
            shown.read_until(lambda text: "MASTER" in text)
        finally:
            host.close()


@pytest.mark.parametrize("options", [("--watch",), ("--watch", "--json")])
def test_watch_in_a_pipe(agent: str, options: tuple[str, ...]) -> None:
    """Plain text or JSON lines, until who reads has had enough: no error then."""
    with subprocess.Popen(
        command(agent, *options), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment()
    ) as process:
        try:
            assert process.stdout and process.stderr
            first = [process.stdout.readline() for unused in range(5)]
            process.stdout.close()
            assert process.wait(SOON_S) == 0
            assert process.stderr.read() == ""
        finally:
            process.kill()
    if "--json" in options:
        assert [json.loads(line)["router_id"] for line in first] == ["lb1"] * 5
    else:
        assert [line.split()[:1] for line in first[1:4]] == [["INSTANCE"], ["web"], []]
