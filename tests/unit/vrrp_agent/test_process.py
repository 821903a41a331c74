# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real-time scheduling and locked memory: taken where the host allows them, and said; in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import vrrp_agent

# What it got, and how its own thread, one of its executor and a child of it are scheduled.
SCRIPT = """
import json, os, subprocess, sys
from vrrp_agent.service import log, process
log.set_up()
got = process.set_up()
policies = [os.sched_getscheduler(0)]
policies.append(process.executor().submit(os.sched_getscheduler, 0).result())
child = "import os, sys; sys.exit(os.sched_getscheduler(0))"
policies.append(subprocess.run([sys.executable, "-c", child], check=False).returncode)
with open("/proc/self/status") as file:
    [locked] = [int(line.split()[1]) for line in file if line.startswith("VmLck:")]
print(json.dumps({"got": got, "policies": policies, "locked_kib": locked}))
"""
NONE = ("--bounding-set=-sys_nice,-ipc_lock,-sys_resource",)


def run(*privileges: str, limit: str = "") -> tuple[dict[str, Any], str]:
    """What the script prints, and what was logged."""
    environment = {**os.environ, "PYTHONPATH": str(Path(vrrp_agent.__file__).parent.parent)}
    command = ["setpriv", *privileges, sys.executable, "-c", SCRIPT] if privileges else [sys.executable, "-c", SCRIPT]
    command = ["prlimit", limit, *command] if limit else command
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return json.loads(done.stdout), done.stderr


def may(capability: int) -> bool:
    """Whether the tests have a capability."""
    status = Path("/proc/self/status").read_text()
    return bool(int(status.split("CapEff:")[1].split()[0], 16) >> capability & 1)


@pytest.mark.skipif(not (may(14) and may(23)), reason="needs CAP_IPC_LOCK and CAP_SYS_NICE, as root has them")
def test_taken_where_the_host_allows_it() -> None:
    result, log = run()
    assert result["got"] == {"realtime": True, "memory_locked": True}
    realtime = os.SCHED_RR | os.SCHED_RESET_ON_FORK
    assert result["policies"] == [realtime, realtime, os.SCHED_OTHER]
    assert result["locked_kib"] > 1000
    assert log.strip().endswith("process: realtime: yes, memory_locked: yes")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has privileges to give up")
def test_refused_and_said_once() -> None:
    result, log = run(*NONE, limit="--memlock=8388608:8388608")
    assert result["got"] == {"realtime": False, "memory_locked": False}
    assert result["policies"] == [os.SCHED_OTHER] * 3
    assert result["locked_kib"] == 0
    [line] = log.splitlines()
    assert line.endswith(
        "process: realtime: no (Operation not permitted), memory_locked: no (RLIMIT_MEMLOCK is not unlimited)"
    )


def test_the_collector_passes_over_what_start_up_has_made() -> None:
    """A full collection would make adverts late: it took 40-55 ms on a busy machine, and 10 ms adverts have 36 ms."""
    code = "import gc; from vrrp_agent.service import agent, process; process.settle(); print(len(gc.get_objects()))"
    environment = {**os.environ, "PYTHONPATH": str(Path(vrrp_agent.__file__).parent.parent)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert int(done.stdout) < 1000
