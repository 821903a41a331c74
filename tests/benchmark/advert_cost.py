# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an advert costs, from its octets to the router's answer: python3 -m tests.benchmark.advert_cost."""

from __future__ import annotations

import timeit
from collections.abc import Callable
from dataclasses import replace
from ipaddress import ip_interface

from story import GROUP, HIGHER, OURS, US, octets
from vrrp_agent.protocol import packet
from vrrp_agent.protocol.events import InterfaceUp, PacketReceived, Start
from vrrp_agent.protocol.router import Router
from vrrp_agent.protocol.settings import Authentication, Settings

TIMES = 20_000
ROUNDS = 7
PASS = replace(OURS, version=2, authentication=Authentication("pass", "s3cretpw"))
MANY = replace(OURS, virtual_addresses=tuple(ip_interface(f"192.0.2.{host}/24") for host in range(100, 120)))
CASES = {"version 3": OURS, "version 2, PASS": PASS, "version 3, 20 VIPs": MANY}


def microseconds(action: Callable[[], object]) -> float:
    """The best of some rounds: what the code costs where the machine does nothing else."""
    return min(timeit.repeat(action, number=TIMES, repeat=ROUNDS)) / TIMES * 1e6


def measure(settings: Settings) -> tuple[float, float]:
    """Decoding an advert; and all of a BACKUP's work on one that repeats the last: event, judgement, answer, timer."""
    message = octets(replace(settings, priority=150), HIGHER)
    backup = Router(settings)
    backup.handle(InterfaceUp(US), 0)
    backup.handle(Start(), 0)

    def decode() -> object:
        return packet.decode(message, HIGHER, GROUP, 255, settings.version)

    def answer() -> object:
        return backup.handle(PacketReceived(message, HIGHER, GROUP, 255), 0)

    assert answer() == ()
    return microseconds(decode), microseconds(answer)


print(f"{'microseconds':24}{'decode':>10}{'repeated':>10}")
for name, settings in CASES.items():
    decoding, repeated = measure(settings)
    print(f"{name:24}{decoding:10.1f}{repeated:10.1f}")
