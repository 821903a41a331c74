# Copyright: (c) 2026, duet.ha_pair contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""One configured instance at work: what happens goes to its router, what the router wants is done."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, replace
from typing import Any, Protocol

from ..config import Instance
from ..linux.errors import KernelError
from ..protocol import events
from ..protocol.conflicts import Conflicts
from ..protocol.events import State
from ..protocol.router import Router
from ..protocol.settings import IPInterface
from .checks.runner import Checks
from .condition import Condition
from .deadline import Deadline
from .log import LOGGER, Limiter
from .network import Network
from .tally import Tally
from .tracking import link_fault
from .virtual_addresses import VirtualAddresses

# How long to wait before trying again after the kernel has refused an address: every try that fails takes the role
# from a healthy peer for a moment, so that they become rare.
_RETRY_FIRST_S = 5.0
_RETRY_LAST_S = 320.0


class Group(Protocol):
    """What a virtual router knows of its sync group."""

    name: str

    def settle(self) -> None:
        """Do what follows from an event of a member for the others."""

    def resign(self, force: bool) -> None:
        """Have every member that is MASTER resign, as one."""


class Tell(Protocol):
    """Whom it tells what has happened to it, as EventLog.note() takes it."""

    def __call__(self, event: str, running: VirtualRouter, **fields: Any) -> None:
        """`transition`, `still_master` or `not_heard_by`, and what belongs to it."""


@dataclass(frozen=True)
class Transition:
    """A change of state; `at_s` is the wall clock's time."""

    previous: State
    state: State
    reason: str
    at_s: float


