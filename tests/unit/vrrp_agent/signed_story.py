# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The words for stories of signed adverts: nodes with a wall clock each, on one segment that somebody records."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address, ip_interface

from story import GROUP, OURS, S, T
from vrrp_agent.protocol import packet
from vrrp_agent.protocol.codec import Codec
from vrrp_agent.protocol.events import InterfaceUp, PacketReceived, SendAdvert, Start, State, TimerDue
from vrrp_agent.protocol.router import Router
from vrrp_agent.protocol.settings import Authentication, IPAddress, Settings

KEY, OTHER_KEY = bytes(range(32)), bytes(range(100, 164))
HOUR = 3600 * S
# 2026-11-22, when a story begins.
UTC = 1_795_000_000 * S

ENFORCE = Authentication("hmac", keys=((1, KEY),))
SIGNED = replace(OURS, authentication=ENFORCE)
SIGNED_V2 = replace(SIGNED, version=2)
SIGNED_V6 = replace(SIGNED, virtual_addresses=(ip_interface("fe80::100/64"), ip_interface("2001:db8::100/64")))

EXT_COUNTERS = tuple(
    f"auth_ext_{name}" for name in ("missing", "malformed", "unknown_key", "invalid_hmac", "stale", "replay")
)


class Node:
    """A router with its own wall clock, `ahead_ns` of the true time; `restart()` forgets everything else."""

    def __init__(self, segment: Segment, settings: Settings, host: int, ahead_ns: int = 0) -> None:
        self.segment, self.settings, self.ahead_ns = segment, settings, ahead_ns
        prefix = "192.0.2." if settings.family == 4 else "fe80::"
        self.address: IPAddress = ip_address(f"{prefix}{host}")
        self.router: Router | None = None
        self.transitions: list[State] = []

    def utc_ns(self) -> int:
        return UTC + self.segment.now_ns - T + self.ahead_ns

    def restart(self) -> None:
        """A new life: nothing is remembered."""
        self.router = Router(self.settings, self.utc_ns)
        self.handle(InterfaceUp(self.address))
        self.handle(Start())

    def crash(self) -> None:
        self.router = None

    def handle(self, event: object) -> None:
        before = self.router.state
        effects = self.router.handle(event, self.segment.now_ns)
        if self.router.state is not before:
            self.transitions.append(self.router.state)
        for effect in effects:
            if isinstance(effect, SendAdvert):
                self.segment.send(self, PacketReceived(effect.message, effect.source, effect.destination, 255))

    @property
    def is_master(self) -> bool:
        return self.router is not None and self.router.state is State.MASTER

    def errors(self) -> dict[str, int]:
        """What was dropped for its trailer."""
        return {name: count for name, count in self.router.counters.items() if name in EXT_COUNTERS and count}


class Segment:
    """Delivers at once and in order, nothing while it is `cut`; records everything.

    Its clock is everybody's monotonic one.
    """

    def __init__(self, *settings: Settings, ahead: tuple[int, ...] = (0, 0)) -> None:
        self.now_ns = T
        self.recording: list[PacketReceived] = []
        self._queue: list[tuple[Node, PacketReceived]] = []
        self._delivering = False
        self.cut = False
        self.both_ns = 0
        self.nodes = [Node(self, one, 10 + place, ahead[place]) for place, one in enumerate(settings)]
        for node in self.nodes:
            node.restart()

    def send(self, sender: Node, packet: PacketReceived) -> None:
        self.recording.append(packet)
        self._queue += [(node, packet) for node in self.nodes if node is not sender and not self.cut]
        if self._delivering:
            return
        self._delivering = True
        while self._queue:
            node, queued = self._queue.pop(0)
            self.now_ns += 50_000
            if node.router is not None:
                node.handle(queued)
        self._delivering = False

    def run(self, duration_ns: int) -> None:
        """Let time pass; `both_ns` sums up how long two nodes were MASTER at once."""
        end_ns = self.now_ns + duration_ns
        while True:
            due = [(node.router.deadline_ns, place) for place, node in enumerate(self.nodes) if node.router]
            due_ns, place = min((ns, place) for ns, place in due if ns is not None)
            if due_ns > end_ns:
                break
            if sum(node.is_master for node in self.nodes) > 1:
                self.both_ns += max(0, due_ns - self.now_ns)
            self.now_ns = max(self.now_ns, due_ns)
            self.nodes[place].handle(TimerDue())
        self.now_ns = end_ns

    @property
    def masters(self) -> list[Node]:
        return [node for node in self.nodes if node.is_master]


def pair(settings: Settings = SIGNED, ahead: tuple[int, int] = (0, 0), **low: object) -> tuple[Segment, Node, Node]:
    """Two nodes, the first of priority 150; the second has `low` changed. Settled."""
    segment = Segment(replace(settings, priority=150), replace(settings, **low), ahead=ahead)
    segment.run(10 * S)
    return (segment, *segment.nodes)


def signed(
    settings: Settings = SIGNED, source: IPAddress | None = None, now_ns: int = T, utc_ns: int = UTC
) -> PacketReceived:
    """The first advert of a new life."""
    source = source or ip_address("192.0.2.11" if settings.family == 4 else "fe80::11")
    [effect] = Codec(settings, lambda: utc_ns).compose(settings.priority, settings.advert_interval_cs, source, now_ns)
    assert effect.destination == (GROUP if settings.family == 4 else packet.GROUP_IPV6)
    return PacketReceived(effect.message, source, effect.destination, 255)
