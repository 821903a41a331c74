# Copyright: (c) 2026, duet.ha_pair contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""A running agent gives everything to a new process of its own: new code, the same role, no advert missed.

The successor is started with the same command line. It loads the code that is installed by then, reads the
configuration and the kernel, and opens its sockets: all that takes time, while the old one works on. Then

    successor                                    the old one
    ready: the virtual routers that it will run  ->
                                                 <-  the snapshot; from here on it does nothing but wait
    restored: nothing is left that could fail    ->
                                                 <-  go, and ends without letting go of anything

Until it has said `go` the old one is the agent. A successor that fails, or does not answer in time, is killed first,
and the old one goes on where it was. After `go` the successor is: never two, and nobody for a few ms at most.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import select
import signal
import socket
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Callable

from ..config import Instance
from ..protocol import snapshot
from ..protocol.snapshot import PLAIN, STATE, Fields, Shape
from .network import Network
from .only_one import StartError
from .virtual_router import Tell, Transition, VirtualRouter

_TAKE_OVER = "VRRP_AGENT_TAKE_OVER"  # in the successor's environment: format, channel, the one agent's name
_READY_TIMEOUT_S = 20.0
# How long the old one waits for `restored`: some ms are needed, and at three intervals the peer would take the role.
_RESTORED_TIMEOUT_S = (0.1, 1.0)
_POLL_S = 0.02
_PIPE_OCTETS = 65536  # as much as a pipe holds
_LINE_MAX_OCTETS = 64 * 1024 * 1024
# What a log line has in front of its text, for journald or for a terminal; and what is there when nothing is wrong.
_LOG_PREFIX = re.compile(r"^(<\d>|\d\d:\d\d:\d\d\.\d{3} [A-Z]+ )")
_INFORMATION = re.compile(r"^(<[67]>|\d\d:\d\d:\d\d\.\d{3} (INFO|DEBUG) |\s*$)")


class HandoverError(StartError):
    """The role stays where it is, and why."""


# --- what a virtual router remembers beside its router

_TRANSITION: Fields = {"previous": STATE, "state": STATE, "reason": PLAIN, "at_s": PLAIN}
VIRTUAL_ROUTER: Fields = {
    "index": PLAIN,
    "last_transition": snapshot.optional(snapshot.record(Transition, _TRANSITION)),
    "since_s": PLAIN,
    "counting_since_s": PLAIN,
    "_refused": PLAIN,
    "_retry_s": PLAIN,
    "_started": PLAIN,
    "_stopping": PLAIN,
}
# Written otherwise (`instance`, `router`, `addresses`), read anew (`_mac`), found again (`conflicts`), or the
# process's (`tally`).
LEFT_OUT = {
    *("instance", "router", "checks", "group", "still_master", "conflicts", "tally"),
    *("addresses", "_mac", "_conditions"),
    *("_network", "_tell", "_limiter", "_loop", "deadline", "_resuming", "_held_s"),
}
_INSTANCE: Mapping[str, Shape] = {**snapshot.SETTINGS, "use_vmac": PLAIN}


def remember(running: VirtualRouter) -> dict[str, Any]:
    """A virtual router as a document."""
    return {
        "identity": running.instance.identity,
        "instance": snapshot.take(running.instance, _INSTANCE),
        "router": snapshot.write(running.router),
        "checks": running.checks.remember(),
        "address_index": running.addresses.index,
        **snapshot.take(running, VIRTUAL_ROUTER),
    }


def restore(document: Mapping[str, Any], configured: Instance, network: Network, tell: Tell) -> VirtualRouter:
    """The virtual router of a document, with the settings that it had; it does nothing yet."""
    known = {name: shape.read(document["instance"][name]) for name, shape in _INSTANCE.items()}
    running = VirtualRouter(replace(configured, **known), network, tell)
    snapshot.restore(running.router, document["router"])
    snapshot.fill(running, VIRTUAL_ROUTER, document)
    running.addresses.index = document["address_index"]
    running.checks.restore(document.get("checks", {}))  # the version before had none
    if running.instance.use_vmac:
        network.virtual_macs.adopt(running.instance)
    return running


