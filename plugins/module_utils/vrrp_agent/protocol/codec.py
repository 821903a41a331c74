# Copyright: (c) 2026, duet.ha_pair contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""What one virtual router says and believes on the wire: composes its adverts, and judges those of others."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Callable

from . import authentication, packet
from .events import PacketReceived, SendAdvert
from .settings import IPAddress, Settings


def no_wall_clock() -> int:
    """Stands in for UTC in nanoseconds where no `hmac` is configured."""
    raise RuntimeError("authentication by hmac needs a wall clock: Router(settings, utc_ns)")


_NOBODY: frozenset[IPAddress] = frozenset()


class Codec:
    """Between a router's decisions and octets; remembers what it has encoded and how its peers speak."""

    def __init__(self, settings: Settings, utc_ns: Callable[[], int] = no_wall_clock) -> None:
        self._settings = settings
        self._authenticator = authentication.Authenticator(settings, utc_ns)
        # What was accepted last by whom, and what differs in it; an advert is the same again until something happens.
        self._last: tuple[PacketReceived, packet.Advert, IPAddress | None] | None = None
        self._differences: authentication.Remarks = ()
        # Answer in the checksum style that the peer uses; keepalived's until one is heard (RFC 9568 5.2.8).
        self._without_pseudo_header: frozenset[IPAddress] = _NOBODY
        self._encoded: tuple[tuple[int, int, IPAddress], tuple[SendAdvert, ...]] | None = None

    def reconfigure(self, settings: Settings) -> None:
        """Take new settings for the same virtual router."""
        self._settings = settings
        self._authenticator.reconfigure(settings)
        self._encoded = self._last = None

    def compose(self, priority: int, interval_cs: int, source: IPAddress, now_ns: int) -> tuple[SendAdvert, ...]:
        """The adverts that tell every other router this priority and interval."""
        adverts = self._encode(priority, interval_cs, source)
        # The trailer is the same for every destination; what they get differs in the checksum alone.
        trailer = self._authenticator.sign(adverts[0].message, source, now_ns)
        if not trailer:
            return adverts
        return tuple(
            SendAdvert(packet.append(one.message, trailer, source, one.destination), source, one.destination)
            for one in adverts
        )

    def _encode(self, priority: int, interval_cs: int, source: IPAddress) -> tuple[SendAdvert, ...]:
        """The adverts without a trailer, encoded once for as long as nothing in them changes."""
        key = (priority, interval_cs, source)
        if self._encoded is None or self._encoded[0] != key:
            destinations = self._settings.unicast_peers or (packet.group(self._settings.family),)
            adverts = [SendAdvert(self._message(*key, to), source, to) for to in destinations]
            self._encoded = key, tuple(adverts)
        return self._encoded[1]

    def judge(self, event: PacketReceived, source: IPAddress | None, now_ns: int, is_master: bool) -> packet.Advert:
        """The advert in a packet, when it is genuine; raises PacketError. `source` is this router's own address."""
        settings = self._settings
        if self._last is not None:
            last, advert, judged_by = self._last
            # The shell that recognises octets gives the same event again, which is quicker to see than an equal one.
            if last is event and judged_by is source:
                return advert
            if last == event and event.source != source:
                self._last = (event, advert, source)
                return advert
        self._judge_way(event)
        message, trailer = self._authenticator.split(event.message)
        advert, pseudo_header = packet.decode(
            message,
            event.source,
            event.destination,
            event.ttl,
            settings.version,
            settings.unicast_min_ttl,
            trailer,
        )
        authentication.verify(advert, settings.authentication)
        if event.source == source:
            raise packet.PacketError("own_source_errors", "sent from this node's own address")
        asks = is_master or not advert.is_question  # one BACKUP has nothing to ask another
        remarks = self._authenticator.verify(message, trailer, event.source, now_ns, asks)
        if advert.version == 3 and settings.checksum == "auto":
            self._note_style(event.source if settings.unicast_peers else event.destination, pseudo_header)
        self._differences = (*remarks, *self._compare(advert))
        # Where adverts are signed, the same octets again are a recording.
        self._last = (event, advert, source) if settings.authentication.type != "hmac" else None
        return advert

    def _judge_way(self, event: PacketReceived) -> None:
        """Raise PacketError for a packet that did not come the way that adverts come here."""
        group, peers = packet.group(self._settings.family), self._settings.unicast_peers
        if not peers and event.destination != group:
            raise packet.PacketError("destination_errors", f"sent to {event.destination}, not to the group")
        if peers and event.destination == group:
            raise packet.PacketError("destination_errors", "sent to the group, not by unicast")
        if peers and event.source not in peers:
            raise packet.PacketError("source_errors", "not one of unicast_peers")

    def _note_style(self, destination: IPAddress, pseudo_header: bool) -> None:
        """Speak to a destination in the style of checksum that is heard from there."""
        if pseudo_header == (destination in self._without_pseudo_header):
            self._without_pseudo_header ^= {destination}
            self._encoded = None

    def knows(self, event: PacketReceived) -> bool:
        """Whether this very event was accepted last, with nothing in it to count or to log."""
        return self._last is not None and self._last[0] is event and not self._differences

    def differences(self) -> authentication.Remarks:
        """Counter and text of what RFC 9568 7.1 lets a receiver count and log in the last advert, and not drop."""
        return self._differences

    def _compare(self, advert: packet.Advert) -> Iterator[tuple[str, str]]:
        settings = self._settings
        if {address.ip for address in settings.virtual_addresses} != set(advert.addresses):
            yield "address_list_errors", "another list of virtual addresses"
        if advert.interval_cs != settings.advert_interval_cs:
            seconds = f"{advert.interval_cs / 100:g} s, not {settings.advert_interval_cs / 100:g} s"
            yield "interval_errors", f"interval {seconds}"

    def _message(self, priority: int, interval_cs: int, source: IPAddress, destination: IPAddress) -> bytes:
        """The octets of an advert to one destination."""
        settings = self._settings
        auth_type, auth_data = authentication.fields(settings.authentication)
        advert = packet.Advert(
            version=settings.version,
            virtual_router_id=settings.virtual_router_id,
            priority=priority,
            interval_cs=interval_cs,
            addresses=tuple(address.ip for address in settings.virtual_addresses),
            auth_type=auth_type,
            auth_data=auth_data,
        )
        heard = destination not in self._without_pseudo_header
        pseudo_header = heard if settings.checksum == "auto" else settings.checksum == "with_pseudo_header"
        return packet.encode(advert, source, destination, pseudo_header)
