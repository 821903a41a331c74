# Copyright: (c) 2026, duet.ha_pair contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Runs somebody else's command: in a process group of its own that ends with its time, its output bounded.

The command has nothing of what makes the agent special: no real-time priority, no locked memory, no capability, no
descriptor, no protection when memory is short. It is started in a thread: a host that is busy holds up no more.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import os
import pwd
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import IO, Any, Callable, cast

OUTPUT_MAX_OCTETS = 4096

# What of the agent's own environment a command may see.
_PASSED_ON = ("PATH", "LANG", "TZ")
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_POLL_S = 0.05
_REAP_S = 1.0
_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL = 47, 4


@dataclass(frozen=True)
class Outcome:
    """What has become of a command; `problem` says what went wrong, and is None where it exited with 0."""

    exit_code: int | None  # None: it could not be run, or was killed when its time was over
    duration_s: float
    output: str  # the end of what it wrote
    problem: str | None
    started: bool = True


@dataclass(frozen=True)
class Account:
    """As whom a command runs."""

    uid: int
    gid: int
    groups: tuple[int, ...]


def account(user: str | None) -> Account | None:
    """The account of a user, None for the agent's own; raises OSError with the mend where that cannot be had."""
    if user is None:
        return None
    try:
        entry = pwd.getpwnam(user)
    except KeyError:
        raise OSError(0, f"there is no user {user} on this host; make it, or leave `user` out") from None
    if entry.pw_uid == os.geteuid():
        return None
    if os.geteuid() != 0:
        own = pwd.getpwuid(os.geteuid()).pw_name
        raise OSError(
            0, f"the agent runs as {own} and cannot become {user}; leave `user` out, see docs/notifications.md"
        )
    return Account(entry.pw_uid, entry.pw_gid, tuple(os.getgrouplist(user, entry.pw_gid)))


async def run(
    command: Sequence[str],
    timeout_s: float,
    environment: Mapping[str, str] | None = None,
    user: str | None = None,
    given: bytes = b"",
    keep_children: bool = False,
) -> Outcome:
    """Run a command to its end, or to the end of its time; `given` is what it can read.

    Its whole process group is killed at the end; with `keep_children`, what it leaves behind may work until the end of
    its time.
    """
    loop = asyncio.get_running_loop()
    began_s = loop.time()
    try:
        starting = loop.run_in_executor(None, _start, command, environment or {}, user, given != b"")
        started = await asyncio.shield(starting)
    except asyncio.CancelledError:
        starting.add_done_callback(_kill_unwanted)
        raise
    except (OSError, ValueError, RuntimeError, MemoryError, subprocess.SubprocessError) as error:
        why = getattr(error, "strerror", None) or str(error) or type(error).__name__
        return Outcome(None, loop.time() - began_s, "", f"cannot be run: {why}", started=False)
    process = _Process(started, given, loop)
    try:
        in_time = await process.ended(began_s + timeout_s)
    except asyncio.CancelledError:
        process.kill()
        raise
    exit_code = started.returncode if in_time else None
    if in_time and keep_children:
        process.kill_at(began_s + timeout_s)
    else:
        process.kill()
    output, problem = process.output(), _problem(exit_code, timeout_s)
    return Outcome(exit_code, loop.time() - began_s, output, problem)


def _problem(exit_code: int | None, timeout_s: float) -> str | None:
    if exit_code is None:
        return f"not ended after {timeout_s:g} s, killed"
    if exit_code < 0:
        return f"killed by signal {-exit_code}"
    return f"exit code {exit_code}" if exit_code else None


def _start(
    command: Sequence[str], environment: Mapping[str, str], user: str | None, reads: bool
) -> subprocess.Popen[bytes]:
    passed_on = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    return subprocess.Popen(  # pylint: disable=ansible-bad-function
        list(command),
        stdin=subprocess.PIPE if reads else subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        cwd="/",
        env={"PATH": _PATH, **passed_on, **environment},
        start_new_session=True,
        # Which also keeps subprocess from vfork(): it would stop the whole agent until a busy host runs the child.
        preexec_fn=functools.partial(_become_ordinary, account(user), _drop_ambient()),
    )


