# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a command while the lab's client asks an address for an echo every 2 ms; prints what was lost, and what it said.

    python3 watch.py LAB ADDRESS CONTROL COMMAND...

CONTROL is an address that nothing happens to: what it does not answer either is the machine's own matter.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests/support")]

from losses import Probe, summarize  # noqa: E402

from lab import Lab  # noqa: E402

INTERVAL_MS = 2.0


def main(name: str, address: str, control: str, *command: str) -> int:
    """Probe, run, sum up; the exit code is the command's."""
    program = [sys.executable, "-B", str(ROOT / "tests/support/probe.py"), address, control]
    asking = Lab(name).client_command(*program, f"--interval-ms={INTERVAL_MS}")
    with subprocess.Popen(asking, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as prober:
        assert prober.stdout is not None
        if prober.stdout.readline() != "answered\n":
            raise SystemExit(f"{address} or {control} gives no answer")
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        document = json.loads(prober.communicate()[0])
    probes = [Probe(*fields) for fields in document["probes"]]
    report = summarize(probes, document["unsent"], interval_ms=INTERVAL_MS)
    print(json.dumps({"lost": report.lost, "report": str(report), "said": done.stdout}))
    return done.returncode


if __name__ == "__main__":
    raise SystemExit(main(*sys.argv[1:]))
