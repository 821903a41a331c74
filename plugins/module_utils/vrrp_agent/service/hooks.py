# Copyright: (c) 2026, duet.ha_pair contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Notify commands at work: on each transition, and for the present state where a command has not been told of it.

That is what a new life, a new command or an upgrade amounts to: what was told is remembered for each command and
subject, and compared with what is.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Callable

from ..config import Config
from ..notification import NotifyCommand
from ..protocol import sync_group
from ..protocol.events import State
from . import commands
from .commands import Outcome
from .hook_queue import HookQueue, Identity, Job, Subject
from .log import LOGGER
from .status import iso_time
from .virtual_router import VirtualRouter

INSTANCE, GROUP = "INSTANCE", "GROUP"
# keepalived's word for it, which scripts know.
_STOP = "STOP"
# keepalived gives groups no priority either.
_GROUP_PRIORITY = 0


class Hooks:
    """The notify commands of the configuration."""

    def __init__(self, routers: Callable[[], Sequence[VirtualRouter]]) -> None:
        self._routers = routers
        self._config = Config("", ())
        self._queue = HookQueue()
        self._told: dict[tuple[Identity, Subject], str] = {}
        self._results: dict[Identity, dict[str, Any]] = {}
        self._tasks: dict[Subject, asyncio.Task[None]] = {}
        self._looking: asyncio.Handle | None = None
        self._paused = False

    @property
    def done(self) -> bool:
        """Whether nothing waits and nothing runs."""
        return self._queue.idle and self._looking is None

    @property
    def busy(self) -> bool:
        """Whether a command is running."""
        return bool(self._queue.running)

    def configure(self, config: Config, memory: Iterable[Any] = ()) -> None:
        """Have the commands of a configuration; `memory` is what a predecessor has told the same ones."""
        self._config = config
        self._queue.forget(self._hooks)
        known = {json.dumps(hook.identity): hook.identity for hook in self._hooks}
        self._told = {key: state for key, state in self._told.items() if key[0] in known.values()}
        self._results = {identity: self._results.get(identity, _NO_RESULT) for identity in known.values()}
        for written, subject, state, result in memory:
            identity = known.get(json.dumps(written))
            if identity is not None:
                self._told[identity, (subject[0], subject[1])] = state
                self._results[identity] = result

    # --- what there is to tell

    def note_transition(self, running: VirtualRouter) -> None:
        """A virtual router has another state."""
        if self._hooks and running.last_transition is not None:
            state = running.last_transition.state
            self._tell((INSTANCE, running.instance.name), self._hooks, state, _of_instance(running))
            self._look_soon()

    def reconcile(self) -> None:
        """Tell each command what it has not been told: at the start, after a reload, in a successor."""
        for running in self._routers():
            subject = INSTANCE, running.instance.name
            self._tell_news(subject, running.router.state, _of_instance(running))
        self._look_at_groups()

    @property
    def _hooks(self) -> tuple[NotifyCommand, ...]:
        return self._config.voice.notify

    def _look_soon(self) -> None:
        """At the groups, when all their members have been told what follows from this."""
        if self._looking is None and self._config.sync_groups:
            self._looking = asyncio.get_running_loop().call_soon(self._look_at_groups)

    def _look_at_groups(self) -> None:
        self._looking = None
        routers = {running.instance.name: running.router for running in self._routers()}
        for group in self._config.sync_groups:
            if set(group.instances) <= set(routers):
                members = {name: routers[name] for name in group.instances}
                state = sync_group.SyncGroup(group.name, members).state
                self._tell_news((GROUP, group.name), state, _of_group(group.name, group.instances))

    def _tell_news(self, subject: Subject, state: State, details: Mapping[str, str]) -> None:
        """Tell those commands that do not know; of a stop only who knows of a start."""
        news = [hook for hook in self._hooks if self._is_news(hook, subject, state)]
        self._tell(subject, news, state, details)

    def _is_news(self, hook: NotifyCommand, subject: Subject, state: State) -> bool:
        told = self._told.get((hook.identity, subject))
        return state is not State.INIT if told is None else told != _name(state)

    def _tell(self, subject: Subject, hooks: Iterable[NotifyCommand], state: State, details: Mapping[str, str]) -> None:
        priority = int(details.get("VRRP_PRIORITY", _GROUP_PRIORITY))
        environment = {
            "VRRP_ROUTER_ID": self._config.router_id,
            "VRRP_TYPE": subject[0],
            "VRRP_NAME": subject[1],
            "VRRP_STATE": _name(state),
            **details,
        }
        jobs = [
            Job(hook, subject, _name(state), priority, environment)
            for hook in hooks
            if hook.instances is None or subject[1] in hook.instances
        ]
        for job in jobs:
            # Also before it runs: else a group that is looked at again would be told again.
            self._told[job.hook.identity, subject] = job.state
        for skipped in self._queue.want(subject, jobs):
            self._note_superseded(skipped)
        self._start()

    # --- running them

    def _start(self) -> None:
        if self._paused:
            return
        for job in self._queue.start():
            self._tasks[job.subject] = asyncio.get_running_loop().create_task(self._run(job))

    async def _run(self, job: Job) -> None:
        began_s = time.time()
        words = [*job.hook.command, *job.subject, job.state, str(job.priority)]
        try:
            outcome = await commands.run(words, job.hook.timeout_s, job.environment, job.hook.user, keep_children=True)
            self._note_outcome(job, began_s, outcome)
        except asyncio.CancelledError:
            # Killed before its end, for an upgrade: the successor tells it again.
            self._told.pop((job.hook.identity, job.subject), None)
        finally:
            self._queue.done(job)
            self._tasks.pop(job.subject, None)
            self._start()

    def _note_outcome(self, job: Job, began_s: float, outcome: Outcome) -> None:
        result = self._note(job, began_s, "failed" if outcome.problem else "ok")
        result["last"] |= {
            "duration_ms": round(outcome.duration_s * 1000),
            "exit_code": outcome.exit_code,
            "problem": outcome.problem,
            "output": outcome.output[-500:],
        }
        result["runs"] += 1
        if outcome.problem:
            result["failures"] += 1
            what = " ".join((*job.subject, job.state))
            LOGGER.warning("notify: %s %s: %s", job.hook.command[0], what, outcome.problem)

    def _note_superseded(self, job: Job) -> None:
        result = self._results.get(job.hook.identity, _NO_RESULT)
        now = {"at": iso_time(time.time()), "name": job.subject[1], "state": job.state}
        self._results[job.hook.identity] = {**result, "superseded": result["superseded"] + 1, "last_superseded": now}
        LOGGER.info("notify: %s: %s %s is superseded, not run", job.hook.command[0], *job.subject[1:], job.state)

    def _note(self, job: Job, began_s: float, state: str) -> dict[str, Any]:
        kind, name = job.subject
        last = {"at": iso_time(began_s), "type": kind, "name": name, "state": job.state, "result": state}
        result = {**self._results.get(job.hook.identity, _NO_RESULT), "last": last}
        self._results[job.hook.identity] = result
        return result

    def status(self) -> list[dict[str, Any]]:
        """The part of the status document: each command, and what became of it."""
        running = [job.hook for job in self._queue.running.values()]
        return [
            {
                "command": list(hook.command),
                "timeout": hook.timeout_s,
                "user": hook.user,
                "instances": None if hook.instances is None else list(hook.instances),
                "running": running.count(hook),
                **self._results.get(hook.identity, _NO_RESULT),
            }
            for hook in self._hooks
        ]

    # --- an upgrade, and the end

    def pause(self) -> None:
        """Start nothing more for now."""
        self._paused = True

    def resume(self) -> None:
        """Go on after a pause."""
        self._paused = False
        self.reconcile()
        self._start()

    async def kill(self) -> None:
        """End what runs."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def remember(self) -> list[Any]:
        """What was told, for a successor; what still waits is not told."""
        waiting = self._queue.waiting
        return [
            [list(identity), list(subject), state, self._results.get(identity, _NO_RESULT)]
            for (identity, subject), state in self._told.items()
            if (identity, subject) not in waiting
        ]


_NO_RESULT: dict[str, Any] = {"runs": 0, "failures": 0, "superseded": 0, "last": None, "last_superseded": None}


def _name(state: State) -> str:
    return _STOP if state is State.INIT else state.value


def _of_instance(running: VirtualRouter) -> dict[str, str]:
    instance, last = running.instance, running.last_transition
    return {
        "VRRP_INTERFACE": instance.interface,
        "VRRP_VIRTUAL_ROUTER_ID": str(instance.virtual_router_id),
        "VRRP_PRIORITY": str(running.router.settings.priority),
        "VRRP_VIRTUAL_ADDRESSES": " ".join(str(address) for address in instance.virtual_addresses),
        "VRRP_PREVIOUS_STATE": _name(last.previous) if last else "",
        "VRRP_REASON": last.reason if last else "",
    }


def _of_group(name: str, instances: Iterable[str]) -> dict[str, str]:
    return {"VRRP_SYNC_GROUP": name, "VRRP_INSTANCES": " ".join(instances)}
