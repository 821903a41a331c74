# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When one node's adverts came, as another node's kernel saw them."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager

from segment import Namespace
from vrrp_agent.linux import filters
from vrrp_agent.protocol import packet

SO_RCVBUFFORCE = 33
SO_TIMESTAMPNS = 35
ETH_P_IP = 0x0800


@contextmanager
def heard_from(node: Namespace, mac: str) -> Iterator[socket.socket]:
    """A packet socket that gets the IPv4 frames of one sender alone, however many others there are."""
    high, low = struct.unpack("!IH", bytes.fromhex(mac.replace(":", "")))
    lines = [
        (filters.LOAD_4, 0, 0, 6),  # the source MAC's first octets
        (filters.JUMP_IF_EQUAL, 0, 3, high),
        (filters.LOAD_2, 0, 0, 10),
        (filters.JUMP_IF_EQUAL, 0, 1, low),
        (filters.RETURN, 0, 0, 65535),
        filters.DROP,
    ]
    with node.entered():
        packets = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    with packets:
        filters.attach(packets, lines)
        packets.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        packets.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 1 << 24)
        packets.bind(("eth0", ETH_P_IP))
        packets.setblocking(False)
        yield packets


def adverts(packets: socket.socket) -> list[float]:
    """When each advert came, in seconds, by the kernel's clock."""
    times = []
    while True:
        try:
            frame, ancillary, unused_flags, unused_sender = packets.recvmsg(2048, 256)
        except BlockingIOError:
            return times
        if frame[23] == packet.PROTOCOL_NUMBER:
            seconds, nanoseconds = struct.unpack("@ll", ancillary[0][2])
            times.append(seconds + nanoseconds / 1e9)
