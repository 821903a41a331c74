# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a node that only looks on sees of the others' packets, for decoders that are not ours."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from scapy.layers.l2 import Ether
from scapy.layers.vrrp import VRRP, VRRPv3
from scapy.packet import Packet
from segment import Namespace

ETH_P_ALL = 3
PACKET_OUTGOING = 4
LINKTYPE_ETHERNET = 1


@dataclass
class Capture:
    """What a node's interface sees, in order."""

    packets: socket.socket
    frames: list[bytes] = field(default_factory=list)

    def read(self) -> None:
        """Take what has come since the last time."""
        while True:
            try:
                frame, address = self.packets.recvfrom(2048)
            except BlockingIOError:
                return
            if address[2] != PACKET_OUTGOING:
                self.frames.append(frame)

    def priorities(self) -> set[int]:
        """The priorities of all adverts so far."""
        self.read()
        return {advert.priority for advert in map(advert_in, self.frames) if advert is not None}


@contextmanager
def looking_on(node: Namespace) -> Iterator[Capture]:
    """All frames that reach a node."""
    with node.entered():
        packets = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
        packets.bind(("eth0", ETH_P_ALL))
    packets.setblocking(False)
    with packets:
        yield Capture(packets)


def advert_in(frame: bytes) -> Packet | None:
    """scapy's advert in a frame, if there is one."""
    parsed = Ether(frame)
    return parsed.getlayer(VRRP) or parsed.getlayer(VRRPv3)


def pcap(frames: list[bytes]) -> bytes:
    """The frames as a capture file (the classic libpcap format), one a second."""
    header = struct.pack("=IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, LINKTYPE_ETHERNET)
    return header + b"".join(
        struct.pack("=IIII", second, 0, len(frame), len(frame)) + frame for second, frame in enumerate(frames)
    )
