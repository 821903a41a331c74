# Copyright: (c) 2026, duet.ha_pair contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""A raw ICMP socket for one host's echo replies, and how to ask it."""

from __future__ import annotations

import errno
import socket
import struct

from .errors import KernelError

RECEIVE_BUFFER_BYTES = 64 << 10
_MESSAGE_BYTES = 256
# Not in the socket module: `man 7 raw`, `man 7 icmp`, linux/icmpv6.h. A bit that is set keeps a type out.
_SOL_RAW, _ICMP_FILTER, _ICMPV6_FILTER = 255, 1, 1
_ECHO_REPLY, _ECHO_REPLY_IPV6 = 0, 129
_ALL = (1 << 32) - 1


class EchoSocket:
    """Asks one host, and hears its echo replies alone; `index` is the interface of a link-local address."""

    def __init__(self, address: str, index: int) -> None:
        self._family = 6 if ":" in address else 4
        self._address = address
        domain, protocol = (
            (socket.AF_INET, socket.IPPROTO_ICMP) if self._family == 4 else (socket.AF_INET6, socket.IPPROTO_ICMPV6)
        )
        try:
            self._socket = socket.socket(domain, socket.SOCK_RAW | socket.SOCK_NONBLOCK, protocol)
        except OSError as error:
            raise KernelError("open a raw socket for ICMP", error.errno or errno.EIO) from None
        try:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)
            if self._family == 4:
                self._socket.setsockopt(_SOL_RAW, _ICMP_FILTER, struct.pack("=I", _ALL ^ 1 << _ECHO_REPLY))
                self._socket.connect((address, 0))
            else:
                words = [_ALL ^ (1 << _ECHO_REPLY_IPV6 % 32 if n == _ECHO_REPLY_IPV6 // 32 else 0) for n in range(8)]
                self._socket.setsockopt(socket.IPPROTO_ICMPV6, _ICMPV6_FILTER, struct.pack("=8I", *words))
                self._socket.connect((address, 0, 0, index))
        except OSError as error:
            self._socket.close()
            raise KernelError(f"ping {address}", error.errno or errno.EIO) from None

    def fileno(self) -> int:
        """The descriptor for the event loop."""
        return self._socket.fileno()

    def send(self, message: bytes) -> None:
        """Send a message; raises KernelError."""
        try:
            self._socket.send(message)
        except OSError as error:
            raise KernelError(f"ping {self._address}", error.errno or errno.EIO) from None

    def receive(self, limit: int = 64) -> list[bytes]:
        """The messages that have come, without IP headers, at most `limit` a call; never blocks."""
        messages: list[bytes] = []
        try:
            while len(messages) < limit:
                messages.append(self._receive())
        except OSError:  # nothing there, or what has become of an earlier request: no answer
            pass
        return messages

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()

    def _receive(self) -> bytes:
        packet = self._socket.recv(_MESSAGE_BYTES)
        if self._family == 6:
            return packet
        return packet[(packet[0] & 0x0F) * 4 :] if packet else b""
