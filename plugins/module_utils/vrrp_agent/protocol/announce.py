# Copyright: (c) 2026, duet.ha_pair contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""The frames of ARP and neighbour discovery that tell a segment where an address lives, or ask who else has it."""

from __future__ import annotations

import struct
from ipaddress import IPv4Address, IPv6Address

from .packet import checksum
from .settings import IPAddress

_BROADCAST = b"\xff" * 6
_ETHERTYPE_ARP = 0x0806
_ETHERTYPE_IPV6 = 0x86DD
_ARP_REQUEST = 1
_ALL_NODES = bytes.fromhex("ff020000000000000000000000000001")
_ALL_NODES_MAC = bytes.fromhex("333300000001")
_ICMPV6 = 58
_NEIGHBOR_SOLICITATION, _NEIGHBOR_ADVERTISEMENT = 135, 136
_ROUTER, _OVERRIDE = 0x80000000, 0x20000000
_SOURCE_LINK_LAYER_ADDRESS, _TARGET_LINK_LAYER_ADDRESS = 1, 2
_SOLICITED_NODE = bytes.fromhex("ff0200000000000000000001ff")


def announcement(mac: bytes, address: IPAddress, forwarding: bool = False) -> bytes:
    """The Ethernet frame that announces `address` at `mac` (6 octets); `forwarding`: the sender is an IPv6 router."""
    if address.version == 4:
        return _gratuitous_arp(mac, address)
    # RFC 9568 6.4.2, RFC 4861 4.4: a host that hears a router without the flag takes its default route away.
    return _neighbor_advertisement(mac, address, _OVERRIDE | (_ROUTER if forwarding else 0))


def probe4(mac: bytes, address: IPv4Address) -> bytes:
    """The Ethernet frame that asks who has an IPv4 address, without a word of who asks: nobody learns from it."""
    # RFC 5227 2.1.1: an ARP probe, sender address 0, target hardware address 0; answers go to `mac` alone.
    return _arp(mac, bytes(4), bytes(6), address.packed)


def probe6(mac: bytes, source: IPv6Address, address: IPv6Address) -> bytes:
    """The Ethernet frame that asks who has an IPv6 address, from an address of the asking host's own.

    Not from the unspecified address, as duplicate address detection asks: the answer would go to all nodes, and every
    client would learn the other host's MAC from it.
    """
    # RFC 4861 4.3, 7.2.2: to the solicited-node group of the target.
    group = _SOLICITED_NODE + address.packed[13:]
    destination = b"\x33\x33" + group[12:]
    option = struct.pack("!BB", _SOURCE_LINK_LAYER_ADDRESS, 1) + mac
    addresses = (source.packed, group, address.packed)
    return _ethernet(destination, mac, _ETHERTYPE_IPV6) + _icmpv6(_NEIGHBOR_SOLICITATION, 0, *addresses, option)


def request(mac: bytes, source: IPAddress, address: IPAddress) -> bytes:
    """The Ethernet frame that asks a neighbour for its MAC as any host asks, from an address of this host's own."""
    if isinstance(source, IPv4Address) or isinstance(address, IPv4Address):
        return _arp(mac, source.packed, bytes(6), address.packed)
    return probe6(mac, source, address)


def answer_in(frame: bytes) -> bytes | None:
    """Whose answer a frame is, 4 or 16 octets: the sender of an ARP packet, the target of a neighbour advertisement."""
    ethertype = int.from_bytes(frame[12:14], "big")
    if ethertype == _ETHERTYPE_ARP and len(frame) >= 42:
        return frame[28:32]
    if (
        ethertype == _ETHERTYPE_IPV6
        and len(frame) >= 78
        and (frame[20], frame[54]) == (_ICMPV6, _NEIGHBOR_ADVERTISEMENT)
    ):
        return frame[62:78]
    return None


def _gratuitous_arp(mac: bytes, address: IPAddress) -> bytes:
    # RFC 5227 3: a request, because some hosts update their cache from requests alone; sender and target are the VIP.
    return _arp(mac, address.packed, _BROADCAST, address.packed)


def _arp(mac: bytes, sender: bytes, target_mac: bytes, target: bytes) -> bytes:
    body = struct.pack("!HHBBH", 1, 0x0800, 6, 4, _ARP_REQUEST) + mac + sender + target_mac + target
    return _ethernet(_BROADCAST, mac, _ETHERTYPE_ARP) + body


def _neighbor_advertisement(mac: bytes, address: IPAddress, flags: int) -> bytes:
    # RFC 4861 7.2.6: unsolicited, Override set, with the target's link-layer address.
    option = struct.pack("!BB", _TARGET_LINK_LAYER_ADDRESS, 1) + mac
    addresses = (address.packed, _ALL_NODES, address.packed)
    return _ethernet(_ALL_NODES_MAC, mac, _ETHERTYPE_IPV6) + _icmpv6(_NEIGHBOR_ADVERTISEMENT, flags, *addresses, option)


def _icmpv6(kind: int, flags: int, source: bytes, destination: bytes, target: bytes, option: bytes) -> bytes:
    """The IPv6 packet of a neighbour discovery message; RFC 4861 7.1: hop limit 255."""
    length = 8 + len(target) + len(option)
    pseudo_header = source + destination + struct.pack("!II", length, _ICMPV6)
    sum_of_all = checksum(pseudo_header + struct.pack("!BBHI", kind, 0, 0, flags) + target + option)
    ip = struct.pack("!IHBB", 6 << 28, length, _ICMPV6, 255) + source + destination
    return ip + struct.pack("!BBHI", kind, 0, sum_of_all, flags) + target + option


def _ethernet(destination: bytes, source: bytes, ethertype: int) -> bytes:
    return destination + source + ethertype.to_bytes(2, "big")
