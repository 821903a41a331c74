# Copyright: (c) 2026, duet.ha_pair contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Listens for the adverts of others, on all interfaces at once, and says nothing itself."""

from __future__ import annotations

import select
import socket
import time
from collections.abc import Iterable
from typing import Any

from .vrrp_agent.linux.errors import KernelError
from .vrrp_agent.linux.sockets import AdvertSocket, Datagram
from .vrrp_agent.protocol import packet

# Whoever floods the segment must not fill the result.
_SENDERS_MAX = 256


def listen(names: Iterable[str], seconds: float) -> list[dict[str, Any]]:
    """Who advertises which virtual router, each sender once; raises KernelError if no socket can be opened."""
    sockets = _open(names)
    heard: dict[tuple[Any, ...], dict[str, Any]] = {}
    deadline_s = time.monotonic() + seconds
    try:
        while sockets and time.monotonic() < deadline_s:
            ready = select.select(list(sockets), [], [], max(0.0, deadline_s - time.monotonic()))[0]
            for one in ready:
                for arrived in one.receive():
                    advert = read(arrived[0], sockets[one])
                    if advert and len(heard) < _SENDERS_MAX:
                        heard[tuple(advert[key] for key in _IDENTITY)] = advert
    finally:
        for one in sockets:
            one.close()
    return list(heard.values())


_IDENTITY = ("interface", "source", "destination", "version", "virtual_router_id")


def read(datagram: Datagram, interface: str) -> dict[str, Any] | None:
    """What an advert says, of either version, signed or not; None for what is no advert."""
    octets, version = datagram.payload, datagram.payload[0] >> 4 if datagram.payload else 0
    length = packet.message_octets(octets, datagram.source.version)
    try:
        advert = packet.decode(
            octets[:length], datagram.source, datagram.destination, datagram.ttl, version, 1, octets[length:]
        )[0]
    except packet.PacketError:
        return None
    return {
        "interface": interface,
        "source": str(datagram.source),
        "destination": str(datagram.destination),
        "version": advert.version,
        "virtual_router_id": advert.virtual_router_id,
        "priority": advert.priority,
        "addresses": [str(address) for address in advert.addresses],
    }


def _open(names: Iterable[str]) -> dict[AdvertSocket, str]:
    """A socket for each interface and family; an interface that cannot have one (no IPv6, just gone) is left out."""
    sockets: dict[AdvertSocket, str] = {}
    refused = None
    for name in names:
        for family in (4, 6):
            try:
                sockets[AdvertSocket(socket.if_nametoindex(name), name, family)] = name
            except (KernelError, OSError) as error:
                refused = error
    if refused and not sockets:
        raise refused
    return sockets
