# Copyright: (c) 2026, duet.ha_pair contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Who may speak for a virtual router: version 2's simple text password (RFC 2338 5.3.6), and the HMAC trailer."""

from __future__ import annotations

from typing import Callable

from . import freshness, packet, timers, trailer
from .settings import Authentication, IPAddress, Settings

Remarks = tuple[tuple[str, str], ...]


def fields(authentication: Authentication) -> tuple[int, bytes]:
    """The authentication type and data (8 octets) of a version 2 advert."""
    if authentication.type == "pass":
        return packet.AUTH_PASS, authentication.password.encode("ascii").ljust(packet.AUTH_OCTETS, b"\0")
    return packet.AUTH_NONE, bytes(packet.AUTH_OCTETS)


def verify(advert: packet.Advert, authentication: Authentication) -> None:
    """Raise PacketError when an advert has not our password; version 3 carries nothing to judge by."""
    if advert.version != 2:
        return
    auth_type, auth_data = fields(authentication)
    if advert.auth_type != auth_type:
        raise packet.PacketError("auth_type_mismatch", f"type {advert.auth_type}, not {auth_type}")
    if auth_type == packet.AUTH_PASS:
        import hmac  # it brings OpenSSL, and few have passwords

        if not hmac.compare_digest(advert.auth_data, auth_data):
            raise packet.PacketError("auth_failures", "the password differs")


class Authenticator:
    """Signs one virtual router's adverts and judges the trailers of others; remembers what was sent and heard."""

    def __init__(self, settings: Settings, utc_ns: Callable[[], int]) -> None:
        self._utc_ns = utc_ns
        # From the first signed advert on: few have keys.
        self._sender: freshness.Sender | None = None
        self._receiver: freshness.Receiver | None = None
        self.reconfigure(settings)

    def reconfigure(self, settings: Settings) -> None:
        """Take other keys or another mode; what is remembered stays."""
        self._family = settings.family
        self._interval_ns = timers.interval_ns(settings.advert_interval_cs)
        self._keys = dict(settings.authentication.keys)
        # The first one signs.
        self._key_id = next(iter(self._keys), None)
        self._mode = settings.authentication.mode

    def sign(self, message: bytes, source: IPAddress, now_ns: int) -> bytes:
        """The trailer for a message; none where nothing is to be signed."""
        if self._key_id is None or self._mode == "receive-only":
            return b""
        sender, receiver = self._memory()
        window_ns = freshness.window_ns(self._interval_ns)
        sequence = sender.next(now_ns, self._utc_ns(), window_ns, receiver.echo)
        octets = trailer.write(message, source, self._key_id, self._keys[self._key_id], sequence)
        receiver.note_sent(trailer.read(octets).nonce)
        return octets

    def split(self, octets: bytes) -> tuple[bytes, bytes]:
        """A VRRP message, and the trailer behind it if there is one and we know what it is."""
        if self._keys and len(octets) - trailer.OCTETS == packet.message_octets(octets, self._family):
            return octets[: -trailer.OCTETS], octets[-trailer.OCTETS :]
        return octets, b""

    def verify(self, message: bytes, octets: bytes, source: IPAddress, now_ns: int, asks: bool) -> Remarks:
        """What is remarkable about an accepted trailer, as (counter, text); raises PacketError.

        `asks`: whether the sender of a genuine advert of an unknown time is worth a question.
        """
        if not self._keys:
            return ()
        if not octets:
            return self._tolerate(packet.PacketError("auth_ext_missing", "not signed"))
        read = trailer.read(octets)
        if not read.well_formed:
            raise packet.PacketError("auth_ext_malformed", f"type {read.type}, reserved {read.reserved}")
        if read.key_id not in self._keys:
            raise packet.PacketError("auth_ext_unknown_key", f"key id {read.key_id}")
        if not trailer.genuine(message, source, self._keys[read.key_id], octets):
            raise packet.PacketError("auth_ext_invalid_hmac", f"not signed with our key {read.key_id}")
        try:
            receiver = self._memory()[1]
            ahead_ns = receiver.judge(source, read, now_ns, self._utc_ns(), self._interval_ns, asks)
        except packet.PacketError as error:
            return self._tolerate(error)
        if abs(ahead_ns) <= freshness.window_ns(self._interval_ns) // 2:
            return ()
        seconds = f"{abs(ahead_ns) / timers.SECOND_NS:.1f} s {'ahead of' if ahead_ns > 0 else 'behind'} ours"
        return (("auth_clock_skew", f"its clock is {seconds}"),)

    def _memory(self) -> tuple[freshness.Sender, freshness.Receiver]:
        if self._sender is None or self._receiver is None:
            self._sender, self._receiver = freshness.Sender(), freshness.Receiver()
        return self._sender, self._receiver

    def _tolerate(self, error: packet.PacketError) -> Remarks:
        """While keys are rolled out, whoever signs nothing is believed: to doubt who signs would protect nobody."""
        if self._mode == "enforce":
            raise error
        return ((error.reason, f"{error.detail}; mode enforce would drop it"),)
