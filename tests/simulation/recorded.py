# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Signed adverts that somebody has recorded: played again, changed, moved, or signed with another key."""

from __future__ import annotations

import random

from vrrp_agent.protocol import packet, trailer
from vrrp_agent.protocol.events import PacketReceived
from vrrp_agent.protocol.settings import IPAddress

from .agent import Agent
from .scenario import own_address
from .world import SECOND_NS

_STRANGER = 99
_OTHER_KEY = bytes(32)
_LATEST = 40


def forge_signed(chance: random.Random, agent: Agent) -> tuple[str, PacketReceived] | None:
    """A packet that must be dropped though it was recorded from the agent's own group; and which kind it is of."""
    replayable = [one for one in _recordings(agent) if _must_be_rejected(agent, *one)]
    if replayable and chance.random() < 0.7:
        return "replayed", chance.choice(replayable)[1]
    others = _recordings(agent)
    if not others:
        return None
    recorded = chance.choice(others)[1]
    kind = chance.choice(("changed", "moved", "not signed", "another key"))
    return kind, _changed(kind, recorded)


def _recordings(agent: Agent) -> list[tuple[int, PacketReceived]]:
    """Of other nodes' adverts of the same virtual router, the latest and a few from the beginning."""
    number = agent.router.settings.virtual_router_id
    heard = [
        (at_ns, one)
        for at_ns, one in agent.group.segment.recordings
        if one.message[1] == number and one.source != agent.router.source
    ]
    return heard[:5] + heard[-_LATEST:]


def _must_be_rejected(agent: Agent, sent_ns: int, recorded: PacketReceived) -> bool:
    """Whether it is not newer than what was accepted, or of a time that nobody expects.

    The third rule may be about to prove a sender alive by an advert that is on its way; never by one of a second ago,
    as its time has not run since then as our clock has.
    """
    if not agent.memory.grows(recorded):
        return True
    now_ns, settings = agent.world.now_ns, agent.router.settings
    if now_ns - sent_ns < SECOND_NS or agent.memory.echoes_us(recorded):
        return False
    return not agent.memory.is_dated(recorded, now_ns, agent.utc_ns(), settings, slack_ns=SECOND_NS // 1000)


def _changed(kind: str, recorded: PacketReceived) -> PacketReceived:
    body, signed = recorded.message[: -trailer.OCTETS], recorded.message[-trailer.OCTETS :]
    source, destination = recorded.source, recorded.destination
    if kind == "moved":
        source = own_address(source.version, _STRANGER)
    if kind == "changed":
        body = body[:2] + bytes([body[2] ^ 0x80]) + body[3:]
    if kind == "another key":
        signed = trailer.write(body, source, 1, _OTHER_KEY, trailer.read(signed).sequence + (1 << 32))
    if kind == "not signed":
        signed = b""
    body = _with_checksum(body, source, destination)
    message = packet.append(body, signed, source, destination) if signed else body
    return PacketReceived(message, source, destination, packet.TTL)


def _with_checksum(body: bytes, source: IPAddress, destination: IPAddress) -> bytes:
    """Right, so that it is the signature that is judged; over IPv4 in the style without a pseudo-header."""
    blank = body[:6] + b"\0\0" + body[8:]
    covered = packet._pseudo_header(source, destination, len(blank)) + blank if source.version == 6 else blank
    return blank[:6] + packet.checksum(covered).to_bytes(2, "big") + blank[8:]
