# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Breaks something on lb1 while a client asks, waits until lb2 has its role, mends it, waits until lb1 has it again.

    python3 fall.py LAB URL BREAK MEND

Both are commands for lb1's shell. What was seen is printed as JSON.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from lab import Lab  # noqa: E402
from lab.probe import Prober  # noqa: E402

DEADLINE_S = 60.0
# Until the client has had answers of the new MASTER.
MORE_S = 0.5


def status(lab: Lab, host: str) -> dict[str, Any]:
    """What a host's agent says."""
    document: dict[str, Any] = json.loads(lab.exec(host, "vrrp-agent", "status", "--json"))
    return document


def wait_for(lab: Lab, host: str, state: str) -> dict[str, Any]:
    """The status of a host whose instance has a state."""
    deadline_s = time.monotonic() + DEADLINE_S
    while True:
        document = status(lab, host)
        if document["instances"][0]["state"] == state:
            return document
        if time.monotonic() > deadline_s:
            raise SystemExit(f"{host} is not {state} after {DEADLINE_S:g} s: {document['instances'][0]}")
        time.sleep(0.1)


def main(name: str, url: str, break_it: str, mend_it: str) -> int:
    """Break, look, mend."""
    lab = Lab(name)
    with Prober(lab, url) as prober:
        began_ns = time.monotonic_ns()
        lab.exec("lb1", "sh", "-c", break_it)
        taken_over = wait_for(lab, "lb2", "MASTER")
        time.sleep(MORE_S)
        report = prober.stop()
    answers = [probe.ended_ns for probe in prober.probes if probe.node == "lb2"]
    broken = status(lab, "lb1")
    lab.exec("lb1", "sh", "-c", mend_it)
    wait_for(lab, "lb1", "MASTER")
    wait_for(lab, "lb2", "BACKUP")
    seen = {
        # A host whose service still answers while its check fails loses nothing.
        "outage_ms": report.longest_gap_ms,
        "moved_ms": min((answer_ns - began_ns for answer_ns in answers), default=0) / 1e6,
        "reason": taken_over["instances"][0]["last_transition"]["reason"],
        "fault": broken["instances"][0]["fault"],
        "events": broken["events"],
    }
    print(json.dumps(seen))
    return 0


if __name__ == "__main__":
    raise SystemExit(main(*sys.argv[1:]))
