# Copyright: (c) 2026, duet.ha_pair contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Who is told what happens on this node: notify commands, mail and webhooks."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from typing import Any, Callable

from ..config import Config
from ..schema import ConfigError
from . import commands
from .delivery import Delivery, Event, Receiver
from .hooks import Hooks
from .virtual_router import VirtualRouter

_UPGRADE_S, _END_S = 5.0, 5.0
_POLL_S = 0.02


class Voice:
    """All of it; `routers` tells which virtual routers there are."""

    def __init__(self, routers: Callable[[], Sequence[VirtualRouter]]) -> None:
        self._router_id = ""
        self._hooks = Hooks(routers)
        self._deliveries: dict[str, Delivery] = {}

    def note(self, event: Event, running: VirtualRouter | None) -> None:
        """Something has happened."""
        for delivery in self._deliveries.values():
            delivery.add(event)
        if event["event"] == "transition" and running is not None:
            self._hooks.note_transition(running)

    def configure(self, config: Config, memory: dict[str, Any] | None = None) -> None:
        """From now on tell whom a configuration names; `memory` is a predecessor's.

        What waits for a receiver that is still named goes on waiting. `reconcile()` when the virtual routers follow it.
        """
        voice, before = config.voice, self._deliveries
        receivers: list[tuple[str, Receiver]] = [(webhook.url, webhook) for webhook in voice.webhooks]
        if voice.mail is not None:
            receivers.insert(0, ("mail", voice.mail))
        self._router_id = config.router_id
        self._deliveries = {
            name: before.get(name) or Delivery(receiver, lambda: self._router_id) for name, receiver in receivers
        }
        for name, receiver in receivers:
            self._deliveries[name].receiver = receiver
        for name in set(before) - set(self._deliveries):
            before[name].pause()
        self._hooks.configure(config, memory["notify"] if memory else ())
        for name, waiting in (memory["waiting"] if memory else {}).items():
            if name in self._deliveries:
                self._deliveries[name].take_over(waiting)

    def reconcile(self) -> None:
        """Have the commands run that do not know the present state."""
        self._hooks.reconcile()

    def status(self) -> dict[str, Any]:
        """Its keys of the status document."""
        mail = self._deliveries.get("mail")
        return {
            "notify": self._hooks.status(),
            "mail": mail.status() if mail else None,
            "webhooks": [one.status() for one in self._deliveries.values() if one is not mail],
        }

    # --- an upgrade, and the end

    async def pause(self) -> None:
        """Begin nothing more, and wait a little for what is under way; then it is broken off, and done again later."""
        for part in self._parts:
            part.pause()
        await _until(lambda: not any(part.busy for part in self._parts), _UPGRADE_S)
        for part in self._parts:
            await part.kill()

    def resume(self) -> None:
        """Go on after a pause."""
        for part in self._parts:
            part.resume()

    async def finish(self, in_order: bool) -> None:
        """Do what there is left to do, for some seconds at most; after a bug the next life matters more."""
        await _until(lambda: all(part.done for part in self._parts), _END_S if in_order else 0.0)
        for part in self._parts:
            part.pause()
            await part.kill()

    @property
    def _parts(self) -> Iterable[Hooks | Delivery]:
        return [self._hooks, *self._deliveries.values()]

    def remember(self) -> dict[str, Any]:
        """For a successor: what was told, and what waits."""
        waiting = {name: delivery.outbox.waiting for name, delivery in self._deliveries.items()}
        return {"notify": self._hooks.remember(), "waiting": waiting}


def check_users(config: Config) -> None:
    """Raise ConfigError for a command that the agent cannot run as the user that it asks for."""
    for place, hook in enumerate(config.voice.notify):
        try:
            commands.account(hook.user)
        except OSError as error:
            raise ConfigError(f"notify[{place}].user", str(error.strerror)) from None


async def _until(condition: Callable[[], bool], timeout_s: float) -> None:
    loop = asyncio.get_running_loop()
    deadline_s = loop.time() + timeout_s
    while not condition() and loop.time() < deadline_s:
        await asyncio.sleep(_POLL_S)
