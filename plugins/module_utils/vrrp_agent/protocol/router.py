# Copyright: (c) 2026, duet.ha_pair contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""One virtual router: the state machine of RFC 9568 6.4 (and RFC 3768 6.4) without a socket or a clock.

`effects = router.handle(event, now_ns)` takes one event and returns what is to be done, in order; `router.deadline_ns`
is when the router wants a `TimerDue`. Time is any integer clock of nanoseconds that never goes back.
"""

from __future__ import annotations

from typing import Callable, cast

from . import backup, leaving, master, member, packet, resigning, timers, yielding
from .codec import Codec, no_wall_clock
from .counters import Counters
from .events import (
    Announce,
    ClaimAddresses,
    Effect,
    Effects,
    Event,
    InterfaceDown,
    InterfaceUp,
    Master,
    Mismatch,
    PacketReceived,
    PacketRejected,
    PreemptionResumed,
    Reconfigured,
    ReleaseAddresses,
    Resign,
    Start,
    State,
    StateChanged,
    Stop,
    TimerDue,
)
from .rival import Rival
from .settings import PRIORITY_LOWEST, PRIORITY_OWNER, IPAddress, Settings


class Router:
    """A virtual router's state, its timers and its counters."""

    def __init__(self, settings: Settings, utc_ns: Callable[[], int] = no_wall_clock) -> None:
        """`utc_ns` is the wall clock, which only `hmac` asks for."""
        self.settings = settings
        self.state = State.INIT
        self.source: IPAddress | None = None
        self.fault: str | None = "interface not seen yet"
        self.group = member.Membership()
        self.reason = ""
        self.master: Master | None = None
        self.new_master_reason = "not_master"
        # A MASTER that was asked to resign, until it knows whether it has a successor.
        self.resigning: resigning.Resignation | None = None
        # A MASTER that has heard a better one, until that one's addresses answer.
        self.yielding: yielding.Yielding | None = None
        # It has resigned, and does not preempt before it is MASTER again.
        self.switched_over = False
        self.counters = Counters()
        # RFC 9568 6.1 Active_Adver_Interval: what a backup heard from the master; a master's own otherwise.
        self._master_interval_cs = settings.advert_interval_cs
        self._waiting_since_ns = 0
        self._resigned = False
        self._outranked: Master | None = None
        # The losing master that a MASTER hears.
        self.rival = Rival()
        # A MASTER that was stopped, until its successor answers: the reason that it will give.
        self._leaving: str | None = None
        self.stop_reason = ""
        self._timer_ns: int | None = None
        # startup_delay, as long as nobody has been heard; and when a lesser master, heard until then, loses the role.
        self._startup_ns = 0
        self._preempt_ns: int | None = None
        self._advert_sent_ns = 0
        self._announce_ns: list[int] = []
        # The second in which losing masters are being answered, and how often they were.
        self._answers = (0, 0)
        self._codec = Codec(settings, utc_ns)
        self._effects: list[Effect] = []
        # The advert that a BACKUP has followed, as long as nothing else has happened.
        self._followed: PacketReceived | None = None

    @property
    def deadline_ns(self) -> int | None:
        """When the router wants a TimerDue; None while it waits for nothing."""
        if self._preempt_ns is None and not self._announce_ns:
            return self._timer_ns  # nearly always, and asked for after every event
        due = (self._timer_ns, self._preempt_ns, *self._announce_ns[:1])
        return min((due_ns for due_ns in due if due_ns is not None), default=None)

    @property
    def master_down_ns(self) -> int:
        """Active_Down_Interval as this router would use it now."""
        return timers.master_down_ns(self.settings.version, self.settings.priority, self._master_interval_cs)

    def handle(self, event: Event, now_ns: int) -> Effects:
        """Take one event; returns what is to be done, in this order."""
        self._effects = []
        if not isinstance(event, PacketReceived):  # of which nothing may count before it is accepted
            self._followed = None
        # Three intervals at least, which is quickly seen to be not so.
        is_late = now_ns - self._advert_sent_ns > 3 * timers.CENTISECOND_NS * self._master_interval_cs
        if is_late and self.state is State.MASTER and now_ns - self._advert_sent_ns > self.master_down_ns:
            master.oversleep(self, now_ns)
        self.dispatch(event, now_ns)
        return tuple(self._effects)

    def hear_again(self, event: PacketReceived, now_ns: int) -> bool:
        """Take the advert that was followed last once more, where nothing else has happened since; whether that is so.

        `handle` would do the same and have no effect: this is what a BACKUP does all its life.
        """
        if event is not self._followed or self.master is None or self._timer_ns is None:
            return False
        self.counters["advertisement_rcvd"] += 1
        self.master = Master(self.master.address, self.master.priority, self.master.interval_cs, now_ns)
        self._timer_ns += now_ns - self._waiting_since_ns
        self._waiting_since_ns = now_ns
        return True

    def dispatch(self, event: Event, now_ns: int) -> None:
        """Do what the table of the present state says; for its handlers only."""
        if self._leaving is not None:
            handler = leaving.TABLE[type(event)]
        elif self.resigning is not None:
            handler = resigning.TABLE[type(event)]
        elif self.yielding is not None:
            handler = yielding.TABLE[type(event)]
        else:
            handler = _TABLE[self.state, type(event)]
        handler(self, event, now_ns)

    # --- what happens in INIT and FAULT

    def _start(self, event: Start, now_ns: int) -> None:
        self._startup_ns = self.settings.startup_delay_ms * timers.MILLISECOND_NS
        fault = self.fault or self.group.fault
        if fault is not None:
            self._change(State.FAULT, fault)
        elif event.held_s is not None:
            # Not in the RFC: killed and started again before anybody could notice, it never was away.
            why = f"resumed: its addresses were renewed less than {event.held_s:g} s ago"
            self._take_role(why, "no_response", now_ns)
        else:
            self._begin("started", now_ns)

    def _begin(self, reason: str, now_ns: int) -> None:
        """RFC 9568 6.4.1: the address owner starts as master, everybody else listens first."""
        if self.settings.priority == PRIORITY_OWNER:
            self._become_master(f"{reason} as address owner (priority 255)", "priority", now_ns)
        else:
            self._become_backup(reason, now_ns)
            self._wait(self.master_down_ns + self._startup_ns, now_ns)

    def _note_interface_up(self, event: InterfaceUp, now_ns: int) -> None:
        self.source, self.fault = event.source, None

    def _note_interface_down(self, event: InterfaceDown, now_ns: int) -> None:
        self.source, self.fault = None, event.reason

    def _recover(self, event: InterfaceUp, now_ns: int) -> None:
        reason = f"recovered: {self.fault}"
        self._note_interface_up(event, now_ns)
        if self.group.fault is None:
            self._begin(reason, now_ns)

    def _leave_fault(self, event: Stop, now_ns: int) -> None:
        self._change(State.INIT, event.reason)

    def _note_settings(self, event: Reconfigured, now_ns: int) -> None:
        self.settings = event.settings
        self._codec.reconfigure(event.settings)
        self._master_interval_cs = self.settings.advert_interval_cs

    def _resume_preemption(self, event: PreemptionResumed, now_ns: int) -> None:
        self.switched_over = False

    def _ignore(self, event: Event, now_ns: int) -> None:
        """Nothing to do in this state."""

    # --- the ways to a state

    def _become_backup(self, reason: str, now_ns: int) -> None:
        self._change(State.BACKUP, reason)
        self.master = None
        self._master_interval_cs = self.settings.advert_interval_cs
        self._outranked, self._resigned = None, False
        self._wait(self.master_down_ns, now_ns)

    def _become_master(self, reason: str, code: str, now_ns: int) -> None:
        """Take the role, or ask the sync group for it; `code` is RFC 8347's new-master-reason."""
        if self.group.joined:
            self.group.claim, self._timer_ns = member.Claim(reason, code, self._resigned), None
        else:
            self._take_role(reason, code, now_ns)

    def _take_role(self, reason: str, code: str, now_ns: int) -> None:
        """The only way to MASTER.

        RFC 9568 6.4.2 sends the advert first and announces then. Here the old master, which lets go on the advert,
        hears it only when the addresses already answer here: a client never finds nobody.
        """
        self._change(State.MASTER, reason)
        self.counters["master_transitions"] += 1
        self.new_master_reason = code
        self.master = None
        self._master_interval_cs = self.settings.advert_interval_cs
        self._effects.append(ClaimAddresses(self.settings.addresses))
        self._announce(now_ns)
        if code == "preempted":
            self._announce_ns.insert(0, now_ns + timers.ANNOUNCE_OVER_PREEMPTED_NS)
        self._send(now_ns)

    def _change(self, state: State, reason: str) -> None:
        """The one place where the state changes; who leaves MASTER lets go of the addresses first."""
        previous, self.state, self.reason = self.state, state, reason
        may_wait = state in (State.BACKUP, State.FAULT)
        self.switched_over = may_wait and (self.switched_over or self.resigning is not None)
        self._leaving, self.resigning, self.yielding, self.rival = None, None, None, Rival()
        self._timer_ns, self.group.claim = None, None
        self._announce_ns, self._preempt_ns = [], None
        if previous is State.MASTER:
            self._effects.append(ReleaseAddresses(self.settings.addresses))
        if state is not State.BACKUP:
            self.master = None
        self._effects.append(StateChanged(previous, state, reason))

    # --- timers, packets and announcements

    def _follow(self, master: Master) -> None:
        self.master = master
        self._outranked, self._resigned, self._preempt_ns = None, False, None
        # RFC 9568 6.4.2: a backup adopts the master's interval. In version 2 too, where RFC 3768 7.1 drops the advert:
        # that makes a second master out of every change of the interval that reaches one node first.
        self._master_interval_cs = master.interval_cs
        self._wait(self.master_down_ns, master.heard_ns)

    def _wait(self, duration_ns: int, now_ns: int) -> None:
        self._waiting_since_ns = now_ns
        self._timer_ns, self.group.claim = now_ns + duration_ns, None

    def _announce(self, now_ns: int) -> None:
        self._effects.append(Announce(self.settings.addresses))
        self._announce_ns = [now_ns + again_ns for again_ns in timers.ANNOUNCE_AGAIN_NS]

    def _send(self, now_ns: int, priority: int | None = None, interval_cs: int | None = None) -> None:
        # A router without an address to send from is in INIT or FAULT, where nothing is sent.
        source = cast(IPAddress, self.source)
        priority = self.settings.priority if priority is None else priority
        interval_cs = self.settings.advert_interval_cs if interval_cs is None else interval_cs
        self._effects.extend(self._codec.compose(priority, interval_cs, source, now_ns))
        self._advert_sent_ns = now_ns
        self._timer_ns = now_ns + timers.interval_ns(self.settings.advert_interval_cs)
        self.counters["advertisement_sent"] += 1
        if priority == 0:
            self.counters["priority_zero_pkts_sent"] += 1

    def _prove_alive(self, now_ns: int) -> None:
        """Let the sender of a genuine advert of an unknown time prove that it is no recording; no timer is touched."""
        ours = 0 if self._leaving or self.resigning else self.settings.priority
        # A backup says the least that there is, which wins against nobody; so does who is about to be one.
        priority = ours if self.state is State.MASTER and self.yielding is None else PRIORITY_LOWEST
        source = cast(IPAddress, self.source)
        self._effects.extend(self._codec.compose(priority, self._master_interval_cs, source, now_ns))
        self.counters["advertisement_sent"] += 1

    def _accept(self, event: PacketReceived, now_ns: int) -> packet.Advert | None:
        """The advert in a packet, when it is genuine; whatever is rejected is counted and touches nothing else."""
        try:
            advert = self._codec.judge(event, self.source, now_ns, self.state is State.MASTER)
        except packet.PacketError as error:
            self.counters[error.reason] += 1
            self._effects.append(PacketRejected(error.reason, error.detail, event.source))
            if error.answer:
                self._prove_alive(now_ns)
            return None
        self.counters["advertisement_rcvd"] += 1
        if advert.priority == 0:
            self.counters["priority_zero_pkts_rcvd"] += 1
        for difference in self._codec.differences():
            self._note_difference(difference, event.source)
        return advert

    def _note_difference(self, difference: tuple[str, str], source: IPAddress) -> None:
        reason, detail = difference
        self.counters[reason] += 1
        self._effects.append(Mismatch(reason, detail, source))


