# Copyright: (c) 2026, duet.ha_pair contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""What an operator asks for: `switchover` of an instance, `drain` and `undrain` of the node. Each waits for its end.

A MASTER lets go when its successor has answered. Where there is none it stays, and the command is refused.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Callable, Protocol

from ..protocol.events import State
from ..protocol.settings import PRIORITY_OWNER
from .control import CommandError
from .drain_mark import DrainMark, MarkError
from .log import LOGGER
from .virtual_router import VirtualRouter


class Node(Protocol):
    """What the commands need of the agent."""

    def configured(self) -> Sequence[VirtualRouter]:
        """The virtual routers of the configuration."""

    def refresh(self) -> None:
        """Learn of what has come in, and waits to be read."""

    def stop_configured(self, reason: str) -> None:
        """Begin to stop them all."""

    def regroup_configured(self) -> None:
        """Form the sync groups over them again."""

    def renew_configured(self) -> None:
        """Put new ones in their place, and start them."""


class Maintenance:
    """The operator's commands, one at a time; `drained` is true while the node takes no part."""

    def __init__(self, node: Node, state_dir: str, note: Callable[..., None]) -> None:
        self.drained = False
        self._node = node
        self._note = note
        self._mark = DrainMark(state_dir)
        self._busy = False
        self._news = asyncio.Event()

    def remember(self) -> None:
        """Know whether the node was drained in an earlier life; raises MarkError."""
        self.drained = self._mark.exists()
        if self.drained:
            LOGGER.warning("this node is drained: no instance takes part until `vrrp-agent undrain`")

    def note_transition(self) -> None:
        """Something that a command may wait for has happened."""
        self._news.set()

    async def switchover(self, instance: str, force: bool = False) -> dict[str, Any]:
        """Give the role of an instance, and of its sync group, to the peer; it does not preempt afterwards."""
        running = self._named(instance)
        members = [one for one in self._node.configured() if one is running or _together(one, running)]
        if running.router.state is not State.MASTER:
            return self._unchanged(f"{instance}: nothing to do: {running.router.state.value}", members)
        with self.alone():
            before, began_s = self._picture(members), time.monotonic()
            running.resign(force)
            await self._until(lambda: not any(member.resigning for member in members))
            staying = [member for member in members if member.router.state is State.MASTER]
            if staying:
                raise _refusal("", staying)
            for member in members:
                self._note("switchover", member, force=force)
            reasons = ", ".join(f"{member.instance.name}: MASTER -> {_role(member)}" for member in members)
            return self._changed(reasons, before, members, began_s)

    async def drain(self, force: bool = False) -> dict[str, Any]:
        """Hand everything over, then take no part; when one instance has no successor, nothing is drained."""
        instances = self._node.configured()
        if self.drained:
            return self._unchanged("already drained", instances)
        with self.alone():
            before, began_s = self._picture(instances), time.monotonic()
            await self._move_out(force)
            self._node.stop_configured("drained")
            await self._until(lambda: all(running.stopped for running in self._node.configured()))
            self._node.regroup_configured()
            LOGGER.warning("drained: no instance takes part until `vrrp-agent undrain`")
            self._note("drained", force=force)
            return self._changed("drained", before, self._node.configured(), began_s)

    async def undrain(self) -> dict[str, Any]:
        """Take part again, as at a start."""
        if not self.drained:
            return self._unchanged("not drained", self._node.configured())
        with self.alone():
            before, began_s = self._picture(self._node.configured()), time.monotonic()
            await self._mark_safely(self._mark.remove)
            self.drained = False
            LOGGER.info("undrained: every instance starts")
            self._note("undrained")
            self._node.renew_configured()
            return self._changed("undrained", before, self._node.configured(), began_s)

    # --- the steps of a drain

    async def _move_out(self, force: bool) -> None:
        """Give every role away, and remember that; when it cannot be done, what has moved may preempt again."""
        masters = [running for running in self._node.configured() if running.router.state is State.MASTER]
        owners = [running for running in masters if running.router.settings.priority == PRIORITY_OWNER]
        if owners:
            names = ", ".join(owner.instance.name for owner in owners)
            why = f"not drained: {names}: the address owner (priority 255) keeps its own addresses; lower the priority"
            raise CommandError("address_owner", f"{why}, or stop the agent")
        await self._mark_safely(self._mark.prepare)
        try:
            if not force:
                await self._hand_over(masters)
            await self._mark_safely(self._mark.commit)
        except CommandError:
            self._mark.discard()
            for running in masters:
                running.resume_preemption()
            raise
        self.drained = True

    async def _hand_over(self, masters: Sequence[VirtualRouter]) -> None:
        for running in masters:
            if not running.resigning:  # as a member of a sync group it may be already
                running.resign(False)
        await self._until(lambda: not any(running.resigning for running in masters))
        staying = [running for running in self._node.configured() if running.router.state is State.MASTER]
        if staying:
            raise _refusal("not drained: ", staying)

    async def _mark_safely(self, step: Callable[[], None]) -> None:
        """A step of the file's, off the loop: a slow disk must not make an advert late."""
        try:
            await asyncio.get_running_loop().run_in_executor(None, step)
        except MarkError as error:
            raise CommandError("state_dir", f"{error}; nothing has changed") from None

    # --- what they share

    def _named(self, name: str) -> VirtualRouter:
        found = {running.instance.name: running for running in self._node.configured()}
        if name not in found:
            raise CommandError("unknown_instance", f"no instance is called {name}; there are: {', '.join(found)}")
        return found[name]

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Nobody else's command meanwhile."""
        if self._busy:
            raise CommandError("busy", "another switchover, drain, undrain or upgrade is under way; try again")
        self._busy = True
        try:
            yield
        finally:
            self._busy = False

    async def _until(self, condition: Callable[[], bool]) -> None:
        while not condition():
            self._news.clear()
            await self._news.wait()

    def _picture(self, instances: Iterable[VirtualRouter]) -> dict[str, Any]:
        self._node.refresh()
        roles = {running.instance.name: {"state": _role(running), "master": _master(running)} for running in instances}
        return {"drained": self.drained, "instances": roles}

    def _unchanged(self, message: str, instances: Iterable[VirtualRouter]) -> dict[str, Any]:
        now = self._picture(instances)
        return {"changed": False, "message": message, "before": now, "after": now, "duration_s": 0.0}

    def _changed(
        self, message: str, before: dict[str, Any], instances: Iterable[VirtualRouter], began_s: float
    ) -> dict[str, Any]:
        duration_s = round(time.monotonic() - began_s, 3)
        after = self._picture(instances)
        return {"changed": True, "message": message, "before": before, "after": after, "duration_s": duration_s}


def _together(one: VirtualRouter, other: VirtualRouter) -> bool:
    return one.group is not None and one.group is other.group


def _role(running: VirtualRouter) -> str:
    return running.router.state.value


def _master(running: VirtualRouter) -> str | None:
    """The address of the master as far as this node knows."""
    router = running.router
    address = router.source if router.state is State.MASTER else router.master and router.master.address
    return str(address) if address else None


def _refusal(prefix: str, staying: Iterable[VirtualRouter]) -> CommandError:
    """Why those that are MASTER have stayed so; the first one's code stands for all."""
    whys = {running.instance.name: running.still_master for running in staying}
    code = next((why.code for why in whys.values() if why), "interrupted")
    texts = (f"{name}: {why.reason if why else 'became MASTER again'}" for name, why in whys.items())
    return CommandError(code, f"{prefix}{'; '.join(texts)}; still MASTER")
