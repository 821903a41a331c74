# Copyright: (c) 2026, duet.ha_pair contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Raw sockets: VRRP's own for adverts, and a link-layer one for ARP and neighbour advertisements."""

from __future__ import annotations

import errno
import socket
import struct
import time
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from typing import Callable, NamedTuple, Union

from . import filters
from .errors import KernelError, interface_name
from .filters import Line

IPAddress = Union[IPv4Address, IPv6Address]
_Ancillary = list[tuple[int, int, bytes]]

IPPROTO_VRRP = 112
GROUPS: dict[int, IPAddress] = {4: IPv4Address("224.0.0.18"), 6: IPv6Address("ff02::12")}
HOP_LIMIT = 255
TRAFFIC_CLASS = 0xC0  # CS6, network control
PRIORITY = 6  # of Linux' queueing: TC_PRIO_INTERACTIVE, the highest without CAP_NET_ADMIN
RECEIVE_BYTES = 8192  # the longest VRRP message, 255 IPv6 addresses, is about half of it
ANCILLARY_BYTES = 256
# Where the virtual router's number is in an IPv4 packet without options; elsewhere it is but a key to remember by.
_VIRTUAL_ROUTER_ID4, _SHORTEST4 = 21, 22

_TIMESPEC = struct.Struct("@ll")

# Not in the socket module of Python 3.9.
IP_PKTINFO = 8
IP_MULTICAST_ALL = 49
SO_SNDBUFFORCE = 32
SO_RCVBUFFORCE = 33
SO_TIMESTAMPNS = 35
# Adverts to a peer that is not there wait for its address to be found: they must not keep the others from going out.
SEND_BUFFER_BYTES = 4 << 20
# What comes between two readings, a flood too: some 1,300 packets.
RECEIVE_BUFFER_BYTES = 512 << 10


@dataclass(frozen=True)
class Datagram:
    """A received VRRP message without its IP header; `ttl` is the IPv4 TTL or the IPv6 hop limit."""

    payload: bytes
    source: IPAddress
    destination: IPAddress
    ttl: int


class _Way(NamedTuple):
    """From where to where, as the kernel is told."""

    source: IPAddress
    target: IPAddress
    ancillary: tuple[int, int, bytes]
    address: tuple[str, int] | tuple[str, int, int, int]


class AdvertSocket:
    """VRRP's raw socket on one interface, for one address family."""

    def __init__(self, index: int, name: str, family: int) -> None:
        self.name = name
        self._index = index
        self._family = family
        self._socket = _open(index, name, family, _configure)
        # Which way the last one went, as the next one mostly goes the same.
        self._way: _Way | None = None
        # What came last, by virtual router: the same octets again are the same datagram. One each, so it is bounded.
        self._known: dict[int, tuple[object, Datagram]] = {}
        self.read_until_ns = time.monotonic_ns()

    def fileno(self) -> int:
        """The descriptor for the event loop."""
        return self._socket.fileno()

    def receive(self, limit: int = 64) -> list[tuple[Datagram, int]]:
        """What has come, at most `limit` packets a call, each with when, in ns of the monotonic clock; never blocks.

        What came before `read_until_ns` has been read.
        """
        datagram_of = self._datagram4 if self._family == 4 else self._datagram6
        receive_one = self._socket.recvmsg
        now_ns = time.monotonic_ns()
        # The kernel stamps by the wall clock. If that has stepped meanwhile, the order of things is still known.
        wall_ahead_ns = time.time_ns() - now_ns
        at_ns, failed = self.read_until_ns, False
        datagrams: list[tuple[Datagram, int]] = []
        for _turn in range(limit):
            try:
                octets, ancillary, flags, sender = receive_one(RECEIVE_BYTES, ANCILLARY_BYTES)
            except OSError as error:
                if isinstance(error, BlockingIOError) or failed:
                    self.read_until_ns = now_ns
                    return datagrams
                failed = True  # an error of the interface, told once, which links report as well
                continue
            if ancillary and ancillary[0][1] == SO_TIMESTAMPNS:
                seconds, nanoseconds = _TIMESPEC.unpack(ancillary.pop(0)[2])
                stamp_ns = seconds * 1_000_000_000 + nanoseconds - wall_ahead_ns
                if stamp_ns > at_ns:
                    at_ns = stamp_ns if stamp_ns < now_ns else now_ns
            datagram = datagram_of(octets, ancillary, flags, sender)
            if datagram is not None:
                datagrams.append((datagram, at_ns))
        if at_ns < now_ns:  # else the wall clock has stepped back, and more may be there
            self.read_until_ns = at_ns
        return datagrams

    def send(self, payload: bytes, source: IPAddress, destination: IPAddress | None = None) -> None:
        """Send a message from `source`, which must be an address of this host, to the group or to one peer."""
        target = GROUPS[self._family] if destination is None else destination
        way = self._way
        if way is None or way.source is not source or way.target is not target:
            way = self._way = _way(self._index, source, target)
        try:
            self._socket.sendmsg([payload], [way.ancillary], 0, way.address)
        except OSError as error:
            op = f"send an advert from {source} to {target} on {self.name}"
            raise KernelError(op, error.errno or errno.EIO) from None

    def close(self) -> None:
        """Close the socket; the kernel leaves the group."""
        self._socket.close()

    def _datagram4(self, packet: bytes, ancillary: _Ancillary, flags: int, sender: tuple[str, int]) -> Datagram | None:
        if len(packet) < _SHORTEST4:
            return _datagram4(packet)
        # Without what each packet has of its own: identification, fragment, checksum. A known one was fit, so is this.
        octets, number = packet[:4] + packet[8:10] + packet[12:], packet[_VIRTUAL_ROUTER_ID4]
        known = self._known.get(number)
        if known is not None and known[0] == octets:
            return known[1]
        datagram = _datagram4(packet)
        if datagram is not None:
            self._known[number] = octets, datagram
        return datagram

    def _datagram6(self, payload: bytes, ancillary: _Ancillary, flags: int, sender: tuple[str, int]) -> Datagram | None:
        if flags & (socket.MSG_TRUNC | socket.MSG_CTRUNC):
            return None
        octets = payload, ancillary, sender[0]
        number = payload[1] if len(payload) > 1 else 0
        known = self._known.get(number)
        if known is not None and known[0] == octets:
            return known[1]
        datagram = _datagram6(payload, ancillary, IPv6Address(sender[0].partition("%")[0]))
        if datagram is not None:
            self._known[number] = octets, datagram
        return datagram


