# Copyright: (c) 2026, duet.ha_pair contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""How long a VIP may stay where it is without its owner: until a backup claims it, or as near to that as there is."""

from __future__ import annotations

from ..config import Instance
from ..protocol.timers import SECOND_NS, interval_ns, master_down_ns

# Of the kernel's whole seconds: less leaves no room to renew.
_SHORTEST_S = 2
# From the look at the addresses to the first advert; and by how much the age that the kernel tells may be wrong.
RESUME_MARGIN_S = 0.2
ROUNDED_S = 1.0


def lifetime_s(instance: Instance) -> int:
    """How long the kernel keeps an address that nobody renews: three intervals, as a backup waits at least."""
    return max(_SHORTEST_S, 3 * instance.advert_interval_cs // 100)


def overdue_ns(instance: Instance, priority: int) -> int | None:
    """How late an advert may be before a backup of the same priority loses patience; None if the kernel is faster."""
    interval_cs = instance.advert_interval_cs
    patience_ns = master_down_ns(instance.version, priority, interval_cs)
    return None if lifetime_s(instance) * SECOND_NS <= patience_ns else patience_ns - interval_ns(interval_cs)


def may_resume(instance: Instance) -> bool:
    """Whether an agent that was killed and started again could know that no backup has lost patience."""
    return 3 * instance.advert_interval_cs / 100 >= ROUNDED_S + RESUME_MARGIN_S
