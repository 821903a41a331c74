# Copyright: (c) 2026, duet.ha_pair contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Mail and webhooks: events are queued for each receiver, and delivered by a process of their own, again and again."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import Sequence
from typing import Any, Callable, Union

from ..notification import Choice, Mail, Webhook
from ..version import VERSION
from . import commands, event_text
from .log import LOGGER
from .outbox import Outbox
from .status import iso_time

_PROGRAM = os.path.join(os.path.dirname(os.path.realpath(__file__)), "deliver.py")
_LIMIT_S = 60.0
# What happens at once becomes one mail.
_COLLECT_S = 1.0
_MAIL_LINES_MAX = 200
_POSTS_MAX = 100
_SMTP_TIMEOUT_S = 20.0

Event = dict[str, Any]
Receiver = Union[Mail, Webhook]


class Delivery:
    """The events for one receiver."""

    def __init__(self, receiver: Receiver, router_id: Callable[[], str]) -> None:
        self.receiver = receiver
        self.outbox = Outbox(_COLLECT_S if isinstance(receiver, Mail) else 0.0)
        self._router_id = router_id
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None
        self._paused = False
        self._counts = {"delivered": 0, "failures": 0, "refused": 0}
        self._last: dict[str, Any] | None = None
        self._problem: str | None = None

    @property
    def choice(self) -> Choice:
        """Which events it wants."""
        return self.receiver.choice

    @property
    def busy(self) -> bool:
        """Whether something is being delivered at this moment."""
        return self._task is not None

    def add(self, event: Event) -> None:
        """Deliver an event, if it is wanted there."""
        if self.choice.takes(event["event"], event.get("instance")):
            self.outbox.add(event, self._loop.time())
            self._arm()

    @property
    def done(self) -> bool:
        """Whether nothing is left that may be delivered soon; who does not answer now is not waited for."""
        return not self.busy and (not len(self.outbox) or self._problem is not None)

    def take_over(self, events: Sequence[Event]) -> None:
        """Deliver what a predecessor could not, before anything else."""
        for event in events:
            self.outbox.add(event, self._loop.time())
        self._arm()

    def status(self) -> dict[str, Any]:
        """Its part of the status document: no secret, and of a webhook's address only the host."""
        return {
            **_shown(self.receiver),
            "waiting": len(self.outbox),
            "dropped": self.outbox.dropped,
            **self._counts,
            "problem": self._problem,
            "last": self._last,
        }

    def pause(self) -> None:
        """Begin no delivery for now."""
        self._paused = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def resume(self) -> None:
        """Go on after a pause."""
        self._paused = False
        self._arm()

    async def kill(self) -> None:
        """Break off what is being delivered; it stays in the queue."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    # --- at work

    def _arm(self) -> None:
        due_s = self.outbox.due_s()
        if due_s is not None and self._task is None and self._timer is None and not self._paused:
            self._timer = self._loop.call_at(due_s, self._begin)

    def _begin(self) -> None:
        self._timer = None
        self._task = self._loop.create_task(self._deliver())

    async def _deliver(self) -> None:
        try:
            most = _MAIL_LINES_MAX if isinstance(self.receiver, Mail) else _POSTS_MAX
            batch = self.outbox.batch(most, self._loop.time())
            if batch:
                self._note(batch, await self._run(batch))
        finally:
            self._task = None
            self._arm()

    async def _run(self, batch: Sequence[Event]) -> dict[str, Any]:
        """What has become of some events: how many need not be tried again, and what was wrong."""
        request = _request(self.receiver, self._router_id(), batch)
        command = [sys.executable, "-I", "-S", _PROGRAM]
        done = await commands.run(command, _LIMIT_S, given=json.dumps(request).encode())
        try:
            result: dict[str, Any] = json.loads(done.output)
            return {"handled": int(result["handled"]), "refused": result["refused"], "error": result["error"]}
        except (ValueError, KeyError, TypeError):
            lines = done.output.strip().splitlines()
            return {"handled": 0, "refused": None, "error": done.problem or (lines[-1] if lines else "no answer")}

    def _note(self, batch: Sequence[Event], result: dict[str, Any]) -> None:
        # A mail is one message, of all its events.
        handled = len(batch) if isinstance(self.receiver, Mail) and result["handled"] else result["handled"]
        refused = 1 if result["refused"] else 0
        problem = result["error"] or result["refused"]
        self._last = {"at": iso_time(time.time()), "ok": problem is None, "problem": problem}
        if handled:
            self.outbox.delivered(handled)
            self._counts["delivered"] += max(0, result["handled"] - refused)
            self._counts["refused"] += refused
        if result["refused"]:
            LOGGER.warning("%s: refused, not tried again: %s", _name(self.receiver), result["refused"])
        self._note_problem(result["error"])

    def _note_problem(self, problem: str | None) -> None:
        """Say so when it begins, changes or ends."""
        name = _name(self.receiver)
        if problem is not None:
            self._counts["failures"] += 1
            pause_s = self.outbox.failed(self._loop.time())
            if problem != self._problem:
                waiting = len(self.outbox)
                LOGGER.warning("%s: %s; %d wait, trying again in %.0f s", name, problem, waiting, pause_s)
        elif self._problem is not None:
            LOGGER.info("%s: delivered again", name)
        self._problem = problem


def _name(receiver: Receiver) -> str:
    return f"mail by {receiver.server}" if isinstance(receiver, Mail) else f"webhook {receiver.host}"


def _shown(receiver: Receiver) -> dict[str, Any]:
    if isinstance(receiver, Webhook):
        return {"host": receiver.host}
    return {"server": receiver.server, "port": receiver.port, "tls": receiver.tls, "to": list(receiver.to)}


def _request(receiver: Receiver, router_id: str, batch: Sequence[Event]) -> dict[str, Any]:
    """What the program is told."""
    if isinstance(receiver, Webhook):
        return {
            "kind": "webhook",
            "url": receiver.url,
            "secret": receiver.secret,
            "secret_file": receiver.secret_file,
            "ca_file": receiver.ca_file,
            "timeout": receiver.timeout_s,
            "user_agent": f"vrrp-agent/{VERSION}",
            "bodies": [json.dumps({"router_id": router_id, **event}) for event in batch],
        }
    return {
        "kind": "mail",
        "server": receiver.server,
        "port": receiver.port,
        "tls": receiver.tls,
        "username": receiver.username,
        "password": receiver.password,
        "password_file": receiver.password_file,
        "ca_file": receiver.ca_file,
        "timeout": _SMTP_TIMEOUT_S,
        "from": receiver.sender,
        "to": ", ".join(receiver.to),
        "to_list": list(receiver.to),
        "subject": event_text.subject(router_id, batch),
        "body": event_text.body(router_id, batch),
    }
