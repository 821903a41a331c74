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
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from .log import LOGGER

REQUEST_MAX_OCTETS = 64 * 1024
REQUEST_TIMEOUT_S = 5.0
ANSWER_TIMEOUT_S = 30.0
CONNECTIONS_MAX = 32

Command = Callable[[], Awaitable[dict[str, Any]]]


class CommandError(Exception):
    """A request that is refused: `code` is for programs, the text for people."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class ControlServer:
    """Answers the commands it was given; nobody but root can reach it."""

    def __init__(self, path: str, commands: Mapping[str, Command]) -> None:
        self._path = path
        self._hidden_path = f"{path}.new"
        self._published = False
        self._commands = commands
        self._server: asyncio.AbstractServer | None = None
        self._connections = 0
        # What a command wants done as soon as it is answered.
        self.last_words: Callable[[], None] | None = None

    async def start(self, hidden: bool = False) -> None:
        """Listen; `hidden`: only `publish()` lets clients come."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._hidden_path)
        listening = _private_socket(self._hidden_path)
        self._server = await asyncio.start_unix_server(self._serve, sock=listening, limit=REQUEST_MAX_OCTETS)
        if not hidden:
            self.publish()

    def publish(self) -> None:
        """Take the name that clients use, in one step, from whoever has it: an earlier life, or a predecessor."""
        os.replace(self._hidden_path, self._path)
        self._published = True

    def close(self) -> None:
        """Listen no more."""
        if self._server is not None:
            self._server.close()
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self._path if self._published else self._hidden_path)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._connections += 1
        try:
            if self._connections > CONNECTIONS_MAX:
                # A flood must not use up the descriptors that the protocol needs.
                answer = _refusal("busy", f"{CONNECTIONS_MAX} others are being answered; try again")
            else:
                line = await asyncio.wait_for(reader.readuntil(b"\n"), REQUEST_TIMEOUT_S)
                answer = await self._answer(line)
            writer.write(json.dumps(answer).encode() + b"\n")
            if self.last_words is not None:
                # Nothing may run between the command that has set it and this.
                self.last_words()
            await asyncio.wait_for(writer.drain(), ANSWER_TIMEOUT_S)
        except (asyncio.TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ConnectionError) as error:
            LOGGER.debug("control socket: a client was dropped: %s", type(error).__name__)
        except Exception as error:
            # A bug: told now, and not when the task happens to be collected, as before Python 3.12.
            context = {"message": "a command failed", "exception": error}
            asyncio.get_running_loop().call_exception_handler(context)
        finally:
            self._connections -= 1
            writer.close()

    async def _answer(self, line: bytes) -> dict[str, Any]:
        try:
            name = json.loads(line)["command"]
        except (ValueError, KeyError, TypeError, RecursionError):
            return _refusal("bad_request", 'a request is one JSON object with a "command"')
        command = self._commands.get(name) if isinstance(name, str) else None
        if command is None:
            return _refusal("unknown_command", f"commands are {', '.join(sorted(self._commands))}")
        try:
            return {"ok": True, "result": await command()}
        except CommandError as error:
            return _refusal(error.code, str(error))


def _refusal(code: str, message: str) -> dict[str, Any]:
    return {"ok": False, "error": {"code": code, "message": message}}


def _private_socket(path: str) -> socket.socket:
    """A socket that is root's alone from its first moment on; the mask is the process's, and undone at once."""
    bound = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    mask = os.umask(0o177)
    try:
        bound.bind(path)
    except OSError:
        bound.close()
        raise
    finally:
        os.umask(mask)
    return bound
