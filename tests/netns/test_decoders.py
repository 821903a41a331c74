# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything that two agents put on the wire, read by decoders that are not ours: scapy and tshark.

A third node captures the life of a pair: an election, a MASTER that yields to a better one, a MASTER that stops.
"""

from __future__ import annotations

import json
import socket
import struct
import subprocess
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

import pytest
from observer import Capture, advert_in, pcap
from peers import VIPS_IPV6, VIRTUAL_ROUTER_ID, OurAgent, Wire
from scapy.layers.inet import IP, in4_chksum
from scapy.layers.inet6 import (
    ICMPv6ND_NA,
    ICMPv6ND_NS,
    ICMPv6NDOptDstLLAddr,
    ICMPv6NDOptSrcLLAddr,
    IPv6,
    in6_chksum,
)
from scapy.layers.l2 import ARP, Ether
from scapy.layers.vrrp import IPPROTO_VRRP
from scapy.packet import Packet, Raw
from scapy.utils import checksum
from scapy.utils6 import in6_getnsma
from segment import Namespace, Segment, wait_for
from vrrp_agent.protocol import packet

SOON_S = 20.0
GOOD = "1"  # tshark's name for a checksum that is right
EXTRA = {4: "10.139.1.9/24", 6: "fd00:139::9/64"}
YIELDS, RESIGNS = 1, 0

QUICK_S = 0.2


@dataclass(frozen=True)
class Story:
    """A wire, and whether its checksums are to leave the pseudo-header out."""

    wire: Wire
    message_only: bool = False
    family: int = 4


STORIES = {
    "v2": Story(Wire(2), message_only=True),
    "v2-pass": Story(Wire(2, "s3cret"), message_only=True),
    "v3-pseudo-header": Story(Wire(3, interval_s=QUICK_S)),
    "v3-message-only": Story(Wire(3, interval_s=QUICK_S), message_only=True),
    "v3-ipv6": Story(Wire(3, interval_s=QUICK_S, vips=VIPS_IPV6), family=6),
}


def speak_in_the_other_style(node: Namespace, wire: Wire) -> None:
    """One advert of the lowest priority whose checksum leaves the pseudo-header out: answered in the same style."""
    addresses = tuple(ip_address(vip.partition("/")[0]) for vip in wire.vips)
    advert = packet.Advert(3, VIRTUAL_ROUTER_ID, 1, round(wire.interval_s * 100), addresses)
    message = packet.encode(advert, ip_address("10.139.1.13"), packet.GROUP_IPV4, pseudo_header=False)
    with node.entered(), socket.socket(socket.AF_INET, socket.SOCK_RAW, packet.PROTOCOL_NUMBER) as sender:
        sender.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, packet.TTL)
        sender.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"eth0")
        sender.sendto(message, (str(packet.GROUP_IPV4), 0))


def live(third: Segment, capture: Capture, story: Story, folder: Path) -> None:
    """a becomes MASTER, yields to the better b, and b resigns."""
    wire, extra = story.wire, [EXTRA[10 - story.family]]
    first, better = (OurAgent(third[label], folder / label) for label in "ab")
    first.start(wire, priority=150, extra_addresses=extra)
    if story.message_only and wire.version == 3:
        speak_in_the_other_style(third["observer"], wire)
    first.wait_for_state("MASTER", SOON_S)
    better.start(wire, priority=200, extra_addresses=extra)
    better.wait_for_state("MASTER", SOON_S)
    first.wait_for_state("BACKUP", SOON_S)
    better.stop()
    everything = {150, 200, YIELDS, RESIGNS}
    wait_for(lambda: capture.priorities() >= everything, f"adverts of the priorities {everything}", SOON_S)


@pytest.mark.parametrize("story", STORIES.values(), ids=STORIES)
def test_read_by_others(third: Segment, capture: Capture, story: Story, tmp_path: Path) -> None:
    """Neither decoder finds anything to complain of, and both read what was meant."""
    live(third, capture, story, tmp_path)
    ours = {third[label].mac() for label in "ab"}
    frames = [frame for frame in capture.frames if Ether(frame).src in ours and is_ours(Ether(frame))]
    for frame in frames:
        read_by_scapy(Ether(frame), story)
    kinds = {kind(Ether(frame)) for frame in frames}
    assert kinds == {"advert", "arp", "na"}
    for mac in sorted(ours):
        # One node at a time: two nodes that announce the same address one after the other are worth a warning.
        read_by_tshark([frame for frame in frames if Ether(frame).src == mac], story, tmp_path / "capture.pcap")


@pytest.mark.parametrize("story", [STORIES["v3-pseudo-header"], STORIES["v3-ipv6"]], ids=["ipv4", "ipv6"])
def test_probes_are_read_by_others(third: Segment, capture: Capture, story: Story, tmp_path: Path) -> None:
    """Who else has an address: asked for each of them, of both families, with the node's own MAC."""
    agent, mac, own = OurAgent(third["a"], tmp_path / "a"), third["a"].mac(), third["a"].link_local()
    agent.start(story.wire, priority=150, extra_addresses=[EXTRA[10 - story.family]])
    agent.wait_for_state("MASTER", SOON_S)
    wanted = {vip.partition("/")[0] for vip in (*story.wire.vips, EXTRA[10 - story.family])}

    def probes() -> dict[str, Packet]:
        capture.read()
        return {probed(Ether(frame)): Ether(frame) for frame in capture.frames if probed(Ether(frame)) in wanted}

    wait_for(lambda: probes().keys() == wanted, "every address is asked for", SOON_S)
    for address, frame in probes().items():
        assert (frame.src, Raw in frame) == (mac, False)
        if ARP in frame:
            assert (frame.dst, frame[ARP].hwsrc, frame[ARP].hwdst) == ("ff:ff:ff:ff:ff:ff", mac, "00:00:00:00:00:00")
        else:
            ip = frame[IPv6]
            assert (ip.src, ip.hlim, frame[ICMPv6NDOptSrcLLAddr].lladdr) == (own, 255, mac)
            assert ip.dst == str(ip_address(in6_getnsma(ip_address(address).packed)))
            assert in6_chksum(socket.IPPROTO_ICMPV6, ip, bytes(ip.payload)) == 0
    read_by_tshark([bytes(frame) for frame in probes().values()], story, tmp_path / "probes.pcap")


