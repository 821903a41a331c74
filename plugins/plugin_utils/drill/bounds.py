# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the protocol and the kernel allow a fault to cost, out of what the agents say of themselves. Pure; in s."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from ...module_utils.vrrp_agent.protocol.timers import CENTISECOND_NS, SECOND_NS, master_down_ns

Instance = Mapping[str, Any]

# The agent gives every address a lifetime in whole seconds, and the kernel looks once a second (docs/operations.md).
_SHORTEST_LIFETIME_S = 2
_KERNEL_LOOKS_S = 1


def down_s(master: Instance, backups: Iterable[Instance]) -> float | None:
    """How long until the best backup takes over from a MASTER that is silent; None when there is no other host.

    A backup of version 3 waits as long as the MASTER's adverts have told it (RFC 9568 6.1).
    """
    best = max(backups, key=lambda one: int(one["effective_priority"]), default=None)
    if best is None:
        return None
    interval_cs = round(float(master["advert_interval"]) * SECOND_NS / CENTISECOND_NS)
    return master_down_ns(int(master["version"]), int(best["effective_priority"]), interval_cs) / SECOND_NS


def overlap_s(master: Instance, waits_s: float) -> float:
    """For how long the addresses of a dead MASTER may outlast its successor's claim."""
    lifetime_s = max(_SHORTEST_LIFETIME_S, math.floor(3 * float(master["advert_interval"])))
    return max(0.0, lifetime_s + _KERNEL_LOOKS_S - waits_s)


def settles_s(instances: Iterable[Instance]) -> float:
    """How much longer than others a host may wait on purpose before it takes its role."""
    return max((float(one["preempt_delay"]) + float(one["startup_delay"]) for one in instances), default=0.0)
