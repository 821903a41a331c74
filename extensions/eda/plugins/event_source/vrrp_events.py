# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Event source for Event-Driven Ansible: what happens on VRRP agents, as it happens."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Sequence
from typing import Any

DOCUMENTATION = r"""
module: vrrp_events
short_description: Follow VRRP agents and yield transitions, failed checks and conflicts
description:
  - Runs C(vrrp-agent events --follow --json) on each host, by ssh, and yields each event as C(vrrp) and the host's
    name as C(host).
  - A connection that is lost is made again, and what has happened meanwhile is yielded then, each event once and in
    order, the last 500 at most.
options:
  hosts:
    description:
      - The hosts to follow, as ssh knows them. Who logs in there must be root, or in the group C(vrrp-agent).
    type: list
    elements: str
    required: true
  events:
    description: Which events to yield.
    type: list
    elements: str
    default: [transition, check, conflict]
  command:
    description:
      - What to run for a host; C({host}) stands for its name. The options of C(vrrp-agent events) are added.
    type: list
    elements: str
    default: [ssh, -oBatchMode=yes, -oServerAliveInterval=15, "{host}", vrrp-agent]
  retry:
    description: Seconds to wait before a command that has ended is started again.
    type: float
    default: 5
"""

EXAMPLES = r"""
- duet.ha_pair.vrrp_events:
    hosts: [lb1, lb2]

- duet.ha_pair.vrrp_events:
    hosts: [here]
    command: [vrrp-agent]
    events: [transition]
"""

LOGGER = logging.getLogger(__name__)

EVENTS = ("transition", "check", "conflict")
COMMAND = ("ssh", "-oBatchMode=yes", "-oServerAliveInterval=15", "{host}", "vrrp-agent")
RETRY_S = 5.0
# An agent keeps so many for who comes late.
KEPT_MAX = 500
LINE_MAX_OCTETS = 64 * 1024


async def main(queue: asyncio.Queue[Any], args: dict[str, Any]) -> None:
    """Follow every host until cancelled."""
    hosts = args.get("hosts")
    if not isinstance(hosts, list) or not hosts or any(str(host).startswith("-") for host in hosts):
        raise ValueError("hosts: name the hosts to follow, one at least")
    followers = (Follower(str(host), args, queue) for host in hosts)
    await asyncio.gather(*(follower.run() for follower in followers))


class Follower:
    """Follows one host; knows which event was the last one."""

    def __init__(self, host: str, args: dict[str, Any], queue: asyncio.Queue[Any]) -> None:
        self._host = host
        self._queue = queue
        self._command = [str(word).replace("{host}", host) for word in args.get("command") or COMMAND]
        self._events = frozenset(args.get("events") or EVENTS)
        self._retry_s = float(args.get("retry", RETRY_S))
        # None: what happened before this began is no news.
        self._last: int | None = None

    async def run(self) -> None:
        """Follow, again and again."""
        while True:
            try:
                await self._follow()
            except (OSError, ValueError) as error:
                LOGGER.warning("%s: %s", self._host, error)
            await asyncio.sleep(self._retry_s)

    async def _follow(self) -> None:
        newest = max([event["seq"] for line in await self._ask() if (event := self._event_in(line))], default=0)
        if self._last is None or newest < self._last:  # or the agent has lost its events, and counts anew
            self._last = 0 if self._last is not None else newest
        process = await self._start("--follow", "--lines", str(KEPT_MAX))
        try:
            while process.stdout and (line := await process.stdout.readline()):
                await self._take(line)
            LOGGER.warning("%s: no longer followed: exit code %s; trying again", self._host, await process.wait())
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()

    async def _ask(self) -> list[bytes]:
        """The last event's line, if there is one."""
        process = await self._start("--lines", "1")
        lines = (await process.communicate())[0].splitlines()
        if process.returncode:
            raise OSError(f"cannot ask for its events: exit code {process.returncode}")
        return lines

    async def _start(self, *options: str) -> asyncio.subprocess.Process:
        words: Sequence[str] = [*self._command, "events", "--json", *options]
        return await asyncio.create_subprocess_exec(
            *words, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, limit=LINE_MAX_OCTETS
        )

    async def _take(self, line: bytes) -> None:
        """Yield an event that is wanted and was not yielded before."""
        event = self._event_in(line)
        if event is not None and event["seq"] > (self._last or 0):
            self._last = event["seq"]
            if event["event"] in self._events:
                await self._queue.put({"vrrp": event, "host": self._host})

    def _event_in(self, line: bytes) -> dict[str, Any] | None:
        """The event in a line; what is none is passed over."""
        try:
            event = json.loads(line)
            if isinstance(event["seq"], int) and isinstance(event["event"], str):
                return dict(event)
        except (ValueError, KeyError, TypeError, RecursionError):
            pass
        LOGGER.warning("%s: no event: %.100r", self._host, line)
        return None
