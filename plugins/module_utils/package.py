# Copyright: (c) 2026, duet.ha_pair contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""The agent and pyroute2 as one package: collected on the controller, recognised on the node by the same digest.

Names are relative to the folder that Python imports from: `vrrp_agent/cli.py`, `pyroute2/__init__.py`.
"""

from __future__ import annotations

import hashlib
import io
import os
import zipfile
from collections.abc import Mapping

# The same content gives the same archive, whenever and wherever it was packed.
_EPOCH = (1980, 1, 1, 0, 0, 0)

# pyroute2's own imports all of pyroute2, 140 modules and 9 MB more than the codec that the agent uses.
_EMPTIED = {
    "pyroute2/__init__.py": b"# Emptied by the Ansible collection duet.ha_pair: it would import all of pyroute2.\n"
}


def contents(agent: str, pyroute2: str) -> dict[str, bytes]:
    """What a node gets: the agent and pyroute2, from their folders on the controller."""
    return {**collect(agent, "vrrp_agent"), **codec(pyroute2)}


def codec(pyroute2: str) -> dict[str, bytes]:
    """pyroute2 as a node gets it, from its folder on the controller."""
    return {**collect(pyroute2, "pyroute2"), **_EMPTIED}


def collect(folder: str, name: str) -> dict[str, bytes]:
    """The Python sources under `folder`, as the files of the package `name`; caches and tests stay behind."""
    files = {}
    for path, folders, names in os.walk(folder):
        folders[:] = sorted(item for item in folders if item not in ("__pycache__", "tests"))
        for item in sorted(names):
            if item.endswith(".py"):
                full = os.path.join(path, item)
                relative = os.path.relpath(full, folder).replace(os.sep, "/")
                with open(full, "rb") as source:
                    files[f"{name}/{relative}"] = source.read()
    return files


def digest(files: Mapping[str, bytes]) -> str:
    """A fingerprint of names and contents, short enough for a folder's name."""
    total = hashlib.sha256()
    for name in sorted(files):
        total.update(f"{name}\0{len(files[name])}\0".encode())
        total.update(files[name])
    return total.hexdigest()[:16]


def pack(files: Mapping[str, bytes]) -> bytes:
    """A zip archive of the files."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.external_attr = 0o644 << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, files[name])
    return buffer.getvalue()
