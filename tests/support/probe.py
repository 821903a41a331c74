# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A client that asks a virtual address for an echo every millisecond, so that no lost packet goes unseen.

    with probing(client, "10.139.1.1", control="10.139.1.13") as probe:
        ...  # what must lose nothing
    assert probe.report.lost == 0, probe.report

Each probe has a twin, sent to a plain node of the same segment: losses.py tells what is the machine's own by it. As a
program it runs in the client's network namespace until its stdin closes, ahead of everything else where that is
allowed; answers carry the kernel's time stamps. Times are the wall clock's (time.time_ns()), which the kernel uses.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import ipaddress
import json
import os
import select
import socket
import struct
import subprocess
import sys
import time
from array import array
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from losses import Probe, Report, summarize

if TYPE_CHECKING:
    from segment import Namespace, Segment

ETHERTYPES = {4: 0x0800, 6: 0x86DD}
# Request, reply, and where the octets of the ICMP message and of the IP header's source address begin.
_REQUEST, _REPLY, _ICMP_AT, _SOURCE_AT = {4: 8, 6: 128}, {4: 0, 6: 129}, {4: 20, 6: 40}, {4: (12, 16), 6: (8, 24)}
_SO_TIMESTAMPNS, _ICMP_FILTER, _SOL_RAW, _ICMP6_FILTER = 35, 1, 255, 1
_ECHO = struct.Struct("!BBHHHQ")  # type, code, checksum, id, sequence number; which probe
_TIME = struct.Struct("@ll")
_BUFFER_BYTES = 64 << 20  # some seconds of answers, should this process be given no time
_LINGER_S = 0.5
_FIRST_ANSWER_S = 10.0


class Prober:
    """The prober's process in a client's namespace; `report` is there once it was stopped."""

    def __init__(
        self,
        client: Namespace,
        target: str,
        control: str,
        names: Mapping[str, str] | None = None,
        interval_ms: float = 1.0,
    ) -> None:
        """`control` is the address of a node that nothing happens to; `names` has the nodes' names by MAC."""
        self._client = client
        self._arguments = [target, control, f"--interval-ms={interval_ms}"]
        self._names = names
        self._interval_ms = interval_ms
        self._process: subprocess.Popen[str] | None = None
        self.probes: list[Probe] = []
        self.report: Report

    def start(self) -> None:
        """Return when the first probe and its twin have been answered."""
        command = [sys.executable, "-B", __file__, *self._arguments]
        self._process = self._client.popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
        )
        assert self._process.stdout is not None
        if self._process.stdout.readline() != "answered\n":
            self._process.communicate()
            raise AssertionError(f"no answer within {_FIRST_ANSWER_S:g} s from one of {self._arguments[:2]}")

    def stop(self) -> Report:
        """Send no more, wait for what is under way, and sum up; the single probes stay in `probes`."""
        assert self._process is not None
        document = json.loads(self._process.communicate(timeout=60)[0])
        self.probes = [Probe(*fields) for fields in document["probes"]]
        self.report = summarize(self.probes, document["unsent"], self._names, self._interval_ms)
        return self.report


@contextlib.contextmanager
def probing(
    client: Namespace, target: str, control: str, names: Mapping[str, str] | None = None, interval_ms: float = 1.0
) -> Iterator[Prober]:
    """Probe while the block runs; the report is there when it has ended, also by an error."""
    prober = Prober(client, target, control, names, interval_ms)
    prober.start()
    try:
        yield prober
    finally:
        prober.stop()


def names_by_mac(segment: Segment) -> dict[str, str]:
    """The labels of a segment's nodes by the MAC of their eth0."""
    return {node.mac(): label for label, node in segment.nodes.items()}


# --- the program


class _Echo:
    """One address, and the raw socket that asks it."""

    def __init__(self, address: str) -> None:
        self.address = ipaddress.ip_address(address)
        version = self.address.version
        self._id = os.getpid() & 0xFFFF
        family, protocol = (socket.AF_INET, 1) if version == 4 else (socket.AF_INET6, 58)
        self._socket = socket.socket(family, socket.SOCK_RAW | socket.SOCK_NONBLOCK, protocol)
        # It is for sending alone: the answers come by the packet socket, with the MAC of who has sent them.
        if version == 4:
            self._socket.setsockopt(_SOL_RAW, _ICMP_FILTER, struct.pack("@I", 0xFFFFFFFF))
        else:
            self._socket.setsockopt(58, _ICMP6_FILTER, b"\xff" * 32)
        self._to = (str(self.address), 0)

    def send(self, number: int) -> None:
        """Ask; what the kernel has against it (no MAC known, nobody answers for it) shows as no answer."""
        message = _ECHO.pack(_REQUEST[self.address.version], 0, 0, self._id, number & 0xFFFF, number)
        if self.address.version == 4:  # for ICMPv6 the kernel does it
            message = _ECHO.pack(_REQUEST[4], 0, _checksum(message), self._id, number & 0xFFFF, number)
        try:
            self._socket.sendto(message, self._to)
        except OSError:
            pass


