# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where programs that tests start find the agent: in the checkout, and pyroute2 as nodes get it.

That is without the start file, which would import all of it: four times what the agent uses.
"""

from __future__ import annotations

import importlib.util
import os
import tempfile
from pathlib import Path

import package

ROOT = Path(__file__).resolve().parent.parent.parent
AGENT = ROOT / "plugins/module_utils"


def path() -> str:
    """Their PYTHONPATH, in which the lab and the tests are as well."""
    return os.pathsep.join([str(ROOT), str(AGENT), str(pyroute2())])


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
