# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Processes are known by more than their number."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.errors import LabError
from lab.shell import Process, children, run, wait_until


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    """Start a process that would stay, and end it with the test."""
    with subprocess.Popen(["sleep", "600"]) as process:
        yield process
        process.kill()


def test_a_process_is_killed_by_number_and_start_time(sleeper: subprocess.Popen[bytes]) -> None:
    process = Process.of(sleeper.pid)
    assert process.alive()
    process.kill()
    assert sleeper.wait(10) == -9
    assert not process.alive()


def test_another_process_with_the_same_number_is_let_be(sleeper: subprocess.Popen[bytes]) -> None:
    earlier = Process(sleeper.pid, Process.of(sleeper.pid).started - 1)
    earlier.kill()
    assert not earlier.alive()
    assert sleeper.poll() is None


def test_a_kept_stat_line_names_the_same_process(sleeper: subprocess.Popen[bytes]) -> None:
    text = Path(f"/proc/{sleeper.pid}/stat").read_text()
    assert Process.from_stat(text) == Process.of(sleeper.pid)
    # The name is the program's own choice.
    assert Process.from_stat(text.replace("(sleep)", "(a) b) S 1)")) == Process.of(sleeper.pid)


def test_children_are_found(sleeper: subprocess.Popen[bytes]) -> None:
    assert sleeper.pid in children(Process.of(int(Path("/proc/self").readlink().name)).pid)


def test_a_failed_program_tells_its_own_words() -> None:
    with pytest.raises(LabError, match="ls: cannot access '/nowhere'"):
        run("ls", "/nowhere")


def test_waiting_has_an_end() -> None:
    with pytest.raises(LabError, match="the end of time: not within 0 s"):
        wait_until("the end of time", lambda: False, timeout_s=0)
