# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Listens to adverts in the lab's client until a file is there, and prints how late they came, as JSON.

    python3 watch.py FILE INTERVAL_S

What is late while the machine itself stood still (tests/support/metronome.py) is no fault of the agents. `late_ms` is
told from 20 ms on; what a scenario beside others can insist on is `late_intervals`, by which a peer would take over.
"""

from __future__ import annotations

import json
import os
import socket
import struct
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests/support"), str(ROOT / "plugins/module_utils")]
os.environ["PYTHONPATH"] = str(ROOT / "plugins/module_utils")

from metronome import Metronomes, Pause  # noqa: E402

PROTOCOL_VRRP = 112
SO_TIMESTAMPNS = 35
SO_RCVBUFFORCE = 33
LATE_S = 0.020
LONGEST_S = 300


class Advert(NamedTuple):
    """Who sent it, with which priority, and when the kernel got it, in seconds of the wall clock."""

    source: str
    priority: int
    at_s: float


def listen(until: Path) -> list[Advert]:
    """All adverts until a file is there."""
    adverts: list[Advert] = []
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, PROTOCOL_VRRP) as packets:
        group = socket.inet_aton("224.0.0.18") + socket.inet_aton("0.0.0.0")
        packets.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, group)
        packets.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        packets.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 1 << 24)
        packets.settimeout(0.5)
        while not until.exists():
            try:
                packet, ancillary, unused_flags, sender = packets.recvmsg(2048, 256)
            except TimeoutError:
                continue
            seconds, nanoseconds = struct.unpack("@ll", ancillary[0][2])
            priority = packet[(packet[0] & 0x0F) * 4 + 2]
            adverts.append(Advert(sender[0], priority, seconds + nanoseconds / 1e9))
            if adverts[-1].at_s - adverts[0].at_s > LONGEST_S:
                break
    return adverts


def late_s(adverts: list[Advert], interval_s: float, pauses: list[Pause]) -> list[float]:
    """By how much adverts of one MASTER came later than they should, unless the machine explains it.

    An advert of priority 0 is a MASTER's last word: what comes after it is another term.
    """
    return [
        after.at_s - before.at_s - interval_s
        for before, after in pairwise(adverts)
        if before.source == after.source
        and before.priority > 0
        and after.at_s - before.at_s > interval_s + LATE_S
        and not any(pause.explains(before.at_s, after.at_s) for pause in pauses)
    ]


def main(until: str, interval_s: str) -> int:
    """Listen and judge."""
    metronomes = Metronomes()
    adverts = listen(Path(until))
    pauses = metronomes.stop()
    found = late_s(adverts, float(interval_s), pauses)
    told: dict[str, Any] = {"adverts": len(adverts), "late_ms": [round(one * 1000) for one in found]}
    told["late_intervals"] = max(found, default=0) / float(interval_s)
    print(json.dumps({**told, "machine_stood_still": len(pauses)}))
    return 0


if __name__ == "__main__":
    raise SystemExit(main(*sys.argv[1:]))
