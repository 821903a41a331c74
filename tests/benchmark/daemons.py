# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Our agent and keepalived with as many virtual routers as are wanted, and what their processes cost."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from peers import Keepalived, OurAgent
from segment import Namespace, wait_for

from lab import roots

from .usage import Usage

# A segment has 255 virtual_router_ids.
PER_LINK = 250
OURS, THEIRS = "ours", "keepalived"
KINDS = (OURS, THEIRS)
PRIORITIES = {"a": 150, "b": 100}
_READY_S = 120.0


@dataclass(frozen=True)
class Load:
    """How many virtual routers with how many addresses each, and how often they advertise."""

    instances: int = 1
    interval_s: float = 1.0
    vips: int = 1
    per_link: int = PER_LINK

    @property
    def links(self) -> int:
        """How many segments it takes."""
        return -(-self.instances // self.per_link)

    @property
    def down_s(self) -> float:
        """For how long node b waits for an advert (RFC 9568 6.1: 3 * interval + skew)."""
        return (3 + (256 - PRIORITIES["b"]) / 256) * self.interval_s

    def routers(self) -> Iterator[tuple[int, int, list[str]]]:
        """Link, virtual_router_id and addresses of each."""
        for number in range(self.instances):
            link, within = divmod(number, self.per_link)
            yield link, within + 1, [f"10.{140 + link}.{within + 1}.{host}" for host in range(1, self.vips + 1)]


class Daemon:
    """One of the two kinds on a node."""

    kind: str
    peer: OurAgent | Keepalived
    # What its log says of a virtual router that is ready, and of one that becomes MASTER.
    ready: str
    rises: str

    def configure(self, load: Load) -> None:
        """Write the configuration, with the priority of the node."""
        raise NotImplementedError

    def start(self, load: Load) -> float:
        """Return when all virtual routers are BACKUP; how long that took in seconds."""
        self.configure(load)
        began = time.monotonic()
        self.peer.launch(self._command())
        wait_for(lambda: self._ready() >= load.instances, f"{load.instances} virtual routers are ready", _READY_S)
        return time.monotonic() - began

    def usage(self) -> Usage:
        """What it has used so far."""
        assert self.peer.process is not None
        return Usage.of(self.peer.process.pid)

    def held(self, link: int = 0) -> int:
        """How many virtual addresses its node has on an interface."""
        return sum(one.endswith("/32") for one in self.peer.node.addresses(f"eth{link}"))

    def wait_until_master(self, load: Load, timeout_s: float = 60.0) -> None:
        """Wait until it holds all addresses."""
        self._wait_until_held(load, load.instances * load.vips, timeout_s)

    def wait_until_backup(self, load: Load, timeout_s: float = 60.0) -> None:
        """Wait until it holds none."""
        self._wait_until_held(load, 0, timeout_s)

    def masterships(self) -> int:
        """How often it has become MASTER of anything."""
        return self.peer.log.count(self.rises)

    def _wait_until_held(self, load: Load, wanted: int, timeout_s: float) -> None:
        deadline = time.monotonic() + timeout_s
        while self._held_everywhere(load) != wanted:
            if time.monotonic() > deadline:
                raise AssertionError(f"{self.kind}: not {wanted} addresses within {timeout_s} s")
            time.sleep(0.3)  # a thousand addresses are work for the kernel

    def _held_everywhere(self, load: Load) -> int:
        return sum(self.held(link) for link in range(load.links))

    def _command(self) -> list[str]:
        return self.peer.run_command()

    def _ready(self) -> int:
        return self.peer.log.count(self.ready)


class Ours(Daemon):
    """Our agent."""

    kind = OURS
    ready = "INIT -> BACKUP"
    rises = "-> MASTER"

    def __init__(self, node: Namespace, folder: Path) -> None:
        self.peer: OurAgent = OurAgent(node, folder)

    def configure(self, load: Load) -> None:
        label = self.peer.node.label
        instances = [
            {
                "name": f"eth{link}-{number}",
                "interface": f"eth{link}",
                "virtual_router_id": number,
                "advert_interval": load.interval_s,
                "priority": PRIORITIES[label],
                "virtual_addresses": vips,
            }
            for link, number, vips in load.routers()
        ]
        self.peer.config.write_text(json.dumps({"router_id": label, "instances": instances}))


class Theirs(Daemon):
    """keepalived, without its detailed log."""

    kind = THEIRS
    ready = "Entering BACKUP STATE"
    rises = "Entering MASTER STATE"

    def __init__(self, node: Namespace, folder: Path, root: Path) -> None:
        self.peer: Keepalived = Keepalived(node, folder, root)

    def configure(self, load: Load) -> None:
        priority = PRIORITIES[self.peer.node.label]
        parts = ["global_defs {\n router_id benchmark\n vrrp_version 3\n}"]
        parts += [
            f"vrrp_instance eth{link}-{number} {{\n interface eth{link}\n state BACKUP\n virtual_router_id {number}\n"
            f" priority {priority}\n advert_int {load.interval_s:g}\n virtual_ipaddress {{\n{_lines(vips)}\n }}\n}}"
            for link, number, vips in load.routers()
        ]
        (self.peer.folder / "keepalived.conf").write_text("\n".join(parts) + "\n")

    def _command(self) -> list[str]:
        return [part.replace(" --log-detail", "") for part in self.peer.run_command()]


def _lines(vips: list[str]) -> str:
    return "\n".join(f"  {vip}" for vip in vips)


def make(kind: str, node: Namespace, folder: Path, release: str) -> Daemon:
    """A daemon of a kind, not yet started; `release`: the Debian release whose keepalived it is."""
    if kind == OURS:
        return Ours(node, folder)
    return Theirs(node, folder, roots.ensure(release, ["keepalived"]))
