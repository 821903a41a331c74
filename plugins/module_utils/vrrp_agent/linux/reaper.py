# Copyright: (c) 2026, duet.ha_pair contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Takes addresses off an interface when whoever held them is dead, hangs, or is too late to renew them.

A program of its own, started by the agent (`service/reaper.py`) where the kernel's lifetimes of whole seconds are
longer than a backup's patience. It knows no VRRP and imports nothing but the standard library: what it sends to the
kernel was encoded by the agent, and until when comes through memory that both share.

    python3 -I -S reaper.py CHANNEL TABLE     two descriptors: a SOCK_SEQPACKET socket, and the shared memory
"""

from __future__ import annotations

import math
import mmap
import os
import select
import signal
import socket
import struct
import sys
import time

# One for each holder: until when its addresses are held, on the monotonic clock in ns; 0: they are not.
SLOT = struct.Struct("=q")
SLOTS_MAX = 4096
TABLE_OCTETS = SLOT.size * SLOTS_MAX
# The slot, whether its addresses go when the agent ends, the length of the label; the label and the messages follow.
HEADER = struct.Struct("=HBB")
MESSAGE_MAX_OCTETS = 1 << 16


class Reaper:
    """What is held, and by whom."""

    def __init__(self, channel: socket.socket, table: mmap.mmap) -> None:
        self._channel = channel
        self._table = table
        # By slot: whether they go at the agent's end, a name for the log, the requests that take them off.
        self._held: dict[int, tuple[bool, str, bytes]] = {}
        # By slot: the end that was seen to already.
        self._reaped: dict[int, int] = {}

    def run(self) -> None:
        """Work until the agent has ended; returns then."""
        poll = select.poll()
        poll.register(self._channel, select.POLLIN)
        while True:
            timeout_ms = self._reap_late()
            if poll.poll(timeout_ms) and not self._listen():
                break
        for slot, (at_end, label, requests) in self._held.items():
            if at_end and self._until_ns(slot):
                self._reap(label, requests, "the agent has ended")

    def _reap_late(self) -> int | None:
        """Take off what nobody has renewed in time; how many ms it is till the next end, None if there is none."""
        now_ns, next_ns = time.monotonic_ns(), None
        for slot, (_at_end, label, requests) in self._held.items():
            until_ns = self._until_ns(slot)
            if not until_ns or self._reaped.get(slot) == until_ns:
                continue
            if until_ns <= now_ns:
                self._reaped[slot] = until_ns
                self._reap(label, requests, "nobody has renewed them in time")
            elif next_ns is None or until_ns < next_ns:
                next_ns = until_ns
        return None if next_ns is None else max(0, math.ceil((next_ns - now_ns) / 1e6))

    def _listen(self) -> bool:
        """Take what the agent tells; False at its end."""
        message = self._channel.recv(MESSAGE_MAX_OCTETS)
        if not message:
            return False
        slot, at_end, length = HEADER.unpack_from(message)
        rest = message[HEADER.size :]
        self._held[slot] = bool(at_end), rest[:length].decode(), rest[length:]
        return True

    def _until_ns(self, slot: int) -> int:
        until_ns: int = SLOT.unpack_from(self._table, slot * SLOT.size)[0]
        return until_ns

    def _reap(self, label: str, requests: bytes, why: str) -> None:
        try:
            with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as kernel:
                kernel.send(requests)
            _say(f"{label}: addresses taken off: {why}")
        except OSError as error:
            _say(f"{label}: cannot take its addresses off: {error.strerror}")


def _say(text: str) -> None:
    """A line in the agent's log, if that can be had; nothing may hold up what is here for."""
    mark = "<4>" if "JOURNAL_STREAM" in os.environ else time.strftime("%H:%M:%S WARNING ")
    try:
        os.write(2, f"{mark}{text}\n".encode())
    except OSError:
        pass


def main(channel: int, table: int) -> None:
    """Be the program."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # systemd tells all of the unit, and the agent leaves in good order
    try:
        # As far ahead of others as the agent is, where the host allows that.
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(os.sched_get_priority_min(os.SCHED_RR)))
    except OSError:
        pass
    Reaper(socket.socket(fileno=channel), mmap.mmap(table, TABLE_OCTETS)).run()


if __name__ == "__main__":
    main(*(int(word) for word in sys.argv[1:]))
