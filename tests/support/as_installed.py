# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How programs that tests start find the agent: in the checkout, compiled, and pyroute2 as nodes get it.

That is without the start file, which would import all of it: four times what the agent uses.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import io
import os
import tempfile
import zipfile
from pathlib import Path

import package

ROOT = Path(__file__).resolve().parent.parent.parent


def set_up() -> None:
    """Give this process' children what their Python needs; the lab and the tests are in its path as well."""
    os.environ["PYTHONPATH"] = os.pathsep.join([str(ROOT), str(ROOT / "plugins/module_utils"), str(pyroute2())])
    # A node has compiled all of it: a start would take half as long again, and leave 2 MB of the compiler's behind.
    # `make test` has seen to it already (tests/run.py), `make bench` and a single test have not.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    os.environ.setdefault("PYTHONPYCACHEPREFIX", str(ROOT / ".build/pycache"))


def pyroute2() -> Path:
    """The folder that it is imported from; made once for each version of pyroute2."""
    folder = ROOT / ".build" / f"pyroute2-{importlib.metadata.version('pyroute2')}"
    if not folder.exists():
        [installed] = importlib.util.find_spec("pyroute2").submodule_search_locations
        folder.parent.mkdir(exist_ok=True)
        # Whoever is first puts all of it there; others may be doing the same at this moment.
        with tempfile.TemporaryDirectory(dir=folder.parent) as made:
            new = Path(made, "new")
            with zipfile.ZipFile(io.BytesIO(package.pack(package.codec(installed)))) as archive:
                archive.extractall(new)
            try:
                new.rename(folder)
            except OSError:
                if not folder.exists():
                    raise
    return folder
