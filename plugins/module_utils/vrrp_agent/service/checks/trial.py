# Copyright: (c) 2026, duet.ha_pair contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Each check of a configuration run once, before any agent works by it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Any

from ...config import Instance
from ...protocol.checks import Check
from .once import Result, try_once

# A host may have hundreds, and has other work.
AT_ONCE = 20

_Tried = tuple[Result, float]  # and its duration


async def try_all(instances: Sequence[Instance]) -> list[dict[str, Any]]:
    """What each check of each instance says; one that stands in several instances is run once."""
    turn = asyncio.Semaphore(AT_ONCE)
    different = list(dict.fromkeys(check for instance in instances for check in instance.checks))
    tried = dict(zip(different, await asyncio.gather(*(_attempt(check, turn) for check in different))))
    return [_told(instance, check, *tried[check]) for instance in instances for check in instance.checks]


async def _attempt(check: Check, turn: asyncio.Semaphore) -> _Tried:
    async with turn:
        began_s = time.monotonic()
        return await try_once(check), time.monotonic() - began_s


def _told(instance: Instance, check: Check, result: Result, duration_s: float) -> dict[str, Any]:
    return {
        "instance": instance.name,
        "last_resort": instance.last_resort,
        "name": check.name,
        "type": check.type,
        "result": "good" if result.good else "failed" if result.ran else "cannot_run",
        "detail": result.detail,
        "duration_ms": round(duration_s * 1000, 1),
        "on_fail": "release" if check.priority is None else {"priority": check.priority},
    }
