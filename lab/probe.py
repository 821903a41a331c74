# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A client that asks a virtual address again and again, so that a failover can be measured from outside.

Each request is a new TCP connection, sent on a fixed grid of time whatever became of the earlier ones. As a program
(`python3 -m lab.probe`) it runs in the client's network namespace until its stdin closes, and prints its report.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from .errors import LabError
from .outage import Probe, Report, summarize

if TYPE_CHECKING:
    from .lab import Lab

SERVED_BY = re.compile(rb"^x-served-by:[ \t]*([\w.-]+)", re.IGNORECASE | re.MULTILINE)
LONGEST_ANSWER = 65536  # bytes


class Prober:
    """A prober of a lab's client: start, make the fault, stop, read the report.

    It ends with the process that started it.
    """

    def __init__(self, lab: Lab, url: str, interval_ms: float = 10, timeout_ms: float = 500) -> None:
        self._lab = lab
        self._arguments = [f"--url={url}", f"--interval-ms={interval_ms}", f"--timeout-ms={timeout_ms}"]
        self._url = url
        self._process: subprocess.Popen[str] | None = None
        self.probes: list[Probe] = []

    def start(self, timeout_s: float = 10) -> None:
        """Return when the first probe has been answered; LabError if none is within the time."""
        program = [sys.executable, "-B", "-m", "lab.probe", *self._arguments, f"--first-answer-s={timeout_s}"]
        self._process = subprocess.Popen(
            self._lab.client_command(*program),
            cwd=Path(__file__).resolve().parent.parent,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,  # an interrupt from the terminal is for us: it ends when its stdin closes
        )
        if self._process.stdout is None or self._process.stdout.readline() != "answered\n":
            self._process.communicate()
            raise LabError(f"{self._url} gives no answer to the client within {timeout_s:g} s")

    def stop(self) -> Report:
        """Send no more, wait for what is under way, and sum up; the single probes stay in `probes`."""
        if self._process is None:
            raise LabError("the prober was not started")
        text = self._process.communicate()[0]
        if self._process.returncode:
            raise LabError(f"the prober of {self._url} failed with exit code {self._process.returncode}")
        self.probes = [Probe(**probe) for probe in json.loads(text)["probes"]]
        return summarize(self.probes)

    def __enter__(self) -> Prober:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._process and self._process.poll() is None:
            self._process.communicate()


async def probe_once(url: str, timeout_s: float) -> Probe:
    """Make one request on a connection of its own."""
    sent_ns = time.monotonic_ns()
    try:
        async with asyncio.timeout(timeout_s):
            status, node = await _get(url)
        error = None if 200 <= status < 400 else f"status {status}"
    except TimeoutError:
        node, error = None, "no answer in time"
    except OSError as failure:
        node, error = None, os.strerror(failure.errno).lower() if failure.errno else str(failure)
    except ValueError:
        node, error = None, "not an HTTP answer"
    return Probe(sent_ns, time.monotonic_ns(), node, error)


async def _get(url: str) -> tuple[int, str | None]:
    """Return the status and the node that the answer names in a header or in its text."""
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port or 80)
    try:
        writer.write(f"GET {parts.path or '/'} HTTP/1.1\r\nHost: {parts.netloc}\r\nConnection: close\r\n\r\n".encode())
        answer = b""
        while len(answer) < LONGEST_ANSWER and (chunk := await reader.read(LONGEST_ANSWER)):
            answer += chunk
    finally:
        writer.transport.abort()  # also leaves no wait for a peer that is gone
    words = answer.split(None, 2)
    if len(words) < 2 or not words[0].startswith(b"HTTP/"):
        raise ValueError(answer[:80])
    node = SERVED_BY.search(answer)
    return int(words[1]), node.group(1).decode() if node else None


async def probe_until(stop: asyncio.Event, url: str, interval_s: float, timeout_s: float) -> list[Probe]:
    """Probe on a grid of time until told to stop, then wait for what is under way."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    step = 0
    running: list[asyncio.Task[Probe]] = []
    while not stop.is_set():
        running.append(asyncio.create_task(probe_once(url, timeout_s)))
        # A late one does not move the grid; those that were missed altogether are left out, not sent in a burst.
        step = max(step + 1, int((loop.time() - began) / interval_s))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout_at(began + step * interval_s):
                await stop.wait()
    return list(await asyncio.gather(*running))


async def _first_answer(arguments: argparse.Namespace) -> bool:
    deadline = time.monotonic() + float(arguments.first_answer_s)
    while time.monotonic() < deadline:
        probe = await probe_once(arguments.url, arguments.timeout_ms / 1000)
        if probe.answered:
            return True
        await asyncio.sleep(0.05)
    return False


async def _run(arguments: argparse.Namespace) -> int:
    if not await _first_answer(arguments):
        return 1
    print("answered", flush=True)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_reader(sys.stdin, stop.set)
    probes = await probe_until(stop, arguments.url, arguments.interval_ms / 1000, arguments.timeout_ms / 1000)
    json.dump({"probes": [vars(probe) for probe in probes]}, sys.stdout)
    return 0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what both command lines of the prober take."""
    parser.add_argument("--url", required=True)
    parser.add_argument("--interval-ms", type=float, default=10)
    parser.add_argument("--timeout-ms", type=float, default=500, help="of each request (default: 500)")


def main() -> int:
    """Probe until stdin closes."""
    parser = argparse.ArgumentParser(description=__doc__)
    add_arguments(parser)
    parser.add_argument("--first-answer-s", type=float, default=10)
    return asyncio.run(_run(parser.parse_args()))


if __name__ == "__main__":
    raise SystemExit(main())
