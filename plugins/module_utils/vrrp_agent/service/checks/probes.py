# Copyright: (c) 2026, duet.ha_pair contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""One look at what a check asks for, by its type: what was seen, or a Failure that says what is wrong."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import threading
from typing import Any, Callable

from ...protocol.checks import File, Http, Probe, Process, Script, Systemd, Tcp
from .. import commands
from ..process import refused_realtime
from .failure import Failure
from .http import http, tcp

__all__ = ["Failure", "probe"]

_SYSTEMCTL = "/usr/bin/systemctl"
_FILE_MAX_OCTETS = 64
_OUTPUT_MAX = 200
_NAME_MAX = 15  # what the kernel keeps of a program's name


async def probe(what: Probe, timeout_s: float) -> str:
    """Look once; what was seen. Raises Failure or OSError."""
    if isinstance(what, Http):
        return await http(what)
    if isinstance(what, Tcp):
        return await tcp(what)
    if isinstance(what, Script):
        return await _script(what, timeout_s)
    if isinstance(what, Systemd):
        return await _systemd(what, timeout_s)
    return await _in_thread(what)


async def _script(what: Script, timeout_s: float) -> str:
    outcome = await commands.run(what.command, timeout_s, user=what.user)
    lines = outcome.output.strip().splitlines()
    said = f": {lines[-1][:_OUTPUT_MAX]}" if lines else ""
    if outcome.problem is not None:
        raise Failure(f"{what.command[0]}: {outcome.problem}{said}")
    return f"exit code 0{said}"


async def _systemd(what: Systemd, timeout_s: float) -> str:
    outcome = await commands.run([_SYSTEMCTL, "is-active", "--", what.unit], timeout_s)
    state = (outcome.output.strip().splitlines() or [outcome.problem or ""])[-1][:_OUTPUT_MAX]
    if outcome.problem is not None:
        raise Failure(f"{what.unit} is not active: {state}")
    return f"{what.unit} is {state}"


# --- what reads files, which a mount that hangs may hold up for ever

# Looks that have not ended yet; who asks for the same waits for the same.
_looks: dict[Probe, asyncio.Future[str]] = {}


async def _in_thread(what: File | Process) -> str:
    """Look in a thread that nobody has to wait for; not again before it has ended."""
    if what not in _looks:
        _looks[what] = asyncio.get_running_loop().create_future()
        threading.Thread(target=_look, args=(what, _looks[what]), daemon=True, name="vrrp-agent-check").start()
    # Shielded: who has no more time to wait must not end it for others.
    return await asyncio.shield(_looks[what])


def _look(what: File | Process, seen: asyncio.Future[str]) -> None:
    refused_realtime()  # a thread that a busy host puts off must not do that with the interpreter's lock
    act: Callable[[Any], None]
    found: Any
    try:
        act, found = seen.set_result, _file(what) if isinstance(what, File) else _process(what)
    except Exception as error:  # for who waits
        act, found = seen.set_exception, error

    def deliver() -> None:
        del _looks[what]
        act(found)

    with contextlib.suppress(RuntimeError):  # the agent has ended meanwhile
        seen.get_loop().call_soon_threadsafe(deliver)


def _file(what: File) -> str:
    try:
        with open(what.path, "rb") as file:
            content = file.read(_FILE_MAX_OCTETS) if what.minimum is not None else b""
    except OSError as error:
        return _unread(what, error)
    if not what.present:
        raise Failure(f"{what.path} is there")
    if what.minimum is None:
        return f"{what.path} is there"
    try:
        number = int(content)
    except ValueError:
        raise Failure(f"{what.path} holds no whole number") from None
    if number < what.minimum:
        raise Failure(f"{what.path} holds {number}, less than {what.minimum}")
    return f"{what.path} holds {number}"


def _unread(what: File, error: OSError) -> str:
    """What it means that a file cannot be read: one that cannot be seen may be there or not."""
    missing = error.errno in (errno.ENOENT, errno.ENOTDIR)
    if missing and not what.present:
        return f"{what.path} is absent"
    if not missing and what.present and what.minimum is None and os.path.lexists(what.path):
        return f"{what.path} is there"
    raise Failure(f"{what.path}: {error.strerror}")


def _process(what: Process) -> str:
    if what.pid_file is not None:
        return _by_number(what.pid_file)
    # The role's unit hides what belongs to others (ProtectProc=invisible): nothing must be concluded from that.
    if not os.path.exists("/proc/1/stat"):
        mend = "give pid_file, or type: systemd"
        raise Failure(f"the processes of other users are hidden from the agent; {mend}")
    name = str(what.process)[:_NAME_MAX]
    for number in filter(str.isdigit, os.listdir("/proc")):
        if _name_of(number) == name:
            return f"{what.process} runs as process {number}"
    raise Failure(f"no process {what.process}")


def _name_of(number: str) -> str | None:
    """The name of a process that lives: of its program, as its command line may say anything."""
    try:
        with open(f"/proc/{number}/stat", "rb") as file:
            stat = file.read().decode(errors="replace")
    except OSError:
        return None
    name, _bracket, rest = stat.partition("(")[2].rpartition(")")
    return None if rest.split()[:1] in (["Z"], ["X"]) else name


def _by_number(pid_file: str) -> str:
    with open(pid_file, "rb") as file:
        content = file.read(_FILE_MAX_OCTETS)
    try:
        number = int(content)
        if number <= 0:
            raise ValueError
        os.kill(number, 0)
    except ValueError:
        raise Failure(f"{pid_file} holds no number of a process") from None
    except ProcessLookupError:
        raise Failure(f"{pid_file}: no process {number}") from None
    except PermissionError:
        pass  # another user's, and it lives
    return f"process {number} runs"
