# Copyright: (c) 2026, duet.ha_pair contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""A link-layer socket that sees who else speaks for given addresses, in ARP or in neighbour discovery, and asks.

The kernel filters: in ordinary life nothing passes, and the process sleeps. What is passed still has to be judged.
"""

from __future__ import annotations

import errno
import socket
from collections.abc import Iterable

from . import filters
from .errors import KernelError, interface_name
from .filters import DROP, JUMP_IF_EQUAL, LOAD_2, LOAD_4, LOAD_OCTET, Line

RECEIVE_BUFFER_BYTES = 64 << 10  # some 80 frames: what a flood has more is dropped by the kernel
FRAME_BYTES = 128

_ARPHRD_ETHER = 1
_ETHERTYPE = {4: 0x0806, 6: 0x86DD}
# A filter's memory is bounded (net.core.optmem_max); with more addresses than that, every claim is passed.
ADDRESSES_MAX = 200

_PASS: Line = (filters.RETURN, 0, 0, FRAME_BYTES)


class NeighbourSocket:
    """Hears claims to `addresses` (4 or 16 octets each) on one interface, and sends the frames that ask for them.

    Bound to one protocol, it gets only what comes from outside: no frame of this host's own.
    """

    def __init__(self, index: int, family: int) -> None:
        self._index = index
        self._family = family
        try:
            # Protocol 0: nothing is queued before there is a filter.
            self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW | socket.SOCK_NONBLOCK, 0)
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)
        except OSError as error:
            raise KernelError("open a packet socket", error.errno or errno.EIO) from None
        self._bound = False

    def fileno(self) -> int:
        """The descriptor for the event loop."""
        return self._socket.fileno()

    @property
    def mac(self) -> bytes | None:
        """The MAC to ask from, once it watches; None where the interface is no Ethernet."""
        _name, _protocol, _kind, hardware, mac = self._socket.getsockname()
        return mac if hardware == _ARPHRD_ETHER else None

    def watch(self, addresses: Iterable[bytes]) -> None:
        """Hear the claims to these addresses from now on; raises KernelError."""
        try:
            filters.attach(self._socket, _program(self._family, [*addresses]))
            if not self._bound:
                self._socket.bind((socket.if_indextoname(self._index), _ETHERTYPE[self._family]))
                self._bound = True
        except OSError as error:
            raise KernelError(f"listen for neighbours on {interface_name(self._index)}", error.errno or 5) from None

    def receive(self, limit: int = 64) -> list[bytes]:
        """The frames that have come, at most `limit` a call; never blocks."""
        frames: list[bytes] = []
        try:
            while len(frames) < limit:
                frames.append(self._socket.recv(FRAME_BYTES))
        except OSError:  # nothing there, or a pending error of the interface, which links report as well
            pass
        return frames

    def send(self, frame: bytes) -> None:
        """Send a frame, Ethernet header included; raises KernelError."""
        try:
            self._socket.send(frame)
        except OSError as error:
            raise KernelError(f"send a probe on {interface_name(self._index)}", error.errno or errno.EIO) from None

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()


def _program(family: int, addresses: list[bytes]) -> list[Line]:
    """The filter: of the frames of its protocol those that claim one of the addresses, by their last four octets."""
    start = _claimed4() if family == 4 else _claimed6()
    if len(addresses) > ADDRESSES_MAX:
        return [*start, _PASS]
    ends = sorted({int.from_bytes(address[-4:], "big") for address in addresses})
    return [*start, *(line for end in ends for line in ((JUMP_IF_EQUAL, 0, 1, end), _PASS)), DROP]


def _claimed4() -> list[Line]:
    """Load the sender's address of an ARP packet, or the target's where there is no sender."""
    return [
        (LOAD_2, 0, 0, 16),
        (JUMP_IF_EQUAL, 1, 0, 0x0800),
        DROP,
        (LOAD_4, 0, 0, 28),
        (JUMP_IF_EQUAL, 0, 1, 0),
        (LOAD_4, 0, 0, 38),
    ]


def _claimed6() -> list[Line]:
    """Load the end of a neighbour advertisement's target, or of a solicitation's source, or its target without one."""
    return [
        (LOAD_OCTET, 0, 0, 20),
        (JUMP_IF_EQUAL, 1, 0, socket.IPPROTO_ICMPV6),
        DROP,
        (LOAD_OCTET, 0, 0, 21),  # RFC 4861 7.1: with another hop limit it is not from this segment
        (JUMP_IF_EQUAL, 1, 0, 255),
        DROP,
        (LOAD_OCTET, 0, 0, 54),
        (JUMP_IF_EQUAL, 4, 0, 136),
        (JUMP_IF_EQUAL, 1, 0, 135),
        DROP,
        (LOAD_4, 0, 0, 34),  # the end of the source
        (JUMP_IF_EQUAL, 0, 1, 0),
        (LOAD_4, 0, 0, 74),
    ]
