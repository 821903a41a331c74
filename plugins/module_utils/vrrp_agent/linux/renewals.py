# Copyright: (c) 2026, duet.ha_pair contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Lifetimes of addresses that are there go on: encoded once, sent as they are, and answered only where they fail.

It is what a MASTER has the kernel do most: each second, for each of a thousand instances. So nobody waits for an
answer, and an EventSocket that knows the `port` is not told of them (of IPv6 ones it is: the kernel does not say whose
they are).
"""

from __future__ import annotations

import errno
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from . import filters, netlink
from .netlink import IPInterface

_FLAGS = netlink.NLM_F_CREATE | netlink.NLM_F_REPLACE
# On an IPv6 address of 200 others the kernel spends some 10 us: the loop waits meanwhile.
_OCTETS_MAX = 1 << 17
# Of many holders: some 400 addresses. What the kernel takes in one message is up to the host's net.core.wmem_default.
_PORTION_OCTETS = 1 << 15


@dataclass(frozen=True)
class Renewal:
    """The requests that renew addresses; `sequence` stands in the answer if the kernel refuses one of them."""

    sequence: int
    octets: bytes


class RenewalSocket:
    """Sends renewals, and hears of those that were refused."""

    def __init__(self) -> None:
        self._socket = netlink.open_socket(groups=0, buffer_bytes=1 << 20)
        self._socket.setsockopt(netlink.SOL_NETLINK, netlink.NETLINK_CAP_ACK, 1)
        self._socket.setblocking(False)
        self._next_sequence = 1

    @property
    def port(self) -> int:
        """By which the kernel tells whose request an event follows from."""
        return int(self._socket.getsockname()[0])

    def fileno(self) -> int:
        """The descriptor that becomes readable when something was refused."""
        return self._socket.fileno()

    def prepare(
        self, index: int, lifetime_s: int, prefix_route: bool, addresses: Sequence[IPInterface]
    ) -> Renewal | None:
        """The requests for these addresses, to be sent again and again; None if they are too many for one message."""
        self._next_sequence = self._next_sequence % (netlink.SEQUENCE_END - 1) + 1
        sequence = self._next_sequence
        bodies = (netlink.new_address_body(index, address, lifetime_s, prefix_route) for address in addresses)
        octets = b"".join(netlink.encode(netlink.RTM_NEWADDR, _FLAGS, sequence, body) for body in bodies)
        return Renewal(sequence, octets) if len(octets) <= _OCTETS_MAX else None

    def send(self, renewals: Iterable[Renewal]) -> bool:
        """Have the kernel renew all of these; whether it has heard of all."""
        portion = bytearray()
        try:
            for renewal in renewals:
                if portion and len(portion) + len(renewal.octets) > _PORTION_OCTETS:
                    self._socket.send(portion)
                    portion.clear()
                portion += renewal.octets
            self._socket.send(portion)
        except OSError:
            return False
        return True

    def refused(self) -> set[int]:
        """The sequences of renewals of which something was refused; never blocks."""
        found: set[int] = set()
        while True:
            try:
                data, sender = self._socket.recvfrom(netlink.RECEIVE_BYTES)
            except BlockingIOError:
                return found
            except OSError as error:
                if error.errno != errno.ENOBUFS:
                    return found
                continue  # some are lost, and are refused again at the next renewal
            if sender[0] == 0:
                found |= {frame.sequence for frame in netlink.split(data) if frame.type == netlink.NLMSG_ERROR}

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()


def deaf_to(port: int) -> tuple[filters.Line, ...]:
    """The filter that keeps the addresses which a port's requests have changed from an EventSocket."""
    ours = int.from_bytes(struct.pack("=I", port), "big")
    added = int.from_bytes(struct.pack("=H", netlink.RTM_NEWADDR), "big")
    return (
        (filters.LOAD_2, 0, 0, 4),  # the message's type
        (filters.JUMP_IF_EQUAL, 0, 3, added),
        (filters.LOAD_4, 0, 0, 12),  # the port of whose request it follows from
        (filters.JUMP_IF_EQUAL, 0, 1, ours),
        filters.DROP,
        (filters.RETURN, 0, 0, 0xFFFFFFFF),
    )
