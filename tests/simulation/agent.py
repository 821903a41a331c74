# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Our agent in the simulation: the real Router, its effects done as the service does them, each step checked."""

from __future__ import annotations

from typing import Any

from vrrp_agent.protocol import events
from vrrp_agent.protocol.events import PacketReceived, SendAdvert, State
from vrrp_agent.protocol.freshness import Receiver, Sender
from vrrp_agent.protocol.router import Router
from vrrp_agent.protocol.settings import IPAddress, IPInterface, Settings

from .group import Group, yields_ns
from .interface import KERNEL_SLACK_NS, Interface
from .node import Node
from .rfc import DownTimer, interval_ns, priority_of, skew_ns
from .signed import PROOF, UNDATED, Memory, is_question, signs
from .world import SECOND_NS, Broken

LATE_NS = 200_000_000
_RESUME_MARGIN_NS = 200_000_000
_NO_CARRIER = "eth0 has no carrier"
_LISTENING = (State.BACKUP, State.MASTER)


def lifetime_s(settings: Settings) -> int:
    """How long the kernel keeps an address that nobody renews (service/virtual_router.py)."""
    return max(2, 3 * settings.advert_interval_cs // 100)


class Agent(Node):
    """A node that runs our agent."""

    def __init__(self, group: Group, machine: int, name: str, settings: Settings, source: IPAddress) -> None:
        super().__init__(group, machine, name, settings, source)
        self.router = Router(settings, self.utc_ns)
        self.memory = Memory()
        self.interface = Interface(self.world, self._expired)
        self._armed_ns: int | None = None
        self._sent_ns = 0
        self._renewed_ns = 0
        self._down_timer: DownTimer | None = None
        self._unannounced: set[IPInterface] = set()
        self._catching_up = False
        self._absences = 0
        # The better master's advert, and when it was heard, that makes this one yield.
        self._better: tuple[bytes, int] | None = None
        self._life: Settings | None = None

    @property
    def is_master(self) -> bool:
        """Whether the router says so."""
        return self.router.state is State.MASTER

    def utc_ns(self) -> int:
        """Its machine's wall clock."""
        return self.world.utc_ns(self.machine)

    # --- what happens to it, as the service tells its router

    def _boot(self) -> None:
        self.router, self.memory = Router(self.settings, self.utc_ns), Memory()
        held_s, self._life = self._held_s(), self.settings
        self._armed_ns, self._renewed_ns = None, 0
        self._absences += 1
        # What an earlier life has left is removed before anything else; what is resumed, claimed in the same moment.
        self.interface.clear()
        self._interface_changed()
        self._handle(events.Start(held_s))

    def _held_s(self) -> float | None:
        """How long ago an earlier life has renewed its addresses at most, if nobody can have missed it (resume.py)."""
        if self._life != self.settings or self.settings.priority == 255:
            return None
        there = set(self.interface.addresses)
        age_s = (self.world.now_ns - self._renewed_ns) // SECOND_NS + 1
        patience_ns = 3 * interval_ns(self.settings.advert_interval_cs)
        recent = age_s * SECOND_NS + _RESUME_MARGIN_NS <= patience_ns
        return float(age_s) if recent and there >= set(self.settings.addresses) else None

    def _die(self) -> None:
        self._armed_ns = None
        self._expect_addresses_gone()

    def _leave(self) -> None:
        """The process lives until its router has let go."""
        self._handle(events.Stop())

    def _fall_asleep(self) -> None:
        self._armed_ns = None
        self._expect_addresses_gone()

    def _wake(self, inbox: list[PacketReceived]) -> None:
        """What is readable comes first, in the order in which the kernel tells it; timers come last."""
        self.group.note(self.router.settings)
        overslept = self.is_master and self.world.now_ns - self._sent_ns > self._patience_ns
        self._absences += 1
        self._catching_up = True
        news_first = self.world.random.random() < 0.5
        if news_first:
            self._interface_changed()
        for packet in inbox:
            self._packet(packet)
        if not news_first:
            self._interface_changed()
        if self.router.deadline_ns is not None and self.router.deadline_ns <= self.world.now_ns:
            self._handle(events.TimerDue())
        if overslept and self.is_master:
            raise Broken(f"{self.name} is still master after a sleep that was longer than a backup waits")
        self._catching_up = False
        if self.router.settings != self.settings:
            self.group.touch()  # the reload comes now, after adverts of the old settings
            self._settings_changed()
        self._arm()

    @property
    def _patience_ns(self) -> int:
        settings = self.router.settings
        interval = interval_ns(settings.advert_interval_cs)
        return 3 * interval + skew_ns(settings.version, settings.priority, interval)

    def _interface_changed(self) -> None:
        if not self.link_up:
            if self.router.fault != _NO_CARRIER:
                self._handle(events.InterfaceDown(_NO_CARRIER))
        elif self.source != self.router.source:
            self._handle(events.InterfaceUp(self.source))
        self._restore()

    def _restore(self) -> None:
        """Bring back what is missing; only the router knows whether the role was lost in the meantime, so ask it."""
        if self.is_master and self._missing():
            self._handle(events.TimerDue())
            missing = self._missing()
            if self.is_master and missing:
                self.interface.claim(missing, lifetime_s(self.settings))
                self._announce(missing)

    def _missing(self) -> list[IPInterface]:
        there = self.interface.addresses
        return [address for address in self.router.settings.addresses if address not in there]

    def _settings_changed(self) -> None:
        self._life = self.settings
        if self.is_master:
            # Lifetimes follow the interval; an old, shorter one would end before the next renewal.
            self._claim(tuple(self.router.settings.addresses))
        self._handle(events.Reconfigured(self.settings))

    def _packet(self, packet: PacketReceived) -> None:
        self._handle(packet)

    def _due(self, armed_ns: int) -> None:
        if armed_ns == self._armed_ns:
            self._armed_ns = None
            deadline_ns = self.router.deadline_ns
            if deadline_ns is not None and deadline_ns <= self.world.now_ns:
                self._handle(events.TimerDue())
            else:
                self._arm()

    def _arm(self) -> None:
        """A deadline that moves later leaves the timer where it is: it finds nothing due, and is set again."""
        deadline_ns = self.router.deadline_ns
        if deadline_ns is not None and (self._armed_ns is None or self._armed_ns > deadline_ns):
            self._armed_ns = deadline_ns
            self.world.wake_at(deadline_ns, self._due, deadline_ns)

    def _expired(self, addresses: list[IPInterface]) -> None:
        self.tell(f"loses {' '.join(str(address) for address in addresses)}: not renewed")
        if self.running and not self.asleep:
            raise Broken(f"{self.name} lets its addresses expire while it runs")

    # --- one step

    def _handle(self, event: events.Event) -> None:
        """Feed the router, do what it wants, and compare with what must be so."""
        router, now_ns = self.router, self.world.now_ns
        before = router.state
        heard = router.counters["advertisement_rcvd"]
        effects = router.handle(event, now_ns)
        rejected = next((effect for effect in effects if isinstance(effect, events.PacketRejected)), None)
        accepted = router.counters["advertisement_rcvd"] > heard
        if isinstance(event, PacketReceived) and (accepted or rejected is not None):
            self._judge(event, rejected)
        self._check_sends(effects, rejected, before)
        after = router.state
        adopted = router.yielding is not None and router.yielding.successor.heard_ns == now_ns
        if isinstance(event, PacketReceived) and accepted and adopted:
            self._better = event.message, now_ns
        for effect in effects:
            self._do(effect, event, rejected is not None)
        self._follow_down_timer(event, before, after, accepted)
        self._check(event, before, after, effects)
        if router.yielding is None:
            self._better = None
        if self.leaving and after is State.INIT:
            self._left()
        self._arm()

    def _judge(self, packet: PacketReceived, rejected: events.PacketRejected | None) -> None:
        """Without signatures nothing genuine is rejected; with them a second opinion says what may be."""
        if not signs(self.router.settings):
            if rejected is not None:
                raise Broken(f"{self.name} rejects a genuine advert of {packet.source}: {rejected.detail}")
        else:
            why = rejected.reason if rejected else None
            wrong = self.memory.hear(packet, self.world.now_ns, self.utc_ns(), self.router.settings, why)
            if wrong is not None:
                raise Broken(f"{self.name} {wrong}")

    def _check_sends(
        self, effects: events.Effects, rejected: events.PacketRejected | None, before: State
    ) -> list[SendAdvert]:
        """Only a MASTER sends; but one advert that asks for proof may answer one that is genuine and undated.

        It leaves everything as it is: a MASTER says what it says anyway, a BACKUP and who yields priority 1.
        """
        sent = [effect for effect in effects if isinstance(effect, SendAdvert)]
        after = self.router.state
        if rejected is None or not sent:
            if sent and State.MASTER not in (before, after):
                raise Broken(f"{self.name} sends an advert as {after.value}")
            return []
        messages = max(1, len(self.router.settings.unicast_peers))
        if before is State.MASTER and after is State.BACKUP:
            sent = sent[messages:]  # it has overslept, and its last word came first
        if not sent:
            return []
        says = self.router.settings.priority if after is State.MASTER and self.router.yielding is None else 1
        if self.leaving:
            says = 0
        if (
            rejected.reason not in UNDATED
            or len(sent) != messages
            or {priority_of(one.message) for one in sent} != {says}
        ):
            raise Broken(f"{self.name} rejects a packet, {rejected.reason}, and answers it by {sent}")
        return sent

    def hear_rejected(self, packet: PacketReceived, recorded: bool = False) -> None:
        """Hear a packet that must be dropped, and must leave nothing behind but a count.

        A genuine one that was recorded may be answered by an advert that asks for proof, after which our own next
        sequence, what we echo and when we have answered are others; whom we believe is not.
        """
        if not self.able:
            return
        state, before, trust = self.router.state, self._snapshot(), self._trust()
        effects = self.router.handle(packet, self.world.now_ns)
        rejected = next((effect for effect in effects if isinstance(effect, events.PacketRejected)), None)
        answer = self._check_sends(effects, rejected, state)
        others = [type(effect) for effect in effects if effect not in answer]
        if others != ([events.PacketRejected] if self._listens else []) or (answer and not recorded):
            raise Broken(f"{self.name} was told to drop a packet, and did {effects}")
        after = self._snapshot()
        changed = [name for name in before if before[name] != after[name]]
        free = PROOF if recorded and self.memory.note_rejected(packet) else ()
        changed += [
            name for name, value in self._trust().items() if value != trust[name] and not (answer or name in free)
        ]
        if changed:
            raise Broken(f"{self.name} rejected a packet, and it changed {', '.join(changed)}")
        for one in answer:
            self._put_out(one)

    @property
    def _listens(self) -> bool:
        return self.router.state in _LISTENING

    def _trust(self) -> dict[str, object]:
        """What an answer may change."""
        values = {**self._memory(), **vars(self.router._codec)}
        del values["_followed"]
        values.update({name: dict(values[name]) for name in ("_unproven", "_echoed", "_answered")})
        return values

    def _memory(self) -> dict[str, Any]:
        """Of signed adverts: as it is made, where there is none yet."""
        authenticator = self.router._codec._authenticator
        sender, receiver = authenticator._sender or Sender(), authenticator._receiver or Receiver()
        return {**vars(sender), **vars(receiver)}

    def _snapshot(self) -> dict[str, object]:
        values = {name: value for name, value in vars(self.router).items() if name not in ("counters", "_effects")}
        values["_announce_ns"] = tuple(self.router._announce_ns)
        values["_codec"] = {name: value for name, value in vars(self.router._codec).items() if name != "_encoded"}
        values["_followed"] = dict(self._memory()["_followed"])
        values["accepted"] = self.router.counters["advertisement_rcvd"]
        return values

    def _do(self, effect: events.Effect, event: events.Event, proves: bool) -> None:
        if isinstance(effect, SendAdvert):
            self._send(effect, event, proves)
        elif isinstance(effect, events.ClaimAddresses):
            self._unannounced.update(effect.addresses)
            self._claim(effect.addresses)
        elif isinstance(effect, events.ReleaseAddresses):
            self._unannounced.difference_update(effect.addresses)
            self.interface.release(effect.addresses)
        elif isinstance(effect, events.Announce):
            self._announce(effect.addresses)
        elif isinstance(effect, events.StateChanged):
            self.tell(f"{effect.previous.value} -> {effect.state.value}: {effect.reason}")
            if self.leaving:
                self.group.touch()
            self.group.note_transition(self, f"goes to {effect.state.value}: {effect.reason}")
            self.yielded_ns = None
            if self._better is not None and effect.state is State.BACKUP:
                self.group.note_yield(self)

    def _send(self, effect: SendAdvert, event: events.Event, proves: bool) -> None:
        """Do what is due with an advert; one that only `proves` that we are alive touches no timer of ours."""
        if not isinstance(event, events.TimerDue) and not is_question(event):
            self.group.note_answer(self, type(event).__name__)
        if priority_of(effect.message) == 0 and not isinstance(event, events.Stop) and not (proves and self.leaving):
            raise Broken(f"{self.name} sends priority 0 without being stopped")
        if proves:
            self._put_out(effect)
            return
        self._sent_ns = self.world.now_ns
        if self._sent_ns - self._renewed_ns > lifetime_s(self.router.settings) * SECOND_NS // 4:
            self._claim(self.router.settings.addresses)
        self._put_out(effect)

    def _put_out(self, effect: SendAdvert) -> None:
        if signs(self.router.settings):
            self.memory.note_sent(effect.message)
        if self.link_up:
            self.group.segment.send(self, effect.message, effect.source, effect.destination)

    def _claim(self, addresses: tuple[IPInterface, ...]) -> None:
        self._renewed_ns = self.world.now_ns
        self.interface.claim(addresses, lifetime_s(self.settings))

    def _announce(self, addresses: tuple[IPInterface, ...] | list[IPInterface]) -> None:
        self._unannounced.difference_update(addresses)
        if self.link_up:
            for address in addresses:
                self.group.segment.announce(self, address.ip)

    # --- what must be so after each step

    def _follow_down_timer(self, event: events.Event, before: State, after: State, accepted: bool) -> None:
        if after is not State.BACKUP:
            self._down_timer = None
            return
        if before is not State.BACKUP or self._down_timer is None:
            self._down_timer = DownTimer(self.router.settings, self.world.now_ns)
            if self._better is not None and self.router.master is not None:
                self._down_timer.hear(*self._better)
        if isinstance(event, PacketReceived) and accepted and not is_question(event):
            self._down_timer.hear(event.message, self.world.now_ns)
        elif isinstance(event, events.Reconfigured):
            self._down_timer.reload(event.settings)

    def _check(self, event: events.Event, before: State, after: State, effects: events.Effects) -> None:
        if self._unannounced:
            raise Broken(f"{self.name} has claimed {min(self._unannounced, key=str)} and not announced it")
        deadline_ns = self.router.deadline_ns
        if after is State.MASTER:
            self._check_master(event, before, deadline_ns)
            return
        if self.interface.addresses:
            raise Broken(f"{self.name} is {after.value} and still holds addresses")
        expected_ns = self._down_timer.due_ns if self._down_timer else None
        if deadline_ns != expected_ns:
            raise Broken(f"{self.name} is {after.value} and waits until {deadline_ns}, not {expected_ns}")

    def _check_master(self, event: events.Event, before: State, deadline_ns: int | None) -> None:
        settings = self.router.settings
        next_ns = self._sent_ns + interval_ns(settings.advert_interval_cs)
        if self.leaving:
            # The longest skew there is, and what a successor may be late.
            interval = interval_ns(settings.advert_interval_cs)
            next_ns = self._sent_ns + skew_ns(settings.version, 1, interval) + min(LATE_NS, 2 * interval)
        elif self.router.yielding is not None:
            next_ns = self._sent_ns + yields_ns(settings)
        if deadline_ns is None or deadline_ns > next_ns:
            raise Broken(f"{self.name} is master, and its next advert, or its end, is not due in time")
        if isinstance(event, events.TimerDue) and deadline_ns <= self.world.now_ns:
            raise Broken(f"{self.name} has nothing left to do, but its deadline stays in the past")
        if not self._catching_up and self._missing():
            raise Broken(f"{self.name} is master without {self._missing()[0]}")
        foreign = [address for address in self.interface.addresses if address not in self.router.settings.addresses]
        if foreign:
            raise Broken(f"{self.name} holds {foreign[0]}, which is not configured")

    def _expect_addresses_gone(self) -> None:
        """Nobody is there to renew: after the lifetime, and the kernel's slack, the addresses are gone."""
        self._absences += 1
        left_ns = lifetime_s(self.router.settings) * SECOND_NS + KERNEL_SLACK_NS
        self.world.after(left_ns + 1, self._check_addresses_gone, self._absences)

    def _check_addresses_gone(self, absence: int) -> None:
        if absence == self._absences and self.interface.addresses:
            raise Broken(f"{self.name} does not run, and its addresses outlive it")
