# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything that proves the project, one stage after the other, with one closing line over all of it.

Run by `make test`, or `make check` for the quick part; both install first what the stages need. A stage of pytest
counts its tests, any other stage counts as one. A stage never ends the run: what else is broken is worth knowing.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from itertools import groupby
from pathlib import Path
from typing import IO
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
INTERPRETERS = {"bullseye": "3.9", "bookworm": "3.11", "trixie": "3.13"}
# The longest first: else the last one runs alone.
SCENARIOS = (
    "adopt_keepalived",
    "sick_service",
    "drain",
    "failover",
    "priority_change",
    "split_brain_detected",
    "upgrade",
    "remove",
    "key_rotation",
    "drill",
    "dual_stack",
    "default",
    "three_nodes",
    "active_active",
    "unicast",
    "bad_inventory",
)
# Hosts wait more than they work: for boots, packages, timers.
SCENARIOS_AT_ONCE = 4
# What computes more than it waits.
COMPUTING_AT_ONCE = 3
# Only when no other process of its control group wants a processor.
IDLE = ("chrt", "--idle", "0")
# Of a stage that failed beside others.
SHOWN_LINES = 120
# What each of the stages that run beside others had to say.
OUTPUT = ROOT / "tests" / "output"


@dataclass(frozen=True)
class Stage:
    """One command; `quick` ones make up `make check`; neighbours with one `at_once` run so many at a time.

    One that is `idle` takes no time from others: it begins first, and computes when nobody else does.
    """

    name: str
    command: tuple[str, ...]
    quick: bool = False
    pytest: bool = False
    idle: bool = False
    at_once: int = 1


@dataclass
class Count:
    """How many tests passed, failed and were skipped."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0
    failures: list[str] = field(default_factory=list)

    def add(self, other: Count) -> None:
        """Add another count to this one."""
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped
        self.failures += other.failures

    def __str__(self) -> str:
        return f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped"


def tool(name: str, *arguments: str) -> tuple[str, ...]:
    """A command of the project's virtual environment."""
    return (str(BIN / name), *arguments)


def pytest(*arguments: str) -> tuple[str, ...]:
    """pytest in the project's virtual environment."""
    return (sys.executable, "-m", "pytest", "-q", *arguments)


def stages() -> list[Stage]:
    """All stages: what has time, what is cheap, and of those beside each other the longest first."""
    result = [
        Stage("sanity", ("bash", "tests/sanity.sh"), idle=True),
        Stage(
            "ansible-lint", tool("ansible-lint", "--profile", "production", "--offline", "-q"), quick=True, idle=True
        ),
        Stage("ruff", tool("ruff", "check", "--quiet", "."), quick=True),
        Stage("format", tool("ruff", "format", "--check", "--quiet", "."), quick=True),
        Stage("mypy agent", tool("mypy"), quick=True),
        Stage("mypy lab", tool("mypy", "lab", "tests/run.py"), quick=True),
        Stage("mypy simulation", tool("mypy", "tests/simulation"), quick=True),
        Stage("unit", pytest("tests/unit", "-n", "2"), quick=True, pytest=True),
    ]
    result += [
        replace(stage, at_once=COMPUTING_AT_ONCE)
        for stage in (
            Stage("simulation", pytest("tests/simulation"), quick=True, pytest=True),
            Stage("package", pytest("tests/package"), pytest=True),
            *(
                Stage(f"unit on Python {version}", ("bash", "tests/unit_on.sh", suite), pytest=True)
                for suite, version in INTERPRETERS.items()
            ),
        )
    ]
    result += [
        # They wait more than they work.
        Stage("namespaces", pytest("tests/netns", "-n", "8", "-m", "not alone"), pytest=True),
        Stage("interop, benchmark", pytest("tests/interop", "tests/benchmark", "-n", "8"), pytest=True),
    ]
    # They look for milliseconds.
    result += [
        Stage("namespaces, alone", pytest("tests/netns", "-m", "alone"), pytest=True),
        Stage("soak", pytest("tests/soak", "-rfEP"), pytest=True),
    ]
    on_hosts = [Stage(name, pytest(f"tests/{name}"), pytest=True) for name in ("lab", "rollout")]
    on_hosts += [Stage(f"molecule {name}", tool("molecule", "test", "-s", name)) for name in SCENARIOS]
    result += [replace(stage, at_once=SCENARIOS_AT_ONCE) for stage in on_hosts]
    return result


def run_all(chosen: list[Stage]) -> Iterator[tuple[Stage, Count, float]]:
    """Run stages one after the other, and where they can run beside each other, each with its output in one piece."""
    idle = [stage for stage in chosen if stage.idle]
    with ThreadPoolExecutor(max(1, len(idle))) as meanwhile:
        begun = [meanwhile.submit(run_quietly, stage) for stage in idle]
        for at_once, group in groupby([stage for stage in chosen if not stage.idle], lambda stage: stage.at_once):
            if at_once == 1:
                for stage in group:
                    print(heading(stage), flush=True)
                    yield (stage, *run(stage, None))
            else:
                with ThreadPoolExecutor(at_once) as pool:
                    yield from pool.map(run_quietly, list(group))
        for one in begun:
            yield one.result()


