# Copyright: (c) 2026, duet.ha_pair contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Probes that read files, which a mount that hangs may hold up for ever: by threads that nobody has to wait for."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import queue
import threading
from typing import Any, Union

from ...protocol.checks import File, Process
from ..process import refused_realtime
from .failure import CannotRun, Failure

_FILE_MAX_OCTETS = 64
_NAME_MAX = 15  # what the kernel keeps of a program's name
# Few and for ever: a new thread is not real-time in its first moments, and may be put off with the interpreter's lock.
_THREADS = 2

Look = Union[File, Process]

# Looks that have not ended yet; who asks for the same waits for the same.
_looks: dict[Look, asyncio.Future[Any]] = {}
_wanted: queue.SimpleQueue[tuple[Look, asyncio.Future[Any]]] = queue.SimpleQueue()
_threads: list[threading.Thread] = []


async def look(what: Look) -> str:
    """Look in a thread, and not again before that has ended; what was seen. Raises Failure or OSError."""
    while len(_threads) < _THREADS:
        _threads.append(threading.Thread(target=_work, daemon=True, name="vrrp-agent-look"))
        _threads[-1].start()
    if what not in _looks:
        _looks[what] = asyncio.get_running_loop().create_future()
        _wanted.put((what, _looks[what]))
    # Shielded: who has no more time to wait must not end it for others.
    seen = await asyncio.shield(_looks[what])
    if isinstance(seen, Exception):
        raise seen
    return str(seen)


def _work() -> None:
    refused_realtime()
    while True:
        _look(*_wanted.get())


def _look(what: Look, seen: asyncio.Future[Any]) -> None:
    found: str | Exception
    try:
        found = _file(what) if isinstance(what, File) else _process(what)
    except Exception as error:  # a value: one that nobody waits for any more is no news to the loop
        found = error

    def deliver() -> None:
        del _looks[what]
        seen.set_result(found)

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
    raise (Failure if missing else CannotRun)(f"{what.path}: {error.strerror}")


def _process(what: Process) -> str:
    if what.pid_file is not None:
        return _by_number(what.pid_file)
    # The role's unit hides what belongs to others (ProtectProc=invisible): nothing must be concluded from that.
    if not os.path.exists("/proc/1/stat"):
        mend = "give pid_file, or type: systemd"
        raise CannotRun(f"the processes of other users are hidden from the agent; {mend}")
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
