# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which node held the virtual addresses when, as `ip monitor` tells it: not what the daemons say of themselves."""

from __future__ import annotations

import datetime
import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from segment import Namespace

# [2026-01-31T12:00:00.123456] Deleted 2: eth0    inet 10.139.1.1/24 scope global ...
_NEWS = re.compile(r"\[(?P<at>[^]]+)\] (?P<gone>Deleted )?\d+: \S+ +inet6? (?P<address>[^ ]+)")


@dataclass(frozen=True)
class Holding:
    """A node held an address from one moment to another, in ns of the wall clock; None: to the end."""

    node: str
    address: str
    began_ns: int
    ended_ns: int | None


class Watch:
    """Follows the addresses of some nodes from a moment at which they hold none of the virtual ones."""

    def __init__(self, nodes: Sequence[Namespace], folder: Path) -> None:
        self._files = {node.label: folder / f"addresses-{node.label}" for node in nodes}
        self._processes = [self._start(node) for node in nodes]

    def _start(self, node: Namespace) -> subprocess.Popen[str]:
        with open(self._files[node.label], "w") as file:
            command = ["ip", "-ts", "-o", "monitor", "address"]
            return node.popen(command, stdout=file, stderr=subprocess.DEVNULL)

    def holdings(self, addresses: Sequence[str]) -> list[Holding]:
        """Who has held these addresses so far."""
        if any(process.poll() is not None for process in self._processes):
            raise AssertionError("ip monitor has ended")
        found: list[Holding] = []
        for label, file in self._files.items():
            found += parse(label, file.read_text(), addresses)
        return found

    def stop(self) -> None:
        """Follow no longer."""
        for process in self._processes:
            process.kill()
            process.wait()


def parse(node: str, text: str, addresses: Sequence[str]) -> list[Holding]:
    """The holdings of one node from the monitor's text; a renewed address is told again, and nothing new."""
    found: list[Holding] = []
    held: dict[str, int] = {}
    for line in text.splitlines():
        news = _NEWS.match(line)
        if news is None or news["address"] not in addresses:
            continue
        at_ns = int(datetime.datetime.fromisoformat(news["at"]).timestamp() * 1e6) * 1000
        if not news["gone"]:
            held.setdefault(news["address"], at_ns)
        elif news["address"] in held:
            found.append(Holding(node, news["address"], held.pop(news["address"]), at_ns))
    return found + [Holding(node, address, began_ns, None) for address, began_ns in held.items()]


def both_ns(holdings: Sequence[Holding], began_ns: int, ended_ns: int) -> int:
    """For how long, within these bounds, some address was on two nodes at once: the longest such of the addresses."""
    return max(
        (_overlap_ns(holdings, address, began_ns, ended_ns) for address in {one.address for one in holdings}), default=0
    )


def _overlap_ns(holdings: Sequence[Holding], address: str, began_ns: int, ended_ns: int) -> int:
    changes: list[tuple[int, int]] = []
    for one in holdings:
        began = max(began_ns, one.began_ns)
        ended = min(ended_ns, one.ended_ns or ended_ns)
        if one.address == address and began < ended:
            changes += [(began, 1), (ended, -1)]
    total = count = before = 0
    for at, step in sorted(changes):
        total += at - before if count > 1 else 0
        count, before = count + step, at
    return total


def gone_ns(holdings: Sequence[Holding], node: str, since_ns: int) -> int | None:
    """When the last address that a node held at a moment was gone from it; None while one is still there."""
    ends = [one.ended_ns for one in holdings if one.node == node and _at(one, since_ns)]
    if any(end is None for end in ends):
        return None
    return max((end for end in ends if end is not None), default=since_ns)


def _at(one: Holding, moment_ns: int) -> bool:
    return one.began_ns <= moment_ns and (one.ended_ns is None or one.ended_ns > moment_ns)
