# Copyright: (c) 2026, duet.ha_pair contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""The virtual routers of this node: which there are, what becomes of them, and whose a packet or a piece of news is."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, Callable

from ..config import Config, Instance
from ..linux.errors import interface_name
from ..linux.sockets import Datagram
from ..protocol.events import PacketReceived, State
from . import handover, resume
from .log import LOGGER
from .network import Network
from .sync_groups import SyncGroup, form_groups
from .virtual_router import Tell, VirtualRouter

Identity = tuple[str, int, int]

# So many virtual routers do not wake the process for each advert; fewer are no work worth a wait.
_MANY = 8
_QUIET_S = 1.0
# So many adverts at least are read together, or it is no work saved.
_TOGETHER_MIN = 2
# How long adverts wait at most to be read; of the fastest ones, one.
_PAUSE_MAX_S = 0.2


class Routers:
    """All virtual routers, those that are still leaving too; `drained` tells whether new ones may take part."""

    def __init__(self, tell: Tell, drained: Callable[[], bool]) -> None:
        self._loop = asyncio.get_running_loop()
        self.network = Network(self.follow_network, self.receive)
        self.groups: list[SyncGroup] = []
        # What no virtual router can be blamed for, by the name of the interface that it came in by.
        self.strays: dict[str, dict[str, int]] = {}
        self.config = Config("", ())
        self._tell_on = tell
        self._drained = drained
        self._routers: dict[Identity, VirtualRouter] = {}
        self._leaving: dict[Identity, VirtualRouter] = {}
        # What an earlier life has held until now: how long ago it was renewed at most.
        self._held: dict[Identity, float] = {}
        # By interface index, family and virtual router id.
        self._receivers: dict[tuple[int, int, int], VirtualRouter] = {}
        self._last: dict[VirtualRouter, tuple[Datagram, PacketReceived]] = {}
        # When something has happened last; None where that is some time ago.
        self._stirred_s: float | None = None

    def configured(self) -> list[VirtualRouter]:
        """The virtual routers of the configuration."""
        return list(self._routers.values())

    def all(self) -> list[VirtualRouter]:
        """Those that are configured, and those that are no longer and have not left yet."""
        return [*self._routers.values(), *self._leaving.values()]

    @property
    def leaving(self) -> bool:
        """Whether one that is no longer configured has not left yet."""
        return bool(self._leaving)

    @property
    def masters(self) -> int:
        """How many of the configured ones are MASTER."""
        return sum(running.router.state is State.MASTER for running in self._routers.values())

    # --- the configuration

    def apply(self, new: Config) -> None:
        """Make the running virtual routers those of a configuration; who stays keeps its role."""
        wanted: dict[Identity, Instance] = {instance.identity: instance for instance in new.instances}
        self._ungroup()
        for identity in set(self._routers) - set(wanted):
            gone = self._leaving[identity] = self._routers.pop(identity)
            LOGGER.info("%s: no longer configured", gone.label)
            gone.stop()
        self.config = new
        started = []
        for identity, instance in wanted.items():
            running = self._routers.get(identity)
            if running is None:
                if identity in self._leaving:
                    self._leaving.pop(identity).let_go()
                running = self._routers[identity] = VirtualRouter(instance, self.network, self._tell)
                started.append(running)
            elif running.instance != instance:
                LOGGER.info("%s: reconfigured", running.label)
                running.reconfigure(instance)
        self._listen()
        starting = [] if self._drained() else started
        for running in starting:
            if running.instance.identity in self._held:
                # Before there are groups, which would have the first one leave because the others are not MASTER yet.
                running.start(self._held.pop(running.instance.identity))
        self.regroup_configured()
        for running in starting:
            if running.last_transition is None:
                running.start()

    def leave_all_but(self, identities: set[tuple[Any, ...]]) -> None:
        """Have those that are not among these leave in good order, as if the configuration no longer had them."""
        kept = tuple(instance for instance in self.config.instances if instance.identity in identities)
        if len(kept) < len(self.config.instances):
            names = {instance.name for instance in kept}
            groups = tuple(group for group in self.config.sync_groups if names.issuperset(group.instances))
            self.apply(replace(self.config, instances=kept, sync_groups=groups))

    def restored(self, documents: Iterable[Mapping[str, Any]], config: Config) -> list[VirtualRouter]:
        """Virtual routers as another process has left them; nothing is touched yet."""
        wanted = {instance.identity: instance for instance in config.instances}
        return [
            handover.restore(document, wanted[tuple(document["identity"])], self.network, self._tell)
            for document in documents
        ]

    def go_on(self, config: Config, restored: Iterable[VirtualRouter]) -> None:
        """Take part with them, and then by the configuration."""
        self.config = config
        self._routers = {running.instance.identity: running for running in restored}
        before = self.configured()
        self.apply(config)
        for running in before:
            running.go_on()

    def resume(self, config: Config) -> None:
        """Be ready to go on as MASTER where an earlier life has held the addresses until now."""
        self._held = resume.held(config, self.network)

    def remove_leftovers(self, config: Config) -> None:
        """No address outlives its owner: what an earlier life held is nobody's until somebody is elected.

        But for what it has renewed so recently that nobody can have missed it.
        """
        resumed = [instance for instance in config.instances if instance.identity in self._held]
        kept = {address for instance in resumed for address in instance.addresses}
        for instance in resumed:
            if instance.use_vmac:
                self.network.virtual_macs.adopt(instance)
        self.network.remove_left_links()
        shared = [address for instance in config.instances for address in instance.addresses]
        for address in self.network.leftovers(shared):
            if address.interface in kept:
                continue
            LOGGER.warning("removing %s, left by an earlier life", address.interface)
            for error in self.network.release(address.index, [address.interface]):
                LOGGER.error("%s", error)

    # --- what an operator asks for

    def refresh(self) -> None:
        """Learn of what has come in, and waits to be read."""
        self.network.reception.refresh()

    def stop_configured(self, reason: str) -> None:
        """Begin to stop them all."""
        self._ungroup()
        for running in self.configured():
            running.stop(reason)

    def regroup_configured(self) -> None:
        """Form the sync groups over them again."""
        self.groups = form_groups(self.config.sync_groups, self.configured())

    def renew_configured(self) -> None:
        """Put new ones in their place, and start them."""
        for running in self.configured():
            running.let_go()
        self._routers = {}
        self.apply(self.config)

    # --- the end

    def stop(self) -> None:
        """Begin to stop every one, also those that are leaving already."""
        self._ungroup()
        for running in self.all():
            running.stop()

    @property
    def stopped(self) -> bool:
        """Whether every one has a successor, or had time enough to find none."""
        return all(running.stopped for running in self.all())

    def let_go(self) -> bool:
        """Let go of everything at once, whatever goes wrong with one of them; whether nothing did."""
        in_order = True
        for running in self.all():
            try:
                running.let_go()
            except Exception:  # a bug, and the last chance to say so
                LOGGER.exception("%s: could not let go in good order", running.label)
                in_order = False
        return in_order

    def _ungroup(self) -> None:
        """Have no group decide while members come, go or stop; nobody takes a role alone meanwhile."""
        for group in self.groups:
            group.dissolve()
        self.groups = []

    def _tell(self, event: str, running: VirtualRouter, **fields: Any) -> None:
        self._stir()
        self._leaving = {identity: one for identity, one in self._leaving.items() if not one.stopped}
        self._tell_on(event, running, **fields)

    # --- the network

    def follow_network(self) -> None:
        """Links or addresses have changed."""
        self._listen()
        for running in self.all():
            running.follow_interface()

    def look_again(self) -> None:
        """A socket that the kernel refused may be had later, and no news will tell."""
        if any(self.network.reception.deaf(index, family) for index, family, unused_id in self._receivers):
            self.follow_network()
        if self._stirred_s is None:
            self._rest()  # a master may have another interval than before

    def _stir(self) -> None:
        """Something has happened, and more may follow: read adverts as they come until it is quiet."""
        self.network.reception.read_at_once()
        if self._stirred_s is None:
            self._loop.call_later(_QUIET_S, self._settle)
        self._stirred_s = self._loop.time()

    def _settle(self) -> None:
        quiet_s = self._loop.time() - (self._stirred_s or 0)
        if quiet_s < _QUIET_S:
            self._loop.call_later(_QUIET_S - quiet_s, self._settle)
        else:
            self._stirred_s = None
            self._rest()

    def _rest(self) -> None:
        """Where there are many, and all are quiet, adverts need not be read one by one."""
        pause_s = self._pause_s()
        if pause_s is None:
            self.network.reception.read_at_once()
        else:
            self.network.reception.rest(pause_s, 2 * pause_s, self._follow_deadlines, self._stir)

    def _pause_s(self) -> float | None:
        """How long adverts may wait to be read, where there are many and nobody is MASTER; None where they may not.

        The deadline of a BACKUP counts from when an advert came, and before it strikes all that came is read.
        """
        routers = [running.router for running in self.all()]
        asks = (router.settings.authentication.type == "hmac" for router in routers)  # and its questions are answered
        if len(self._receivers) < _MANY or any(asks) or any(router.state is State.MASTER for router in routers):
            return None
        intervals_s = [router.master.interval_cs / 100 for router in routers if router.master is not None]
        pause_s = min([_PAUSE_MAX_S, *intervals_s])
        return pause_s if sum(pause_s / interval_s for interval_s in intervals_s) >= _TOGETHER_MIN else None

    def _follow_deadlines(self) -> None:
        for running in self.all():
            running.deadline.follow()

    def receive(self, index: int, family: int, datagram: Datagram, at_ns: int) -> None:
        """Give a packet to the virtual router that it is for."""
        message = datagram.payload
        running = self._receivers.get((index, family, message[1])) if len(message) > 1 else None
        if running is None:
            self._count_stray(index, "vrid_errors" if len(message) > 1 else "packet_length_errors")
            return
        last = self._last.get(running)
        if last is None or last[0] is not datagram:
            # A socket gives the same datagram for the same octets, and the router knows the same event again.
            last = datagram, PacketReceived(message, datagram.source, datagram.destination, datagram.ttl)
            self._last[running] = last
        running.receive(last[1], at_ns)

    def _listen(self) -> None:
        """Have a socket wherever a virtual router needs one, and know whose each packet is."""
        self._receivers, self._last = {}, {}
        for running in self.all():
            link = self.network.link(running.instance.interface)
            if link is not None:
                self._receivers[link.index, running.instance.family, running.instance.virtual_router_id] = running
        keys = {(index, family) for index, family, unused_id in self._receivers}
        self._stir()
        self.network.listen(keys, many_speak=len(self._receivers) >= _MANY)

    def _count_stray(self, index: int, reason: str) -> None:
        counters = self.strays.setdefault(interface_name(index), {})
        counters[reason] = counters.get(reason, 0) + 1
