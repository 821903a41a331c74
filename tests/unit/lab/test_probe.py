# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The prober against servers of our own on the loopback."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from lab.outage import Probe
from lab.probe import probe_once, probe_until

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def answering(answer: bytes) -> Handler:
    """Return a server that gives every request the same answer and closes."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        writer.close()

    return handle


def ask(handler: Handler, timeout_s: float = 5) -> Probe:
    """Make one request to such a server."""

    async def run() -> Probe:
        async with await asyncio.start_server(handler, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            return await probe_once(f"http://127.0.0.1:{port}/", timeout_s)

    return asyncio.run(run())


@pytest.mark.parametrize(
    ("answer", "node", "error"),
    [
        (b"HTTP/1.1 200 OK\r\nX-Served-By: lb1\r\n\r\nhello", "lb1", None),
        (b"HTTP/1.1 200 OK\r\n\r\nx-served-by: lb2\n", "lb2", None),
        (b"HTTP/1.1 200 OK\r\n\r\nhello", None, None),
        (b"HTTP/1.1 502 Bad Gateway\r\nX-Served-By: lb1\r\n\r\n", "lb1", "status 502"),
        (b"SSH-2.0-x\r\n", None, "not an HTTP answer"),
        (b"", None, "not an HTTP answer"),
    ],
)
def test_an_answer_tells_the_node_or_the_error(answer: bytes, node: str | None, error: str | None) -> None:
    probe = ask(answering(answer))
    assert (probe.node, probe.error) == (node, error)


def test_a_server_that_says_nothing_is_given_up_in_time() -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()  # until the client gives up
        writer.close()

    probe = ask(silent, timeout_s=0.05)
    assert probe.error == "no answer in time"
    assert probe.ended_ns - probe.sent_ns >= 50e6


def test_nobody_listening_is_told_as_refused() -> None:
    assert asyncio.run(probe_once("http://127.0.0.1:1/", 5)).error == "connection refused"


def test_hanging_requests_delay_no_other() -> None:
    """Every request hangs for longer than the whole series takes, so only overlapping ones can all be sent."""

    async def run() -> list[Probe]:
        seen = 0
        stop = asyncio.Event()

        async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal seen
            seen += 1
            if seen == 5:
                stop.set()
            await reader.read()
            writer.close()

        async with await asyncio.start_server(hang, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            return await probe_until(stop, f"http://127.0.0.1:{port}/", interval_s=0.01, timeout_s=2)

    probes = asyncio.run(asyncio.wait_for(run(), 10))
    assert len(probes) >= 5
    assert all(probe.error == "no answer in time" for probe in probes)
    assert probes[4].sent_ns < min(probe.ended_ns for probe in probes)
