# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What passes an interface, as a packet capture sees it, told apart by source MAC."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from typing import Union

from segment import Namespace

IPAddress = Union[IPv4Address, IPv6Address]

ETH_P_ALL = 3
ARP, IPV4, IPV6 = 0x0806, 0x0800, 0x86DD
_ICMPV6, _ADVERTISEMENT = 58, 136


@dataclass(frozen=True)
class Frame:
    """An Ethernet frame; `kind` is arp, neighbour, vrrp or other.

    `sender` is the address for which the frame speaks: ARP's sender, a neighbour advertisement's target, else the
    source of the IP packet.
    """

    source_mac: str
    kind: str
    sender: IPAddress
    announced_mac: str
    octets: bytes


class Capture:
    """Records what one interface receives from the moment that this is made."""

    def __init__(self, node: Namespace, device: str) -> None:
        with node.entered():
            self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        self._socket.bind((device, ETH_P_ALL))
        self._socket.setblocking(False)
        self._frames: list[Frame] = []

    def frames(self) -> list[Frame]:
        """Everything so far that speaks ARP or IP."""
        self._frames += self._read()
        return self._frames

    def close(self) -> None:
        """Stop recording."""
        self._socket.close()

    def _read(self) -> Iterator[Frame]:
        while True:
            try:
                octets, address = self._socket.recvfrom(1 << 16)
            except BlockingIOError:
                return
            frame = _frame(octets) if address[2] != socket.PACKET_OUTGOING else None
            if frame is not None:
                yield frame


def _frame(octets: bytes) -> Frame | None:
    mac, kind = octets[6:12].hex(":"), int.from_bytes(octets[12:14], "big")
    if kind == ARP:
        return Frame(mac, "arp", IPv4Address(octets[28:32]), octets[22:28].hex(":"), octets)
    if kind == IPV4:
        name = "vrrp" if octets[23] == 112 else "other"
        return Frame(mac, name, IPv4Address(octets[26:30]), mac, octets)
    if kind != IPV6:
        return None
    source, icmp = IPv6Address(octets[22:38]), octets[54:]
    if octets[20] == _ICMPV6 and icmp[0] == _ADVERTISEMENT:
        return Frame(mac, "neighbour", IPv6Address(icmp[8:24]), icmp[26:32].hex(":"), octets)
    return Frame(mac, "vrrp" if octets[20] == 112 else "other", source, mac, octets)
