# Copyright: (c) 2026, duet.ha_pair contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Which signed adverts are fresh: the sequence that a sender gives its own, and what a receiver remembers of others.

A sequence is 64 bits: seconds of UTC, 1/65536 s, and 16 bits that the draft leaves to the sender. docs/security.md
tells the rule and what it leaves open. Wall clocks step, so that they are asked only where nothing better is known: a
sender goes by the monotonic clock from its first advert on, and a receiver remembers how each sender's time runs.

Where that does not help (one of the two was restarted after a clock had stepped), liveness is proven: every sender puts
into those 16 bits a part of the HMAC of the last advert that it has heard. Who finds there, several times in a row,
what only an advert of its own from a moment ago can have caused, is not listening to a recording.
"""

from __future__ import annotations

from dataclasses import dataclass

from . import timers
from .packet import PacketError
from .settings import IPAddress
from .trailer import Trailer

# In units of the sequence.
_SECOND = 1 << 32
_BITS = 64

PROOFS = 4  # in a row: a recording passes with 32 out of 65536 each time
# How many of our latest adverts may be echoed: adverts of a peer cross with ours, and three peers may want proof at the
# same time, each in two exchanges (it has asked us, and we have asked it).
NONCES = 32
_PROOF_TOLERANCE_NS = timers.SECOND_NS // 4
_DRIFT = 5000  # a clock that nobody sets gains or loses less than one part of so many

WINDOW_FLOOR_NS = 5 * timers.SECOND_NS


@dataclass(frozen=True)
class _Heard:
    """A sequence, and when it came by our monotonic clock; `proofs` in a row have come with it."""

    sequence: int
    at_ns: int
    proofs: int = 0


def window_ns(interval_ns: int) -> int:
    """How far the time in an advert may be from what is expected."""
    return max(3 * interval_ns, WINDOW_FLOOR_NS)


class Sender:
    """The sequence of this router's own adverts: it grows whatever the wall clock does."""

    def __init__(self) -> None:
        # Nanoseconds from the monotonic clock's time to UTC, as they were when the sequence was last set by it.
        self._offset_ns = 0
        self._last: int | None = None
        self._sent_ns = 0

    def next(self, now_ns: int, utc_ns: int, pause_ns: int, echo: int) -> int:
        """The next sequence; after a pause the wall clock is asked again, because nobody follows us then."""
        paused = self._last is None or now_ns - self._sent_ns > pause_ns
        if paused and (self._last is None or _between(self._last, _sequence(utc_ns)) > 0):
            self._offset_ns = utc_ns - now_ns
        moment = _sequence(now_ns + self._offset_ns)
        if self._last is not None and _between(self._last | 0xFFFF, moment) <= 0:
            moment = ((self._last >> 16) + 1) << 16
        self._last, self._sent_ns = (moment | echo) % (1 << _BITS), now_ns
        return self._last


