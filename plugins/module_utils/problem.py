# Copyright: (c) 2026, duet.ha_pair contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""One thing that is wrong, said so that a stranger can mend it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Problem:
    """What is wrong, and where: hosts, the key in the inventory (if one is to blame), the instance, reason and mend."""

    hosts: tuple[str, ...]
    reason: str
    key: str = ""
    instance: str = ""

    def __str__(self) -> str:
        instance = f"instance {self.instance}" if self.instance else ""
        place = f"{self.key} ({instance})" if self.key and instance else self.key or instance
        return ": ".join(part for part in (", ".join(self.hosts), place, self.reason) if part)


def merge(problems: Iterable[Problem]) -> list[Problem]:
    """The same problem of several hosts becomes one problem that names them all."""
    merged: dict[tuple[str, str, str], Problem] = {}
    for problem in problems:
        same = (problem.key, problem.instance, problem.reason)
        hosts = merged[same].hosts if same in merged else ()
        added = tuple(host for host in problem.hosts if host not in hosts)
        merged[same] = Problem(hosts + added, problem.reason, problem.key, problem.instance)
    return list(merged.values())


def report(headline: str, problems: Iterable[Problem]) -> str:
    """All problems in one message, one a line."""
    return "\n".join([headline, *(f"  - {problem}" for problem in problems)])
