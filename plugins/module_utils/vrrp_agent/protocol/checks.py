# Copyright: (c) 2026, duet.ha_pair contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Checks: what a node must be able to do to be a useful MASTER, as configured, and what the results mean."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Union

from .settings import PRIORITY_OWNER, IPAddress


@dataclass(frozen=True)
class Http:
    """A GET that is answered with one of `statuses` (none: any 2xx), and with `text` in the body."""

    tls: bool
    # Where to connect: an address and a port, or a socket in the file system.
    address: str
    port: int
    unix_socket: str | None
    host: str  # for the Host header, and for the name in the certificate
    path: str
    statuses: tuple[int, ...]
    text: str | None
    verify: bool
    ca_file: str | None


@dataclass(frozen=True)
class Tcp:
    """A port that takes connections."""

    address: str
    port: int


@dataclass(frozen=True)
class Script:
    """A command that exits with 0."""

    command: tuple[str, ...]
    user: str | None


@dataclass(frozen=True)
class Systemd:
    """A unit that is active."""

    unit: str


@dataclass(frozen=True)
class Process:
    """A process that runs, by its name or by the file that holds its number."""

    process: str | None
    pid_file: str | None


@dataclass(frozen=True)
class File:
    """An operator's switch: a file that is there, or not; with `minimum`, one that holds such a number at least."""

    path: str
    present: bool
    minimum: int | None


@dataclass(frozen=True)
class Gateway:
    """Hosts that answer, one of them or all; without `targets` the default gateway of `family`.

    `method` is `arp` (neighbour discovery for IPv6) or `ping`. `interface` leads to targets that are neighbours.
    """

    targets: tuple[IPAddress, ...]
    every: bool
    method: str
    interface: str
    family: int


Probe = Union[Http, Tcp, Script, Systemd, Process, File, Gateway]


@dataclass(frozen=True)
class Check:
    """One check; when it has failed, `priority` is added to the instance's, or with None the role goes."""

    name: str
    type: str
    interval_ms: int
    timeout_ms: int
    rise: int
    fall: int
    priority: int | None
    probe: Probe


class Verdict:
    """What the results of a check amount to: `rise` good ones in a row make it healthy, `fall` bad ones failed.

    The first result of all decides alone: until then nothing is known.
    """

    def __init__(self, rise: int, fall: int) -> None:
        self._rise = rise
        self._fall = fall
        self.healthy: bool | None = None
        # How many results in a row have spoken against it.
        self.against = 0

    def note(self, good: bool) -> bool:
        """Take one result; whether the verdict is another one now."""
        if good is self.healthy:
            self.against = 0
            return False
        self.against += 1
        if self.healthy is not None and self.against < (self._rise if good else self._fall):
            return False
        self.healthy, self.against = good, 0
        return True


def contradictions(priority: int, checks: Sequence[Check]) -> Iterator[str]:
    """What is wrong with checks beside each other and the instance's priority, with the mend."""
    names = [check.name for check in checks]
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield f"the name {name} stands twice; give each check a name of its own"
    if priority == PRIORITY_OWNER and any(check.priority for check in checks):
        yield "priority 255 is the owner's and never lowered; set on_fail: release"