class Successor:
    """The new process as the old one sees it; `give_up()` unless it has taken over."""

    def __init__(self, name: socket.socket) -> None:
        """Start it; `name` is what one agent alone can hold. Raises HandoverError."""
        self._channel, theirs = socket.socketpair()
        self._channel.setblocking(False)
        self._buffer = bytearray()
        # Its standard error comes to us until it has taken over; its standard output is what ours is then.
        self._errors, writing = os.pipe()
        os.set_blocking(self._errors, False)
        told = " ".join(str(number) for number in (snapshot.FORMAT, theirs.fileno(), name.fileno()))
        command, environment = _command_line(), {**os.environ, _TAKE_OVER: told}
        try:
            self.pid = os.fork()
            if self.pid == 0:
                _become(command, environment, writing, (theirs.fileno(), name.fileno()))
        except OSError as error:
            self._channel.close()
            os.close(self._errors)
            raise HandoverError(f"cannot start a successor: {error.strerror}") from None
        finally:
            theirs.close()
            os.close(writing)

    async def ready(self) -> set[tuple[Any, ...]]:
        """Wait until it is ready; the identities of the virtual routers that it will run."""
        try:
            line = await asyncio.wait_for(self._read_line(), _READY_TIMEOUT_S)
        except asyncio.TimeoutError:
            raise HandoverError(f"it was not ready within {_READY_TIMEOUT_S:g} s") from None
        return {tuple(identity) for identity in json.loads(line)}

    def hand_over(self, memory: dict[str, Any], interval_s: float) -> None:
        """Give it everything; when this returns, it is the agent and we are nobody. Nothing else may run meanwhile."""
        shortest, longest = _RESTORED_TIMEOUT_S
        self._channel.settimeout(max(shortest, min(longest, 2 * interval_s)))
        try:
            self._channel.sendall(json.dumps(memory).encode() + b"\n")
            answer = self._channel.recv(1)
            if answer:
                self._channel.sendall(b"g")
        except OSError as error:
            raise HandoverError(f"it did not take over: {error}") from None
        if not answer:
            raise HandoverError("it did not take over")
        self._forward(self._read_errors())

    def give_up(self) -> str:
        """See that it does nothing more, and return the last line of what it complained of, if it did."""
        os.kill(self.pid, signal.SIGKILL)
        self._channel.close()
        # On a busy host it may take its time to be gone, and nobody need wait: it runs no more.
        asyncio.get_running_loop().run_in_executor(None, os.waitpid, self.pid, 0)
        errors = self._read_errors()
        os.close(self._errors)
        self._forward(errors)
        lines = errors.decode(errors="replace").split("\n")
        return next((_LOG_PREFIX.sub("", line) for line in reversed(lines) if not _INFORMATION.match(line)), "")

    async def _read_line(self) -> bytes:
        loop = asyncio.get_running_loop()
        while not self._buffer.endswith(b"\n"):
            received = await loop.sock_recv(self._channel, 65536)
            if not received:
                raise HandoverError("it ended before it was ready")
            self._buffer += received
        return bytes(self._buffer)

    def _read_errors(self) -> bytes:
        """What it has written to its standard error so far."""
        try:
            return os.read(self._errors, _PIPE_OCTETS)
        except BlockingIOError:
            return b""

    def _forward(self, errors: bytes) -> None:
        sys.stderr.write(errors.decode(errors="replace"))
        sys.stderr.flush()


class Predecessor:
    """The old process as its successor sees it."""

    def __init__(self, channel: socket.socket, name: socket.socket) -> None:
        self._channel = channel
        self.name = name

    def wait(self, identities: Sequence[tuple[Any, ...]], meanwhile: Callable[[], None]) -> dict[str, Any]:
        """Say that we are ready, and wait for the snapshot; `meanwhile` again and again, lest queues fill."""
        self._send(json.dumps(list(identities)).encode() + b"\n")
        received = bytearray()
        while not received.endswith(b"\n"):
            if not select.select([self._channel], [], [], _POLL_S)[0]:
                meanwhile()
                continue
            part = self._channel.recv(1 << 20)
            if not part or len(received) > _LINE_MAX_OCTETS:
                raise HandoverError("the agent that was to hand over has gone")
            received += part
        meanwhile()
        document: dict[str, Any] = json.loads(received)
        return document

    def confirm(self) -> None:
        """Say that we have restored everything; when this returns, we are the agent, and our log is its log."""
        self._send(b"r")
        # An end instead of a word: the old one is dead. It would have killed us first if it did not want us.
        self._channel.recv(1)
        os.dup2(1, 2)

    def when_gone(self, action: Callable[[], None]) -> None:
        """Do something once the old one has ended."""
        loop = asyncio.get_running_loop()

        def end() -> None:
            loop.remove_reader(self._channel.fileno())
            self._channel.close()
            action()

        loop.add_reader(self._channel.fileno(), end)

    def _send(self, octets: bytes) -> None:
        try:
            self._channel.sendall(octets)
        except OSError:
            raise HandoverError("the agent that was to hand over has gone") from None


def predecessor() -> Predecessor | None:
    """The process that has started this one to take over; None in an ordinary life. Raises HandoverError."""
    told = os.environ.pop(_TAKE_OVER, None)
    if told is None:
        return None
    form, channel, name = (int(word) for word in told.split())
    if form != snapshot.FORMAT:
        raise HandoverError(f"the running agent's snapshot has format {form}, ours {snapshot.FORMAT}: restart it")
    for descriptor in (channel, name):
        os.set_inheritable(descriptor, False)
    return Predecessor(socket.socket(fileno=channel), socket.socket(fileno=name))


def _become(command: list[str], environment: Mapping[str, str], errors: int, descriptors: Iterable[int]) -> None:
    """Be the successor, from the first line of its program on; does not return.

    By hand, as subprocess waits until the new program is there: on a busy host a real-time process would wait for one
    that is not, and miss its adverts.
    """
    try:
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(2, 1)
        os.dup2(errors, 2)
        for descriptor in descriptors:
            os.set_inheritable(descriptor, True)
        os.execvpe(command[0], command, environment)
    except OSError as error:
        os.write(2, f"cannot run {command[0]}: {error.strerror}\n".encode())
    finally:
        os._exit(1)


def _command_line() -> list[str]:
    """Ours, from the interpreter on."""
    with open("/proc/self/cmdline", "rb") as file:
        return [os.fsdecode(word) for word in file.read().rstrip(b"\0").split(b"\0")]