def _way(index: int, source: IPAddress, target: IPAddress) -> _Way:
    if target.version == 4:
        # The kernel reads the index and the second address, in_pktinfo's ipi_spec_dst, as the source.
        info = struct.pack("@i4s4x", index, source.packed)
        return _Way(source, target, (socket.IPPROTO_IP, IP_PKTINFO, info), (str(target), 0))
    info = struct.pack("@16si", source.packed, index)
    return _Way(source, target, (socket.IPPROTO_IPV6, socket.IPV6_PKTINFO, info), (str(target), 0, 0, index))


class GoodbyeBell:
    """Can be read as soon as an advert of priority 0 has come by an interface, and says no more."""

    def __init__(self, index: int, name: str, family: int) -> None:
        self._socket = _open(index, name, family, _hear_goodbyes)

    def fileno(self) -> int:
        """The descriptor for the event loop."""
        return self._socket.fileno()

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()


class FrameSocket:
    """Sends ready-made Ethernet frames; receives nothing."""

    def __init__(self) -> None:
        try:
            # Protocol 0: the kernel hands this socket no packets.
            self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW | socket.SOCK_NONBLOCK, 0)
        except OSError as error:
            raise KernelError("open a packet socket", error.errno or errno.EIO) from None
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_PRIORITY, PRIORITY)

    def send(self, index: int, frame: bytes) -> None:
        """Send a frame, Ethernet header included, out of an interface."""
        self.send_all(index, [frame])

    def send_all(self, index: int, frames: Iterable[bytes]) -> None:
        """Send frames, one after the other; raises KernelError for the first that cannot be sent."""
        try:
            way = socket.if_indextoname(index), 0  # once: it takes longer than to send a frame
            for frame in frames:
                self._socket.sendto(frame, way)
        except OSError as error:
            raise KernelError(f"send a frame on {interface_name(index)}", error.errno or errno.EIO) from None

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()