class VirtualRouter:
    """Ties one router to the node's network and to the loop's clock."""

    def __init__(self, instance: Instance, network: Network, tell: Tell) -> None:
        self.instance = instance
        self.router = Router(instance, time.time_ns)
        self.index: int | None = None
        self.last_transition: Transition | None = None
        self.since_s = self.counting_since_s = time.time()
        self.group: Group | None = None
        self.conflicts = Conflicts(time.monotonic_ns())
        self.tally = Tally()
        self.addresses = VirtualAddresses(self, network, self._warn)
        self._mac: bytes | None = None
        self._network = network
        self._tell = tell
        self._limiter = Limiter()
        self._loop = asyncio.get_running_loop()
        self.deadline = Deadline(self, network)
        self._refused: str | None = None
        self._retry_s = _RETRY_FIRST_S
        self._started = self._stopping = self._resuming = False
        self._held_s: float | None = None
        self.checks = Checks(instance.checks, self._note_check)
        self._conditions = Condition(network, self.checks, self.follow_interface)
        # Why it is still MASTER, though it was asked to resign.
        self.still_master: events.StillMaster | None = None

    @property
    def label(self) -> str:
        """How log lines name it: instance, interface and virtual router id."""
        return f"{self.instance.name} {self.instance.interface}/{self.instance.virtual_router_id}"

    def start(self, held_s: float | None = None) -> None:
        """Take part, if the interface lets us; go on as MASTER where an earlier life held the addresses till now."""
        self._started, self._resuming, self._held_s = True, held_s is not None, held_s
        self.checks.start(trusting=self._resuming)
        self.follow_interface()
        self._resuming = False
        if held_s is not None and self.router.state is not State.MASTER:
            self.addresses.release(self.instance.addresses)

    def go_on(self) -> None:
        """Take part where another process has left off."""
        self.addresses.forget_renewal()
        if self._refused is not None:
            self._loop.call_later(self._retry_s / 2, self._try_again)
        self.checks.start(trusting=True)
        self.follow_interface()
        self.deadline.follow()

    def stop(self, reason: str = "stopped") -> None:
        """Begin to leave in good order; a MASTER has left when its successor answers, or nobody came."""
        self._stopping = True
        if self.stopped:
            self.checks.stop()
        self.handle(events.Stop(reason))

    def resign(self, force: bool) -> None:
        """Ask a MASTER to give its role to a successor; its sync group gives all of theirs."""
        self.still_master = None
        if self.group is not None:
            self.group.resign(force)
        else:
            self.handle(events.Resign(force))

    @property
    def resigning(self) -> bool:
        """Whether it is MASTER, was asked to resign, and waits for a successor."""
        return self.router.resigning is not None

    def resume_preemption(self) -> None:
        """Let it preempt by its configuration, as if it had not resigned."""
        self.handle(events.PreemptionResumed())

    @property
    def leaving(self) -> bool:
        """Whether it was told to leave, and holds its addresses until a successor answers."""
        return self._stopping and not self.stopped

    @property
    def stopped(self) -> bool:
        """Whether it has left."""
        return self.router.state is State.INIT

    def let_go(self) -> None:
        """Leave no address behind and do nothing more, in whatever order things are."""
        self.deadline.cancel()
        self.checks.stop()
        if not self.stopped:
            self.addresses.release(self.instance.addresses)
        self.addresses.drop_virtual_mac()

    def reconfigure(self, instance: Instance) -> None:
        """Take new settings for the same virtual router, without a change of role."""
        moves = instance.use_vmac != self.instance.use_vmac
        if moves:
            self.addresses.release(self.instance.addresses)
            self.addresses.drop_virtual_mac()
        if (instance.priority, instance.preempt) != (self.instance.priority, self.instance.preempt):
            self.resume_preemption()
        self.instance = instance
        self.checks.replace(instance.checks)
        if moves and not self.stopped and self.addresses.place(self._awake) is not None:
            self.follow_interface()
        self.handle(events.Reconfigured(self._effective()))
        if self.router.state is State.MASTER:
            # The lifetime follows the interval: an old, shorter one would end before the next advert renews it.
            self._claim()
            if moves:
                self.addresses.announce(instance.addresses)
        if self._yet_to_start:
            self.follow_interface()
        elif not self.stopped:
            self._follow_condition()

    def follow_interface(self) -> None:
        """Tell the router what has become of its interface, and bring back addresses that somebody removed."""
        if self.stopped and not self._yet_to_start:
            return  # it has left for good, or must not begin
        self._follow_priority()
        self._follow_condition()
        self._follow_mac()
        if self.router.state is State.MASTER:
            # After a long pause it may be master no more, and learns that from the clock alone.
            self.handle(events.TimerDue())
        if self.router.state is State.MASTER and not self._conditions.spared:
            missing = self.addresses.missing()
            if missing:
                LOGGER.warning("%s: removed by somebody else, restored: %s", self.label, _join(missing))
                self._claim()
                self.addresses.announce(missing)
        if self._yet_to_start:
            self._start_when_known()

    def receive(self, packet: events.PacketReceived, at_ns: int) -> None:
        """Take a packet that came at a time from which the timers of a BACKUP count."""
        if not self.router.hear_again(packet, at_ns):
            # A MASTER that was kept from its work learns that from the clock, before it hears what came meanwhile.
            self.handle(packet, at_ns if self.router.state is State.BACKUP else None)

    def handle(self, event: events.Event, at_ns: int | None = None) -> None:
        """Feed the router one event, do what it wants, and wait for its deadline."""
        untold: events.StateChanged | None = None
        for effect in self.router.handle(event, time.monotonic_ns() if at_ns is None else at_ns):
            if isinstance(effect, events.StateChanged):
                self._tell_transition(untold)
                self._note_transition(effect)
                untold = effect
            else:
                self._do(effect)
        # Those who are told of a new MASTER have time, its clients have not.
        self._tell_transition(untold)
        self.deadline.follow()
        if self.group is not None:
            self.group.settle()

    def _start_when_known(self) -> None:
        """Start the router, once; not before each check has told whether there is anything to take part with.

        Until then it is in INIT, and nobody is told of a FAULT that is none. Another fault is one at once.
        """
        waits = self.checks.awaited and self.router.fault in (None, self.checks.fault())
        if not waits:
            self.handle(events.Start(self._held_s))

    @property
    def _yet_to_start(self) -> bool:
        """Whether it is to take part, and has not begun to."""
        return self.stopped and self._started and not self._stopping and self.last_transition is None

    # --- the interface

    def _follow_condition(self) -> None:
        condition = self._condition()
        if isinstance(condition, events.InterfaceUp):
            if condition.source != self.router.source:
                self.handle(condition)
        elif condition.reason != self.router.fault:
            self.handle(condition)

    def _follow_mac(self) -> None:
        """Tell the router where the interface has another MAC than before; a virtual one stays as it is."""
        link, before = self._network.link(self.instance.interface), self._mac
        self._mac = link.mac if link is not None else before
        if before not in (None, self._mac) and self.router.source is not None and not self.instance.use_vmac:
            self.handle(events.InterfaceUp(self.router.source))

    def _condition(self) -> events.InterfaceUp | events.InterfaceDown:
        name = self.instance.interface
        link = self._network.link(name)
        if link is not None:
            # Else the index stays: an interface that was renamed still has the addresses, and they are to be released.
            self.index = link.index
        down = self.addresses.place(self._awake) or link_fault(self._network, name)
        if link is None or down is not None:
            return events.InterfaceDown(str(down))
        return self._conditions.interface(self.instance, link, self.router.source, self._refused)

    @property
    def tracked(self) -> dict[str, str | None]:
        """The tracked interfaces, and what is wrong with each."""
        return self._conditions.tracked(self.instance)

    def _effective(self) -> Instance:
        """The instance with the priority that is left to it."""
        return replace(self.instance, priority=self._conditions.priority(self.instance)[0])

    def _follow_priority(self) -> None:
        """Tell the router where a tracked interface has changed its priority."""
        before, (priority, reasons) = self.router.settings.priority, self._conditions.priority(self.instance)
        if priority != before and not self._stopping:
            why = ", ".join(reasons) or "nothing lowers it any more"
            LOGGER.info("%s: effective priority %d -> %d: %s", self.label, before, priority, why)
            self.handle(events.Reconfigured(self._effective()))

    @property
    def _awake(self) -> bool:
        """Whether an interface with the virtual MAC is to pass packets."""
        return self._resuming or self.router.state is State.MASTER

    # --- what the router wants

    def _do(self, effect: events.Effect) -> None:
        if isinstance(effect, events.SendAdvert):
            self._send(effect)
        elif isinstance(effect, events.ClaimAddresses):
            self._claim()
        elif isinstance(effect, events.ReleaseAddresses):
            self.addresses.release(effect.addresses)
        elif isinstance(effect, events.Announce):
            self.addresses.announce(effect.addresses)
        elif isinstance(effect, events.StillMaster):
            self.still_master = effect
            LOGGER.warning("%s: still MASTER: %s", self.label, effect.reason)
            self._tell("still_master", self, reason=effect.reason)
        elif isinstance(effect, events.PacketRejected):
            self._complain(effect, "dropped an advert from")
        elif isinstance(effect, events.Mismatch):
            self._complain(effect, "differs from what is configured here: the advert of")
        elif isinstance(effect, events.NotHeard):
            self._note_deaf(effect)

    def _send(self, effect: events.SendAdvert) -> None:
        if self.index is None:
            return
        is_master = self.router.state is State.MASTER and self.router.yielding is None
        if is_master and self.addresses.due and not self._conditions.spared:
            self._note_refused(self.addresses.renew(self._awake, self._claim))
        try:
            if is_master and self.instance.use_vmac and self.addresses.index is not None:
                # RFC 9568 7.2: an advert comes from the virtual MAC. Not the one of a MASTER that has just yielded: the
                # switch would look for the MAC here again.
                self._network.send_frame(self.addresses.index, effect.message, effect.source, effect.destination)
            else:
                self._network.reception.send(
                    self.index, self.instance.family, effect.message, effect.source, effect.destination
                )
        except KernelError as error:
            self._warn(("send", error.errno), f"{error}")

    def _claim(self) -> None:
        """Have the addresses, or let the peer have the role."""
        if self.addresses.index is None or self._conditions.spared:
            return  # before the host's own address is back ours would be the first, and its own a secondary one
        self._note_refused(self.addresses.claim(self._awake))

    def _note_refused(self, errors: list[str]) -> None:
        for error in errors:
            self._warn(("claim", error), error)
            if self._refused is None:
                # A master without its addresses is an outage that nobody takes over from: let the peer have the role.
                self._refused = error
                self._loop.call_soon(self.follow_interface)
                self._loop.call_later(self._retry_s, self._try_again)
                self._retry_s = min(2 * self._retry_s, _RETRY_LAST_S)

    def _try_again(self) -> None:
        self._refused = None
        self.follow_interface()

    def _note_transition(self, effect: events.StateChanged) -> None:
        self.since_s = time.time()
        self.last_transition = Transition(effect.previous, effect.state, effect.reason, self.since_s)
        self.conflicts = Conflicts(time.monotonic_ns())
        if self.stopped:
            self.checks.stop()
            self.addresses.drop_virtual_mac()

    def _tell_transition(self, effect: events.StateChanged | None) -> None:
        if effect is None:
            return
        level = LOGGER.warning if effect.state is State.FAULT else LOGGER.info
        level("%s: %s -> %s: %s", self.label, effect.previous.value, effect.state.value, effect.reason)
        became_master = effect.state is State.MASTER
        cause = self.router.new_master_reason if became_master else "not_master"
        self.tally.note_transition(effect.previous.value, effect.state.value, cause)
        told = {"from": effect.previous.value, "to": effect.state.value, "reason": effect.reason}
        self._tell("transition", self, **told, priority=self.router.settings.priority)

    def _note_check(self, name: str, healthy: bool, detail: str) -> None:
        level = LOGGER.info if healthy else LOGGER.warning
        level("%s: check %s: %s: %s", self.label, name, "healthy" if healthy else "failed", detail)
        self._tell("check", self, check=name, healthy=healthy, detail=detail)
        self.follow_interface()

    def _note_deaf(self, effect: events.NotHeard) -> None:
        end = "no more heard as a second MASTER" if effect.over else "MASTER too, and does not hear this node"
        text = f"{effect.address} (priority {effect.priority}) is {end}"
        if self._warn((effect.over, effect.address), text):
            told = {"address": str(effect.address), "priority": effect.priority, "over": effect.over}
            self._tell("not_heard_by", self, **told)

    def _complain(self, effect: events.PacketRejected | events.Mismatch, what: str) -> None:
        self._warn((effect.reason, effect.source), f"{what} {effect.source}: {effect.reason}: {effect.detail}")

    def _warn(self, kind: tuple[object, ...], text: str) -> bool:
        """Log it, unless one of its kind was only just; whether it was."""
        held_back = self._limiter.admit(kind, self._loop.time())
        if held_back is not None:
            more = f" ({held_back} more like it since)" if held_back else ""
            LOGGER.warning("%s: %s%s", self.label, text, more)
        return held_back is not None


def _join(addresses: list[IPInterface]) -> str:
    return ", ".join(str(address) for address in addresses)
