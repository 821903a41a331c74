# Copyright: (c) 2026, duet.ha_pair contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""One virtual router: the state machine of RFC 9568 6.4 (and RFC 3768 6.4) without a socket or a clock.

`effects = router.handle(event, now_ns)` takes one event and returns what is to be done, in order; `router.deadline_ns`
is when the router wants a `TimerDue`. Time is any integer clock of nanoseconds that never goes back.
"""

from __future__ import annotations

from typing import Callable, cast

from . import leaving, member, packet, timers
from .codec import Codec, no_wall_clock
from .counters import COUNTERS
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
    Reconfigured,
    ReleaseAddresses,
    Start,
    State,
    StateChanged,
    Stop,
    TimerDue,
)
from .settings import PRIORITY_OWNER, IPAddress, Settings

_PRIORITY_LOWEST = 1

# A flood of losing adverts must not become one of ours: each answer may announce hundreds of addresses.
ANSWERS_A_SECOND = 10


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
        self.counters: dict[str, int] = dict.fromkeys(COUNTERS, 0)
        # RFC 9568 6.1 Active_Adver_Interval: what a backup heard from the master; a master's own otherwise.
        self._master_interval_cs = settings.advert_interval_cs
        self._waiting_since_ns = 0
        self._resigned = False
        self._outranked: Master | None = None
        # A MASTER that was stopped, until its successor answers: the reason that it will give.
        self._leaving: str | None = None
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

    @property
    def deadline_ns(self) -> int | None:
        """When the router wants a TimerDue; None while it waits for nothing."""
        due = (self._timer_ns, self._preempt_ns, *self._announce_ns[:1])
        return min((due_ns for due_ns in due if due_ns is not None), default=None)

    @property
    def skew_ns(self) -> int:
        """Skew_Time as this router would use it now."""
        return timers.skew_ns(self.settings.version, self.settings.priority, self._master_interval_cs)

    @property
    def master_down_ns(self) -> int:
        """Active_Down_Interval as this router would use it now."""
        return timers.master_down_ns(self.settings.version, self.settings.priority, self._master_interval_cs)

    def handle(self, event: Event, now_ns: int) -> Effects:
        """Take one event; returns what is to be done, in this order."""
        self._effects = []
        if self.state is State.MASTER and now_ns - self._advert_sent_ns > self.master_down_ns:
            self._oversleep(now_ns)
        handler = _TABLE[self.state, type(event)] if self._leaving is None else leaving.TABLE[type(event)]
        handler(self, event, now_ns)
        return tuple(self._effects)

    # --- what happens in INIT and FAULT

    def _start(self, event: Event, now_ns: int) -> None:
        self._startup_ns = self.settings.startup_delay_ms * timers.MILLISECOND_NS
        fault = self.fault or self.group.fault
        if fault is not None:
            self._change(State.FAULT, fault)
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
        self._change(State.INIT, "stopped")

    def _note_settings(self, event: Reconfigured, now_ns: int) -> None:
        self.settings = event.settings
        self._codec.reconfigure(event.settings)
        self._master_interval_cs = self.settings.advert_interval_cs

    def _ignore(self, event: Event, now_ns: int) -> None:
        """Nothing to do in this state."""

    # --- what happens in BACKUP

    def _backup_stop(self, event: Stop, now_ns: int) -> None:
        self._change(State.INIT, "stopped")

    def _backup_down(self, event: InterfaceDown, now_ns: int) -> None:
        self._note_interface_down(event, now_ns)
        self._change(State.FAULT, event.reason)

    def _backup_reconfigured(self, event: Reconfigured, now_ns: int) -> None:
        heard_interval_cs = self._master_interval_cs
        self._note_settings(event, now_ns)
        if self.settings.priority == PRIORITY_OWNER:
            self._become_master("now the address owner (priority 255)", "priority", now_ns)
            return
        # A master that is outranked is not followed: what is kept as its interval may be our own of before.
        if self.master is not None and self._outranked is None:
            self._master_interval_cs = heard_interval_cs
        if self._outranked is not None and self._submits_to(self._outranked.priority):
            self._follow(self._outranked)
        down_ns = self.master_down_ns + self._startup_ns
        self._timer_ns = self._waiting_since_ns + (self.skew_ns if self._resigned else down_ns)
        self._preempt_ns = None  # preempt_delay starts anew, with the next advert

    def _backup_timer(self, event: TimerDue, now_ns: int) -> None:
        if self._preempt_ns is not None and now_ns >= self._preempt_ns:
            self._outranked = self.master
        elif self._timer_ns is None or now_ns < self._timer_ns:
            return
        self._startup_ns, self._preempt_ns = 0, None
        waited_s = (now_ns - self._waiting_since_ns) / timers.SECOND_NS
        if self._outranked is not None:
            loser = self._outranked
            why = f"{loser.address} has the lower priority: {loser.priority} < {self.settings.priority}"
            self._become_master(why, "preempted", now_ns)
        elif self._resigned and self.master is not None:
            self._become_master(f"{self.master.address} resigned (priority 0)", "priority", now_ns)
        else:
            heard = f"no advert from {self.master.address}" if self.master else "no advert heard"
            self._become_master(f"{heard} for {waited_s:.2f} s", "no_response", now_ns)

    def _backup_packet(self, event: PacketReceived, now_ns: int) -> None:
        advert = self._accept(event, now_ns)
        if advert is None:
            return
        heard = Master(event.source, advert.priority, advert.interval_cs, now_ns)
        if self._startup_ns:
            # The network passes traffic: from here on as ever.
            self._startup_ns = 0
            self._wait(self.master_down_ns, now_ns)
        if advert.priority == 0:
            # RFC 9568 6.4.2: wait for Skew_Time, so that the best of the backups is first.
            self._master_interval_cs = advert.interval_cs
            self.master, self._outranked, self._resigned = heard, None, True
            self._preempt_ns = None
            self._wait(self.skew_ns, now_ns)
        elif self._submits_to(advert.priority):
            self._follow(heard)
        elif self.settings.preempt_delay_ms and self.group.claim is None:
            self._follow_for_now(heard)
        else:
            # RFC 9568 6.4.2: discarded, the timer goes on, and at its end this router takes the role.
            self.master = self._outranked = heard

    def _follow_for_now(self, lesser: Master) -> None:
        """preempt_delay: leave a lesser master the role for that long, and at least as long as without."""
        delayed_ns = lesser.heard_ns + self.settings.preempt_delay_ms * timers.MILLISECOND_NS
        preempt_ns = self._preempt_ns or max(self._timer_ns or 0, delayed_ns)
        self._follow(lesser)
        self._preempt_ns = preempt_ns

    def _submits_to(self, priority: int) -> bool:
        """Whether a BACKUP leaves the role to a master of this priority (RFC 9568 6.4.2)."""
        # RFC 9568 6.1 Preempt_Mode: the address owner always preempts, whatever it is told.
        preempts = self.settings.preempt or self.settings.priority == PRIORITY_OWNER
        return priority >= self.settings.priority or not preempts

    # --- what happens in MASTER

    def _master_up(self, event: InterfaceUp, now_ns: int) -> None:
        changed = event.source != self.source
        self._note_interface_up(event, now_ns)
        if changed:
            self._send(now_ns)

    def _master_down(self, event: InterfaceDown, now_ns: int) -> None:
        if event.can_send:
            self._send(now_ns, priority=0)
        self._note_interface_down(event, now_ns)
        self._change(State.FAULT, event.reason)

    def _master_reconfigured(self, event: Reconfigured, now_ns: int) -> None:
        before, after = self.settings.addresses, event.settings.addresses
        self._note_settings(event, now_ns)
        gone = tuple(address for address in before if address not in after)
        new = tuple(address for address in after if address not in before)
        if gone:
            self._effects.append(ReleaseAddresses(gone))
        if new:
            self._effects.append(ClaimAddresses(new))
            self._announce(now_ns)
        self._send(now_ns)

    def _master_timer(self, event: TimerDue, now_ns: int) -> None:
        if self._announce_ns and now_ns >= self._announce_ns[0]:
            self._announce_ns = [due_ns for due_ns in self._announce_ns if due_ns > now_ns]
            self._effects.append(Announce(self.settings.addresses))
        if self._timer_ns is not None and now_ns >= self._timer_ns:
            due_ns = self._timer_ns + timers.interval_ns(self.settings.advert_interval_cs)
            self._send(now_ns)
            # On the grid while we keep up: lateness must not add up to a drift.
            self._timer_ns = due_ns if due_ns > now_ns else self._timer_ns

    def _master_packet(self, event: PacketReceived, now_ns: int) -> None:
        advert = self._accept(event, now_ns)
        if advert is None:
            return
        why = self._loses_to(advert.priority, event.source)
        if why is not None:
            # One advert more than RFC 9568 6.4.3: a winner that speaks first when a split heals has not heard us, and
            # clients have our MAC. This one wins against nobody, and makes the winner announce the addresses again.
            self._send(now_ns, _PRIORITY_LOWEST, advert.interval_cs)
            self._become_backup(why, now_ns)
            self._follow(Master(event.source, advert.priority, advert.interval_cs, now_ns))
            return
        # RFC 9568 6.4.3: discarded, and answered at once to assert the role; a goodbye (priority 0), too. Two masters
        # have been on the segment, so that clients may have learned the other's MAC: announce as after a takeover.
        self._answer(now_ns)

    def _answer(self, now_ns: int) -> None:
        """Assert the role by an advert and announcements; in a flood of losing adverts, later and once for many."""
        since_ns, count = self._answers
        if now_ns - since_ns >= timers.SECOND_NS:
            since_ns, count = now_ns, 0
        self._answers = since_ns, count + 1
        if count < ANSWERS_A_SECOND:
            self._send(now_ns)
            self._announce(now_ns)
        else:
            self._announce_ns = sorted({since_ns + timers.SECOND_NS, *self._announce_ns})

    def _loses_to(self, priority: int, address: IPAddress) -> str | None:
        """Why the sender of an advert is the better master, or None when it is not (RFC 9568 6.4.3)."""
        ours = self.settings.priority
        if priority > ours:
            return f"{address} has the higher priority: {priority} > {ours}"
        if priority == ours and self.source is not None and address.packed > self.source.packed:
            return f"{address} has equal priority {ours} and the higher address: {address} > {self.source}"
        return None

    def _oversleep(self, now_ns: int) -> None:
        """The process was paused for so long that a backup has taken the role; take nothing back on waking."""
        slept_s = (now_ns - self._advert_sent_ns) / timers.SECOND_NS
        reason = f"sent no advert for {slept_s:.2f} s, longer than a backup waits"
        if self._leaving is None:
            self._become_backup(reason, now_ns)
        else:
            self._change(State.INIT, f"stopped: {reason}")

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
        self._send(now_ns)

    def _change(self, state: State, reason: str) -> None:
        """The one place where the state changes; who leaves MASTER lets go of the addresses first."""
        previous, self.state, self.reason = self.state, state, reason
        self._leaving = None
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
        ours = 0 if self._leaving else self.settings.priority
        # A backup says the least that there is, which wins against nobody.
        priority = ours if self.state is State.MASTER else _PRIORITY_LOWEST
        source = cast(IPAddress, self.source)
        self._effects.extend(self._codec.compose(priority, self._master_interval_cs, source, now_ns))
        self.counters["advertisement_sent"] += 1

    def _accept(self, event: PacketReceived, now_ns: int) -> packet.Advert | None:
        """The advert in a packet, when it is genuine; whatever is rejected is counted and touches nothing else."""
        try:
            advert = self._codec.judge(event, self.source, now_ns)
        except packet.PacketError as error:
            self.counters[error.reason] += 1
            self._effects.append(PacketRejected(error.reason, error.detail, event.source))
            if error.answer:
                self._prove_alive(now_ns)
            return None
        self.counters["advertisement_rcvd"] += 1
        if advert.priority == 0:
            self.counters["priority_zero_pkts_rcvd"] += 1
        for reason, detail in self._codec.differences(advert):
            self.counters[reason] += 1
            self._effects.append(Mismatch(reason, detail, event.source))
        return advert


_Handler = Callable[..., None]

# Every pair is written out: what is not here cannot happen.
_TABLE: dict[tuple[State, type], _Handler] = {
    (State.INIT, Start): Router._start,
    (State.INIT, Stop): Router._ignore,
    (State.INIT, TimerDue): Router._ignore,
    (State.INIT, PacketReceived): Router._ignore,
    (State.INIT, InterfaceUp): Router._note_interface_up,
    (State.INIT, InterfaceDown): Router._note_interface_down,
    (State.INIT, Reconfigured): Router._note_settings,
    (State.BACKUP, Start): Router._ignore,
    (State.BACKUP, Stop): Router._backup_stop,
    (State.BACKUP, TimerDue): Router._backup_timer,
    (State.BACKUP, PacketReceived): Router._backup_packet,
    (State.BACKUP, InterfaceUp): Router._note_interface_up,
    (State.BACKUP, InterfaceDown): Router._backup_down,
    (State.BACKUP, Reconfigured): Router._backup_reconfigured,
    (State.MASTER, Start): Router._ignore,
    (State.MASTER, Stop): leaving.begin,
    (State.MASTER, TimerDue): Router._master_timer,
    (State.MASTER, PacketReceived): Router._master_packet,
    (State.MASTER, InterfaceUp): Router._master_up,
    (State.MASTER, InterfaceDown): Router._master_down,
    (State.MASTER, Reconfigured): Router._master_reconfigured,
    (State.FAULT, Start): Router._ignore,
    (State.FAULT, Stop): Router._leave_fault,
    (State.FAULT, TimerDue): Router._ignore,
    (State.FAULT, PacketReceived): Router._ignore,
    (State.FAULT, InterfaceUp): Router._recover,
    (State.FAULT, InterfaceDown): Router._note_interface_down,
    (State.FAULT, Reconfigured): Router._note_settings,
    **member.TABLE,
}
