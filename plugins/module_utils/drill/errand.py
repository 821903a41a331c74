# Copyright: (c) 2026, duet.ha_pair contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""How a task in the background and the playbook meet: by files in a folder of the run's own."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

RUNNING, STOP = "running", "stop"


def begin(folder: str | None) -> None:
    """Say that the work has begun."""
    if folder:
        with open(os.path.join(folder, RUNNING), "w", encoding="ascii"):
            pass


def until(folder: str | None, duration_s: float) -> Callable[[], bool]:
    """Says whether to end: the time is over, the file `stop` is there, or the whole folder has gone."""
    deadline_s = time.monotonic() + duration_s

    def ended() -> bool:
        if time.monotonic() >= deadline_s:
            return True
        return folder is not None and (os.path.exists(os.path.join(folder, STOP)) or not os.path.isdir(folder))

    return ended
