# Copyright: (c) 2026, duet.ha_pair contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""The virtual router's own MAC address (RFC 9568 7.3), and adverts that come from it."""

from __future__ import annotations

import struct

from .packet import checksum
from .settings import IPAddress

_PREFIX = {4: "00005e0001", 6: "00005e0002"}
_ETHERTYPE = {4: 0x0800, 6: 0x86DD}
_PROTOCOL_VRRP = 112
_HOP_LIMIT = 255
_TRAFFIC_CLASS = 0xC0
_DONT_FRAGMENT = 0x4000
_NAME_MAX = 15  # Linux' IFNAMSIZ, without the zero at the end


def virtual_mac(family: int, virtual_router_id: int) -> bytes:
    """The MAC address that belongs to a virtual router id, on every network the same."""
    return bytes.fromhex(_PREFIX[family]) + bytes([virtual_router_id])


def virtual_interface(family: int, virtual_router_id: int, parent: str) -> str:
    """The name of the interface that has the virtual MAC: vrrp4.51.eth0; a digest where the parent's is too long."""
    prefix = f"vrrp{family}.{virtual_router_id}."
    room = _NAME_MAX - len(prefix)
    if len(parent) <= room:
        return prefix + parent
    import hashlib  # it brings OpenSSL, and few names are that long

    return prefix + hashlib.sha256(parent.encode()).hexdigest()[:room]


def advert_frame(mac: bytes, message: bytes, source: IPAddress, group: IPAddress) -> bytes:
    """The Ethernet frame in which a message goes to a multicast group from a MAC address that is not the host's."""
    header = _header4 if group.version == 4 else _header6
    ethernet = _group_mac(group) + mac + _ETHERTYPE[group.version].to_bytes(2, "big")
    return ethernet + header(len(message), source, group) + message


def _group_mac(group: IPAddress) -> bytes:
    """RFC 1112 6.4 maps the lower 23 bits of an IPv4 group, RFC 2464 7 the lower 32 of an IPv6 one."""
    if group.version == 4:
        return b"\x01\x00\x5e" + bytes([group.packed[1] & 0x7F]) + group.packed[2:]
    return b"\x33\x33" + group.packed[12:]


def _header4(length: int, source: IPAddress, group: IPAddress) -> bytes:
    def header(sum_of_all: int) -> bytes:
        fixed = (0x45, _TRAFFIC_CLASS, 20 + length, 0, _DONT_FRAGMENT, _HOP_LIMIT, _PROTOCOL_VRRP, sum_of_all)
        return struct.pack("!BBHHHBBH", *fixed) + source.packed + group.packed

    return header(checksum(header(0)))


def _header6(length: int, source: IPAddress, group: IPAddress) -> bytes:
    first = 6 << 28 | _TRAFFIC_CLASS << 20
    return struct.pack("!IHBB", first, length, _PROTOCOL_VRRP, _HOP_LIMIT) + source.packed + group.packed
