# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two nodes of one kind on a switch, a client that probes their virtual address, and what an event costs it."""

from __future__ import annotations

import contextlib
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from capture import Capture
from losses import Report
from peers import VIPS, Wire
from probe import Prober, names_by_mac
from segment import Namespace, Segment, wait_for

from .holders import Watch, both_ns, gone_ns
from .nodes import Node

# The client asks for the first of the addresses; the third comes and goes.
VIP, CONTROL = VIPS[0].partition("/")[0], "10.139.1.13"
MORE = "10.139.1.3/24"
PLAIN = Wire(3)
# An election at 1 s adverts takes 3.4 s; the machine may be busy.
ELECTION_S = 60.0
# Longer than a backup waits, so that what must not happen has had the time to.
LEAST_S = 4.5
_LISTEN_S = 0.05

MakeNode = Callable[[Namespace, Path], Node]


@dataclass(frozen=True)
class Event:
    """Something that happens to a pair, of which node a is MASTER; the figures are of `act` and what follows.

    `await_moment` returns at the moment at which it is to happen, when the client probes already.
    What follows is watched for `least_s`, and until one node holds the address and it answers, at most for `most_s`.
    `dies`: a's addresses must be gone, and it is measured after how long. `says`: what some log must say of it, by the
    kind of daemon. `missing`: the kinds that have no such thing, and what the page has in its place.
    """

    name: str
    title: str
    act: Callable[[Pair], None]
    prepare: Callable[[Pair], None] = lambda pair: None
    await_moment: Callable[[Pair], None] = lambda pair: None
    wire: Wire = PLAIN
    least_s: float = LEAST_S
    most_s: float = 15.0
    dies: bool = False
    says: Mapping[str, str] = field(default_factory=dict)
    missing: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Outcome:
    """What one event cost once; `both_ms` and `gone_ms` are None where it was still so at the end.

    `told_ms` is None where nothing was said of it; `moves` is how often a node became MASTER.
    """

    lost: int
    silence_ms: float
    both_ms: float | None
    gone_ms: float | None
    told_ms: float | None
    moves: int
    watched_s: float
    excused: int
    unsent: int


class Pair:
    """Nodes a (better) and b of one kind, a client, a stranger, and a plain node for the probes' twins."""

    def __init__(self, make: Sequence[MakeNode], folder: Path, wire: Wire = PLAIN, rollout_s: float = 4.0) -> None:
        """`make`: node a, node b; `rollout_s`: for how long a rollout leaves them configured differently."""
        self.wire = wire
        self.rollout_s = rollout_s
        self.segment = Segment(["a", "b", "control", "client", "stranger"])
        for label in "ab":
            # As systemd has it: else the kernel takes the VIPs away together with the node's own address.
            self.segment[label].sysctl("net.ipv4.conf.eth0.promote_secondaries", 1)
        self.a, self.b = (make_one(self.segment[label], folder / label) for label, make_one in zip("ab", make))
        self._watch = Watch([self.segment[label] for label in "ab"], folder)

    def up(self) -> None:
        """Start both, and wait until a is MASTER and the client knows it."""
        self.a.configure(self.wire, 150)
        self.b.configure(self.wire, 100)
        self.a.start()
        self.b.start()
        self.wait_for_holders("a")
        wait_for(self.answered, "the client has an answer", ELECTION_S)

    def remove(self) -> None:
        """Leave nothing behind."""
        self._watch.stop()
        self.a.abandon()
        self.b.abandon()
        self.segment.remove()

    def holders(self) -> str:
        """The labels of the nodes that hold the address that the client asks for."""
        return "".join(label for label in "ab" if VIPS[0] in self.segment[label].all_addresses())

    def wait_for_holders(self, labels: str) -> None:
        """Wait until exactly these nodes hold it."""
        wait_for(lambda: self.holders() == labels, f"{labels or 'nobody'} holds {VIPS[0]}", ELECTION_S)

    def answered(self) -> bool:
        """Whether the client gets an answer at this moment."""
        return self.segment["client"].run(["ping", "-n", "-c", "1", "-W", "1", VIP], check=False).returncode == 0

    def await_advert(self, label: str) -> None:
        """Return when a node has just sent an advert, whoever is kept from hearing it."""
        mac = self.segment[label].mac()
        capture = Capture(self.segment["control"], "eth0")
        try:
            wait_for(
                lambda: any(frame.kind == "vrrp" and frame.source_mac == mac for frame in capture.frames()),
                f"an advert of {label}",
            )
        finally:
            capture.close()

    def measure(self, event: Event) -> tuple[Outcome, Report]:
        """Have an event happen, and see what it costs."""
        event.prepare(self)
        moves, began_ns = self._moves(), time.time_ns()
        with self._probing() as prober:
            event.await_moment(self)
            began_ns = time.time_ns()
            with self._listening(event, began_ns) as told:
                event.act(self)
                self._watch_on(event, began_ns)
            ended_ns = time.time_ns()
        outcome = self._outcome(event, prober.report, moves, began_ns, ended_ns)
        return replace(outcome, told_ms=told[0] if told else None), prober.report

    @contextlib.contextmanager
    def _listening(self, event: Event, began_ns: int) -> Iterator[list[float]]:
        """Note, in ms, when one of the logs first says what the event wants to be said."""
        told: list[float] = []
        wanted, over = event.says.get(self.a.kind), threading.Event()

        def listen() -> None:
            while wanted and not told and not over.wait(_LISTEN_S):
                if re.search(wanted, self.a.peer.log + self.b.peer.log):
                    told.append(round((time.time_ns() - began_ns) / 1e6, 1))

        listener = threading.Thread(target=listen, daemon=True)
        listener.start()
        try:
            yield told
        finally:
            over.set()
            listener.join()

    @contextlib.contextmanager
    def _probing(self) -> Iterator[Prober]:
        prober = Prober(self.segment["client"], VIP, CONTROL, names_by_mac(self.segment))
        prober.start()
        try:
            yield prober
        finally:
            prober.stop()

    def _watch_on(self, event: Event, began_ns: int) -> None:
        def age_s() -> float:
            return (time.time_ns() - began_ns) / 1e9

        time.sleep(max(0.0, event.least_s - age_s()))
        while age_s() < event.most_s and not (len(self.holders()) == 1 and self.answered()):
            time.sleep(0.1)

    def _outcome(self, event: Event, report: Report, moves: int, began_ns: int, ended_ns: int) -> Outcome:
        holdings = self._watch.holdings([*VIPS, MORE])
        gone = gone_ns(holdings, "a", began_ns) if event.dies else began_ns
        return Outcome(
            lost=report.lost,
            silence_ms=report.longest_silence_ms,
            both_ms=None if len(self.holders()) > 1 else round(both_ns(holdings, began_ns, ended_ns) / 1e6, 1),
            gone_ms=None if gone is None else round((gone - began_ns) / 1e6, 1),
            told_ms=None,
            moves=self._moves() - moves,
            watched_s=round((ended_ns - began_ns) / 1e9, 1),
            excused=report.excused,
            unsent=report.unsent,
        )

    def _moves(self) -> int:
        return self.a.moves() + self.b.moves()
