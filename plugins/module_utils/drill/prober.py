# Copyright: (c) 2026, duet.ha_pair contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""A client that asks addresses on a fixed grid of time, whatever becomes of the earlier questions.

Each HTTP or TCP probe is a connection of its own. Nothing is asked twice: what is lost, is lost.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import os
import re
import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from .echo import Echo
from .series import Probe, Series

KINDS = ("icmp", "http", "tcp")
_SERVED_BY = re.compile(rb"^x-served-by:[ \t]*([\w.-]{1,64})", re.IGNORECASE | re.MULTILINE)
_LONGEST_ANSWER = 4096
# How often it looks whether it is to end.
_LOOK_S = 0.1


@dataclass(frozen=True)
class Questions:
    """What is asked, of whom and how often."""

    targets: Sequence[str]
    kinds: Sequence[str]
    port: int = 80
    path: str = "/"
    interval_s: float = 0.01
    timeout_s: float = 0.5


def probe(questions: Questions, ended: Callable[[], bool]) -> list[dict[str, Any]]:
    """Ask until `ended` says so; a document for each target and kind, in the wall clock's time."""
    return asyncio.run(_probe(questions, ended))


async def _probe(questions: Questions, ended: Callable[[], bool]) -> list[dict[str, Any]]:
    wall_ns = time.time_ns() - time.monotonic_ns()
    interval_ns = int(questions.interval_s * 1e9)
    with contextlib.ExitStack() as stack:
        askers = [
            _asker(questions, Series(target, kind, interval_ns), stack)
            for target in questions.targets
            for kind in questions.kinds
        ]
        await _ask_on_the_grid(askers, questions.interval_s, ended)
        while any(asker.series.waiting for asker in askers):  # each of them is given up in its time
            await asyncio.sleep(questions.interval_s)
    for asker in askers:
        asker.series.close()
    return [asker.series.document(wall_ns) for asker in askers]


async def _ask_on_the_grid(askers: Sequence[_Asker], interval_s: float, ended: Callable[[], bool]) -> None:
    """A late question does not move the grid; those that were missed are left out, not sent in a burst."""
    loop = asyncio.get_running_loop()
    began = looked = loop.time()
    step = 0
    while True:
        for asker in askers:
            asker.ask()
        now = loop.time()
        if now - looked >= _LOOK_S:
            if ended():
                return
            looked = now
        step = max(step + 1, int((now - began) / interval_s))
        await asyncio.sleep(max(0.0, began + step * interval_s - loop.time()))


def _asker(questions: Questions, series: Series, stack: contextlib.ExitStack) -> _Asker:
    target = series.target
    if series.kind == "icmp":
        echo = Echo(target)
        stack.callback(echo.close)
        return _EchoAsker(series, questions, echo)
    return _ConnectionAsker(series, questions)


class _Asker:
    """Asks one address in one way."""

    def __init__(self, series: Series, questions: Questions) -> None:
        self.series = series
        self.questions = questions
        self.loop = asyncio.get_running_loop()

    def ask(self) -> None:
        raise NotImplementedError


class _EchoAsker(_Asker):
    def __init__(self, series: Series, questions: Questions, echo: Echo) -> None:
        super().__init__(series, questions)
        self._echo = echo
        self._number = 0
        self._open: dict[int, Probe] = {}
        self.loop.add_reader(echo.socket, self._receive)

    def ask(self) -> None:
        self._number = (self._number + 1) & 0xFFFF
        number, sent = self._number, self.series.begin(time.monotonic_ns())
        try:
            self._echo.send(number)
        except OSError as error:
            self.series.end(sent, time.monotonic_ns(), error=_words(error))
            return
        self._open[number] = sent
        self.loop.call_later(self.questions.timeout_s, self._give_up, number, sent)

    def _give_up(self, number: int, sent: Probe) -> None:
        if self._open.get(number) is sent:
            del self._open[number]
        self.series.end(sent, time.monotonic_ns(), error="no answer in time")

    def _receive(self) -> None:
        try:
            while True:
                number = self._echo.receive()
                sent = self._open.pop(number, None) if number is not None else None
                if sent:
                    self.series.end(sent, time.monotonic_ns())
        except BlockingIOError:
            return
        except OSError:  # an ICMP error of a probe before: that one gets no answer, and is given up in its time
            return


class _ConnectionAsker(_Asker):
    def __init__(self, series: Series, questions: Questions) -> None:
        super().__init__(series, questions)
        version = ipaddress.ip_address(series.target).version
        self._family = socket.AF_INET6 if version == 6 else socket.AF_INET
        host = f"[{series.target}]" if version == 6 else series.target
        self._request = (
            f"GET {questions.path} HTTP/1.1\r\nHost: {host}:{questions.port}\r\nConnection: close\r\n\r\n".encode()
        )
        self._running: set[asyncio.Task[None]] = set()

    def ask(self) -> None:
        task = self.loop.create_task(self._ask(self.series.begin(time.monotonic_ns())))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def _ask(self, sent: Probe) -> None:
        end = self.loop.call_later(self.questions.timeout_s, _cancel, asyncio.current_task())
        try:
            node, error = await self._answer()
            self.series.end(sent, time.monotonic_ns(), node, error)
        except asyncio.CancelledError:
            self.series.end(sent, time.monotonic_ns(), error="no answer in time")
        except OSError as error:
            self.series.end(sent, time.monotonic_ns(), error=_words(error))
        finally:
            end.cancel()

    async def _answer(self) -> tuple[str | None, str | None]:
        """The node that answered, and what was wrong with the answer."""
        with socket.socket(self._family, socket.SOCK_STREAM) as connection:
            connection.setblocking(False)
            await self.loop.sock_connect(connection, (self.series.target, self.questions.port))
            if self.series.kind == "tcp":
                return None, None
            await self.loop.sock_sendall(connection, self._request)
            answer = b""
            while len(answer) < _LONGEST_ANSWER:
                chunk = await self.loop.sock_recv(connection, _LONGEST_ANSWER)
                if not chunk:
                    break
                answer += chunk
        return judge(answer)


def judge(answer: bytes) -> tuple[str | None, str | None]:
    """The node that an HTTP answer names in its header, and what is wrong with the answer."""
    words = answer.split(None, 2)
    if len(words) < 2 or not words[0].startswith(b"HTTP/") or not words[1].isdigit():
        return None, "not an HTTP answer" if answer else "closed without an answer"
    node = _SERVED_BY.search(answer.partition(b"\r\n\r\n")[0])
    status = int(words[1][:3])
    return node.group(1).decode() if node else None, None if 200 <= status < 400 else f"status {status}"


def _cancel(task: asyncio.Task[None] | None) -> None:
    if task:
        task.cancel()


def _words(error: OSError) -> str:
    return os.strerror(error.errno).lower() if error.errno else str(error)
