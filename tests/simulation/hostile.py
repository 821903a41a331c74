# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Packets that must be dropped, and must leave nothing behind but a count."""

from __future__ import annotations

import random

from vrrp_agent.protocol import authentication, packet
from vrrp_agent.protocol.events import PacketReceived
from vrrp_agent.protocol.settings import IPAddress, Settings

from .agent import Agent
from .scenario import own_address

_STRANGER = 99


def forge(chance: random.Random, agent: Agent) -> tuple[str, PacketReceived]:
    """A packet that would win every election if it were not for one thing; and which."""
    settings = agent.router.settings
    source = chance.choice(
        settings.unicast_peers or tuple(own_address(settings.family, host) for host in (_STRANGER, 1))
    )
    destination = agent.source if settings.unicast_peers else packet.group(settings.family)
    kinds = ["checksum", "ttl 64", "truncated", "octets behind", "type", "version", "no addresses", "interval 0"]
    if settings.version == 2:
        kinds += ["password", "authentication type"]
    if settings.unicast_peers:
        kinds += ["not a peer", "to the group"]
    if agent.router.source is not None:
        kinds.append("own address")
    kind = chance.choice(kinds)
    if kind == "own address":
        source = agent.source
    elif kind == "not a peer":
        source = own_address(settings.family, _STRANGER)
    elif kind == "to the group":
        destination = packet.group(settings.family)
    message = _message(chance, kind, settings, source, destination)
    return kind, PacketReceived(message, source, destination, 64 if kind == "ttl 64" else packet.TTL)


def _message(chance: random.Random, kind: str, settings: Settings, source: IPAddress, destination: IPAddress) -> bytes:
    auth_type, auth_data = authentication.fields(settings.authentication)
    if kind == "password" and auth_type == packet.AUTH_PASS:
        auth_data = b"wrong\0\0\0"
    elif kind in ("password", "authentication type"):
        auth_type ^= 1
    addresses = tuple(address.ip for address in settings.virtual_addresses)
    advert = packet.Advert(
        version=settings.version,
        virtual_router_id=settings.virtual_router_id,
        priority=chance.choice((255, 255, 0, 100)),
        interval_cs=0 if kind == "interval 0" else settings.advert_interval_cs,
        addresses=() if kind == "no addresses" else addresses,
        auth_type=auth_type,
        auth_data=auth_data,
    )
    return _damaged(chance, kind, packet.encode(advert, source, destination, chance.random() < 0.5))


def _damaged(chance: random.Random, kind: str, message: bytes) -> bytes:
    if kind == "truncated":
        return message[: chance.randrange(2, len(message))]
    if kind == "octets behind":
        return message + bytes(chance.randrange(1, 29))
    if kind in ("type", "version"):
        return bytes([message[0] ^ (0x02 if kind == "type" else 0x10)]) + message[1:]
    if kind == "checksum":
        # One bit: the two styles of version 3 differ by far more.
        at = chance.randrange(6, len(message))
        return message[:at] + bytes([message[at] ^ 1 << chance.randrange(8)]) + message[at + 1 :]
    return message
