# Copyright: (c) 2026, duet.ha_pair contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""The process: reads the configuration, runs the virtual routers, follows signals, answers on the control socket."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from typing import Any

from .. import config
from ..client import SOCKET_NAME
from ..config import Config
from ..linux.errors import KernelError
from ..schema import ConfigError
from ..version import VERSION
from . import handover, process, resume, status
from .conflicts import ConflictWatch
from .control import Command, CommandError, ControlServer
from .events import EventLog
from .exporter import Exporter
from .log import LOGGER
from .maintenance import Maintenance
from .notify import notify, watchdog_interval_s
from .only_one import only_agent_here
from .routers import Routers
from .virtual_router import VirtualRouter
from .voice import Voice, check_users
from .without_openssl import sha256_hex

_LOOK_AGAIN_S = 5.0


class Agent:
    """One node's agent; `run()` returns the exit code."""

    def __init__(self, config_file: str, runtime_dir: str, state_dir: str | None = None) -> None:
        self._config_file = config_file
        self._runtime_dir = runtime_dir
        self._state_dir = state_dir or runtime_dir
        self._config_digest = ""
        self._last_reload: dict[str, Any] | None = None
        self._last_upgrade: dict[str, Any] | None = None
        self._since_s = time.time()
        self._exit_code = 0

    async def run(self) -> int:
        """Work until told to stop; raises StartError, ConfigError or KernelError before anything was touched."""
        self._loop = asyncio.get_running_loop()
        self._stopping = asyncio.Event()
        self._transition = asyncio.Event()
        self._summary_due = False
        self._reading = asyncio.Lock()
        predecessor = handover.predecessor()
        first, self._config_digest = self._read_config()
        self._only_one = only_agent_here() if predecessor is None else predecessor.name
        self._events = EventLog(self._state_dir)
        self._routers = Routers(self._note, lambda: self._maintenance.drained)
        self._network = self._routers.network
        self._maintenance = Maintenance(self._routers, self._state_dir, self._note)
        self._voice = Voice(self._routers.all)
        self._maintenance.remember()
        self._process = process.set_up()
        self._loop.set_default_executor(process.executor())
        self._conflicts = ConflictWatch(self._network, self._routers.all, self._note)
        self._exporter = Exporter(self._status)
        self._control = ControlServer(os.path.join(self._runtime_dir, SOCKET_NAME), self._commands())
        try:
            self._loop.set_exception_handler(self._resign)
            await self._control.prepare()
            if predecessor is None:
                if not self._maintenance.drained and resume.same_life(self._runtime_dir, self._config_digest):
                    self._routers.resume(first)
                self._routers.remove_leftovers(first)
                self._voice.configure(first)
                self._note("started", version=VERSION, drained=self._maintenance.drained)
                self._routers.apply(first)
                self._control.publish()
                self._follow_signals()
                self._say_ready()
            else:
                self._take_over(predecessor, first)
            self._loop.call_later(_LOOK_AGAIN_S, self._look_again)
            await self._write_record()
            await self._stopping.wait()
            notify("STOPPING=1")
            await self._leave()
        finally:
            if not self._routers.let_go():
                self._exit_code = 1
            self._control.close()
            self._conflicts.close()
            self._exporter.close()
            self._network.close()
            self._only_one.close()
            if self._stopping.is_set():  # else it has never been the agent
                self._note("stopped", exit_code=self._exit_code)
                await self._voice.finish(in_order=self._exit_code == 0)
                await self._events.flush()
        return self._exit_code

    def _commands(self) -> dict[str, Command]:
        """What the control socket takes."""
        return {
            "status": Command(self._status),
            "events": Command(self._events.answer, {"lines": int}),
            "follow": Command(self._events.follow, {"after": int}),
            "reload": Command(self._reload, changes=True),
            "upgrade": Command(self._upgrade, changes=True),
            "switchover": Command(self._maintenance.switchover, {"instance": str, "force": bool}, changes=True),
            "drain": Command(self._maintenance.drain, {"force": bool}, changes=True),
            "undrain": Command(self._maintenance.undrain, changes=True),
        }

    def _say_ready(self) -> None:
        notify("READY=1", self._summary())
        self._keep_watchdog_quiet()
        self._exporter.configure(self._routers.config.metrics)
        LOGGER.info("ready: %d instances from %s", len(self._routers.configured()), self._config_file)

    async def _leave(self) -> None:
        """Stop every virtual router, and wait until each has a successor or had time enough to find none."""
        self._routers.stop()
        while self._exit_code == 0 and not self._routers.stopped:
            self._transition.clear()
            await self._transition.wait()

    # --- configuration

    def _read_config(self) -> tuple[Config, str]:
        try:
            with open(self._config_file, "rb") as file:
                content = file.read()
            return config.load(content.decode()), sha256_hex(content)
        except OSError as error:
            raise ConfigError("", str(error.strerror)) from None
        except UnicodeDecodeError:
            raise ConfigError("", "not UTF-8 text") from None

    def _read_again(self) -> tuple[Config, str]:
        """What does not fit this host is refused only while something else runs: to start matters more."""
        new, digest = self._read_config()
        check_users(new)
        return new, digest

    async def _reload(self) -> dict[str, Any]:
        """Read the configuration again; a refused one changes nothing but what status says of it."""
        async with self._reading:
            return await self._reload_alone()

    async def _reload_alone(self) -> dict[str, Any]:
        at = status.iso_time(time.time())
        try:
            # Off the loop: a long file must not make an advert late.
            new, digest = await self._loop.run_in_executor(None, self._read_again)
        except ConfigError as error:
            why = f"{self._config_file}: {error}"
            self._last_reload = {"at": at, "ok": False, "error": why}
            LOGGER.error("reload refused, nothing has changed: %s", why)
            self._note("reload", ok=False, error=why)
            raise CommandError("config_invalid", why) from None
        changed = new != self._routers.config
        self._config_digest = digest
        self._last_reload = {"at": at, "ok": True, "error": None}
        self._voice.configure(new)
        self._note("reload", ok=True, error=None, changed=changed)
        self._routers.apply(new)
        self._voice.reconcile()
        self._exporter.configure(new.metrics)
        await self._write_record()
        LOGGER.info("reloaded: %d instances from %s", len(new.instances), self._config_file)
        return {"changed": changed, "config_digest": digest}

    # --- a successor, and a predecessor

    async def _upgrade(self) -> dict[str, Any]:
        """Have a new process take over, with the code that is installed now; if it cannot, nothing has changed."""
        async with self._reading:
            with self._maintenance.alone():
                return await self._upgrade_alone()

    async def _upgrade_alone(self) -> dict[str, Any]:
        at = status.iso_time(time.time())
        try:
            successor = await self._hand_over()
        except handover.HandoverError as error:
            self._voice.resume()
            self._last_upgrade = {"at": at, "ok": False, "error": str(error)}
            LOGGER.error("upgrade failed, nothing has changed: %s", error)
            self._note("upgrade", ok=False, error=str(error))
            raise CommandError("upgrade_failed", str(error)) from None
        # Not one line may run here any more but the answer: the successor is the agent.
        notify(f"MAINPID={successor.pid}")
        self._control.last_words = lambda: os._exit(0)
        return {"pid": successor.pid}

    async def _hand_over(self) -> handover.Successor:
        await self._voice.pause()
        on_disk = await self._events.flush()
        successor = handover.Successor(self._only_one)
        try:
            await self._leave_all_but(await successor.ready())
            if self._stopping.is_set():
                raise handover.HandoverError("the agent is being stopped")
            self._network.drain()
            intervals_cs = [running.instance.advert_interval_cs for running in self._routers.configured()]
            successor.hand_over(self._memory(on_disk), min(intervals_cs, default=100) / 100)
        except BaseException as error:
            words = successor.give_up()
            if isinstance(error, handover.HandoverError) and words:
                raise handover.HandoverError(f"the new agent: {words}") from None
            raise
        self._network.reaper.dismiss()
        return successor

    async def _leave_all_but(self, identities: set[tuple[Any, ...]]) -> None:
        """What the successor's configuration has no longer leaves in good order before."""
        self._routers.leave_all_but(identities)
        while self._routers.leaving and not self._stopping.is_set():
            self._transition.clear()
            await self._transition.wait()

    def _memory(self, on_disk: int) -> dict[str, Any]:
        return {
            "at_ns": time.monotonic_ns(),
            "since_s": self._since_s,
            "last_reload": self._last_reload,
            "strays": self._routers.strays,
            "events": self._events.remember(on_disk),
            "voice": self._voice.remember(),
            "routers": [handover.remember(running) for running in self._routers.configured()],
        }

    def _take_over(self, predecessor: handover.Predecessor, first: Config) -> None:
        """Go on where the old process was; until it says go, nothing is touched."""
        wanted = {instance.identity: instance for instance in first.instances}
        links = [(self._network.link(instance.interface), instance.family) for instance in wanted.values()]
        self._network.listen({(link.index, family) for link, family in links if link is not None})
        memory = predecessor.wait(list(wanted), self._network.keep_up)
        restored = self._routers.restored(memory["routers"], first)
        predecessor.confirm()
        self._follow_signals()
        self._control.publish()
        self._since_s, self._last_reload = memory["since_s"], memory["last_reload"]
        self._routers.strays = memory["strays"]
        self._last_upgrade = {"at": status.iso_time(time.time()), "ok": True, "error": None}
        if "events" in memory:  # the version before had none
            self._events.restore(memory["events"])
        self._voice.configure(first, memory.get("voice"))
        self._note("upgrade", ok=True, error=None, version=VERSION)
        self._routers.go_on(first, restored)
        self._voice.reconcile()
        self._conflicts.follow()
        frozen_ms = (time.monotonic_ns() - memory["at_ns"]) / 1e6
        LOGGER.info("took over %d instances from the process before in %.1f ms", len(restored), frozen_ms)
        predecessor.when_gone(self._say_ready)

    async def _write_record(self) -> None:
        """Off the loop: a disk that is slow must not make an advert late."""
        await self._loop.run_in_executor(None, resume.write_record, self._runtime_dir, self._config_digest)

    def _look_again(self) -> None:
        """What the kernel or the file system refused may be had later, and no news will tell."""
        self._routers.look_again()
        self._exporter.look_again()
        self._loop.create_task(self._control.keep())
        self._loop.call_later(_LOOK_AGAIN_S, self._look_again)

    # --- what it tells

    async def _status(self) -> dict[str, Any]:
        self._routers.refresh()
        try:
            present = self._network.addresses_now()
        except KernelError as error:
            raise CommandError("kernel_error", str(error)) from None
        return {
            "router_id": self._routers.config.router_id,
            "version": VERSION,
            "package": status.PACKAGE,
            "pid": os.getpid(),
            "process": self._process,
            "since": status.iso_time(self._since_s),
            "config_file": self._config_file,
            "config_digest": self._config_digest,
            "last_reload": self._last_reload,
            "drained": self._maintenance.drained,
            "last_upgrade": self._last_upgrade,
            "events": self._events.status(),
            **self._voice.status(),
            "metrics": self._exporter.status(),
            "interfaces": status.interfaces_status(self._network, self._routers.all(), self._routers.strays),
            "instances": status.instances_status(self._routers.all(), present),
            "sync_groups": [group.status() for group in self._routers.groups],
        }

    def _summary(self) -> str:
        drained = ", drained" if self._maintenance.drained else ""
        return f"STATUS=MASTER of {self._routers.masters} of {len(self._routers.configured())} instances{drained}"

    def _tell_summary(self) -> None:
        self._summary_due = False
        notify(self._summary())

    def _note(self, event: str, running: VirtualRouter | None = None, **fields: Any) -> None:
        self._voice.note(self._events.note(event, running, **fields), running)
        if event in ("transition", "still_master"):
            self._transition.set()
            self._maintenance.note_transition()
            self._conflicts.follow()
            if not self._summary_due:  # once for all that fail over at the same time: each would count all of them
                self._summary_due = True
                self._loop.call_soon(self._tell_summary)

    # --- the process

    def _follow_signals(self) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            self._loop.add_signal_handler(number, self._stopping.set)
        self._loop.add_signal_handler(signal.SIGHUP, lambda: self._loop.create_task(self._reload_by_signal()))

    async def _reload_by_signal(self) -> None:
        try:
            await self._reload()
        except CommandError:
            pass  # logged, and kept in the status

    def _keep_watchdog_quiet(self) -> None:
        interval_s = watchdog_interval_s()
        if interval_s is not None:
            notify("WATCHDOG=1")
            self._loop.call_later(interval_s, self._keep_watchdog_quiet)

    def _resign(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """A bug: say where, leave in good order, and let systemd start a new life."""
        if "transport" in context or "socket" in context:
            # No memory or no descriptor for a client of the control socket, which asyncio itself has dropped.
            LOGGER.warning("control socket: a client was dropped: %r", context.get("exception"))
            return
        LOGGER.critical("unexpected: %s; resigning", context["message"], exc_info=context.get("exception"))
        self._exit_code = 1
        self._stopping.set()
        self._transition.set()
