# Copyright: (c) 2026, duet.ha_pair contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""The control socket: one JSON line asks, one JSON line answers; every request is bounded in size and time."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from .log import LOGGER

REQUEST_MAX_OCTETS = 64 * 1024
REQUEST_TIMEOUT_S = 5.0
ANSWER_TIMEOUT_S = 30.0

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
        self._commands = commands
        self._server: asyncio.AbstractServer | None = None

    async def start(self) -> None:
        """Listen; what an earlier life left at the path is replaced."""
        try:
            os.unlink(self._path)
        except FileNotFoundError:
            pass
        # The mask makes the socket root's alone from its first moment on.
        mask = os.umask(0o177)
        try:
            self._server = await asyncio.start_unix_server(self._serve, self._path, limit=REQUEST_MAX_OCTETS)
        finally:
            os.umask(mask)

    def close(self) -> None:
        """Listen no more."""
        if self._server is not None:
            self._server.close()
            try:
                os.unlink(self._path)
            except FileNotFoundError:
                pass

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            line = await asyncio.wait_for(reader.readuntil(b"\n"), REQUEST_TIMEOUT_S)
            writer.write(json.dumps(await self._answer(line)).encode() + b"\n")
            await asyncio.wait_for(writer.drain(), ANSWER_TIMEOUT_S)
        except (asyncio.TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ConnectionError) as error:
            LOGGER.debug("control socket: a client was dropped: %s", type(error).__name__)
        finally:
            writer.close()

    async def _answer(self, line: bytes) -> dict[str, Any]:
        try:
            request = json.loads(line)
            name = request["command"] if isinstance(request, dict) else None
            command = self._commands.get(name) if isinstance(name, str) else None
            if command is None:
                raise CommandError("unknown_command", f"commands are {', '.join(sorted(self._commands))}")
            return {"ok": True, "result": await command()}
        except CommandError as error:
            return {"ok": False, "error": {"code": error.code, "message": str(error)}}
        except (ValueError, KeyError, RecursionError):
            message = 'a request is one JSON object with a "command"'
            return {"ok": False, "error": {"code": "bad_request", "message": message}}
