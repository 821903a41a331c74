# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two daemons of one kind on as many segments as their virtual routers take, with a client and a recording switch."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from segment import Segment

from .daemons import Load, make
from .wire import Heard, Observer

# A MASTER announces its addresses again some seconds after its takeover; that is no part of its everyday work.
ANNOUNCED_S = 6.0
CONTROL = "10.139.1.13"
_TAKEOVER_S = 60.0
LABELS = ("a", "b", "control", "client", "observer")
# What was measured, by the names of titles.FIGURES.
Figures = dict[str, float]


class Pair:
    """Nodes a (better) and b; the observer's ports are down but while it records."""

    def __init__(self, kind: str, load: Load, folder: Path, release: str) -> None:
        self.kind, self.load = kind, load
        self.segment = Segment(LABELS, load.links)
        for label in "ab":
            # As systemd has it: else the kernel takes the VIPs away together with the node's own address.
            self.segment[label].sysctl("net.ipv4.conf.all.promote_secondaries", 1)
        self.segment["client"].ip("route", "add", "10.140.0.0/16", "dev", "eth0")
        self.a, self.b = (make(kind, self.segment[label], folder / label, release) for label in "ab")
        names = {self.segment[label].mac(f"eth{link}"): label for label in "ab" for link in range(load.links)}
        self.observer = Observer(self.segment["observer"], names)
        self._listen(False)

    def up(self, settle_s: float = ANNOUNCED_S) -> None:
        """Start both; a is MASTER of all, and after this time has announced so for the last time."""
        self.a.start(self.load)
        self.a.wait_until_master(self.load)
        self.b.start(self.load)
        time.sleep(settle_s)

    def cut(self) -> None:
        """Take node a off all segments in one go."""
        self._ports("a", "down")

    def restore(self) -> None:
        """Put it back, and wait until it is MASTER of all again."""
        for link in range(self.load.links):
            self.segment.plug(self.segment["a"], f"eth{link}")
        self.a.wait_until_master(self.load)
        self.b.wait_until_backup(self.load)
        time.sleep(0.5)

    @contextmanager
    def recording(self) -> Iterator[list[Heard]]:
        """Record while the block runs; the list is filled when it has ended."""
        self._listen(True)
        self.observer.read()
        heard: list[Heard] = []
        try:
            yield heard
        finally:
            heard += self.observer.read()
            self._listen(False)

    def fail_over(self) -> list[Heard]:
        """Cut node a off, and wait until b has advertised and announced everything; what was heard from before on.

        Only the record is looked at meanwhile: to ask the nodes for a thousand addresses would be work for the kernel.
        """
        vips = {vip for _link, _number, vips in self.load.routers() for vip in vips}
        self._listen(True)
        self.observer.read()  # of earlier times
        heard: list[Heard] = []

        def served() -> bool:
            heard.extend(self.observer.read())
            news = {one.about for one in heard if one.sender == "b"}
            return len(news) == len(vips) + self.load.instances

        time.sleep(1.5 * self.load.interval_s)  # one advert of each at least
        self.cut()
        deadline = time.monotonic() + _TAKEOVER_S
        while not served():
            if time.monotonic() > deadline:
                raise AssertionError(f"{self.kind}: b does not serve all {len(vips)} addresses")
            time.sleep(0.1)
        self._listen(False)
        return heard

    def remove(self) -> None:
        """Leave nothing behind."""
        self.observer.close()
        self.segment.remove()

    def _listen(self, on: bool) -> None:
        for link in range(self.load.links):
            (self.segment.plug if on else self.segment.cut)(self.segment["observer"], f"eth{link}")

    def _ports(self, label: str, state: str) -> None:
        """All ports of a node in one call of ip, a millisecond apart at most."""
        ports = [f"to-{label}" if link == 0 else f"to-{label}-{link}" for link in range(self.load.links)]
        batch = "".join(f"link set dev {port} {state}\n" for port in ports)
        with tempfile.NamedTemporaryFile("w") as file:
            file.write(batch)
            file.flush()
            self.segment.bridge.ip("-batch", file.name)


@contextmanager
def pair_of(kind: str, load: Load, release: str) -> Iterator[Pair]:
    """A pair that runs, for as long as the block does."""
    with tempfile.TemporaryDirectory(prefix="duet-benchmark-") as folder:
        pair = Pair(kind, load, Path(folder), release)
        try:
            yield pair
        finally:
            pair.remove()
