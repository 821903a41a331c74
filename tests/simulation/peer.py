# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A keepalived-like peer: the state machine of RFC 3768 and RFC 5798 written a second time, with its own codec.

It differs from ours where keepalived (2.2.7) does: it drops a version 2 advert with another interval and any advert
with another list of addresses, sends its advert before it claims, and says nothing to a losing master.
"""

from __future__ import annotations

import ipaddress
import struct

from vrrp_agent.protocol.events import PacketReceived
from vrrp_agent.protocol.settings import IPAddress, Settings

from .group import Group
from .node import Node
from .rfc import interval_cs_of, interval_ns, priority_of, skew_ns
from .world import SECOND_NS

_ANNOUNCE_AGAIN_NS = 5 * SECOND_NS
_GROUPS = {4: ipaddress.ip_address("224.0.0.18"), 6: ipaddress.ip_address("ff02::12")}


class Peer(Node):
    """A node that runs something like keepalived."""

    is_ours = False

    def __init__(self, group: Group, machine: int, name: str, settings: Settings, source: IPAddress) -> None:
        super().__init__(group, machine, name, settings, source)
        # RFC 9568 5.2.8 leaves the pseudo-header out over IPv4, keepalived puts it in; both are read.
        self.pseudo_header = True
        self.state = "INIT"
        self._heard_interval_cs = settings.advert_interval_cs
        self._timer_ns: int | None = None

    @property
    def is_master(self) -> bool:
        """Whether its state says so."""
        return self.state == "MASTER"

    # --- what happens to it

    def _boot(self) -> None:
        if self.link_up:
            self._begin()
        else:
            self._become("FAULT", "link down")

    def _begin(self) -> None:
        self._heard_interval_cs = self.settings.advert_interval_cs
        if self.settings.priority == 255:
            self._become_master("it is the owner")
        else:
            self._become("BACKUP", "started")
            self._wait(self._down_ns)

    def _die(self) -> None:
        self.state, self._timer_ns = "INIT", None

    def _leave(self) -> None:
        if self.is_master:
            self._send(0)
        self._become("INIT", "stopped")
        self._left()

    def _fall_asleep(self) -> None:
        """It notices nothing."""

    def _wake(self, inbox: list[PacketReceived]) -> None:
        self._interface_changed()
        for packet in inbox:
            self._packet(packet)
        if self._timer_ns is not None and self._timer_ns <= self.world.now_ns:
            self._due(self._timer_ns)

    def _interface_changed(self) -> None:
        if not self.link_up and self.state != "FAULT":
            self._become("FAULT", "link down")
        elif self.link_up and self.state == "FAULT":
            self._begin()

    def _settings_changed(self) -> None:
        """The settings are read where they are needed; a running timer goes on as it is."""

    def _packet(self, packet: PacketReceived) -> None:
        if self.state not in ("BACKUP", "MASTER") or not self._genuine(packet):
            return
        priority = priority_of(packet.message)
        if self.is_master:
            self._packet_as_master(packet, priority)
        elif priority == 0:
            self._wait(self._skew_ns)
        elif priority >= self.settings.priority or not self.settings.preempt:
            self._heed(packet)

    def _packet_as_master(self, packet: PacketReceived, priority: int) -> None:
        ours = self.settings.priority
        if priority == 0:
            self._send(ours)
            self._wait(self._interval_ns)
        elif priority > ours or (priority == ours and packet.source.packed > self.source.packed):
            self._become("BACKUP", f"{packet.source} is better")
            self._heed(packet)

    def _due(self, armed_ns: int) -> None:
        if armed_ns != self._timer_ns or self.asleep:
            return
        if self.is_master:
            self._send(self.settings.priority)
            self._wait(self._interval_ns)
        else:
            self._become_master("nobody is heard, or nobody better")

    def _repeat_announcement(self, since_ns: int) -> None:
        if self.is_master and self.able and self._since_ns == since_ns:
            self._announce()

    # --- what it does

    _since_ns = 0

    def _become(self, state: str, why: str) -> None:
        self.tell(f"(peer) {self.state} -> {state}: {why}")
        self.group.note_transition(self, f"goes to {state}: {why}")
        self.state, self._timer_ns = state, None

    def _become_master(self, why: str) -> None:
        self._become("MASTER", why)
        self._send(self.settings.priority)
        self._announce()
        self._since_ns = self.world.now_ns
        self.world.after(_ANNOUNCE_AGAIN_NS, self._repeat_announcement, self._since_ns)
        self._wait(self._interval_ns)

    def _announce(self) -> None:
        for address in self.settings.addresses:
            self.group.segment.announce(self, address.ip)

    def _heed(self, packet: PacketReceived) -> None:
        self._heard_interval_cs = interval_cs_of(packet.message)
        self._wait(self._down_ns)

    def _wait(self, duration_ns: int) -> None:
        self._timer_ns = self.world.now_ns + duration_ns
        self.world.at(self._timer_ns, self._due, self._timer_ns)

    @property
    def _interval_ns(self) -> int:
        return interval_ns(self.settings.advert_interval_cs)

    @property
    def _skew_ns(self) -> int:
        return skew_ns(self.settings.version, self.settings.priority, interval_ns(self._heard_interval_cs))

    @property
    def _down_ns(self) -> int:
        return 3 * interval_ns(self._heard_interval_cs) + self._skew_ns

    # --- its own codec

    def _send(self, priority: int) -> None:
        if self.link_up:
            destination = _GROUPS[self.source.version]
            self.group.segment.send(self, self._message(priority, destination), self.source, destination)

    def _message(self, priority: int, destination: IPAddress) -> bytes:
        settings = self.settings
        addresses = [address.ip.packed for address in settings.virtual_addresses]
        first = 0x21 if settings.version == 2 else 0x31
        head = struct.pack("!BBBB", first, settings.virtual_router_id, priority, len(addresses))
        if settings.version == 2:
            head += struct.pack("!BB", *self._auth_type_and_interval())
            tail = b"".join(addresses) + settings.authentication.password.encode().ljust(8, b"\0")
            return head + _sum(head + tail) + tail
        head += struct.pack("!H", settings.advert_interval_cs)
        tail = b"".join(addresses)
        pseudo = b""
        if self.pseudo_header or self.source.version == 6:
            pseudo = _pseudo(self.source, destination, len(head) + 2 + len(tail))
        return head + _sum(pseudo + head + tail) + tail

    def _auth_type_and_interval(self) -> tuple[int, int]:
        return int(self.settings.authentication.type == "pass"), self.settings.advert_interval_cs // 100

    def _genuine(self, packet: PacketReceived) -> bool:
        settings, message = self.settings, packet.message
        expected = self._message(priority_of(message), packet.destination)
        if packet.ttl != 255 or len(message) != len(expected) or message[:2] != expected[:2]:
            return False
        if message[3] != expected[3] or message[8:] != expected[8:]:
            return False  # another list of addresses, or another password
        if settings.version == 2 and message[4:6] != expected[4:6]:
            return False  # another authentication type, or another interval
        pseudo = _pseudo(packet.source, packet.destination, len(message))
        return any(_sum(prefix + message) == b"\0\0" for prefix in (b"", pseudo))


def _pseudo(source: IPAddress, destination: IPAddress, length: int) -> bytes:
    lengths = struct.pack("!BBH", 0, 112, length) if source.version == 4 else struct.pack("!II", length, 112)
    return source.packed + destination.packed + lengths


def _sum(octets: bytes) -> bytes:
    """RFC 1071 by way of a property of the ones' complement sum: it is the number modulo 65535."""
    number = int.from_bytes(octets + b"\0" * (len(octets) % 2), "big")
    total = number % 0xFFFF
    return ((0xFFFF - total) % 0xFFFF).to_bytes(2, "big") if number else b"\xff\xff"
