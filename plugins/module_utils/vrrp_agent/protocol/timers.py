# Copyright: (c) 2026, duet.ha_pair contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""The protocol's intervals, as integers of nanoseconds: no skew is ever rounded to nothing."""

from __future__ import annotations

CENTISECOND_NS = 10_000_000
SECOND_NS = 1_000_000_000
MILLISECOND_NS = 1_000_000
# A lost announcement would leave clients with the old master's MAC until their cache expires: say it again.
ANNOUNCE_AGAIN_NS = (100_000_000, SECOND_NS, 5 * SECOND_NS)
# A master that was preempted may announce once more before it has heard: keepalived does 5 s after its own takeover.
ANNOUNCE_OVER_PREEMPTED_NS = 20_000_000


def interval_ns(interval_cs: int) -> int:
    """An advertisement interval of centiseconds in nanoseconds."""
    return interval_cs * CENTISECOND_NS


def skew_ns(version: int, priority: int, interval_cs: int) -> int:
    """Skew_Time: the higher the priority, the sooner a backup acts.

    RFC 3768 6.1: (256 - priority) / 256 seconds, whatever the interval.
    RFC 9568 6.1: (256 - priority) * Active_Adver_Interval / 256.
    """
    unit_ns = SECOND_NS if version == 2 else interval_ns(interval_cs)
    return (256 - priority) * unit_ns // 256


def master_down_ns(version: int, priority: int, interval_cs: int) -> int:
    """Active_Down_Interval (RFC 9568 6.1; Master_Down_Interval in RFC 3768 6.1): 3 * interval + skew."""
    return 3 * interval_ns(interval_cs) + skew_ns(version, priority, interval_cs)