def probed(frame: Packet) -> str | None:
    """The address that a probe asks for."""
    if ARP in frame and frame[ARP].psrc == "0.0.0.0":
        return str(frame[ARP].pdst)
    return str(frame[ICMPv6ND_NS].tgt) if ICMPv6ND_NS in frame else None


def kind(frame: Packet) -> str:
    """What an agent's frame is."""
    return "arp" if ARP in frame else "na" if ICMPv6ND_NA in frame else "advert"


def is_ours(frame: Packet) -> bool:
    """Whether the agent has sent a node's frame, and not its kernel: multicast reports, neighbour solicitations."""
    return (
        advert_in(bytes(frame)) is not None or ICMPv6ND_NA in frame or (ARP in frame and frame[ARP].psrc != "0.0.0.0")
    )


def read_by_scapy(frame: Packet, story: Story) -> None:
    """Addresses, limits and checksums, with nothing left over."""
    assert Raw not in frame
    {"advert": advert_by_scapy, "arp": arp_by_scapy, "na": na_by_scapy}[kind(frame)](frame, story)


def advert_by_scapy(frame: Packet, story: Story) -> None:
    """An advert, whatever its priority."""
    wire, advert = story.wire, advert_in(bytes(frame))
    ip = frame[IP] if story.family == 4 else frame[IPv6]
    message = bytes(ip.payload)
    if story.family == 4:
        assert (ip.ttl, ip.tos, ip.proto, ip.dst) == (255, 0xC0, IPPROTO_VRRP, "224.0.0.18")
        assert checksum(bytes(ip)[:20]) == 0
        assert (checksum(message) if story.message_only else in4_chksum(IPPROTO_VRRP, ip, message)) == 0
    else:
        assert (ip.hlim, ip.tc, ip.nh, ip.dst) == (255, 0xC0, IPPROTO_VRRP, "ff02::12")
        assert in6_chksum(IPPROTO_VRRP, ip, message) == 0
    assert (advert.version, advert.type, advert.vrid) == (wire.version, 1, VIRTUAL_ROUTER_ID)
    assert advert.addrlist == [vip.partition("/")[0] for vip in wire.vips]
    if wire.version == 2:
        secret = struct.pack("!II", advert.auth1, advert.auth2)
        assert (advert.adv, advert.authtype, secret) == (1, int(bool(wire.password)), padded(wire.password))
    else:
        assert (advert.res, advert.adv) == (0, 100 * wire.interval_s)


def arp_by_scapy(frame: Packet, story: Story) -> None:
    """A gratuitous ARP of an address that moves."""
    arp = frame[ARP]
    assert (frame.dst, arp.op, arp.hwsrc, arp.psrc) == ("ff:ff:ff:ff:ff:ff", 1, frame.src, arp.pdst)
    assert f"{arp.psrc}/24" in (*story.wire.vips, EXTRA[4])


def na_by_scapy(frame: Packet, story: Story) -> None:
    """An unsolicited neighbour advertisement of an address that moves."""
    ip, na = frame[IPv6], frame[ICMPv6ND_NA]
    assert (ip.hlim, ip.dst, na.O, na.S, na.tgt) == (255, "ff02::1", 1, 0, ip.src)
    assert na[ICMPv6NDOptDstLLAddr].lladdr == frame.src
    assert in6_chksum(socket.IPPROTO_ICMPV6, ip, bytes(ip.payload)) == 0
    assert f"{na.tgt}/64" in (*story.wire.vips, EXTRA[6])


def padded(password: str) -> bytes:
    return password.encode().ljust(8, b"\0")


def read_by_tshark(frames: list[bytes], story: Story, file: Path) -> None:
    """Every frame is dissected to its end with right checksums, and tshark has no remark on any."""
    file.write_bytes(pcap(frames))
    options = ["ip.check_checksum:TRUE", f"vrrp.v3_checksum_as_in_v2:{str(story.message_only).upper()}"]
    command = ["tshark", "-n", "-r", str(file), "-T", "json", *(word for option in options for word in ("-o", option))]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert "_ws.expert" not in done.stdout and "_ws.malformed" not in done.stdout
    dissected = [one["_source"]["layers"] for one in json.loads(done.stdout)]
    assert len(dissected) == len(frames)
    for layers in dissected:
        assert layers.keys() & {"vrrp", "arp", "icmpv6"}
        assert "data" not in layers
        if "ip" in layers:
            assert layers["ip"]["ip.checksum.status"] == GOOD
        if "vrrp" in layers:
            assert layers["vrrp"]["vrrp.checksum.status"] == GOOD
        if "icmpv6" in layers:
            assert layers["icmpv6"]["icmpv6.checksum.status"] == GOOD