def _become_ordinary(become: Account | None, drop_ambient: Callable[[], Any]) -> None:
    """In the child, before the command is there: system calls only, as another thread may hold any lock."""
    with contextlib.suppress(OSError):
        descriptor = os.open("/proc/self/oom_score_adj", os.O_WRONLY)
        os.write(descriptor, b"0")
        os.close(descriptor)
    drop_ambient()
    if become is not None:
        os.setgroups(become.groups)
        os.setgid(become.gid)
        os.setuid(become.uid)


@functools.cache
def _drop_ambient() -> Callable[[], Any]:
    """What takes the unit's capabilities from the calling process: they would outlive its exec."""
    try:
        import ctypes  # not on every Python: then there is no unit of ours either that has given any

        prctl = ctypes.CDLL(None).prctl
    except (ImportError, AttributeError, OSError):
        return lambda: None
    return functools.partial(prctl, _PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0)


def _kill_unwanted(starting: asyncio.Future[subprocess.Popen[bytes]]) -> None:
    if not starting.cancelled() and starting.exception() is None:
        _Process(starting.result(), b"", asyncio.get_running_loop()).kill()


class _Process:
    """A process that runs: fed, read, waited for and killed without holding up the loop."""

    def __init__(self, started: subprocess.Popen[bytes], given: bytes, loop: asyncio.AbstractEventLoop) -> None:
        self._started = started
        self._loop = loop
        self._given = given
        self._tail = bytearray()
        stdout = cast(IO[bytes], started.stdout)
        os.set_blocking(stdout.fileno(), False)
        loop.add_reader(stdout.fileno(), self._read)
        if started.stdin is not None:
            os.set_blocking(started.stdin.fileno(), False)
            loop.add_writer(started.stdin.fileno(), self._feed)

    async def ended(self, deadline_s: float) -> bool:
        """Wait until it has ended, or the deadline; whether it has."""
        try:
            pidfd = os.pidfd_open(self._started.pid)
        except (AttributeError, OSError):  # a kernel before 5.3
            while self._started.poll() is None and self._loop.time() < deadline_s:
                await asyncio.sleep(_POLL_S)
            return self._started.returncode is not None
        over = asyncio.Event()
        self._loop.add_reader(pidfd, over.set)
        try:
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(over.wait(), deadline_s - self._loop.time())
        finally:
            self._loop.remove_reader(pidfd)
            os.close(pidfd)
        return self._started.poll() is not None

    def output(self) -> str:
        """The end of what it has written so far."""
        self._read()
        return self._tail.decode(errors="replace")

    def kill(self) -> None:
        """Kill it and all that it has started in its group, and see that nothing is left of them."""
        self._signal(signal.SIGKILL)
        self._close()
        self._reap()

    def kill_at(self, deadline_s: float) -> None:
        """Let what it has left in its group work until a deadline."""
        if not self._signal(0):
            self._close()
        elif self._loop.time() >= deadline_s:
            self.kill()
        else:
            self._loop.call_later(_REAP_S, self.kill_at, deadline_s)

    def _signal(self, number: int) -> bool:
        """Whether there was somebody left to hear it."""
        try:
            os.killpg(self._started.pid, number)
        except ProcessLookupError:
            return False
        except PermissionError:  # somebody who has become another user
            pass
        return True

    def _reap(self) -> None:
        """It may take its time, where it waits for a disk or a mount."""
        if self._started.poll() is None:
            self._loop.call_later(_REAP_S, self._reap)

    def _read(self) -> None:
        stdout = cast(IO[bytes], self._started.stdout)
        if stdout.closed:
            return
        try:
            octets = os.read(stdout.fileno(), 65536)
        except BlockingIOError:
            return
        self._tail = (self._tail + octets)[-OUTPUT_MAX_OCTETS:]
        if not octets:
            self._close_file(stdout)

    def _feed(self) -> None:
        stdin = cast(IO[bytes], self._started.stdin)
        try:
            self._given = self._given[os.write(stdin.fileno(), self._given) :]
        except BlockingIOError:
            return
        except OSError:  # it does not want to read
            self._given = b""
        if not self._given:
            self._close_file(stdin)

    def _close(self) -> None:
        self._read()
        for file in (self._started.stdin, self._started.stdout):
            if file is not None:
                self._close_file(file)

    def _close_file(self, file: IO[bytes]) -> None:
        if not file.closed:
            self._loop.remove_reader(file.fileno())
            self._loop.remove_writer(file.fileno())
            # Nothing is in its buffer: what is to be written goes by os.write().
            file.close()
