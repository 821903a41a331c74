# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Other programs and process identities: the few calls on which everything else in the lab stands."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from .errors import LabError


def say(text: str) -> None:
    """Tell the user on stderr what is being done."""
    print(text, file=sys.stderr, flush=True)


def run(*argv: str, stdin: str | None = None, env: dict[str, str] | None = None, cwd: Path | None = None) -> str:
    """Run a program to its end and return its stdout; LabError carries its stderr."""
    try:
        done = subprocess.run(argv, input=stdin, capture_output=True, text=True, check=False, env=env, cwd=cwd)
    except FileNotFoundError as error:
        raise LabError(f"{argv[0]} is not installed: run lab/bootstrap.sh") from error
    if done.returncode:
        raise LabError(f"{shlex.join(argv)}: {done.stderr.strip() or f'exit code {done.returncode}'}")
    return done.stdout


def try_run(*argv: str) -> bool:
    """Run a program that may fail because its work is already done; True on success."""
    return subprocess.run(argv, capture_output=True, check=False).returncode == 0


def wait_until(what: str, condition: Callable[[], bool], timeout_s: float, every_s: float = 0.02) -> None:
    """Return as soon as the condition holds; LabError names what never came."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            raise LabError(f"{what}: not within {timeout_s:g} s")
        time.sleep(every_s)


@dataclass(frozen=True)
class Process:
    """A process that cannot be mistaken for a later one with the same number.

    `started` is field 22 of /proc/PID/stat, in clock ticks since boot.
    """

    pid: int
    started: int

    @classmethod
    def of(cls, pid: int) -> Process:
        """Identify a living process; LabError if there is none."""
        fields = _stat(pid)
        if fields is None:
            raise LabError(f"process {pid} is gone")
        return cls(pid, int(fields[19]))

    @classmethod
    def from_stat(cls, text: str) -> Process:
        """Identify the process of a kept copy of /proc/PID/stat."""
        return cls(int(text.split(None, 1)[0]), int(text.rpartition(")")[2].split()[19]))

    def alive(self) -> bool:
        """Whether this very process runs (a zombie does not)."""
        fields = _stat(self.pid)
        return fields is not None and int(fields[19]) == self.started and fields[0] not in "ZX"

    def kill(self, number: signal.Signals = signal.SIGKILL) -> None:
        """Send a signal to this process and to no other."""
        try:
            handle = os.pidfd_open(self.pid)
        except ProcessLookupError:
            return
        try:
            if self.alive():
                signal.pidfd_send_signal(handle, number)
        except ProcessLookupError:
            pass
        finally:
            os.close(handle)


def children(pid: int) -> list[int]:
    """Return the numbers of a process's living children."""
    numbers = [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]
    parents = {number: fields[1] for number in numbers if (fields := _stat(number)) and fields[0] not in "ZX"}
    return [number for number, parent in parents.items() if parent == str(pid)]


def _stat(pid: int) -> list[str] | None:
    """Return /proc/PID/stat from the state on (field 3): the name before it may hold blanks and brackets."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return text.rpartition(")")[2].split()