def run_quietly(stage: Stage) -> tuple[Stage, Count, float]:
    """Run one stage with its output to a file; if it failed, show the end: it is long, and others run beside it."""
    OUTPUT.mkdir(exist_ok=True)
    path = OUTPUT / f"{stage.name.replace(' ', '_')}.log"
    with path.open("w", errors="replace") as output:
        count, seconds = run(stage, output)
    shown = end_of(path) if count.failed else ""
    print(f"{heading(stage)}\n{shown}{count} (output: {path.relative_to(ROOT)})", flush=True)
    return stage, count, seconds


def end_of(path: Path) -> str:
    """The last lines of an output, which tell what failed: whoever keeps a record of a run may cut a long one."""
    lines = path.read_text(errors="replace").splitlines(keepends=True)
    return "".join([f"[{max(0, len(lines) - SHOWN_LINES)} lines before]\n", *lines[-SHOWN_LINES:]])


def heading(stage: Stage) -> str:
    """The line above a stage's output."""
    return f"\n=== {stage.name}: {' '.join(stage.command)}"


def run(stage: Stage, output: IO[str] | None) -> tuple[Count, float]:
    """Run one stage with its output to a file, or shown; its count and how long it took in seconds."""
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="duet-run-") as folder:
        report = Path(folder) / "junit.xml"
        environment = environ()
        if stage.pytest:
            environment["PYTEST_ADDOPTS"] = f"--junitxml={report} {environment.get('PYTEST_ADDOPTS', '')}".strip()
        code = subprocess.run(
            [*(IDLE if stage.idle else ()), *stage.command],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output and subprocess.STDOUT,
            check=False,
        ).returncode
        count = read_report(stage, report, code) if stage.pytest else Count()
    if not stage.pytest:
        count.passed, count.failed = (1, 0) if code == 0 else (0, 1)
    if code != 0 and not count.failed:
        count.failed = 1
    if count.failed and not count.failures:
        count.failures.append(f"tests/run.py::{stage.name} - exit code {code}")
    return count, time.monotonic() - started


def read_report(stage: Stage, report: Path, code: int) -> Count:
    """Count what pytest wrote; a report that is missing or has no test at all is a failure."""
    count = Count()
    if not report.exists():
        return count
    for case in ElementTree.parse(report).getroot().iter("testcase"):
        outcomes = {child.tag for child in case}
        if outcomes & {"failure", "error"}:
            count.failed += 1
            count.failures.append(f"{stage.name}: {case.get('classname')}::{case.get('name')}")
        elif "skipped" in outcomes:
            count.skipped += 1
        else:
            count.passed += 1
    if not count.passed and not count.failed:
        count.failures.append(f"{stage.name}: no test ran (exit code {code})")
        count.failed = 1
    return count


def environ() -> dict[str, str]:
    """The stages' environment: the virtual environment's tools, the collection's own tree, no colour codes."""
    environment = dict(os.environ)
    environment["PATH"] = f"{BIN}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    environment["PYTHONPATH"] = f"{ROOT}:{ROOT / 'plugins/module_utils'}"
    environment["ANSIBLE_COLLECTIONS_PATH"] = str(ROOT / ".build")
    # Agents and playbooks are started a thousand times: what was compiled once is kept, out of the way.
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    environment["PYTHONPYCACHEPREFIX"] = str(ROOT / ".build" / "pycache")
    environment.setdefault("NO_COLOR", "1")
    return environment


def main() -> int:
    """Run the chosen stages; the exit code is 0 only when all of them passed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="the quick stages only: lint, types, unit tests")
    parser.add_argument("--only", action="append", default=[], metavar="NAME", help="only stages with NAME in them")
    options = parser.parse_args()
    chosen = [
        stage
        for stage in stages()
        if (stage.quick or not options.check) and (not options.only or any(name in stage.name for name in options.only))
    ]
    # As many simulated schedules as this allows; `make simulate` takes ten minutes.
    os.environ.setdefault("SIMULATION_SECONDS", "20" if options.check else "40")
    total = Count()
    rows = []
    for stage, count, seconds in run_all(chosen):
        total.add(count)
        rows.append(f"  {stage.name:<24} {count!s:<40} {seconds:6.1f} s")
    print("\n" + "\n".join(rows))
    for failure in total.failures:
        print(f"FAILED {failure}")
    print(total)
    return 0 if total.passed and not total.failed else 1


if __name__ == "__main__":
    raise SystemExit(main())
