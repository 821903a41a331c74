# Copyright: (c) 2026, duet.ha_pair contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""The frames that tell a segment where an address lives: gratuitous ARP, unsolicited neighbour advertisement."""

from __future__ import annotations

import struct

from .packet import checksum
from .settings import IPAddress

_BROADCAST = b"\xff" * 6
_ETHERTYPE_ARP = 0x0806
_ETHERTYPE_IPV6 = 0x86DD
_ARP_REQUEST = 1
_ALL_NODES = bytes.fromhex("ff020000000000000000000000000001")
_ALL_NODES_MAC = bytes.fromhex("333300000001")
_ICMPV6 = 58
_NEIGHBOR_ADVERTISEMENT = 136
_ROUTER, _OVERRIDE = 0x80000000, 0x20000000
_TARGET_LINK_LAYER_ADDRESS = 2


def announcement(mac: bytes, address: IPAddress, forwarding: bool = False) -> bytes:
    """The Ethernet frame that announces `address` at `mac` (6 octets); `forwarding`: the sender is an IPv6 router."""
    if address.version == 4:
        return _gratuitous_arp(mac, address)
    # RFC 9568 6.4.2, RFC 4861 4.4: a host that hears a router without the flag takes its default route away.
    return _neighbor_advertisement(mac, address, _OVERRIDE | (_ROUTER if forwarding else 0))


def _gratuitous_arp(mac: bytes, address: IPAddress) -> bytes:
    # RFC 5227 3: a request, because some hosts update their cache from requests alone; sender and target are the VIP.
    body = struct.pack("!HHBBH", 1, 0x0800, 6, 4, _ARP_REQUEST) + mac + address.packed + _BROADCAST + address.packed
    return _ethernet(_BROADCAST, mac, _ETHERTYPE_ARP) + body


def _neighbor_advertisement(mac: bytes, address: IPAddress, flags: int) -> bytes:
    # RFC 4861 7.2.6: unsolicited, Override set, with the target's link-layer address; RFC 4861 7.1.2: hop limit 255.
    target = address.packed + struct.pack("!BB", _TARGET_LINK_LAYER_ADDRESS, 1) + mac
    length = 8 + len(target)
    pseudo_header = address.packed + _ALL_NODES + struct.pack("!II", length, _ICMPV6)
    sum_of_all = checksum(pseudo_header + struct.pack("!BBHI", _NEIGHBOR_ADVERTISEMENT, 0, 0, flags) + target)
    icmp = struct.pack("!BBHI", _NEIGHBOR_ADVERTISEMENT, 0, sum_of_all, flags) + target
    ip = struct.pack("!IHBB", 6 << 28, length, _ICMPV6, 255) + address.packed + _ALL_NODES
    return _ethernet(_ALL_NODES_MAC, mac, _ETHERTYPE_IPV6) + ip + icmp


def _ethernet(destination: bytes, source: bytes, ethertype: int) -> bytes:
    return destination + source + ethertype.to_bytes(2, "big")
