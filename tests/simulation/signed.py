# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Signed adverts: the rule of freshness once more, written from docs/security.md and not from protocol/."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from vrrp_agent.protocol.events import Event, PacketReceived
from vrrp_agent.protocol.settings import Authentication, IPAddress, Settings

from .rfc import interval_ns, priority_of
from .world import MILLISECOND_NS, SECOND_NS

HMAC = Authentication("hmac", mode="enforce", keys=((1, bytes(range(32))),))
# What remembers how far somebody has come with a proof.
PROOF = ("_unproven", "_echoed")
UNDATED = ("auth_ext_stale", "auth_ext_replay")
TRAILER_OCTETS = 28
_PROOFS = 4
_LATEST = 32


@dataclass(frozen=True)
class Signature:
    """What a trailer says, in the units of everybody else."""

    sequence: int
    time_ns: int
    echo: int
    nonce: int


def signature(message: bytes) -> Signature:
    """The trailer's fields, by their place from the end."""
    sequence = int.from_bytes(message[-24:-16], "big")
    time_ns = (sequence >> 16) * SECOND_NS >> 16
    return Signature(sequence, time_ns, sequence & 0xFFFF, int.from_bytes(message[-16:-14], "big") or 1)


def signs(settings: Settings) -> bool:
    """Whether a node with these settings signs, and believes no one else."""
    return settings.authentication.type == "hmac"


def is_question(event: Event) -> bool:
    """Whether somebody asks for proof of life, or has just yielded: signed, and of priority 1, which no master has."""
    if not isinstance(event, PacketReceived):
        return False
    body = len(event.message) - TRAILER_OCTETS
    address_octets = 4 if event.source.version == 4 else 16
    expected = 8 + event.message[3] * address_octets + (8 if event.message[0] >> 4 == 2 else 0)
    return body == expected and priority_of(event.message) == 1


def window_ns(settings: Settings) -> int:
    """How far an advert's time may be from what is expected."""
    return max(3 * interval_ns(settings.advert_interval_cs), 5 * SECOND_NS)


class Memory:
    """A second opinion, for one life of one receiver, on which adverts are fresh."""

    def __init__(self) -> None:
        self._accepted: dict[IPAddress, tuple[Signature, int]] = {}
        self._echoes: dict[IPAddress, list[int]] = {}
        self._nonces: deque[int] = deque(maxlen=_LATEST)
        self._shown: dict[IPAddress, int] = {}
        self._said: int | None = None

    def note_sent(self, message: bytes) -> None:
        """An advert of its own has left."""
        signed = signature(message)
        if signed.sequence != self._said:  # by unicast one advert is many messages
            self._nonces.append(signed.nonce)
        self._said = signed.sequence

    def grows(self, packet: PacketReceived) -> bool:
        """Whether nothing as new of this sender has been accepted."""
        known = self._accepted.get(packet.source)
        return known is None or signature(packet.message).sequence > known[0].sequence

    def is_dated(self, packet: PacketReceived, now_ns: int, utc_ns: int, settings: Settings, slack_ns: int = 0) -> bool:
        """Whether one of the first two rules holds, by windows that are wider by so much."""
        signed, known = signature(packet.message), self._accepted.get(packet.source)
        window = window_ns(settings) + slack_ns
        if abs(signed.time_ns - utc_ns) <= window:
            return self.grows(packet)
        if known is None:
            return False
        elapsed_ns = now_ns - known[1]
        # A quartz that gains or loses: one part in 5000 on top, in which this opinion leaves either verdict open.
        drift_ns = elapsed_ns // 5000 if slack_ns > 0 else 0
        return self.grows(packet) and abs(signed.time_ns - known[0].time_ns - elapsed_ns) <= window + drift_ns

    def echoes_us(self, packet: PacketReceived) -> bool:
        """Whether its sender has just heard one of our last adverts."""
        return signature(packet.message).echo in self._nonces

    def note_rejected(self, packet: PacketReceived) -> bool:
        """A recording was dropped; whether it echoes us, as adverts do that were slept through."""
        self._note_echo(packet)
        return self.echoes_us(packet)

    def _note_echo(self, packet: PacketReceived) -> None:
        """Each echo is of a later advert of its own than the one before, whether that was needed as a proof or not."""
        echoes, echo = self._echoes.setdefault(packet.source, []), signature(packet.message).echo
        sent, shown = list(self._nonces), self._shown.get(packet.source)
        if echo in (sent[sent.index(shown) + 1 :] if shown in sent else sent):
            echoes.append(echo)
            self._shown[packet.source] = echo

    def hear(
        self, packet: PacketReceived, now_ns: int, utc_ns: int, settings: Settings, rejected: str | None
    ) -> str | None:
        """A genuine advert was accepted, or rejected for this reason; returns what is wrong with that."""
        signed, source = signature(packet.message), packet.source
        if rejected is not None:
            if rejected not in UNDATED:
                return f"rejects a genuine advert: {rejected}"
            if self.is_dated(packet, now_ns, utc_ns, settings, -MILLISECOND_NS):
                return f"rejects an advert that is fresh: {rejected}"
            self._note_echo(packet)
            return None
        self._note_echo(packet)
        echoes = self._echoes.pop(source, [])
        dated = self.is_dated(packet, now_ns, utc_ns, settings, MILLISECOND_NS)
        self._accepted[source] = signed, now_ns
        if not dated and len(echoes) < _PROOFS:
            return f"accepts an advert of {source} that is neither dated nor proven"
        return None