_Handler = Callable[..., None]

# Every pair is written out: what is not here cannot happen.
_TABLE: dict[tuple[State, type], _Handler] = {
    (State.INIT, Start): Router._start,
    (State.INIT, Stop): Router._ignore,
    (State.INIT, Resign): Router._ignore,
    (State.INIT, PreemptionResumed): Router._ignore,
    (State.INIT, TimerDue): Router._ignore,
    (State.INIT, PacketReceived): Router._ignore,
    (State.INIT, InterfaceUp): Router._note_interface_up,
    (State.INIT, InterfaceDown): Router._note_interface_down,
    (State.INIT, Reconfigured): Router._note_settings,
    (State.FAULT, Start): Router._ignore,
    (State.FAULT, Stop): Router._leave_fault,
    (State.FAULT, Resign): Router._ignore,
    (State.FAULT, PreemptionResumed): Router._resume_preemption,
    (State.FAULT, TimerDue): Router._ignore,
    (State.FAULT, PacketReceived): Router._ignore,
    (State.FAULT, InterfaceUp): Router._recover,
    (State.FAULT, InterfaceDown): Router._note_interface_down,
    (State.FAULT, Reconfigured): Router._note_settings,
    **backup.TABLE,
    **master.TABLE,
    **member.TABLE,
}
