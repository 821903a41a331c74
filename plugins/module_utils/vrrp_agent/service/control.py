# Copyright: (c) 2026, duet.ha_pair contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""The control socket: one JSON line asks, one JSON line answers; every request is bounded in size and time."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import struct
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from .log import LOGGER

REQUEST_MAX_OCTETS = 64 * 1024
REQUEST_TIMEOUT_S = 5.0
ANSWER_TIMEOUT_S = 30.0
CONNECTIONS_MAX = 32
_TEXT_MAX_LENGTH = 256
_KINDS = {
    str: f"a text of at most {_TEXT_MAX_LENGTH} printable characters",
    bool: "true or false",
    int: "a whole number",
}

# Linux' SO_PEERGROUPS, which Python does not name; its answer is bounded by what Python reads at once: 256 groups.
_SO_PEERGROUPS = 59
_PEERGROUPS_MAX_OCTETS = 1024

Answer = Awaitable[dict[str, Any]]


@dataclass(frozen=True)
class Command:
    """What one command runs and takes; a bool may be left out. Whoever asks for a change is named in the log."""

    run: Callable[..., Answer]
    arguments: Mapping[str, type] = field(default_factory=dict)
    changes: bool = False


@dataclass(frozen=True)
class Caller:
    """Who asks, as the kernel knows it."""

    pid: int
    uid: int
    gids: frozenset[int]

    @property
    def may_ask(self) -> bool:
        """Root, the agent's own user, and the agent's own group; whatever the mode of the socket's file says."""
        return self.uid in (0, os.geteuid()) or os.getegid() in self.gids


class CommandError(Exception):
    """A request that is refused: `code` is for programs, the text for people."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class ControlServer:
    """Answers the commands it was given; only root and the agent's own user and group can reach it."""

    def __init__(self, path: str, commands: Mapping[str, Command]) -> None:
        self._path = path
        self._hidden_path = f"{path}.new"
        self._published = False
        self._commands = commands
        self._server: asyncio.AbstractServer | None = None
        self._identity: tuple[int, int] | None = None
        self._complaint = ""
        self._connections = 0
        # What a command wants done as soon as it is answered.
        self.last_words: Callable[[], None] | None = None

    async def keep(self) -> None:
        """Listen, also again when the socket has gone from its path; an agent without a socket does its work as ever.

        Called every few seconds.
        """
        if self._server is None or not self._published or _identity(self._path) != self._identity:
            self.close()
            await self.prepare()
            self.publish()

    async def prepare(self) -> None:
        """Listen where nobody looks: only `publish()` lets clients come."""
        with self._told():
            os.makedirs(os.path.dirname(self._path), mode=0o750, exist_ok=True)
            _unlink(self._hidden_path)
            listening = _private_socket(self._hidden_path)
            self._identity = _identity(self._hidden_path)
            self._server = await asyncio.start_unix_server(self._serve, sock=listening, limit=REQUEST_MAX_OCTETS)

    def publish(self) -> None:
        """Take the name that clients use, in one step, from whoever has it: an earlier life, or a predecessor."""
        if self._server is None:
            return
        with self._told():
            os.replace(self._hidden_path, self._path)
            self._published, self._complaint = True, ""

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        """What the file system has against a socket is logged, once; the agent goes on without."""
        try:
            yield
        except OSError as error:
            complaint = f"no control socket: {self._path}: {error.strerror or error}"
            if complaint != self._complaint:
                LOGGER.error("%s; everything else goes on, trying again", complaint)
            self._complaint = complaint

    def close(self) -> None:
        """Listen no more."""
        if self._server is not None:
            self._server.close()
            self._published = False
            self._server = None
            for path in (self._path, self._hidden_path):
                with contextlib.suppress(OSError):  # somebody else has, or may not: it is the next life's to replace
                    if _identity(path) == self._identity:
                        os.unlink(path)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._connections += 1
        writer.transport.max_size = REQUEST_MAX_OCTETS  # type: ignore[attr-defined]  # of one reading, not 256 KiB
        try:
            if self._connections > CONNECTIONS_MAX:
                # A flood must not use up the descriptors that the protocol needs.
                answer = _refusal("busy", f"{CONNECTIONS_MAX} others are being answered; try again")
            else:
                answer = await self._converse(reader, _caller(writer))
            writer.write(json.dumps(answer).encode() + b"\n")
            if self.last_words is not None:
                # Nothing may run between the command that has set it and this.
                self.last_words()
            await asyncio.wait_for(writer.drain(), ANSWER_TIMEOUT_S)
        except (asyncio.TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ConnectionError) as error:
            LOGGER.debug("control socket: a client was dropped: %s", type(error).__name__)
        except MemoryError:
            LOGGER.warning("control socket: no memory to answer a client")
        except Exception as error:
            # A bug: told now, and not when the task happens to be collected, as before Python 3.12.
            context = {"message": "a command failed", "exception": error}
            asyncio.get_running_loop().call_exception_handler(context)
        finally:
            self._connections -= 1
            writer.close()
            with contextlib.suppress(ConnectionError, MemoryError):
                await writer.wait_closed()  # what has ended it is known, and not a bug that nobody has looked at

    async def _converse(self, reader: asyncio.StreamReader, caller: Caller) -> dict[str, Any]:
        if not caller.may_ask:
            LOGGER.warning("control socket: refused uid %d, pid %d", caller.uid, caller.pid)
            why = "only root and the members of the agent's own group may use the control socket"
            return _refusal("not_permitted", why)
        line = await asyncio.wait_for(reader.readuntil(b"\n"), REQUEST_TIMEOUT_S)
        try:
            return {"ok": True, "result": await self._obey(line, caller)}
        except CommandError as error:
            return _refusal(error.code, str(error))

    async def _obey(self, line: bytes, caller: Caller) -> dict[str, Any]:
        try:
            request = json.loads(line)
            name = request.pop("command")
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            raise CommandError("bad_request", 'a request is one JSON object with a "command"') from None
        command = self._commands.get(name) if isinstance(name, str) else None
        if command is None:
            raise CommandError("unknown_command", f"commands are {', '.join(sorted(self._commands))}")
        arguments = _checked(request, command.arguments)
        if command.changes:
            asked = " ".join([name, *(f"{key}={value}" for key, value in arguments.items())])
            LOGGER.info("control socket: uid %d, pid %d: %s", caller.uid, caller.pid, asked)
        return await command.run(**arguments)


