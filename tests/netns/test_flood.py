# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A stranger floods a living pair with adverts that are wrong in every way; a fourth node counts what the MASTER says.

FLOOD_SECONDS in the environment makes it longer: `make flood` takes the full 20 s.
"""

from __future__ import annotations

import json
import os
import re
import struct
import subprocess
import sys
from collections.abc import Iterator
from ipaddress import IPv4Address, ip_address
from pathlib import Path
from typing import Any

import flood
import pytest
from adverts import adverts, heard_from
from peers import VIPS, VIRTUAL_ROUTER_ID, OurAgent, Wire
from segment import Namespace, Segment, wait_for
from vrrp_agent.protocol import packet
from vrrp_agent.protocol.master import ANSWERS_A_SECOND

SECONDS = float(os.environ.get("FLOOD_SECONDS", "5"))
RATE = 20_000
SOON_S = 20.0
A, B, STRANGER, NOBODY = (IPv4Address(f"10.139.1.{host}") for host in (11, 12, 13, 200))
ADDRESSES = tuple(ip_address(vip.partition("/")[0]) for vip in VIPS)
# A reason is logged once a minute for each sender, and there are not that many of either.
LINES_MAX = 60
GROWTH_MAX_KIB = 2048

WIRES = {"v2-pass": Wire(2, "s3cretpw"), "v3": Wire(3, interval_s=0.2)}


def advert(wire: Wire, priority: int = 254, **changed: Any) -> bytes:
    """An advert as the pair's own, of a priority that would win."""
    auth = {"auth_type": 1, "auth_data": wire.password.encode().ljust(8, b"\0")} if wire.version == 2 else {}
    fields: dict[str, Any] = {
        "version": wire.version,
        "virtual_router_id": VIRTUAL_ROUTER_ID,
        "priority": priority,
        "interval_cs": round(wire.interval_s * 100),
        "addresses": ADDRESSES,
        **auth,
        **changed,
    }
    return packet.encode(packet.Advert(**fields), STRANGER, packet.GROUP_IPV4, pseudo_header=False)


def resummed(message: bytes, at: int, octet: int) -> bytes:
    """The message with one octet changed and its checksum right again."""
    changed = message[:at] + bytes([octet]) + message[at + 1 :]
    total = packet.checksum(changed[:6] + b"\0\0" + changed[8:])
    return changed[:6] + struct.pack("!H", total) + changed[8:]


def wrong(wire: Wire) -> dict[str, bytes]:
    """A frame of every kind that must touch nothing, by the counter that counts it."""
    good = advert(wire)
    authentication = {"auth_data": b"guessed\0"} if wire.version == 2 else {}
    kinds = {
        "packet_length_errors": flood.frame(resummed(good, 3, 3), STRANGER),
        "checksum_errors": flood.frame(good[:-1] + bytes([good[-1] ^ 1]), STRANGER),
        "ip_ttl_errors": flood.frame(good, STRANGER, ttl=64),
        "interval_errors": flood.frame(advert(wire, interval_cs=0), STRANGER),
        "version_errors": flood.frame(resummed(good, 0, 0x51 - good[0] + 1), STRANGER),
        "invalid_type_pkts_rcvd": flood.frame(resummed(good, 0, good[0] + 1), STRANGER),
        "vrid_errors": flood.frame(advert(wire, virtual_router_id=VIRTUAL_ROUTER_ID + 1), NOBODY),
    }
    if wire.version == 2:
        kinds["auth_failures"] = flood.frame(advert(wire, **authentication), STRANGER)
        kinds["auth_type_mismatch"] = flood.frame(advert(wire, auth_type=0, auth_data=bytes(8)), STRANGER)
    return kinds


def replayed(wire: Wire) -> dict[str, bytes]:
    """Adverts of each node, as it has sent them itself: own source to one, nothing new to the other."""
    return {
        "a": flood.frame(advert(wire, priority=150), A),
        "b": flood.frame(advert(wire, priority=100), B),
    }