class Receiver:
    """What is remembered of every sender whose adverts were genuine; nothing of what anybody else sends."""

    def __init__(self) -> None:
        self._followed: dict[IPAddress, _Heard] = {}
        self._unproven: dict[IPAddress, _Heard] = {}
        self._nonces: tuple[int, ...] = ()
        # The latest nonce of ours that each sender is known to have heard, and when each was asked for proof.
        self._echoed: dict[IPAddress, int] = {}
        self._answered: dict[IPAddress, int] = {}
        self.echo = 0

    def note_sent(self, nonce: int) -> None:
        """An advert of ours has left: who hears it can now echo this nonce."""
        self._nonces = (*self._nonces, nonce)[-NONCES:]

    def judge(
        self, source: IPAddress, trailer: Trailer, now_ns: int, utc_ns: int, interval_ns: int, asks: bool = True
    ) -> int:
        """How far the sender's clock is ahead of ours in nanoseconds; raises PacketError unless the advert is fresh."""
        window, known = window_ns(interval_ns), self._followed.get(source)
        ahead_ns = _ns_between(_sequence(utc_ns), trailer.sequence)
        fresh = abs(ahead_ns) <= window
        if known is not None:
            elapsed_ns = now_ns - known.at_ns
            late_ns = _ns_between(known.sequence, trailer.sequence) - elapsed_ns
            fresh = fresh or abs(late_ns) <= window + elapsed_ns // _DRIFT
            # Whatever a clock says: what does not grow may have been heard before.
            fresh = fresh and _between(known.sequence, trailer.sequence) > 0
        echoes = self._note_echo(source, trailer.counter)
        if not fresh and not (echoes and self._prove(source, trailer, now_ns)):
            answers = self._worth_an_answer(source, now_ns, interval_ns, echoes, asks)
            raise self._refusal(source, trailer, now_ns, ahead_ns, answers)
        self.echo = trailer.nonce
        self._followed[source] = _Heard(trailer.sequence, now_ns)
        self._unproven.pop(source, None)
        return ahead_ns

    def _note_echo(self, source: IPAddress, nonce: int) -> bool:
        """Whether this is the first time that a sender shows to have heard one of our latest adverts, or a later one.

        An advert that is delivered twice, or overtaken, shows nothing new.
        """
        new, before = self._nonces, self._echoed.get(source)
        if before in new:
            new = new[new.index(before) + 1 :]
        if nonce not in new:
            return False
        self._echoed[source] = nonce
        return True

    def _prove(self, source: IPAddress, trailer: Trailer, now_ns: int) -> bool:
        """Count an echo of what we have just sent; whether there have been enough of them, in a row and in time.

        What echoes nothing leaves the row as it is: recordings thrown in between must not stop a live sender.
        """
        before, proofs = self._unproven.get(source), 1
        if before is not None:
            late_ns = _ns_between(before.sequence, trailer.sequence) - (now_ns - before.at_ns)
            grown = _between(before.sequence, trailer.sequence) > 0
            proofs = before.proofs + 1 if grown and abs(late_ns) <= _PROOF_TOLERANCE_NS else 1
        self._unproven[source] = _Heard(trailer.sequence, now_ns, proofs)
        return proofs >= PROOFS

    def _refusal(self, source: IPAddress, trailer: Trailer, now_ns: int, ahead_ns: int, answers: bool) -> PacketError:
        known = self._followed.get(source)
        ahead = f"{abs(ahead_ns) / timers.SECOND_NS:.1f} s {'ahead of' if ahead_ns > 0 else 'behind'} our clock"
        if known is not None and _between(known.sequence, trailer.sequence) <= 0:
            reason, detail = "auth_ext_replay", f"its sequence does not grow; {ahead}"
        else:
            reason, detail = "auth_ext_stale", f"its time is {ahead}"
        if answers:
            self._answered[source], self.echo = now_ns, trailer.nonce
        return PacketError(reason, detail, answers)

    def _worth_an_answer(self, source: IPAddress, now_ns: int, interval_ns: int, echoes: bool, asks: bool) -> bool:
        """Who echoes us is answered at once; others are asked seldom: a recording must not make us send in a flood.

        Not while the sender is heard: then this is a recording, or was delivered twice, or overtaken. Each sender by
        itself, because that one is alive says nothing about another.
        """
        known, answered_ns = self._followed.get(source), self._answered.get(source)
        if known is not None and now_ns - known.at_ns <= 2 * interval_ns:
            return False
        return asks and (echoes or answered_ns is None or now_ns - answered_ns >= interval_ns // 8)


def _sequence(utc_ns: int) -> int:
    """The sequence of a moment, its last 16 bits 0; the field of seconds wraps in 2106."""
    return utc_ns * 65536 // timers.SECOND_NS % (1 << 48) << 16


def _between(earlier: int, later: int) -> int:
    """From one sequence to another; serial number arithmetic (RFC 1982), right across the wrap."""
    half = 1 << (_BITS - 1)
    return (later - earlier + half) % (1 << _BITS) - half


def _ns_between(earlier: int, later: int) -> int:
    return _between(earlier, later) * timers.SECOND_NS // _SECOND
