# Copyright: (c) 2026, duet.ha_pair contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""The sockets that adverts come by, and when they are read: as they come, or all together now and then."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Mapping
from typing import Callable

from ..linux.errors import KernelError
from ..linux.sockets import AdvertSocket, Datagram, GoodbyeBell
from ..protocol.settings import IPAddress

Receiver = Callable[[int, int, Datagram, int], None]
Key = tuple[int, int]

# Of one socket in one go: a flood has no end, and others have their deadlines.
_READINGS_MAX = 8
# Adverts of many virtual routers come in bursts, one every 10 to 20 us, and to be woken up is what they cost most. Less
# than the millisecond by which a BACKUP wakes before its deadline.
_GATHER_S = 0.0003
# By how much of a pause a reading may be late, and take.
_LATE_SHARE = 0.25


class Reception:
    """One socket for each (interface index, family) that is listened to; `on_packet` gets every VRRP packet."""

    def __init__(self, on_packet: Receiver) -> None:
        self._on_packet = on_packet
        self._loop = asyncio.get_running_loop()
        self._sockets: dict[Key, AdvertSocket] = {}
        self._unopened: dict[Key, str] = {}
        self._many_speak, self._gathered_s = False, 0.0
        # Where all are read now and then: who waits for a time after this may decide so after the next reading. Else 0.
        self.read_before_ns = 0
        self._on_read: Callable[[], None] = _nothing
        self._reading: asyncio.TimerHandle | None = None
        self._bells: list[GoodbyeBell] = []
        # A packet that came less long ago counts from when it came; any other from when it is read.
        self._waits_ns = 0

    def close(self) -> None:
        """Let go of every socket."""
        self._on_read = _nothing
        self.read_at_once()
        for key in list(self._sockets):
            self._close_socket(key)

    def listen(self, wanted: Mapping[Key, str], many_speak: bool = False) -> None:
        """Have a socket open for exactly these, each with its interface's name; `deaf` tells where there is none.

        Where many speak, their adverts are read together.
        """
        self.read_at_once()
        self._many_speak = many_speak
        for key in set(self._sockets) - set(wanted):
            self._close_socket(key)
        self._unopened = {}
        for index, family in sorted(set(wanted) - set(self._sockets)):
            try:
                opened = AdvertSocket(index, wanted[index, family], family)
            except KernelError as error:
                self._unopened[index, family] = str(error)
                continue
            self._sockets[index, family] = opened
            self._follow_socket((index, family))

    def deaf(self, index: int, family: int) -> str | None:
        """Why no adverts can be heard on an interface, or None when they can."""
        if (index, family) in self._sockets:
            return None
        return self._unopened.get((index, family), "no socket for adverts yet")

    def send(self, index: int, family: int, message: bytes, source: IPAddress, destination: IPAddress) -> None:
        """Send a VRRP message; raises KernelError."""
        self._sockets[index, family].send(message, source, destination)

    # --- when packets are read

    def rest(
        self, pause_s: float, held_up_s: float, on_read: Callable[[], None], on_goodbye: Callable[[], None]
    ) -> None:
        """Read packets so often and no longer as they come: to be woken up for each costs more than to read it.

        They tell when they came, so that no timer runs another way by it. What has waited for `held_up_s` did so
        because this process was held up: nobody knows what else came and was dropped, and it is no silence.

        `on_read` is called after each reading, and when this ends; `on_goodbye` as soon as a goodbye waits to be read,
        from which no timer may run late: it is to call `read_at_once`.
        """
        self._waits_ns, self._on_read = round(held_up_s * 1e9), on_read
        if self._reading is None:
            try:
                for (index, family), opened in self._sockets.items():
                    self._bells.append(GoodbyeBell(index, opened.name, family))
            except KernelError:
                self._close_bells()
                return  # and all is as before: that costs time, and nothing else
            for opened in self._sockets.values():
                self._loop.remove_reader(opened.fileno())
        else:
            self._reading.cancel()
        for bell in self._bells:
            self._loop.add_reader(bell.fileno(), on_goodbye)
        self._read_after(pause_s)

    def read_at_once(self) -> None:
        """Read packets as they come, as it is from the start."""
        if self._reading is not None:
            self._reading.cancel()
            self._reading, self.read_before_ns, self._waits_ns = None, 0, 0
            self._close_bells()
            for key in self._sockets:
                self._follow_socket(key)
            self._on_read()

    def catch_up(self, index: int, family: int, until_ns: int) -> bool:
        """Handle what came in by one socket before this time, a portion a call; whether that was all."""
        opened = self._sockets.get((index, family))
        if opened is not None and opened.read_until_ns < until_ns:
            self._read_socket(index, family)
        return opened is None or opened.read_until_ns >= until_ns

    def refresh(self) -> None:
        """Somebody wants to know what is so: handle the packets that wait to be read."""
        if self._reading is not None:
            self.catch_up_all()

    def catch_up_all(self) -> bool:
        """Handle what came until now, up to a bound; whether that was all."""
        now_ns = time.monotonic_ns()
        for key in self._behind(now_ns):
            self._read_socket(*key)
        return all(opened.read_until_ns >= now_ns for opened in self._sockets.values())

    def let_pass(self) -> None:
        """Read packets, and give them to nobody: another process handles them."""
        for key in self._behind(time.monotonic_ns()):
            self._sockets[key].receive()

    def _follow_socket(self, key: Key) -> None:
        self._loop.add_reader(self._sockets[key].fileno(), self._gather, *key)

    def _close_socket(self, key: Key) -> None:
        closed = self._sockets.pop(key)
        self._loop.remove_reader(closed.fileno())
        closed.close()

    def _close_bells(self) -> None:
        for bell in self._bells:
            self._loop.remove_reader(bell.fileno())
            bell.close()
        self._bells = []

    def _behind(self, until_ns: int) -> Iterator[Key]:
        """Each socket again and again, up to a bound, until what came before this time has been read from it."""
        for key, opened in list(self._sockets.items()):
            for _reading in range(_READINGS_MAX):
                if opened.read_until_ns >= until_ns:
                    break
                yield key

    def _read_socket(self, index: int, family: int) -> None:
        opened = self._sockets.get((index, family))
        packets = opened.receive() if opened else []
        now_ns = time.monotonic_ns()
        for datagram, at_ns in packets:
            self._on_packet(index, family, datagram, at_ns if now_ns - at_ns < self._waits_ns else now_ns)

    def _read_after(self, pause_s: float) -> None:
        next_s = self._loop.time() + pause_s
        self.read_before_ns = round((next_s + pause_s * _LATE_SHARE) * 1e9)
        self._reading = self._loop.call_at(next_s, self._read_together, pause_s)

    def _read_together(self, pause_s: float) -> None:
        self._read_after(pause_s)  # first of all: what is read may end it
        if self.catch_up_all():
            self._on_read()
        else:
            self.read_at_once()  # a flood must not fill the queues

    def _gather(self, index: int, family: int) -> None:
        """Read a socket that has something; where many speak, wait a moment for the others, and read them all."""
        if self._many_speak and self._loop.time() - self._gathered_s > _GATHER_S:
            time.sleep(_GATHER_S)
            for key in list(self._sockets):
                self._read_socket(*key)
            self._gathered_s = self._loop.time()
        else:
            self._read_socket(index, family)


def _nothing() -> None:
    """Nobody waits for what is read."""
