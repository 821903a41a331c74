# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bugs, each a change of one function of the router or of the rule of freshness, that the simulation has to find."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Callable
from unittest.mock import patch

from vrrp_agent.protocol import backup, freshness, master, packet, timers, yielding
from vrrp_agent.protocol import router as module
from vrrp_agent.protocol.events import (
    Announce,
    InterfaceUp,
    PacketReceived,
    Reconfigured,
    ReleaseAddresses,
    SendAdvert,
    State,
    TimerDue,
)
from vrrp_agent.protocol.router import Router

Mutant = Callable[[], Any]


def replaced(owner: object, name: str, new: object) -> Mutant:
    """A bug that is one attribute replaced."""
    return lambda: patch.object(owner, name, new)


def handler(state: State, event: type, new: Callable[..., None]) -> Mutant:
    """A bug in what is done about an event in a state."""
    return lambda: patch.dict(module._TABLE, {(state, event): new})


def swallowing(owner: Any, name: str, effect: type) -> Mutant:
    """A function forgets an effect that it should have had."""
    original = getattr(owner, name)

    def mutant(self: Router, *arguments: Any) -> Any:
        before = len(self._effects)
        result = original(self, *arguments)
        self._effects[before:] = [one for one in self._effects[before:] if not isinstance(one, effect)]
        return result

    @contextmanager
    def bug() -> Iterator[None]:
        table = {key: mutant for key, method in module._TABLE.items() if method is original}
        with patch.object(owner, name, mutant), patch.dict(module._TABLE, table):
            yield

    return bug


def rejected_then(action: Callable[[Router, int], None]) -> Mutant:
    """A rejected packet is not without consequences."""
    original = Router._accept

    def accept(self: Router, event: Any, now_ns: int) -> Any:
        advert = original(self, event, now_ns)
        if advert is None:
            action(self, self._advert_sent_ns if self.state is State.MASTER else self._waiting_since_ns + 1)
        return advert

    return replaced(Router, "_accept", accept)


def _takes_over_the_checksum_style(self: Router, now_ns: int) -> None:
    codec = self._codec
    codec._without_pseudo_header ^= {packet.group(self.settings.family)}
    codec._encoded = None


def _loses_by_priority_only(self: Router, priority: int, address: Any) -> str | None:
    return "higher priority" if priority > self.settings.priority else None


def _loses_to_nobody(self: Router, priority: int, address: Any) -> str | None:
    return None


def _loses_to_equals(self: Router, priority: int, address: Any) -> str | None:
    return "as good" if priority >= self.settings.priority else None


def _goes_on_sleeping(self: Router, now_ns: int) -> None:
    self._advert_sent_ns = now_ns


def _follow_by_own_interval(self: Router, master: Any) -> None:
    self.master, self._outranked, self._resigned = master, None, False
    self._wait(self.master_down_ns, master.heard_ns)


_become_backup = Router._become_backup


def _loser_resigns(self: Router, reason: str, now_ns: int) -> None:
    if self.state is State.MASTER:
        self._send(now_ns, priority=0)
    _become_backup(self, reason, now_ns)


def _hesitates(version: int, priority: int, interval_cs: int) -> int:
    return 4 * timers.interval_ns(interval_cs) + timers.skew_ns(version, priority, interval_cs)


def _drifts(self: Router, event: Any, now_ns: int) -> None:
    master._timer(self, event, now_ns)
    if self._timer_ns is not None:
        self._timer_ns += 1000


_judge, _next = freshness.Receiver.judge, freshness.Sender.next


def _remembers_no_time(
    self: freshness.Receiver, source: Any, read: Any, now_ns: int, utc_ns: int, interval: int, *answers: bool
) -> int:
    """The draft's rule: the window is around the receiver's wall clock, whatever was heard before."""
    ahead_ns = freshness._ns_between(freshness._sequence(utc_ns), read.sequence)
    if abs(ahead_ns) > freshness.window_ns(interval):
        raise packet.PacketError("auth_ext_stale", "its time is another")
    return _judge(self, source, read, now_ns, utc_ns, interval, *answers)


def _forgets_what_it_has_heard(self: freshness.Receiver, source: Any, read: Any, *arguments: Any) -> int:
    known = self._followed.get(source)
    if known is not None and freshness._between(known.sequence, read.sequence) <= 0:
        del self._followed[source]
    return _judge(self, source, read, *arguments)


def _sends_by_the_wall_clock(self: freshness.Sender, now_ns: int, utc_ns: int, pause_ns: int, echo: int) -> int:
    return _next(self, now_ns, utc_ns, -1, echo)


MUTANTS: dict[str, Mutant] = {
    "no skew": replaced(timers, "skew_ns", lambda version, priority, interval_cs: 0),
    "skew in whole seconds": replaced(
        timers, "skew_ns", lambda version, priority, interval_cs: (256 - priority) // 256 * timers.SECOND_NS
    ),
    "a fourth interval": replaced(timers, "master_down_ns", _hesitates),
    "never yields": replaced(yielding, "loses_to", _loses_to_nobody),
    "ignores the higher address": replaced(yielding, "loses_to", _loses_by_priority_only),
    "yields to equals": replaced(yielding, "loses_to", _loses_to_equals),
    "never preempts": replaced(backup, "submits_to", lambda self, priority: True),
    "always preempts": replaced(backup, "submits_to", lambda self, priority: priority >= self.settings.priority),
    "keeps its own interval": replaced(Router, "_follow", _follow_by_own_interval),
    "forgets what it has slept through": replaced(master, "oversleep", _goes_on_sleeping),
    "no announcement of a claim": swallowing(Router, "_become_master", Announce),
    "no announcement after a heal": swallowing(master, "_packet", Announce),
    "no answer to a loser, no last advert": swallowing(master, "_packet", SendAdvert),
    "keeps the addresses": swallowing(Router, "_change", ReleaseAddresses),
    "a rejected packet resets the timer": rejected_then(lambda self, now_ns: self._wait(self.master_down_ns, now_ns)),
    "a rejected packet makes it send": rejected_then(lambda self, now_ns: self._send(now_ns)),
    "a rejected packet sets the checksum style": rejected_then(_takes_over_the_checksum_style),
    "priority 0 from a loser": replaced(Router, "_become_backup", _loser_resigns),
    "adverts drift": handler(State.MASTER, TimerDue, _drifts),
    "a reload forgets the addresses": handler(State.MASTER, Reconfigured, Router._note_settings),
    "a recovered link is not noticed": handler(State.FAULT, InterfaceUp, Router._note_interface_up),
    "deaf to priority 0": handler(State.BACKUP, PacketReceived, Router._ignore),
    "no proof of life": replaced(freshness.Receiver, "_prove", lambda *arguments: False),
    "one echo is proof": replaced(freshness, "PROOFS", 1),
    "never asks for proof": replaced(freshness.Receiver, "_worth_an_answer", lambda *arguments: False),
    "judges by the wall clock only": replaced(freshness.Receiver, "judge", _remembers_no_time),
    "believes what it has heard before": replaced(freshness.Receiver, "judge", _forgets_what_it_has_heard),
    "dates its adverts by the wall clock only": replaced(freshness.Sender, "next", _sends_by_the_wall_clock),
}
