# Copyright: (c) 2026, duet.ha_pair contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""One run of a check, and what came of it."""

from __future__ import annotations

import asyncio
import errno
import os
from dataclasses import dataclass

from ...protocol.checks import Check
from .probes import CannotRun, Failure, probe

# The kernel has refused the look: it says nothing of what was looked for.
_REFUSALS = frozenset({errno.EACCES, errno.EPERM, errno.EAFNOSUPPORT})


@dataclass(frozen=True)
class Result:
    """Whether a run was good, and what was seen; with `ran` false nothing was, as the check cannot be run here."""

    good: bool
    detail: str
    ran: bool = True


async def try_once(check: Check) -> Result:
    """One run of a check, never longer than its timeout."""
    timeout_s = check.timeout_ms / 1000
    try:
        return Result(True, await asyncio.wait_for(probe(check.probe, timeout_s), timeout_s))
    except asyncio.TimeoutError:
        return Result(False, f"no answer within {timeout_s:g} s")
    except Failure as failure:
        return Result(False, str(failure), not isinstance(failure, CannotRun))
    except OSError as error:
        # The kernel's words: asyncio's own tell where, and not why.
        detail = os.strerror(error.errno) if error.errno else str(error) or type(error).__name__
        return Result(False, detail, error.errno not in _REFUSALS)
    except Exception as error:  # whatever it is: a check that cannot run is a failed check
        return Result(False, f"{type(error).__name__}: {error}", ran=False)


async def run_once(check: Check) -> tuple[bool, str]:
    """The same for who asks again and again: whether it was good, and what was seen."""
    result = await try_once(check)
    return result.good, result.detail
