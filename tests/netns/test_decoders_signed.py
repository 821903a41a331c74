# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Signed adverts on the wire: the trailer read by the draft's layout with nothing of ours, the rest by tshark.

No decoder at hand knows the trailer of draft-cassen-vrrp-auth-hmac, so that it is taken apart and computed here again.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import subprocess
import time
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from observer import Capture, advert_in, pcap
from peers import VIPS_IPV6, VIRTUAL_ROUTER_ID, OurAgent, Wire
from scapy.layers.inet import IP
from scapy.layers.inet6 import IPv6, in6_chksum
from scapy.layers.l2 import Ether
from scapy.layers.vrrp import IPPROTO_VRRP
from scapy.packet import Packet
from scapy.utils import checksum
from segment import Segment, wait_for
from test_decoders import GOOD, QUICK_S

KEY_ID, KEY = 7, "00112233" * 8
SIGNED = {"type": "hmac", "keys": [{"id": KEY_ID, "key": KEY}]}
TRAILER_OCTETS = 28
SOON_S = 20.0

WIRES = {
    "v2": Wire(2),
    "v3": Wire(3, interval_s=QUICK_S),
    "v3-ipv6": Wire(3, interval_s=QUICK_S, vips=VIPS_IPV6),
}


@pytest.mark.parametrize("wire", WIRES.values(), ids=WIRES)
def test_signed_adverts_are_what_the_draft_says(third: Segment, capture: Capture, wire: Wire, tmp_path: Path) -> None:  # noqa: F811
    """One becomes MASTER and yields to a better one."""
    first, better = (OurAgent(third[label], tmp_path / label) for label in "ab")
    first.start(wire, priority=150, authentication=SIGNED)
    first.wait_for_state("MASTER", SOON_S)
    better.start(wire, priority=200, authentication=SIGNED)
    everything = {150, 200, 1}
    wait_for(lambda: capture.priorities() >= everything, f"adverts of the priorities {everything}", SOON_S)
    frames = [Ether(frame) for frame in capture.frames if advert_in(frame) is not None]
    sequences: dict[str, list[int]] = {}
    for frame in frames:
        ip = frame[IP] if IP in frame else frame[IPv6]
        sequences.setdefault(ip.src, []).append(sequence_of_a_genuine(ip, wire))
    assert len(sequences) == 2
    assert all(mine == sorted(set(mine)) for mine in sequences.values())
    read_by_tshark(list(map(bytes, frames)), tmp_path / "capture.pcap")


def sequence_of_a_genuine(ip: Packet, wire: Wire) -> int:
    """The trailer's sequence, once everything around it is what it must be."""
    message, trailer = bytes(ip.payload)[:-TRAILER_OCTETS], bytes(ip.payload)[-TRAILER_OCTETS:]
    source = ip_address(ip.src)
    count, octets = len(wire.vips), len(source.packed)
    assert len(message) == 8 + count * octets + (8 if wire.version == 2 else 0)
    assert (message[0], message[1], message[3]) == (wire.version << 4 | 1, VIRTUAL_ROUTER_ID, count)
    assert trailer[:4] == bytes([1, KEY_ID, 0, 0])
    assert abs(int.from_bytes(trailer[4:8], "big") - time.time()) < 60
    pseudo_header = bytes([source.version, wire.version, VIRTUAL_ROUTER_ID, 0]) + source.packed.ljust(16, b"\0")
    blank = message[:6] + b"\0\0" + message[8:]
    covered = pseudo_header + blank + trailer[:12] + bytes(16)
    assert trailer[12:] == hmac.new(bytes.fromhex(KEY), covered, hashlib.sha256).digest()[:16]
    if source.version == 6:
        assert in6_chksum(IPPROTO_VRRP, ip, message + trailer) == 0
    else:
        # The trailer counts for the length of the IP packet, and not for the VRRP checksum.
        assert ip.len == 20 + len(message) + TRAILER_OCTETS
        pseudo = (
            b"" if wire.version == 2 else source.packed + ip_address(ip.dst).packed + bytes([0, 112, 0, len(message)])
        )
        assert checksum(pseudo + message) == 0
    return int.from_bytes(trailer[4:12], "big")


def read_by_tshark(frames: list[bytes], file: Path) -> None:
    """tshark reads every advert and warns of one thing: over IPv4 its checksum wants to cover what is behind it."""
    file.write_bytes(pcap(frames))
    command = ["tshark", "-n", "-r", str(file), "-T", "json", "-o", "ip.check_checksum:TRUE"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert "_ws.malformed" not in done.stdout
    dissected: list[dict[str, Any]] = [one["_source"]["layers"] for one in json.loads(done.stdout)]
    assert len(dissected) == len(frames)
    assert done.stdout.count('"_ws.expert"') == sum("ip" in layers for layers in dissected)
    for layers in dissected:
        advert = layers["vrrp"]
        if "ip" in layers:
            assert layers["ip"]["ip.checksum.status"] == GOOD
            assert "vrrp.checksum_bad.expert" in advert["vrrp.checksum_tree"]["_ws.expert"]
        else:
            assert advert["vrrp.checksum.status"] == GOOD
