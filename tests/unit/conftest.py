# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lets the tests import ansible_collections.duet.ha_pair from this checkout, wherever it lies."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

# ansible-test runs a copy at the collection's real place, and finds it by itself.
if ROOT.parts[-3:] != ("ansible_collections", "duet", "ha_pair"):
    tree = ROOT / ".build"
    link = tree / "ansible_collections" / "duet" / "ha_pair"
    if not link.is_symlink():
        try:
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to("../../..")
        except OSError:  # another worker was faster; or the checkout is read-only, and only some tests need the link
            pass
    sys.path.insert(0, str(tree))
