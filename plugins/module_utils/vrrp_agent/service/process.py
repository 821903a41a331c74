# Copyright: (c) 2026, duet.ha_pair contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""How the kernel treats the process: ahead of others on a busy host, and never waiting for its own memory.

Both are options of the host, granted by the unit's limits or by capabilities: where it refuses, the agent works
without, and says so once.
"""

from __future__ import annotations

import gc
import os
import resource
from concurrent.futures import ThreadPoolExecutor

from .log import LOGGER

# mlockall(2), which Python has not.
MCL_CURRENT, MCL_FUTURE, MCL_ONFAULT = 1, 2, 4
CAP_IPC_LOCK = 14


def set_up() -> dict[str, bool]:
    """Take real-time scheduling and locked memory as far as the host allows; the status document's `process`."""
    refused = {"realtime": refused_realtime(), "memory_locked": _refused_lock()}
    told = (f"{name}: {'yes' if why is None else f'no ({why})'}" for name, why in refused.items())
    LOGGER.info("process: %s", ", ".join(told))
    return {name: why is None for name, why in refused.items()}


def executor() -> ThreadPoolExecutor:
    """Threads for what must not hold up the adverts, as real-time as the process itself.

    A thread that is not, and is put off by a busy host while it holds the interpreter's lock, puts off everything.
    """
    return ThreadPoolExecutor(max_workers=4, thread_name_prefix="vrrp-agent", initializer=refused_realtime)


def settle() -> None:
    """Let the garbage collector pass over what start-up has made: to look at all of it takes it some 50 ms."""
    gc.collect()
    gc.freeze()


def refused_realtime() -> str | None:
    """Put the calling thread ahead of everything that is not real-time; None, or why not.

    At the lowest real-time priority, so that the kernel's own threads stay ahead; children do not inherit it.
    """
    parameter = os.sched_param(os.sched_get_priority_min(os.SCHED_RR))
    try:
        os.sched_setscheduler(0, os.SCHED_RR | os.SCHED_RESET_ON_FORK, parameter)
    except OSError as error:
        return str(error.strerror)
    return None


def _refused_lock() -> str | None:
    """Keep in memory every page that the process has once used; None, or why not.

    A page that is swapped out may come back after the peer's patience has ended. Pages that were never used are not
    fetched for it: libraries and thread stacks would cost some 20 MB.
    """
    # Under a limit the kernel would refuse memory later, in the middle of the work.
    if resource.getrlimit(resource.RLIMIT_MEMLOCK)[0] != resource.RLIM_INFINITY and not _may_lock_all():
        return "RLIMIT_MEMLOCK is not unlimited"
    try:
        import ctypes  # not on every Python, and the one call is not worth a refusal to start

        libc = ctypes.CDLL(None, use_errno=True)
        if libc.mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) == 0:
            return None
        return os.strerror(ctypes.get_errno())
    except (ImportError, AttributeError, MemoryError, OSError) as error:
        return f"no mlockall: {error}"


def _may_lock_all() -> bool:
    """Whether no limit counts for this process."""
    try:
        with open("/proc/self/status", encoding="ascii", errors="replace") as file:
            [effective] = [line.split()[1] for line in file if line.startswith("CapEff:")]
    except (OSError, ValueError):
        return False
    return bool(int(effective, 16) >> CAP_IPC_LOCK & 1)
