# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The intervals of both versions, to the nanosecond."""

from __future__ import annotations

import pytest
from vrrp_agent.protocol.timers import interval_ns, master_down_ns, skew_ns


@pytest.mark.parametrize(("interval_cs", "expected"), [(1, 10_000_000), (100, 1_000_000_000), (4095, 40_950_000_000)])
def test_interval(interval_cs: int, expected: int) -> None:
    assert interval_ns(interval_cs) == expected


@pytest.mark.parametrize(
    ("version", "priority", "interval_cs", "expected"),
    [
        (2, 100, 100, 609_375_000),  # RFC 3768 6.1: (256 - 100) / 256 s
        (2, 100, 2000, 609_375_000),  # ... whatever the interval
        (2, 254, 100, 7_812_500),
        (2, 255, 25500, 3_906_250),
        (2, 1, 100, 996_093_750),
        (3, 100, 100, 609_375_000),  # RFC 9568 6.1: (256 - 100) * 1 s / 256
        (3, 100, 2000, 12_187_500_000),
        (3, 100, 10, 60_937_500),
        (3, 254, 1, 78_125),
        (3, 255, 1, 39_062),
        (3, 1, 4095, 40_790_039_062),
    ],
)
def test_skew(version: int, priority: int, interval_cs: int, expected: int) -> None:
    assert skew_ns(version, priority, interval_cs) == expected


@pytest.mark.parametrize(
    ("version", "priority", "interval_cs", "expected"),
    [
        (2, 100, 100, 3_609_375_000),
        (2, 100, 200, 6_609_375_000),
        (3, 100, 100, 3_609_375_000),
        (3, 100, 200, 7_218_750_000),
        (3, 150, 1, 34_140_625),
    ],
)
def test_master_down(version: int, priority: int, interval_cs: int, expected: int) -> None:
    """RFC 3768 6.1, RFC 9568 6.1: three intervals and the skew."""
    assert master_down_ns(version, priority, interval_cs) == expected


@pytest.mark.parametrize("version", [2, 3])
def test_each_step_of_priority_acts_sooner_and_none_at_once(version: int) -> None:
    """Two public implementations truncate the skew to 0: then two backups claim the role together."""
    for interval_cs in (1, 100, 4095):
        skews = [skew_ns(version, priority, interval_cs) for priority in range(1, 256)]
        assert all(sooner < later for later, sooner in zip(skews, skews[1:]))
        assert skews[-1] > 0
