# Copyright: (c) 2026, duet.ha_pair contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""ICMP echo without a program: a datagram socket where the kernel grants one to this user, else a raw one."""

from __future__ import annotations

import ipaddress
import os
import socket
import struct

_ECHO = {4: (8, 0), 6: (128, 129)}  # type of request and reply (RFC 792, RFC 4443)
_HEADER = struct.Struct("!BBHHH")
LONGEST = 2048


class EchoRefused(OSError):
    """Neither kind of socket is for this user."""


class Echo:
    """The socket for one address: requests out by number, the numbers of the replies in."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._family = ipaddress.ip_address(address).version
        self._own_id = os.getpid() & 0xFFFF
        self.socket, self._raw = _open(self._family)
        self.socket.setblocking(False)
        self._connected = False

    def send(self, number: int) -> None:
        """Send a request; OSError where there is no way to the address, which may be there the next time."""
        if not self._connected:
            self.socket.connect((self._address, 0))
            self._connected = True
        self.socket.send(request(self._family, self._own_id, number))

    def receive(self) -> int | None:
        """The number of a reply, or None for a packet that is none of ours; BlockingIOError when there is no more."""
        packet = self.socket.recv(LONGEST)
        if self._raw and self._family == 4:
            packet = packet[(packet[0] & 0xF) * 4 :] if packet else b""
        return reply(self._family, self._own_id if self._raw else None, packet)

    def close(self) -> None:
        """Close the socket."""
        self.socket.close()


def request(family: int, own_id: int, number: int) -> bytes:
    """An echo request; the kernel puts the checksum of ICMPv6, and the id of a datagram socket."""
    header = _HEADER.pack(_ECHO[family][0], 0, 0, own_id, number & 0xFFFF)
    if family == 6:
        return header
    return _HEADER.pack(_ECHO[family][0], 0, _checksum(header), own_id, number & 0xFFFF)


def reply(family: int, own_id: int | None, packet: bytes) -> int | None:
    """The number in an echo reply; `own_id` is None where the kernel has told apart whose it is."""
    if len(packet) < _HEADER.size:
        return None
    kind, code, unused_checksum, identifier, number = _HEADER.unpack_from(packet)
    if kind != _ECHO[family][1] or code != 0 or own_id not in (None, identifier):
        return None
    return int(number)


def _open(family: int) -> tuple[socket.socket, bool]:
    domain = socket.AF_INET6 if family == 6 else socket.AF_INET
    protocol = socket.IPPROTO_ICMPV6 if family == 6 else socket.IPPROTO_ICMP
    for kind in (socket.SOCK_DGRAM, socket.SOCK_RAW):
        try:
            return socket.socket(domain, kind, protocol), kind == socket.SOCK_RAW
        except PermissionError as error:
            refused = error
    raise EchoRefused(refused.errno, "net.ipv4.ping_group_range gives this user no ICMP echo") from refused


def _checksum(packet: bytes) -> int:
    """RFC 1071; the packet has an even length."""
    total = sum(struct.unpack(f"!{len(packet) // 2}H", packet))
    total = (total & 0xFFFF) + (total >> 16)
    return ~(total + (total >> 16)) & 0xFFFF
