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


class Codec:
    """Between a router's decisions and octets; remembers what it has encoded and how its peers speak."""

    def __init__(self, settings: Settings, utc_ns: Callable[[], int] = no_wall_clock) -> None:
        self._settings = settings
        self._authenticator = authentication.Authenticator(settings, utc_ns)
        self._remarks: authentication.Remarks = ()
        # Answer in the checksum style that the peer uses; keepalived's until one is heard (RFC 9568 5.2.8).
        self._pseudo_header = True
        self._encoded: tuple[tuple[int, int, IPAddress], bytes] | None = None

    def reconfigure(self, settings: Settings) -> None:
        """Take new settings for the same virtual router."""
        self._settings = settings
        self._authenticator.reconfigure(settings)
        self._encoded = None

    def compose(self, priority: int, interval_cs: int, source: IPAddress, now_ns: int) -> tuple[SendAdvert, ...]:
        """The adverts that tell every other router this priority and interval."""
        destination = packet.group(self._settings.family)
        message = self._message(priority, interval_cs, source, destination)
        trailer = self._authenticator.sign(message, source, now_ns)
        if trailer:
            message = packet.append(message, trailer, source, destination)
        return (SendAdvert(message, source, destination),)

    def judge(self, event: PacketReceived, source: IPAddress | None, now_ns: int) -> packet.Advert:
        """The advert in a packet, when it is genuine; raises PacketError. `source` is this router's own address."""
        settings = self._settings
        self._judge_way(event)
        message, trailer = self._authenticator.split(event.message)
        advert, pseudo_header = packet.decode(
            message, event.source, event.destination, event.ttl, settings.version, trailer
        )
        authentication.verify(advert, settings.authentication)
        if event.source == source:
            raise packet.PacketError("own_source_errors", "sent from this node's own address")
        self._remarks = self._authenticator.verify(message, trailer, event.source, now_ns)
        if pseudo_header != self._pseudo_header and advert.version == 3:
            self._pseudo_header, self._encoded = pseudo_header, None
        return advert

    def _judge_way(self, event: PacketReceived) -> None:
        """Raise PacketError for a packet that did not come the way that adverts come here."""
        if event.destination != packet.group(self._settings.family):
            raise packet.PacketError("destination_errors", f"sent to {event.destination}, not to the group")

    def differences(self, advert: packet.Advert) -> Iterator[tuple[str, str]]:
        """Counter and text of what RFC 9568 7.1 lets a receiver count and log, but not drop the advert for."""
        settings = self._settings
        yield from self._remarks
        if {address.ip for address in settings.virtual_addresses} != set(advert.addresses):
            yield "address_list_errors", "another list of virtual addresses"
        if advert.interval_cs != settings.advert_interval_cs:
            seconds = f"{advert.interval_cs / 100:g} s, not {settings.advert_interval_cs / 100:g} s"
            yield "interval_errors", f"interval {seconds}"

    def _message(self, priority: int, interval_cs: int, source: IPAddress, destination: IPAddress) -> bytes:
        """The advert's octets, encoded once for as long as it stays the same."""
        key = (priority, interval_cs, source)
        if self._encoded is None or self._encoded[0] != key:
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
            self._encoded = key, packet.encode(advert, source, destination, self._pseudo_header)
        return self._encoded[1]
