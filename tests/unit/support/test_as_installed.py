# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Agents that tests start are what a node has, whatever the shell says that starts the tests."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import as_installed
import pytest


def test_agents_are_compiled_and_have_the_pyroute2_of_a_node(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("PYTHONDONTWRITEBYTECODE", "PYTHONPYCACHEPREFIX", "PYTHONPATH"):
        monkeypatch.setenv(name, "1")  # so that all three are put back afterwards
    monkeypatch.delenv("PYTHONPYCACHEPREFIX")
    as_installed.set_up()
    told = "import sys, vrrp_agent, pyroute2; print(sys.dont_write_bytecode, sys.pycache_prefix, pyroute2.__file__)"
    done = subprocess.run([sys.executable, "-c", told], cwd=tmp_path, capture_output=True, text=True, check=True)
    build = as_installed.ROOT / ".build"
    assert done.stdout.split() == [
        "False",
        str(build / "pycache"),
        str(as_installed.pyroute2() / "pyroute2/__init__.py"),
    ]
