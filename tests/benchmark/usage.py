# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Processor time and memory of a process and its descendants, as the kernel has them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

_MAPPING = re.compile(r"^([0-9a-f]+)-\S+ \S+ ([0-9a-f]+) \S+ \d+ *(.*)$")


@dataclass(frozen=True)
class Usage:
    """What was used until now."""

    cpu_ns: int
    memory_kib: int

    @classmethod
    def of(cls, pid: int) -> Usage:
        """Of a process and all its descendants that live."""
        pids = family(pid)
        return cls(sum(map(cpu_ns, pids)), memory_kib(pids))


def family(pid: int) -> list[int]:
    """A process and its descendants."""
    found = [pid]
    for one in found:
        for children in Path(f"/proc/{one}/task").glob("*/children"):
            found += map(int, children.read_text().split())
    return found


def cpu_ns(pid: int) -> int:
    """Time on a processor, of all threads: the scheduler's own sum, which no clock tick rounds."""
    return sum(int(task.read_text().split()[0]) for task in Path(f"/proc/{pid}/task").glob("*/schedstat"))


def memory_kib(pids: list[int]) -> int:
    """The proportional set size (PSS) that the processes would have alone on the machine.

    Pages that they share with each other count once, and pages of a program or library count whole although other
    processes, which a measurement happens to run beside them, have them too.
    """
    private = 0
    shared: dict[tuple[str, str], int] = {}
    for pid in pids:
        own, others = _pages(pid)
        private += own
        for mapping, size in others.items():
            shared[mapping] = max(size, shared.get(mapping, 0))
    return private + sum(shared.values())


def _pages(pid: int) -> tuple[int, dict[tuple[str, str], int]]:
    """KiB that a process has alone, and those that it shares with any other, by mapping."""
    private = 0
    shared: dict[tuple[str, str], int] = {}
    mapping = ("", "")
    for line in Path(f"/proc/{pid}/smaps").read_text().splitlines():
        found = _MAPPING.match(line)
        if found:
            begin, offset, name = found.groups()
            mapping = (name, offset) if name.startswith("/") else (name, begin)
        elif line.startswith("Private_"):
            private += int(line.split()[1])
        elif line.startswith("Shared_"):
            shared[mapping] = shared.get(mapping, 0) + int(line.split()[1])
    return private, shared
