# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs rows: each case in rounds, each round with every kind of daemon, in turns."""

from __future__ import annotations

import os
import platform
import re
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from typing import Any

from vrrp_agent.version import VERSION

from lab import roots

from . import summary
from .daemons import KINDS, OURS
from .rows import Case, Row

__all__ = ["KINDS", "chosen", "measure"]
TRIES = 2


def chosen(rows: Sequence[Row], only: Sequence[str]) -> list[Row]:
    """The rows that are wanted, by name or by name/case, with the cases that are; all if none is named."""
    found = [
        replace(row, cases=tuple(one for one in row.cases if {row.name, f"{row.name}/{one.name}"} & set(only)))
        for row in rows
    ]
    return [row for row in found if row.cases] if only else list(rows)


def measure(rows: Sequence[Row], kinds: Sequence[str], release: str, rounds: int | None) -> list[dict[str, Any]]:
    """The rows' documents."""
    return [_row(row, kinds, release, rounds) for row in rows]


def _row(row: Row, kinds: Sequence[str], release: str, rounds: int | None) -> dict[str, Any]:
    began, loads = time.monotonic(), [os.getloadavg()[0]]
    documents = []
    for case in row.cases:
        document: dict[str, Any] = {"name": case.name, "title": case.title, "samples": []}
        able = [kind for kind in kinds if kind in case.kinds]
        for number in range(rounds or case.rounds):
            # Whoever goes first goes second in the next round.
            turn = able if number % 2 == 0 else able[::-1]
            with ThreadPoolExecutor(len(turn) if case.together else 1) as pool:
                for samples in pool.map(partial(_samples, row, case, number, release), turn):
                    document["samples"] += samples
            loads.append(os.getloadavg()[0])
        documents.append(document)
        print(summary.lines(row.name, document), flush=True)
    return {
        "name": row.name,
        "title": row.title,
        "cases": documents,
        "seconds": round(time.monotonic() - began),
        "machine": machine(loads),
        "daemons": {kind: name_of(kind, release) for kind in kinds},
    }


def _samples(row: Row, case: Case, number: int, release: str, kind: str) -> list[dict[str, Any]]:
    error = ""
    for _try in range(TRIES):
        try:
            return [
                {"kind": kind, "round": number, **{name: round(value, 4) for name, value in figures.items()}}
                for figures in case.measure(kind, release)
            ]
        except Exception as failure:  # the other rows are worth knowing
            error = f"{type(failure).__name__}: {failure}"
            print(f"{row.name}/{case.name} {kind}: {error}", file=sys.stderr, flush=True)
    return [{"kind": kind, "round": number, "error": error}]


def machine(loads: Sequence[float]) -> dict[str, Any]:
    """What it was measured on, and when; load averages before and at most."""
    return {
        "at": time.strftime("%Y-%m-%d", time.gmtime()),
        "kernel": platform.release().partition("-")[0],
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "load_before": round(loads[0], 1),
        "load_most": round(max(loads), 1),
    }


def name_of(kind: str, release: str) -> str:
    """What a kind of daemon is called on the page."""
    if kind == OURS:
        return f"vrrp-agent {VERSION}"
    command = ["chroot", str(roots.ensure(release, ["keepalived"])), "keepalived", "--version"]
    told = subprocess.run(command, capture_output=True, text=True, check=True)
    found = re.search(r"v([0-9.]+)", told.stderr + told.stdout)
    return f"keepalived {found[1] if found else '?'} (Debian {release})"