def _open(index: int, name: str, family: int, configure: Callable[[socket.socket, int], None]) -> socket.socket:
    """A raw socket for what comes to VRRP's group, or to this host, by one interface; raises KernelError."""
    domain = socket.AF_INET if family == 4 else socket.AF_INET6
    try:
        raw = socket.socket(domain, socket.SOCK_RAW | socket.SOCK_NONBLOCK, IPPROTO_VRRP)
    except OSError as error:
        raise KernelError("open a raw socket for VRRP", error.errno or errno.EIO) from None
    try:
        # First of all, so that no packet of another interface is ever queued.
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, name.encode() + b"\0")
        configure(raw, family)
        if family == 4:
            _configure4(raw, index)
        else:
            _configure6(raw, index)
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_PRIORITY, PRIORITY)  # after IP_TOS, which sets it as well
    except OSError as error:
        raw.close()
        raise KernelError(f"open a VRRP socket on {name}", error.errno or errno.EIO) from None
    return raw


def _configure(raw: socket.socket, family: int) -> None:
    raw.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
    raw.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, RECEIVE_BUFFER_BYTES)
    raw.setsockopt(socket.SOL_SOCKET, SO_SNDBUFFORCE, SEND_BUFFER_BYTES)


def _hear_goodbyes(raw: socket.socket, family: int) -> None:
    """Have the kernel drop what has another priority than 0, which the third octet of a message tells."""
    # A filter sees an IPv4 packet with its header, and an IPv6 one without.
    beyond_header: list[Line] = [(filters.LOAD_HEADER_LENGTH, 0, 0, 0), (filters.LOAD_OCTET_BEYOND, 0, 0, 2)]
    priority: list[Line] = beyond_header if family == 4 else [(filters.LOAD_OCTET, 0, 0, 2)]
    filters.attach(raw, [*priority, (filters.JUMP_IF_EQUAL, 0, 1, 0), (filters.RETURN, 0, 0, 1), filters.DROP])


def _configure4(raw: socket.socket, index: int) -> None:
    membership = struct.pack("@4s4xi", GROUPS[4].packed, index)  # ip_mreqn
    for option, value in (
        (IP_MULTICAST_ALL, 0),  # only the groups of this socket
        (socket.IP_MULTICAST_LOOP, 0),  # our own adverts must not come back
        (socket.IP_MULTICAST_TTL, HOP_LIMIT),
        (socket.IP_TTL, HOP_LIMIT),
        (socket.IP_TOS, TRAFFIC_CLASS),
    ):
        raw.setsockopt(socket.IPPROTO_IP, option, value)
    raw.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, membership)
    raw.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, membership)


def _configure6(raw: socket.socket, index: int) -> None:
    # IPV6_CHECKSUM stays off, as is the default of protocol 112: the codec computes it. IPV6_MULTICAST_ALL would do
    # nothing for a raw socket: a packet to a group that another socket has joined arrives, its destination tells.
    for option, value in (
        (socket.IPV6_MULTICAST_LOOP, 0),  # our own adverts must not come back
        (socket.IPV6_MULTICAST_HOPS, HOP_LIMIT),
        (socket.IPV6_UNICAST_HOPS, HOP_LIMIT),
        (socket.IPV6_TCLASS, TRAFFIC_CLASS),
        (socket.IPV6_MULTICAST_IF, index),
        (socket.IPV6_RECVPKTINFO, 1),
        (socket.IPV6_RECVHOPLIMIT, 1),
    ):
        raw.setsockopt(socket.IPPROTO_IPV6, option, value)
    membership = struct.pack("@16si", GROUPS[6].packed, index)  # ipv6_mreq
    raw.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, membership)


def _datagram4(packet: bytes) -> Datagram | None:
    """The datagram in an IPv4 packet, or None where its header does not fit what came."""
    if len(packet) < 20:
        return None
    header_length = (packet[0] & 0x0F) * 4
    total_length = int.from_bytes(packet[2:4], "big")
    if packet[0] >> 4 != 4 or not 20 <= header_length <= total_length <= len(packet):
        return None
    source, destination = IPv4Address(packet[12:16]), IPv4Address(packet[16:20])
    return Datagram(packet[header_length:total_length], source, destination, ttl=packet[8])


def _datagram6(payload: bytes, ancillary: _Ancillary, source: IPv6Address) -> Datagram | None:
    """The datagram of a payload whose header the kernel tells beside it, or None where it does not."""
    told = {kind: data for level, kind, data in ancillary if level == socket.IPPROTO_IPV6}
    info, hop_limit = told.get(socket.IPV6_PKTINFO), told.get(socket.IPV6_HOPLIMIT)
    if info is None or hop_limit is None:
        return None
    return Datagram(payload, source, IPv6Address(info[:16]), ttl=struct.unpack("@i", hop_limit)[0])