def resident_kib(agent: OurAgent) -> int:
    """How much memory a process has."""
    assert agent.process is not None
    text = Path(f"/proc/{agent.process.pid}/status").read_text()
    return int(re.findall(r"VmRSS:\s+(\d+)", text)[0])


def send(node: Namespace, frames: list[bytes], seconds: float) -> tuple[float, float]:
    """Flood from a node to the end; how many a second it was, and how long."""
    program = node.popen([sys.executable, flood.__file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    told = {"interface": "eth0", "rate": RATE, "seconds": seconds, "frames": [frame.hex() for frame in frames]}
    done = json.loads(program.communicate(json.dumps(told), timeout=seconds + 60)[0])
    return done["sent"] / done["seconds"], done["seconds"]


class Pair:
    """Two agents, a MASTER and b BACKUP, with what must stay as it is."""

    def __init__(self, segment: Segment, wire: Wire, folder: Path) -> None:
        self.wire = wire
        self.a, self.b = (OurAgent(segment[label], folder / label) for label in "ab")
        self.a.start(wire, priority=150)
        self.a.wait_for_state("MASTER", SOON_S)
        self.b.start(wire, priority=100)
        wait_for(lambda: self.b.status()["master"], "b hears the master", SOON_S)

    def __iter__(self) -> Iterator[OurAgent]:
        return iter((self.a, self.b))

    def states(self) -> list[tuple[str, str]]:
        """Who is what since when."""
        return [(agent.status()["state"], agent.status()["since"]) for agent in self]

    def lines(self) -> list[int]:
        """How much each has logged."""
        return [len(agent.log.splitlines()) for agent in self]

    def memory(self) -> list[int]:
        """How much memory each has, in KiB."""
        return [resident_kib(agent) for agent in self]


@pytest.fixture
def crowded(make_segment: Any) -> Segment:
    """A segment with a stranger on it, and somebody who looks on; both kernels let through what claims to be theirs."""
    made: Segment = make_segment("a", "b", "stranger", "observer")
    for label in "ab":
        made[label].sysctl("net.ipv4.conf.all.accept_local", 1)
    return made


@pytest.mark.parametrize("wire", WIRES.values(), ids=WIRES)
def test_flood(crowded: Segment, tmp_path: Path, wire: Wire, record_property: Any) -> None:
    """Nothing that is wrong or old changes a state, delays an advert, fills the memory or the log."""
    pair = Pair(crowded, wire, tmp_path)
    kinds = wrong(wire)
    frames = [*kinds.values(), *replayed(wire).values()]
    send(crowded["stranger"], frames, 1.0)  # memory that the first of a kind takes is none that grows
    states, lines, memory = pair.states(), pair.lines(), pair.memory()
    with heard_from(crowded["observer"], crowded["a"].mac()) as packets:
        rate, seconds = send(crowded["stranger"], frames, SECONDS)
        times = adverts(packets)
    gap = max(later - earlier for earlier, later in zip(times, times[1:]))
    growth = max(after - before for before, after in zip(memory, pair.memory()))
    told = f"{rate:.0f}/s for {seconds:.1f} s: {len(times)} adverts, longest gap {gap:.3f} s, {growth} KiB more"
    print(told)
    record_property("flood", told)

    assert pair.states() == states
    assert len(times) >= int(seconds / wire.interval_s) - 1
    # Losing adverts are answered, but the flood is not sent back: its replay of b alone is 2,000 a second.
    assert len(times) <= seconds * (ANSWERS_A_SECOND + 1 / wire.interval_s) + ANSWERS_A_SECOND
    assert gap < 2 * wire.interval_s
    assert growth <= GROWTH_MAX_KIB
    assert max(after - before for before, after in zip(lines, pair.lines())) <= LINES_MAX
    for agent in pair:
        [eth0] = agent.document()["interfaces"]
        counters = eth0["counters"]
        assert [reason for reason in kinds if counters[reason] == 0] == []
    assert pair.a.status()["counters"]["own_source_errors"] > 0
    assert pair.b.status()["counters"]["own_source_errors"] > 0
