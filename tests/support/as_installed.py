# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The agent of the checkout, with pyroute2 as a node gets it: without the start file that would import all of it."""

from __future__ import annotations

import functools
import importlib.util
import os
import sys
import tempfile
from pathlib import Path

import package

ROOT = Path(__file__).resolve().parent.parent.parent
AGENT = ROOT / "plugins/module_utils"


def agent_command() -> list[str]:
    """The agent's command line, without arguments."""
    path = os.pathsep.join([str(AGENT), str(pyroute2())])
    return ["/usr/bin/env", f"PYTHONPATH={path}", sys.executable, "-m", "vrrp_agent.cli"]


@functools.cache
def pyroute2() -> Path:
    """The folder that it is imported from; made once for all test runs that have the same pyroute2."""
    spec = importlib.util.find_spec("pyroute2")
    [installed] = spec.submodule_search_locations
    every = package.contents(str(AGENT), installed)
    files = {name: text for name, text in every.items() if name.startswith("pyroute2/")}
    folder = ROOT / ".build" / f"pyroute2-{package.digest(files)}"
    if not folder.exists():
        folder.parent.mkdir(exist_ok=True)
        # Whoever is first puts all of it there; others may be doing the same at this moment.
        with tempfile.TemporaryDirectory(dir=folder.parent) as made:
            for name, text in files.items():
                path = Path(made, "new", name)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(text)
            try:
                Path(made, "new").rename(folder)
            except OSError:
                if not folder.exists():
                    raise
    return folder
