# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the agent does with any octets: functions of bytes for a fuzzer, which raise when something is wrong.

The first octets choose the circumstances, the rest is what comes from the network, so that a fuzzer steers both.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from story import GROUP, HIGHER, LOWER, OURS, SECOND_VIP, US, VIP, octets
from vectors import VECTORS
from vrrp_agent.protocol import events, packet
from vrrp_agent.protocol.counters import COUNTERS
from vrrp_agent.protocol.events import State
from vrrp_agent.protocol.router import Router
from vrrp_agent.protocol.settings import Authentication, IPAddress, Settings

WAYS = tuple(dict.fromkeys((vector.source, vector.destination) for vector in VECTORS))
# Bits of the first octet.
VERSION_3, REPAIR, REPAIR_MESSAGE_ONLY, TTL_64 = 0x01, 0x02, 0x04, 0x08

WAITS_NS = (0, 1, 10_000_000, 100_000_000, 609_375_000, 1_000_000_000, 3_609_375_000, 30_000_000_000)
SETTINGS = (
    OURS,
    replace(OURS, priority=255),
    replace(OURS, priority=1, preempt=False, virtual_addresses=(VIP, SECOND_VIP)),
    replace(OURS, advert_interval_cs=1),
    replace(OURS, version=2, authentication=Authentication("pass", "s3cretpw")),
)
SOURCES = (LOWER, US, HIGHER)


def repaired(message: bytes, source: IPAddress, destination: IPAddress, pseudo_header: bool) -> bytes:
    """The message with a right checksum, which a fuzzer would never find."""
    if len(message) < 8:
        return message
    zeroed = message[:6] + b"\0\0" + message[8:]
    covered = pseudo_header or source.version == 6
    prefix = packet._pseudo_header(source, destination, len(message)) if covered else b""
    return message[:6] + packet.checksum(prefix + zeroed).to_bytes(2, "big") + message[8:]


def decode(data: bytes) -> None:
    """Any message is an advert that encodes to the same octets, or a PacketError that has a counter."""
    if len(data) < 2:
        return
    how, (source, destination), message = data[0], WAYS[data[1] % len(WAYS)], data[2:]
    if how & REPAIR:
        message = repaired(message, source, destination, not how & REPAIR_MESSAGE_ONLY)
    version = 3 if how & VERSION_3 else 2
    try:
        advert, pseudo_header = packet.decode(message, source, destination, 64 if how & TTL_64 else 255, version)
    except packet.PacketError as error:
        assert error.reason in COUNTERS, error.reason
        return
    assert advert.addresses and advert.interval_cs > 0
    repr(advert)
    if version == 3 and message[4] >> 4:  # the reserved bits are not kept
        return
    # RFC 1071: 0xffff is another way to write a checksum of 0.
    canonical = message[:6] + b"\0\0" + message[8:] if message[6:8] == b"\xff\xff" else message
    assert packet.encode(advert, source, destination, pseudo_header) == canonical


def router(data: bytes) -> None:
    """Whatever happens in whatever order, the addresses are held by a MASTER alone and a deadline is always ahead."""
    if not data:
        return
    machine, now_ns, held = Router(SETTINGS[data[0] % len(SETTINGS)]), 10**15, set()
    for wait_ns, event in story(data[1:], machine):
        now_ns = max(now_ns, machine.deadline_ns or 0) if wait_ns is None else now_ns + wait_ns
        before = machine.counters.all(), machine.deadline_ns, machine.state
        effects = machine.handle(event, now_ns)
        for effect in effects:
            if isinstance(effect, events.ClaimAddresses):
                held |= set(effect.addresses)
            elif isinstance(effect, events.ReleaseAddresses):
                held -= set(effect.addresses)
            elif isinstance(effect, events.SendAdvert):
                packet.decode(effect.message, effect.source, effect.destination, 255, machine.settings.version)
        assert held == (set(machine.settings.addresses) if machine.state is State.MASTER else set())
        assert (machine.deadline_ns is not None) == (machine.state in (State.BACKUP, State.MASTER))
        rejected = [effect for effect in effects if isinstance(effect, events.PacketRejected)]
        if rejected and len(effects) == len(rejected):
            assert (machine.deadline_ns, machine.state) == before[1:], "a rejected packet touched something"
            assert machine.counters[rejected[0].reason] == before[0][rejected[0].reason] + 1


def story(data: bytes, machine: Router) -> Iterator[tuple[int | None, events.Event]]:
    """A wait in nanoseconds (None: until the deadline) and an event for every few octets."""
    at = 0
    while at + 2 <= len(data):
        kind, wait = data[at] % 9, data[at] // 9 % (len(WAITS_NS) + 1)
        source, at = SOURCES[data[at + 1] % len(SOURCES)], at + 2
        wait_ns = WAITS_NS[wait] if wait < len(WAITS_NS) else None
        if kind <= 2:
            length = 16 + 8 * (machine.settings.version == 2)
            message, at = data[at : at + length], at + length
            if kind:
                message = repaired(message, source, GROUP, kind == 2 and machine.settings.version == 3)
            yield wait_ns, events.PacketReceived(message, source, GROUP, 255)
        elif kind == 3:
            yield wait_ns, events.InterfaceUp(source)
        elif kind == 4:
            yield wait_ns, events.InterfaceDown("eth0 is down")
        elif kind == 5:
            yield wait_ns, events.Reconfigured(reconfigured(machine.settings, SETTINGS[data[at - 1] % len(SETTINGS)]))
        else:
            yield wait_ns, (events.Start(), events.Stop(), events.TimerDue())[kind - 6]


def reconfigured(settings: Settings, other: Settings) -> Settings:
    """Settings that the same virtual router may get by a reload: the version stays, and with it what it carries."""
    changed = {"priority": other.priority, "preempt": other.preempt, "virtual_addresses": other.virtual_addresses}
    interval_cs = settings.advert_interval_cs if settings.version == 2 else other.advert_interval_cs
    return replace(settings, advert_interval_cs=interval_cs, **changed)


def seeds(target: str) -> list[bytes]:
    """What a fuzzer begins with: every reference vector, or the short life of each kind of router."""
    if target == "decode":
        ways = [(WAYS.index((vector.source, vector.destination)), vector) for vector in VECTORS]
        return [bytes([vector.advert.version & 1, way]) + vector.octets for way, vector in ways]
    until_due = 9 * len(WAITS_NS)
    beginning = bytes([3, 1, 6, 0, until_due + 8, 0])  # the interface is up, start, the deadline passes
    lives = []
    for number, settings in enumerate(SETTINGS):
        heard = [octets(replace(settings, priority=priority), HIGHER) for priority in (0, 50, 200)]
        middle = b"".join(bytes([0, 2]) + message for message in heard)
        lives.append(bytes([number]) + beginning + middle + bytes([until_due + 8, 0, 7, 0]))
    return lives


TARGETS = {"decode": decode, "router": router}
