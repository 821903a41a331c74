# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A pair with ten instances at 10 ms for SOAK_SECONDS (120): memory flat, adverts on time, no role moves.

Descriptors stay as they are. It is reloaded every ten seconds and asked for its status every second all the
while. `make soak` takes an hour.
"""

from __future__ import annotations

import os
import re
import socket
import struct
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import pytest
from metronome import Metronomes
from peers import OurAgent, Wire
from segment import Namespace, Segment, remove_leftovers, wait_for

SECONDS = float(os.environ.get("SOAK_SECONDS", "120"))
WARM_UP_SECONDS = min(SECONDS / 3, 60.0)
RELOAD_EVERY = 10  # seconds
INSTANCES = 10
WIRE = Wire(3, interval_s=0.01)
# 3 * interval + skew, skew = (256 - priority) * interval / 256 (RFC 9568 6.1), for the BACKUP's priority of 100.
DOWN_S = 3 * WIRE.interval_s + (256 - 100) * WIRE.interval_s / 256
# What the interpreter's allocator may take and give back; a leak of 100 octets an advert would be 340 MB in an hour.
GROWTH_MAX_KIB = 1024
ETH_P_IP, VRRP, SO_TIMESTAMPNS = 0x0800, 112, 35


@pytest.fixture
def segment() -> Iterator[Segment]:
    """Two routers and an observer."""
    remove_leftovers()
    made = Segment(["a", "b", "observer"])
    yield made
    made.remove()


class Adverts:
    """When each virtual router's adverts reach a node, by its kernel's clock; keeps the longest gap of each."""

    def __init__(self, node: Namespace) -> None:
        with node.entered():
            self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_IP))
        self._socket.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        self._socket.setsockopt(socket.SOL_SOCKET, 33, 16 << 20)  # SO_RCVBUFFORCE
        self._socket.bind(("eth0", ETH_P_IP))
        self._socket.setblocking(False)
        self._last: dict[int, float] = {}
        self.gaps: dict[int, float] = {}
        self.longer: list[tuple[float, float]] = []  # than a backup waits, from and to
        self.count = 0

    def read(self) -> None:
        """Take what has come."""
        while True:
            try:
                frame, ancillary, unused_flags, unused_sender = self._socket.recvmsg(2048, 256)
            except BlockingIOError:
                return
            if frame[23] == VRRP:
                seconds, nanoseconds = struct.unpack("@ll", ancillary[0][2])
                self._note(frame[35], seconds + nanoseconds / 1e9)

    def _note(self, virtual_router_id: int, at_s: float) -> None:
        self.count += 1
        last_s = self._last.get(virtual_router_id, at_s)
        gap = at_s - last_s
        if gap >= DOWN_S:
            self.longer.append((last_s, at_s))
        self.gaps[virtual_router_id] = max(gap, self.gaps.get(virtual_router_id, 0.0))
        self._last[virtual_router_id] = at_s

    def close(self) -> None:
        """Stop reading."""
        self._socket.close()


def start(agent: OurAgent, priority: int) -> None:
    """Start an agent with all the instances."""
    agent.write(WIRE, priority)
    agent.rewrite_instances(lambda instances: [numbered(instances[0], number) for number in range(INSTANCES)])
    agent.launch(agent.run_command())


def numbered(instance: dict[str, object], number: int) -> dict[str, object]:
    """The instance as one of many."""
    own = {"name": f"i{number}", "virtual_router_id": 51 + number, "virtual_addresses": [f"10.139.1.{101 + number}/24"]}
    return {**instance, **own}


def states(agent: OurAgent) -> set[str]:
    """The states of all its instances."""
    try:
        return {instance["state"] for instance in agent.document()["instances"]}
    except Exception:  # it does not answer yet
        return set()


def transitions(agent: OurAgent) -> list[float]:
    """Since when each of its instances is what it is, in seconds of the wall clock."""
    texts = [instance["since"].replace("Z", "+00:00") for instance in agent.document()["instances"]]
    return [datetime.fromisoformat(text).timestamp() for text in texts]


def resident_kib(agent: OurAgent) -> int:
    """How much memory it has."""
    assert agent.process is not None
    return int(re.findall(r"VmRSS:\s+(\d+)", Path(f"/proc/{agent.process.pid}/status").read_text())[0])


def descriptors(agent: OurAgent) -> int:
    """How many files and sockets it has open."""
    assert agent.process is not None
    return len(os.listdir(f"/proc/{agent.process.pid}/fd"))


def reload(agent: OurAgent, turn: int) -> None:
    """An address more on the first instance, or less, and another priority that moves no role."""
    more = ["10.139.1.201/24"] * (turn % 2)
    agent.rewrite_instances(
        lambda instances: [
            {**instances[0], "extra_addresses": more, "priority": instances[0]["priority"] ^ 1},
            *instances[1:],
        ]
    )
    assert agent.command("reload").returncode == 0


def soak(pair: list[OurAgent], seconds: float, every_second: Callable[[], None]) -> list[list[int]]:
    """Let them run, with reloads and questions; the memory of each, second by second."""
    memory: list[list[int]] = [[] for _agent in pair]
    started = time.monotonic()
    turn = 0
    while time.monotonic() - started < seconds:
        for agent, sizes in zip(pair, memory):
            agent.document()
            sizes.append(resident_kib(agent))
        every_second()
        if turn % RELOAD_EVERY == RELOAD_EVERY - 1:
            reload(pair[turn // RELOAD_EVERY % 2], turn // RELOAD_EVERY // 2)
        turn += 1
        time.sleep(max(0.0, started + turn - time.monotonic()))
    return memory


def test_soak(segment: Segment, tmp_path: Path) -> None:
    a, b = pair = [OurAgent(segment[label], tmp_path / label) for label in "ab"]
    # Each has been MASTER, and has open what that takes, should a role move because the machine stands still.
    start(b, 100)
    wait_for(lambda: states(b) == {"MASTER"}, "b is MASTER of all", 10)
    start(a, 150)
    wait_for(lambda: (states(a), states(b)) == ({"MASTER"}, {"BACKUP"}), "a is MASTER of all, and b of none", 10)
    soak(pair, WARM_UP_SECONDS, lambda: None)
    metronomes = Metronomes()
    began_s, before = time.time(), [descriptors(agent) for agent in pair]
    adverts = Adverts(segment["observer"])
    try:
        memory = soak(pair, SECONDS - WARM_UP_SECONDS, adverts.read)
        adverts.read()
    finally:
        adverts.close()
        pauses = metronomes.stop()
    third = len(memory[0]) // 3
    growth = [max(sizes[-third:]) - max(sizes[:third]) for sizes in memory]
    longest_ms = max(adverts.gaps.values()) * 1000
    told = (
        f"{SECONDS:g} s, {adverts.count} adverts, the longest gap {longest_ms:.1f} ms of {DOWN_S * 1000:.1f} ms;"
        f" MASTER {memory[0][-1]} KiB ({growth[0]:+d}), BACKUP {memory[1][-1]} KiB ({growth[1]:+d});"
        f" the machine stood still {len(pauses)} times"
    )
    print(told)
    moved = [(at_s, at_s) for agent in pair for at_s in transitions(agent) if at_s > began_s]
    late = [when for when in (*adverts.longer, *moved) if not any(pause.explains(*when) for pause in pauses)]
    assert late == [], "adverts were late, or roles moved, and the machine had not stood still"
    assert len(adverts.gaps) == INSTANCES
    assert max(growth) <= GROWTH_MAX_KIB
    for agent, count in zip(pair, before):
        wait_for(lambda agent=agent, count=count: descriptors(agent) == count, f"{count} descriptors", 10)