class _Answers:
    """Reads every echo reply that comes in: which address, which probe, when, from which MAC."""

    def __init__(self, version: int) -> None:
        self._version = version
        self._id = os.getpid() & 0xFFFF
        # A packet socket, because it gets the sender's MAC; without the link's header.
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ETHERTYPES[version]))
        self._socket.setsockopt(socket.SOL_SOCKET, 33, _BUFFER_BYTES)  # SO_RCVBUFFORCE
        self._socket.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        self._socket.setblocking(False)

    def read(self) -> Iterator[tuple[bytes, int, int, bytes]]:
        """What has come since: source address, number, time, MAC."""
        icmp_at, (begin, end) = _ICMP_AT[self._version], _SOURCE_AT[self._version]
        while True:
            try:
                octets, ancillary, unused_flags, sender = self._socket.recvmsg(256, 64)
            except BlockingIOError:
                return
            if len(octets) < icmp_at + _ECHO.size or octets[icmp_at] != _REPLY[self._version]:
                continue
            unused_type, unused_code, unused_sum, identity, unused_sequence, number = _ECHO.unpack_from(octets, icmp_at)
            if identity == self._id:
                seconds, nanoseconds = _TIME.unpack(ancillary[0][2])
                yield octets[begin:end], number, seconds * 1_000_000_000 + nanoseconds, sender[4]


class _Series:
    """What was sent and what was answered; a time of 0 is an answer that has not come."""

    def __init__(self, target: str, control: str) -> None:
        self._target, self._control = _Echo(target), _Echo(control)
        self._answers = _Answers(self._target.address.version)
        self._columns = {one.address.packed: array("q") for one in (self._target, self._control)}
        self._sent, self._macs = array("q"), array("h")
        self._known_macs: dict[bytes, int] = {}
        self._first = 0

    def send(self) -> None:
        """Send one probe and its twin."""
        for column in self._columns.values():
            column.append(0)
        self._macs.append(-1)
        number = self._first + len(self._sent)
        self._sent.append(time.time_ns())
        self._control.send(number)
        self._target.send(number)

    def read(self) -> None:
        """Note the answers that have come; of two answers to one probe the first counts."""
        for source, number, at_ns, mac in self._answers.read():
            column, row = self._columns.get(source), number - self._first
            if column is None or not 0 <= row < len(column) or column[row]:
                continue
            column[row] = at_ns
            if source == self._target.address.packed:
                self._macs[row] = self._known_macs.setdefault(mac, len(self._known_macs))

    def answered(self) -> bool:
        """Whether some probe and its twin have been answered."""
        self.read()
        return any(all(times) for times in zip(*self._columns.values()))

    def forget(self) -> None:
        """Begin again; answers still under way belong to nothing."""
        self._first += len(self._sent)
        for column in (*self._columns.values(), self._sent, self._macs):
            del column[:]

    def document(self) -> list[tuple[int, int | None, int | None, str | None]]:
        """One row a probe: sent, answered, the twin answered, by whom."""
        macs = {number: mac.hex(":") for mac, number in self._known_macs.items()}
        target, control = self._columns.values()
        rows = zip(self._sent, target, control, self._macs)
        return [(sent, at or None, twin_at or None, macs.get(mac)) for sent, at, twin_at, mac in rows]


def _checksum(octets: bytes) -> int:
    total: int = sum(struct.unpack(f"!{len(octets) // 2}H", octets))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def _wait_for_first(series: _Series) -> bool:
    deadline_s = time.monotonic() + _FIRST_ANSWER_S
    while time.monotonic() < deadline_s:
        series.send()
        time.sleep(0.01)
        if series.answered():
            series.forget()
            return True
    return False


def _probe(series: _Series, interval_ns: int) -> int:
    """Probe on a grid of time until stdin closes; how many times of it passed before they could be used."""
    stdin = select.poll()
    stdin.register(sys.stdin, select.POLLIN | select.POLLHUP)
    began_ns = time.monotonic_ns()
    slot = sent = unsent = 0
    while sent % 16 or not stdin.poll(0):
        behind_ns = time.monotonic_ns() - began_ns - slot * interval_ns
        if behind_ns < 0:
            time.sleep(-behind_ns / 1e9)
        missed = max(0, behind_ns) // interval_ns
        unsent, slot = unsent + missed, slot + missed + 1
        series.send()
        sent += 1
        series.read()
    return unsent


def main() -> int:
    """Probe until stdin closes, and print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("target")
    parser.add_argument("control")
    parser.add_argument("--interval-ms", type=float, default=1.0)
    options = parser.parse_args()
    gc.disable()
    with contextlib.suppress(OSError):
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(10))
    series = _Series(options.target, options.control)
    if not _wait_for_first(series):
        return 1
    print("answered", flush=True)
    unsent = _probe(series, int(options.interval_ms * 1e6))
    time.sleep(_LINGER_S)
    series.read()
    json.dump({"unsent": unsent, "probes": series.document()}, sys.stdout)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
