# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the demo reads and judges, with invented answers."""

from __future__ import annotations

import pytest

from lab.controller import changes
from lab.demo import Pair, bound_s, read_pair
from lab.errors import LabError

RECAP = """\
PLAY RECAP *********************************************************************
\x1b[0;33mlb1\x1b[0m             : \x1b[0;32mok=23  \x1b[0m \x1b[0;33mchanged=6   \x1b[0m unreachable=0    failed=0
lb2                        : ok=20   changed=0    unreachable=0    failed=0    skipped=0    rescued=0    ignored=0
"""


def instance(state: str, **other: object) -> dict[str, object]:
    """Return what vrrp_info tells of an instance, as far as the demo reads it."""
    addresses = ["10.139.1.1/24", "10.139.1.2/24"]
    held = addresses if state == "MASTER" else []
    common = {"version": 2, "priority": 100, "advert_interval": 1, "virtual_addresses": addresses}
    return {**common, "state": state, "addresses_present": held, **other}


def test_changes_are_read_from_the_recap_with_colours_or_without() -> None:
    assert changes(RECAP) == {"lb1": 6, "lb2": 0}


@pytest.mark.parametrize(
    ("version", "interval_s", "expected_s"),
    [(2, 1, 3.609375), (2, 2, 6.609375), (3, 1, 3.609375), (3, 0.1, 0.3609375)],
)
def test_the_bound_is_three_intervals_and_the_skew_of_the_backup(
    version: int, interval_s: float, expected_s: float
) -> None:
    backup = instance("BACKUP", version=version, advert_interval=interval_s)
    assert bound_s(backup) == pytest.approx(expected_s)


def test_a_pair_is_one_master_with_all_addresses_and_one_backup() -> None:
    found = read_pair({"lb1": instance("BACKUP"), "lb2": instance("MASTER", priority=150)})
    assert found == Pair("lb2", "lb1", ("10.139.1.1", "10.139.1.2"), 3.609375)


@pytest.mark.parametrize(
    ("lb1", "lb2", "why"),
    [
        (instance("MASTER"), instance("MASTER"), "lb1 is MASTER, lb2 is MASTER"),
        (instance("FAULT"), instance("MASTER"), "lb1 is FAULT, lb2 is MASTER"),
        (instance("MASTER", addresses_present=["10.139.1.1/24"]), instance("BACKUP"), "but holds 10.139.1.1/24"),
    ],
)
def test_what_is_no_pair_is_told(lb1: dict[str, object], lb2: dict[str, object], why: str) -> None:
    with pytest.raises(LabError, match=why):
        read_pair({"lb1": lb1, "lb2": lb2})
