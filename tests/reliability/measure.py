# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every event on pairs of every kind of daemon, some at a time, each on a segment of its own."""

from __future__ import annotations

import os
import platform
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from vrrp_agent.version import VERSION

from lab import roots

from . import deaths, planned
from .nodes import KeepalivedNode, OurNode
from .pair import Event, MakeNode, Pair

TABLES = {"planned": planned.EVENTS, "deaths": deaths.EVENTS}
OURS = "ours"
RELEASES = {"trixie": "Debian 13", "bookworm": "Debian 12"}
KINDS = (OURS, *RELEASES)
TRIES = 2


def make_node(kind: str) -> MakeNode:
    """What makes a node of a kind: ours, or keepalived of a Debian release."""
    return OurNode if kind == OURS else partial(KeepalivedNode, root=roots.ensure(kind, ["keepalived"]))


def name_of(kind: str) -> str:
    """What a kind of daemon is called on the page."""
    if kind == OURS:
        return f"vrrp-agent {VERSION}"
    command = ["chroot", str(roots.ensure(kind, ["keepalived"])), "keepalived", "--version"]
    told = subprocess.run(command, capture_output=True, text=True, check=True)
    found = re.search(r"v([0-9.]+)", told.stderr + told.stdout)
    return f"keepalived {found[1] if found else '?'} ({RELEASES[kind]})"


def measure(event: Event, kind: str) -> dict[str, Any]:
    """One event on one pair; what went wrong, if it could not be measured."""
    error = ""
    for _try in range(TRIES):
        try:
            return {**_once(event, kind), "dies": event.dies, "listens": kind_of(kind) in event.says}
        except Exception as failure:  # the other rows are worth knowing
            error = f"{type(failure).__name__}: {failure}"
            print(f"{kind} {event.name}: {error}", file=sys.stderr, flush=True)
    return {"error": error}


def kind_of(kind: str) -> str:
    """ours or keepalived, as events tell them apart."""
    return OurNode.kind if kind == OURS else KeepalivedNode.kind


def _once(event: Event, kind: str) -> dict[str, Any]:
    make = make_node(kind)
    with tempfile.TemporaryDirectory(prefix="duet-reliability-") as folder:
        pair = Pair((make, make), Path(folder), event.wire)
        try:
            pair.up()
            outcome, report = pair.measure(event)
        finally:
            pair.remove()
    print(f"{kind} {event.name}: {report}", flush=True)
    return {**asdict(outcome), "sent": report.sent}


def run(kinds: Sequence[str], names: Sequence[str], repeat: int, parallel: int) -> dict[str, Any]:
    """All figures: one kind after the other."""
    load_before = os.getloadavg()[0]
    chosen = [(table, event) for table, event in _events() if not names or event.name in names]
    found: dict[str, dict[str, list[dict[str, Any]]]] = {event.name: {} for _table, event in chosen}
    load_most = load_before
    for kind in kinds:
        jobs = [event for _table, event in chosen if kind_of(kind) not in event.missing for _again in range(repeat)]
        with ThreadPoolExecutor(parallel) as pool:
            for event, outcome in zip(jobs, pool.map(partial(measure, kind=kind), jobs)):
                found[event.name].setdefault(kind, []).append(outcome)
                load_most = max(load_most, os.getloadavg()[0])
    return {
        "machine": {
            "kernel": platform.release().partition("-")[0],
            "cores": os.cpu_count(),
            "python": platform.python_version(),
            "load_before": round(load_before, 1),
            "load_most": round(load_most, 1),
        },
        "daemons": {kind: name_of(kind) for kind in kinds},
        "repeat": repeat,
        "parallel": parallel,
        "events": [_document(table, event, kinds, found[event.name]) for table, event in chosen],
    }


def _events() -> Iterator[tuple[str, Event]]:
    for table, events in TABLES.items():
        for event in events:
            yield table, event


def _document(
    table: str, event: Event, kinds: Sequence[str], outcomes: dict[str, list[dict[str, Any]]]
) -> dict[str, Any]:
    missing = {kind: event.missing[kind_of(kind)] for kind in kinds if kind_of(kind) in event.missing}
    return {"name": event.name, "table": table, "title": event.title, "missing": missing, "outcomes": outcomes}
