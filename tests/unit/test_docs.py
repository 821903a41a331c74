# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the documents say of tests is so: each one named exists, and each one that is there is named."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
INTEROP = "tests/interop"
# Which of Debian's releases the peers are taken from; the names of FRRouting's tests begin with test_frr.
RELEASES = ("bookworm", "trixie")
RELEASES_OF_FRR = ("bookworm",)

# ansible-test copies no docs.
pytestmark = pytest.mark.skipif(not (ROOT / "docs").is_dir(), reason="without the documents")


def collected(folder: str) -> set[str]:
    """The names of the tests in a folder, with their parameters, as pytest finds them."""
    command = [sys.executable, "-m", "pytest", folder, "--collect-only", "-q", "-p", "no:cacheprovider"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=True)
    return {line.split("::")[1] for line in done.stdout.splitlines() if "::" in line}


def named(document: str) -> set[str]:
    """The tests that a document's tables name."""
    rows = [line for line in (ROOT / "docs" / document).read_text().splitlines() if line.startswith("|")]
    return {name for row in rows for name in re.findall(r"`(test_[^`]+)`", row)}


def with_release(name: str, release: str) -> str:
    """test_x[v2] as test_x[bookworm-v2], test_x as test_x[bookworm]."""
    story, bracket, wire = name.partition("[")
    return f"{story}[{release}{'-' + wire if bracket else ']'}"


def test_the_table_of_interoperability_is_what_runs() -> None:
    """docs/interoperability.md: every cell runs with every release, and nothing runs that it does not show."""
    claimed = {
        with_release(name, release)
        for name in named("interoperability.md")
        for release in (RELEASES_OF_FRR if name.startswith("test_frr") else RELEASES)
    }
    assert claimed == collected(INTEROP)
