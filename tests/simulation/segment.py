# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A segment between machines: loses, delays, reorders and repeats packets, and remembers who announced an address."""

from __future__ import annotations

from typing import TYPE_CHECKING, Union

from vrrp_agent.protocol.events import PacketReceived
from vrrp_agent.protocol.packet import TTL
from vrrp_agent.protocol.settings import IPAddress

from .signed import signs
from .world import World

if TYPE_CHECKING:
    from .node import Node

Pair = tuple[int, int]
Announced = dict[tuple[int, IPAddress], Union["Node", None]]


class Segment:
    """What one link-layer broadcast domain does to packets; delays differ from packet to packet, so they overtake."""

    def __init__(self, world: World, name: str, delay_ns: int) -> None:
        self.world = world
        self.name = name
        self.normal_delay_ns = self.delay_ns = delay_ns
        self.loss = 0.0
        self.duplicates = 0.0
        self.blocked: dict[Pair, int] = {}
        # Whom a client would send to: the last who announced an address. Clients hear whoever has a link.
        self.learned: Announced = {}
        # What somebody who listens has recorded of signed adverts.
        self.recordings: list[tuple[int, PacketReceived]] = []

    def send(self, sender: Node, message: bytes, source: IPAddress, destination: IPAddress) -> None:
        """Carry a message of a virtual router to all its other nodes, or to the one whose address it is sent to."""
        world = self.world
        if world.verbose:
            world.tell(sender.name, f"sends an advert of priority {message[2]} from {source}")
        packet = PacketReceived(message, source, destination, TTL)
        if signs(sender.settings):
            self.recordings.append((world.now_ns, packet))
        for receiver in sender.group.nodes:
            if receiver is sender or self.blocked.get((sender.machine, receiver.machine)):
                continue
            if not destination.is_multicast and destination != receiver.source:
                continue
            chance = world.random.random
            if self.loss and chance() < self.loss:
                continue
            self._deliver(receiver, packet, int(chance() * self.delay_ns))
            if self.duplicates and chance() < self.duplicates:
                self._deliver(receiver, packet, int(chance() * self.delay_ns))

    def _deliver(self, receiver: Node, packet: PacketReceived, delay_ns: int) -> None:
        landing_ns = self.world.now_ns + delay_ns
        receiver.group.landed_ns = max(receiver.group.landed_ns, landing_ns)
        self.world.at(landing_ns, receiver.receive, packet)

    def announce(self, node: Node, address: IPAddress) -> None:
        """Let every client learn that an address lives at a node."""
        self.learned[node.group.virtual_router_id, address] = node

    def block(self, pairs: list[Pair]) -> None:
        """Let nothing through from the first to the second machine of each pair; may be nested."""
        for pair in pairs:
            self.blocked[pair] = self.blocked.get(pair, 0) + 1

    def unblock(self, pairs: list[Pair]) -> None:
        """Undo one `block`."""
        for pair in pairs:
            self.blocked[pair] -= 1
