# Copyright: (c) 2026, duet.ha_pair contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Addresses whose lifetime in the kernel is longer than a backup's patience are taken off by a process of their own.

The kernel counts lifetimes in whole seconds, and two are the least. With adverts more often than every 0.67 s a backup
has claimed the addresses before that: `linux/reaper.py` takes them off in time when this process is dead or hangs.
"""

from __future__ import annotations

import asyncio
import contextlib
import mmap
import os
import signal
import socket
import sys
from collections.abc import Hashable, Iterable
from dataclasses import dataclass, replace
from typing import Callable

from ..linux import reaper
from ..protocol.settings import IPInterface
from .log import LOGGER

_AGAIN_S = 5.0
# What one message has room for; beyond it there is the kernel's lifetime alone.
_ADDRESSES_MAX = 1000


@dataclass(frozen=True)
class _Held:
    """What one holder has, and whether it goes as soon as this process ends."""

    label: str
    at_end: bool
    index: int
    addresses: frozenset[IPInterface]


class Reaper:
    """What is held for whom, and the process that knows; it is there from the first `hold()` on."""

    def __init__(self, encode: Callable[[int, Iterable[IPInterface]], bytes]) -> None:
        """`encode` makes the requests that take addresses off an interface."""
        self._encode = encode
        self._loop = asyncio.get_running_loop()
        self._held: dict[Hashable, _Held] = {}
        self._slots: dict[Hashable, int] = {}
        # Between those that are taken; where there is none, the next one is behind them.
        self._free: list[int] = []
        self._channel: socket.socket | None = None
        # Shared with the process, and with the next one if that has ended.
        self._shared: int | None = None
        self._table: mmap.mmap | None = None
        self._again: asyncio.TimerHandle | None = None
        self._pid = 0

    def hold(self, holder: Hashable, label: str, at_end: bool, index: int, addresses: Iterable[IPInterface]) -> None:
        """Add addresses of an interface to what is taken off unless `renew()` is called in time.

        With `at_end` they are taken off at once when this process ends, else when their time is up. A holder has
        addresses on one interface at a time.
        """
        before = self._held.get(holder)
        known = before.addresses if before is not None and before.index == index else frozenset()
        after = _Held(label, at_end, index, known | set(addresses))
        if after == before or len(after.addresses) > _ADDRESSES_MAX:
            return
        if holder not in self._slots:
            slot = self._free.pop() if self._free else len(self._slots)
            if slot >= reaper.SLOTS_MAX:
                return
            self._slots[holder] = slot
        self._held[holder] = after
        self._tell(holder)

    def renew(self, holder: Hashable, until_ns: int) -> None:
        """Nobody else may take its addresses off before `until_ns` of the monotonic clock."""
        slot = self._slots.get(holder)
        if slot is not None and self._table is not None:
            reaper.SLOT.pack_into(self._table, slot * reaper.SLOT.size, until_ns)

    def release(self, holder: Hashable, index: int, addresses: Iterable[IPInterface]) -> None:
        """These are no longer held."""
        before = self._held.get(holder)
        if before is None:
            return
        left = before.addresses - set(addresses) if before.index == index else frozenset()
        if left:
            self._held[holder] = replace(before, addresses=left)
            self._tell(holder)
        else:
            self.renew(holder, 0)
            del self._held[holder]
            self._free.append(self._slots.pop(holder))

    def dismiss(self) -> None:
        """Nothing is held any more by this process: it has let go of everything, or another one has taken over."""
        for holder in self._held:
            self.renew(holder, 0)
        self._held = {}
        self._close()

    # --- the process

    def _tell(self, holder: Hashable) -> None:
        if self._channel is None:
            self._start()
            return  # it was told everything
        held = self._held[holder]
        name = held.label.encode()[:255]
        requests = self._encode(held.index, held.addresses)
        message = reaper.HEADER.pack(self._slots[holder], held.at_end, len(name)) + name + requests
        try:
            self._channel.send(message)
        except OSError as error:
            self._lost(f"it does not listen: {error.strerror}")

    def _start(self) -> None:
        if self._again is not None:
            return
        try:
            ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        except OSError as error:
            self._lost(f"no channel to it: {error.strerror}")
            return
        try:
            if self._shared is None:
                self._shared = os.memfd_create("vrrp-agent")
                os.truncate(self._shared, reaper.TABLE_OCTETS)
                self._table = mmap.mmap(self._shared, reaper.TABLE_OCTETS)
            self._pid = os.fork()
            if self._pid == 0:
                _become(theirs.fileno(), self._shared)
        except OSError as error:
            ours.close()
            self._lost(f"it cannot be started: {error.strerror}")
            return
        finally:
            theirs.close()
        ours.setblocking(False)
        self._channel = ours
        self._loop.add_reader(ours.fileno(), self._lost, "it has ended")
        for holder in self._held:
            self._tell(holder)

    def _lost(self, why: str) -> None:
        """Without it there is the kernel's lifetime."""
        LOGGER.warning("no process takes addresses off in under two seconds: %s; trying again", why)
        self._close()
        if self._pid:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._pid, signal.SIGKILL)
            self._loop.run_in_executor(None, os.waitpid, self._pid, 0)
            self._pid = 0
        self._again = self._loop.call_later(_AGAIN_S, self._start_again)

    def _start_again(self) -> None:
        self._again = None
        if self._held:
            self._start()

    def _close(self) -> None:
        if self._again is not None:
            self._again.cancel()
            self._again = None
        if self._channel is not None:
            self._loop.remove_reader(self._channel.fileno())
            self._channel.close()
            self._channel = None


def _become(*descriptors: int) -> None:
    """Be the program; does not return. By hand, as handover.py does and for the same reason."""
    try:
        for descriptor in descriptors:
            os.set_inheritable(descriptor, True)
        words = [sys.executable, "-I", "-S", reaper.__file__, *(str(descriptor) for descriptor in descriptors)]
        os.execv(sys.executable, words)
    finally:
        os._exit(1)
