# Copyright: (c) 2026, duet.ha_pair contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""What a unit has logged since a moment, line by line with the journal's own times."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

# A drill is a matter of minutes: more lines than these are a flood, and the last ones tell of the drill.
MOST_LINES = 2000


def command(unit: str, since_s: float) -> list[str]:
    """The command that asks for it."""
    return [
        "journalctl",
        f"--unit={unit}",
        f"--since=@{since_s:.6f}",
        f"--lines={MOST_LINES}",
        "--output=json",
        "--output-fields=MESSAGE",
        "--no-pager",
        "--quiet",
    ]


def parse(output: str) -> list[dict[str, Any]]:
    """Its answer as `{"at": wall clock in s, "text": line}`; what is no such line is left out."""
    found = []
    for line in output.splitlines():
        try:
            entry = json.loads(line)
            at_s = int(entry["__REALTIME_TIMESTAMP"]) / 1e6
        except (ValueError, KeyError, TypeError):
            continue
        found.append({"at": round(at_s, 5), "text": _text(entry.get("MESSAGE"))})
    return found


def _text(message: str | Sequence[int] | None) -> str:
    """A message that is no UTF-8 comes as a list of bytes."""
    if isinstance(message, list):
        return bytes(message).decode("utf-8", "replace")
    return str(message or "")
