# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""atheris, guided by coverage of the core, from the seeds: python3 -m tests.fuzz decode|router [SECONDS]."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["vrrp_agent"]):
    from .targets import TARGETS, seeds

FINDINGS = Path(__file__).resolve().parents[1] / "output"


def main(target: str, seconds: str = "60") -> None:
    """Fuzz one target; libFuzzer ends the process, and leaves what broke it in tests/output."""
    FINDINGS.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="duet-fuzz-") as corpus:
        for number, seed in enumerate(seeds(target)):
            Path(corpus, f"seed-{number}").write_bytes(seed)
        options = [f"-max_total_time={seconds}", "-max_len=512", f"-artifact_prefix={FINDINGS}/"]
        atheris.Setup([sys.argv[0], *options, corpus], TARGETS[target])
        atheris.Fuzz()


main(*sys.argv[1:])