def _checked(given: dict[str, Any], wanted: Mapping[str, type]) -> dict[str, Any]:
    """The arguments, when they are all known, there and of their types; texts are one printable line."""
    unknown = [key for key in given if key not in wanted]
    if unknown:
        known = ", ".join(wanted) or "none"
        raise CommandError("bad_argument", f"unknown argument: {unknown[0][:64]!r}; there are: {known}")
    for key, kind in wanted.items():
        value = given.get(key, False if kind is bool else None)
        if not isinstance(value, kind) or not _is_printable(value):
            raise CommandError("bad_argument", f"{key}: must be {_KINDS[kind]}")
    return given


def _is_printable(value: object) -> bool:
    return not isinstance(value, str) or (value.isprintable() and len(value) <= _TEXT_MAX_LENGTH)


def _refusal(code: str, message: str) -> dict[str, Any]:
    return {"ok": False, "error": {"code": code, "message": message}}


def _caller(writer: asyncio.StreamWriter) -> Caller:
    connection = writer.get_extra_info("socket")
    pid, uid, gid = struct.unpack("3i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
    try:
        octets = connection.getsockopt(socket.SOL_SOCKET, _SO_PEERGROUPS, _PEERGROUPS_MAX_OCTETS)
        more = struct.unpack(f"{len(octets) // 4}i", octets)
    except OSError:
        more = ()  # more groups than we read: the first one has to do
    return Caller(pid, uid, frozenset({gid, *more}))


def _identity(path: str) -> tuple[int, int] | None:
    """Which file is at a path: another one may have taken its place."""
    try:
        found = os.stat(path, follow_symlinks=False)
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino


def _unlink(path: str) -> None:
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass


def _private_socket(path: str) -> socket.socket:
    """A socket for the process's own user and group alone, from its first moment on; the mask is undone at once."""
    bound = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    mask = os.umask(0o117)
    try:
        bound.bind(path)
    except OSError:
        bound.close()
        raise
    finally:
        os.umask(mask)
    return bound
