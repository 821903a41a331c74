# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A process on a machine that takes part in a virtual router, and what faults can do to it."""

from __future__ import annotations

from abc import ABC, abstractmethod

from vrrp_agent.protocol.events import PacketReceived
from vrrp_agent.protocol.settings import IPAddress, Settings

from .group import Group


class Node(ABC):
    """The life of a process: started, paused, crashed, stopped, reloaded; its link goes down and comes back."""

    is_ours = True

    def __init__(self, group: Group, machine: int, name: str, settings: Settings, source: IPAddress) -> None:
        self.world = group.world
        self.group = group
        self.machine = machine
        self.name = name
        self.settings = settings
        self.source = source
        self.running = False
        self.asleep = False
        self.leaving = False
        self.link_up = True
        # When it gave the role to a better master that heard its last advert; None too when that is not known.
        self.yielded_ns: int | None = None
        self._inbox: list[PacketReceived] = []
        self._deaf = False
        self._asleep_until_ns = 0
        group.nodes.append(self)
        group.note(settings)

    @property
    def able(self) -> bool:
        """Whether it can be master now; who is leaving must not be counted on."""
        return self.running and not self.asleep and self.link_up and not self.leaving

    @property
    def may_preempt(self) -> bool:
        """Whether it takes the role from a living master of lower priority (RFC 9568 6.1: an owner always does)."""
        return self.settings.preempt or self.settings.priority == 255

    @property
    @abstractmethod
    def is_master(self) -> bool:
        """Whether it believes that it is master."""

    # --- what happens to it

    def start(self) -> None:
        """Start the process, unless it runs."""
        if not self.running:
            self.tell("starts")
            self.running, self.asleep = True, False
            self.group.touch()
            self._boot()

    def crash(self) -> None:
        """The process is gone; the addresses stay (`kill -9`)."""
        if self.running:
            self.tell("crashes")
            self.running, self.asleep, self.leaving = False, False, False
            self._inbox.clear()
            self.group.touch()
            self._die()

    def stop(self) -> None:
        """The process is asked to leave in good order."""
        if self.running and not self.asleep and not self.leaving:
            self.tell("is stopped")
            self.group.touch()
            self.leaving = True
            self._leave()

    def _left(self) -> None:
        """The process has left."""
        self.running, self.leaving = False, False
        self.group.touch()

    def pause(self, duration_ns: int, deaf: bool) -> None:
        """The process gets no time (SIGSTOP); `deaf`: nor does its kernel (a paused VM), which loses packets."""
        if self.running and not self.asleep:
            self.tell(f"is paused for {duration_ns / 1e9:.4f} s{', and its kernel with it' if deaf else ''}")
            self.asleep, self._deaf = True, deaf
            self._asleep_until_ns = self.world.now_ns + duration_ns
            self.group.touch()
            self._fall_asleep()
            self.world.at(self._asleep_until_ns, self._resume, self._asleep_until_ns)

    def _resume(self, until_ns: int) -> None:
        if self.asleep and self._asleep_until_ns == until_ns:
            self.tell("goes on")
            self.asleep = False
            self.group.touch()
            inbox, self._inbox = self._inbox, []
            self._wake(inbox)

    def set_link(self, up: bool) -> None:
        """The link loses or gets its carrier."""
        if self.link_up != up:
            self.tell(f"link {'up' if up else 'down'}")
            self.link_up = up
            self.group.touch()
            if self.running and not self.asleep:
                self._interface_changed()

    def readdress(self, source: IPAddress) -> None:
        """The interface gets another primary address."""
        self.tell(f"has address {source} instead of {self.source}")
        self.source = source
        self.group.touch()
        if self.running and not self.asleep:
            self._interface_changed()

    def reload(self, settings: Settings) -> None:
        """The configuration file is replaced; a process that sleeps reads it when it goes on."""
        if settings != self.settings:
            self.tell(f"is reloaded: {describe(settings)}")
            self.settings = settings
            self.group.note(settings)
            self.group.touch()
            if self.running and not self.asleep:
                self._settings_changed()

    def receive(self, packet: PacketReceived) -> None:
        """A packet arrives at the machine."""
        if not self.running or not self.link_up:
            return
        if not self.asleep:
            self._packet(packet)
        elif not self._deaf:
            self._inbox.append(packet)

    def tell(self, what: str) -> None:
        """Add to the story."""
        self.world.tell(self.name, what)

    # --- what it makes of that

    @abstractmethod
    def _boot(self) -> None: ...

    @abstractmethod
    def _die(self) -> None: ...

    @abstractmethod
    def _leave(self) -> None: ...

    @abstractmethod
    def _fall_asleep(self) -> None: ...

    @abstractmethod
    def _wake(self, inbox: list[PacketReceived]) -> None: ...

    @abstractmethod
    def _interface_changed(self) -> None: ...

    @abstractmethod
    def _settings_changed(self) -> None: ...

    @abstractmethod
    def _packet(self, packet: PacketReceived) -> None: ...


def describe(settings: Settings) -> str:
    """Settings in a few words."""
    addresses = " ".join(str(address) for address in settings.addresses)
    mode = "" if settings.preempt else " nopreempt"
    return (
        f"v{settings.version} priority {settings.priority}{mode} {settings.advert_interval_cs / 100:g} s [{addresses}]"
    )
