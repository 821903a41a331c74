# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Gratuitous ARP and unsolicited neighbour advertisements, taken apart by code of the test's own."""

from __future__ import annotations

import struct
from ipaddress import ip_address

import pytest
from vrrp_agent.protocol.announce import announcement, answer_in, probe4, probe6, request

MAC = bytes.fromhex("020000000a01")
BROADCAST = b"\xff" * 6


def folded_sum(octets: bytes) -> int:
    """The ones' complement sum, digit by digit: 0xffff when a correct checksum is in the octets."""
    total = 0
    for at in range(0, len(octets), 2):
        total += int.from_bytes(octets[at : at + 2].ljust(2, b"\0"), "big")
        total = (total & 0xFFFF) + (total >> 16)
    return total


def test_gratuitous_arp() -> None:
    """RFC 9568 6.4.2, RFC 5227 3: a broadcast request whose sender and target are the address."""
    vip = ip_address("192.0.2.100")
    destination, source, ethertype, hardware, protocol, sizes, operation, *addresses = struct.unpack(
        "!6s6sHHHHH6s4s6s4s", announcement(MAC, vip)
    )
    assert (destination, source, ethertype) == (BROADCAST, MAC, 0x0806)
    assert (hardware, protocol, sizes, operation) == (1, 0x0800, 0x0604, 1)
    assert addresses == [MAC, vip.packed, BROADCAST, vip.packed]


@pytest.mark.parametrize("text", ["fe80::100", "2001:db8::100", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe"])
def test_unsolicited_neighbor_advertisement(text: str) -> None:
    """RFC 4861 4.4, 7.2.6: to all nodes, Override set, Solicited not, with the target's link-layer address."""
    vip = ip_address(text)
    frame = announcement(MAC, vip)
    ethernet, ip, icmp = frame[:14], frame[14:54], frame[54:]
    assert ethernet == bytes.fromhex("333300000001") + MAC + b"\x86\xdd"

    first, length, next_header, hop_limit, source, destination = struct.unpack("!IHBB16s16s", ip)
    assert (first, length, next_header, hop_limit) == (0x60000000, len(icmp), 58, 255)
    assert (source, destination) == (vip.packed, ip_address("ff02::1").packed)

    kind, code, unused_checksum, flags, target, option, units, mac = struct.unpack("!BBHI16sBB6s", icmp)
    assert (kind, code, flags & 0x60000000, target) == (136, 0, 0x20000000, vip.packed)
    assert (option, units, mac) == (2, 1, MAC)
    assert folded_sum(source + destination + struct.pack("!IxxxB", length, next_header) + icmp) == 0xFFFF


def test_a_router_says_that_it_is_one() -> None:
    """RFC 9568 6.4.2, RFC 4861 4.4: hosts take the default route from a neighbour that is a router no more."""
    vip = ip_address("2001:db8::100")
    frame = announcement(MAC, vip, forwarding=True)
    ip, icmp = frame[14:54], frame[54:]
    assert icmp[4:8] == bytes.fromhex("a0000000")  # Router and Override
    assert folded_sum(ip[8:] + struct.pack("!IxxxB", len(icmp), 58) + icmp) == 0xFFFF


def test_ipv4_has_no_router_flag() -> None:
    vip = ip_address("192.0.2.100")
    assert announcement(MAC, vip, forwarding=True) == announcement(MAC, vip)


def test_ipv4_probe() -> None:
    """RFC 5227 2.1.1: a broadcast request without a sender's address, so that nobody learns or unlearns a MAC by it."""
    vip = ip_address("192.0.2.100")
    destination, source, ethertype, hardware, protocol, sizes, operation, *addresses = struct.unpack(
        "!6s6sHHHHH6s4s6s4s", probe4(MAC, vip)
    )
    assert (destination, source, ethertype) == (BROADCAST, MAC, 0x0806)
    assert (hardware, protocol, sizes, operation) == (1, 0x0800, 0x0604, 1)
    assert addresses == [MAC, bytes(4), bytes(6), vip.packed]


def test_ipv6_probe() -> None:
    """RFC 4861 4.3, 7.2.2: to the solicited-node group, from the own address, with the own MAC."""
    vip, own = ip_address("2001:db8::12:3456"), ip_address("fe80::1")
    frame = probe6(MAC, own, vip)
    ethernet, ip, icmp = frame[:14], frame[14:54], frame[54:]
    assert ethernet == bytes.fromhex("3333ff123456") + MAC + b"\x86\xdd"
    first, length, next_header, hop_limit, source, destination = struct.unpack("!IHBB16s16s", ip)
    assert (first, length, next_header, hop_limit) == (0x60000000, len(icmp), 58, 255)
    assert (source, destination) == (own.packed, ip_address("ff02::1:ff12:3456").packed)
    kind, code, unused_checksum, flags, target, option, units, mac = struct.unpack("!BBHI16sBB6s", icmp)
    assert (kind, code, flags, target, option, units, mac) == (135, 0, 0, vip.packed, 1, 1, MAC)
    assert folded_sum(source + destination + struct.pack("!IxxxB", length, next_header) + icmp) == 0xFFFF


def test_a_request_and_who_answers() -> None:
    """As any host asks, and not as one who wants the address (RFC 5227): a filter may drop what comes from nobody."""
    ours, gateway = ip_address("192.0.2.10"), ip_address("192.0.2.1")
    frame = request(MAC, ours, gateway)
    assert frame == BROADCAST + MAC + bytes.fromhex("0806 0001 0800 06 04 0001") + MAC + ours.packed + bytes(6) + (
        gateway.packed
    )
    # What another host asks is no answer; who asks, though, is there.
    assert answer_in(frame) == ours.packed
    assert answer_in(probe4(MAC, gateway)) == bytes(4)
    assert answer_in(frame[:41]) is None
    ours, gateway = ip_address("fe80::10"), ip_address("fe80::1")
    assert request(MAC, ours, gateway) == probe6(MAC, ours, gateway)
    assert answer_in(probe6(MAC, ours, gateway)) is None
    assert answer_in(announcement(MAC, gateway)) == gateway.packed
    assert answer_in(announcement(MAC, gateway)[:77]) is None
