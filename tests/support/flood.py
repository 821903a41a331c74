# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sends frames as fast as told: reads {"interface", "rate", "seconds", "frames"} as JSON, writes what it has done."""

from __future__ import annotations

import json
import socket
import struct
import sys
import time
from ipaddress import IPv4Address

GROUP = IPv4Address("224.0.0.18")
BATCH_S = 0.001  # how long it sleeps at most when it is ahead


def frame(message: bytes, source: IPv4Address, ttl: int = 255) -> bytes:
    """A VRRP message to the group, with its IPv4 and Ethernet headers; the sender's MAC is nobody's."""
    header = struct.pack("!BBHHHBBH", 0x45, 0xC0, 20 + len(message), 0, 0, ttl, 112, 0) + source.packed + GROUP.packed
    total = sum(struct.unpack("!10H", header))
    checksum = ~((total & 0xFFFF) + (total >> 16)) & 0xFFFF
    ip = header[:10] + struct.pack("!H", checksum) + header[12:]
    return bytes.fromhex("01005e000012 02000000aaaa 0800") + ip + message


def flood(interface: str, rate: int, seconds: float, frames: list[bytes]) -> dict[str, float]:
    """Send the frames one after the other, again and again; never more than `rate` a second since the beginning."""
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as sender:
        sender.bind((interface, 0))
        start = now = time.monotonic()
        sent = 0
        while now - start < seconds:
            while sent < (now - start) * rate:
                try:
                    sender.send(frames[sent % len(frames)])
                except OSError:  # the queue is full
                    break
                sent += 1
            time.sleep(BATCH_S)
            now = time.monotonic()
    return {"sent": sent, "seconds": now - start}


if __name__ == "__main__":
    told = json.load(sys.stdin)
    told["frames"] = [bytes.fromhex(text) for text in told["frames"]]
    json.dump(flood(**told), sys.stdout)
