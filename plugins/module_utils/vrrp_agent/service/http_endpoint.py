# Copyright: (c) 2026, duet.ha_pair contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""One page over HTTP, for anybody: who asks is bounded in number, size and time, and can hold up nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Callable

from ..metrics_config import Listen
from .exposition import CONTENT_TYPE
from .log import LOGGER

PATH = "/metrics"
CONNECTIONS_MAX = 16
REQUEST_MAX_OCTETS = 8 * 1024
REQUEST_TIMEOUT_S = 5.0
ANSWER_TIMEOUT_S = 10.0

_REASONS = {
    200: "OK",
    400: "Bad Request",
    404: "Not Found",
    405: "Method Not Allowed",
    431: "Request Header Fields Too Large",
    500: "Internal Server Error",
    503: "Service Unavailable",
}
_DROPPED = (asyncio.TimeoutError, asyncio.IncompleteReadError, OSError)

# Raises an exception with a text for who asks when there is no page now.
Page = Callable[[], Awaitable[bytes]]


class HttpEndpoint:
    """Answers GET and HEAD of the one path, one request a connection (RFC 9112)."""

    def __init__(self, listen: Listen, page: Page) -> None:
        self.listen = listen
        self._page = page
        self._server: asyncio.AbstractServer | None = None
        self._connections = 0

    @property
    def listening(self) -> bool:
        """Whether it could be bound."""
        return self._server is not None

    async def open(self) -> None:
        """Listen; raises OSError."""
        if self._server is None:
            # A short queue: it is also how many are accepted in one go, before the loop looks at its timers again.
            self._server = await asyncio.start_server(
                self._serve, self.listen.address, self.listen.port, limit=REQUEST_MAX_OCTETS, backlog=CONNECTIONS_MAX
            )

    def close(self) -> None:
        """Listen no more."""
        if self._server is not None:
            self._server.close()
            self._server = None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._connections += 1
        try:
            # Written is what the kernel has: else a client that reads nothing would stay, and be counted no more.
            writer.transport.set_write_buffer_limits(0)
            writer.write(await self._answer(reader))
            await asyncio.wait_for(writer.drain(), ANSWER_TIMEOUT_S)
            writer.close()
        except _DROPPED as error:
            LOGGER.debug("metrics: a client was dropped: %s", type(error).__name__)
        except Exception:  # a bug in a view of the agent is no reason to give up a role
            LOGGER.exception("metrics: cannot answer")
        finally:
            self._connections -= 1
            if not writer.is_closing():
                writer.transport.abort()

    async def _answer(self, reader: asyncio.StreamReader) -> bytes:
        if self._connections > CONNECTIONS_MAX:
            return _response(503, f"{CONNECTIONS_MAX} others are being answered; try again\n".encode())
        try:
            head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), REQUEST_TIMEOUT_S)
        except asyncio.LimitOverrunError:
            return _response(431, b"too long\n")
        words = head.split(b"\r\n", 1)[0].split(b" ")
        if len(words) != 3 or not words[2].startswith(b"HTTP/1."):
            return _response(400, b"no HTTP/1 request\n")
        method, target = words[0], words[1].partition(b"?")[0]
        if method not in (b"GET", b"HEAD"):
            return _response(405, b"only GET and HEAD\n", "Allow: GET, HEAD\r\n")
        if target != PATH.encode():
            return _response(404, f"the metrics are at {PATH}\n".encode())
        return await self._whole_page(method == b"HEAD")

    async def _whole_page(self, without_body: bool) -> bytes:
        try:
            page = await self._page()
        except Exception as error:  # of the kernel's, or a bug; it is told where somebody sees it
            LOGGER.warning("metrics: there are none now: %s", error)
            return _response(500, b"no metrics now, the agent's log says why\n")
        return _response(200, page, f"Content-Type: {CONTENT_TYPE}\r\n", without_body)


def _response(code: int, body: bytes, more: str = "Content-Type: text/plain\r\n", without_body: bool = False) -> bytes:
    head = f"HTTP/1.1 {code} {_REASONS[code]}\r\n{more}Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    return head.encode() + (b"" if without_body else body)
