# Copyright: (c) 2026, duet.ha_pair contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""A MASTER that yields to a better one: its addresses answer until the better one's do.

It is no master any more in what it says: no advert, no announcement. It still has the addresses, and is called MASTER
so long. A part of Router, in a file of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Callable, cast

from . import leaving, member, resigning, timers
from .events import (
    GroupBackup,
    GroupFault,
    GroupJoined,
    GroupLeft,
    GroupMaster,
    GroupResigned,
    GroupStays,
    InterfaceDown,
    InterfaceUp,
    Master,
    PacketReceived,
    PreemptionResumed,
    Reconfigured,
    Resign,
    Start,
    State,
    Stop,
    TimerDue,
)
from .settings import PRIORITY_LOWEST, IPAddress

if TYPE_CHECKING:
    from .router import Router


# How long a better one is waited for that does not answer the last word, at most.
_ANSWER_NS = 200_000_000


@dataclass
class Yielding:
    """Why a MASTER yields, and to whom; it answers until `least_ns` at least.

    `answered`: the successor has answered the last word once.
    """

    reason: str
    successor: Master
    least_ns: int
    answered: bool = False


def loses_to(router: Router, priority: int, address: IPAddress) -> str | None:
    """Why the sender of an advert is the better master, or None when it is not (RFC 9568 6.4.3)."""
    ours = router.settings.priority
    if priority > ours:
        return f"{address} has the higher priority: {priority} > {ours}"
    if priority == ours and router.source is not None and address.packed > router.source.packed:
        return f"{address} has equal priority {ours} and the higher address: {address} > {router.source}"
    return None


def begin(router: Router, why: str, successor: Master, now_ns: int) -> None:
    """Say the last word, and go on answering while the better one's addresses may not do so yet.

    RFC 9568 6.4.2 has it speak before, and a keepalived on a busy host needs some ten ms. It answers the last word when
    it has the addresses, then announces them, and answers another one when it has done that.
    """
    router._announce_ns = []
    claims_ns = min(leaving.SUCCESSOR_CLAIMS_NS, _most_ns(router))
    router.yielding = Yielding(why, successor, now_ns + claims_ns)
    _say_last_word(router, now_ns)


def _most_ns(router: Router) -> int:
    """A MASTER that is silent for longer than a backup waits has slept (master.oversleep)."""
    return 2 * timers.interval_ns(router.settings.advert_interval_cs)


def _say_last_word(router: Router, now_ns: int) -> None:
    # More than RFC 9568 6.4.3 asks for: a winner that speaks first when a split heals has not heard us, and clients
    # have our MAC. This one wins against nobody, and makes the winner announce the addresses again.
    router._send(now_ns, PRIORITY_LOWEST, _pending(router).successor.interval_cs)
    router._timer_ns = now_ns + min(_ANSWER_NS, _most_ns(router))


def _pending(router: Router) -> Yielding:
    """What a router that yields remembers of it."""
    return cast(Yielding, router.yielding)


def _let_go(router: Router, now_ns: int, why: str | None = None) -> None:
    pending = _pending(router)
    # Again: who has asked for an address meanwhile may have had the answer from here.
    _say_last_word(router, now_ns)
    router._become_backup(why or pending.reason, now_ns)
    router._follow(pending.successor)


def _ignore(router: Router, event: object, now_ns: int) -> None:
    """Nothing that matters to one who goes."""


def _timer(router: Router, event: TimerDue, now_ns: int) -> None:
    if router._timer_ns is not None and now_ns >= router._timer_ns:
        _let_go(router, now_ns)


def _packet(router: Router, event: PacketReceived, now_ns: int) -> None:
    advert = router._accept(event, now_ns)
    if advert is None or advert.is_question:
        return  # a question is the better one's to answer
    pending = _pending(router)
    why = loses_to(router, advert.priority, event.source)
    if why is not None:
        is_answer = event.source == pending.successor.address
        pending.reason, pending.successor = why, Master(event.source, advert.priority, advert.interval_cs, now_ns)
        if is_answer and pending.answered:
            router._timer_ns = min(router._timer_ns or now_ns, max(now_ns, pending.least_ns))
        elif is_answer:
            pending.answered = True
            _say_last_word(router, now_ns)
    elif advert.priority == 0 and event.source == pending.successor.address:
        _stay(router, now_ns)


def _stay(router: Router, now_ns: int) -> None:
    """MASTER as before, because the better one leaves already.

    Announced a little later: a stranger that is better and leaves, again and again, is not worth hundreds of packets.
    """
    router.yielding = None
    router._send(now_ns)
    router._announce_ns = [now_ns + again_ns for again_ns in timers.ANNOUNCE_AGAIN_NS]


def _stop(router: Router, event: Stop, now_ns: int) -> None:
    """It goes as one who has said goodbye and has heard its successor."""
    router.stop_reason = event.reason
    router._leaving = f"{event.reason}: {_pending(router).successor.address} has taken over"
    router.yielding = None


def _resign(router: Router, event: Resign, now_ns: int) -> None:
    """As it goes anyway, it is not asked for more than to wait for its sync group."""
    until_ns = now_ns + leaving.patience_ns(router.settings)
    router.resigning = resigning.Resignation(event.force, until_ns, _pending(router).successor)
    router.yielding = None


def _up(router: Router, event: InterfaceUp, now_ns: int) -> None:
    router._note_interface_up(event, now_ns)


def _down(router: Router, event: InterfaceDown, now_ns: int) -> None:
    router._note_interface_down(event, now_ns)
    router._change(State.FAULT, event.reason)


def _reconfigured(router: Router, event: Reconfigured, now_ns: int) -> None:
    """With other settings it may be the better one; if it is not, the answer to its advert tells."""
    router.yielding = None
    router.dispatch(event, now_ns)
    router._announce(now_ns)


def _follow_group(router: Router, event: GroupBackup, now_ns: int) -> None:
    _let_go(router, now_ns, event.reason)


TABLE: dict[type, Callable[..., None]] = {
    Start: _ignore,
    Stop: _stop,
    Resign: _resign,
    PreemptionResumed: _ignore,
    TimerDue: _timer,
    PacketReceived: _packet,
    InterfaceUp: _up,
    InterfaceDown: _down,
    Reconfigured: _reconfigured,
    GroupJoined: member.TABLE[State.MASTER, GroupJoined],
    GroupLeft: member.TABLE[State.MASTER, GroupLeft],
    GroupMaster: _ignore,
    GroupBackup: _follow_group,
    GroupFault: member.TABLE[State.BACKUP, GroupFault],  # there is a successor, who needs no goodbye
    GroupResigned: _ignore,
    GroupStays: _ignore,
}
