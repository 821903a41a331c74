# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/benchmarks.json: each row as it was last measured."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from . import ROOT

FIGURES = ROOT / "docs/benchmarks.json"


def write(rows: Sequence[dict[str, Any]]) -> None:
    """Put the rows in the place of what was known of them."""
    known = {row["name"]: row for row in json.loads(FIGURES.read_text())} if FIGURES.exists() else {}
    known.update((row["name"], row) for row in rows)
    FIGURES.write_text(json.dumps(list(known.values()), indent=1) + "\n")
