# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A demotion that can never move a role is warned of where all priorities are known: on the controller."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.duet.ha_pair.plugins.module_utils.inventory import examine


def check(name: str, on_fail: Any) -> dict[str, Any]:
    return {"name": name, "type": "tcp", "port": 80, "on_fail": on_fail}


def told(*checks: dict[str, Any], hosts: int = 2, **changed: Any) -> list[str]:
    """The warnings about a group whose hosts have 150, 100 and 50."""
    web = {"name": "web", "virtual_router_id": 51, "virtual_addresses": ["192.0.2.10/24"], "checks": list(checks)}
    group = {f"lb{number + 1}": {"vrrp_instances": [{**web, **changed}]} for number in range(hosts)}
    found = examine(group)
    assert found.problems == []
    return found.warnings


def by(number: int) -> dict[str, int]:
    return {"priority": -number}


@pytest.mark.parametrize(
    "checks",
    [
        [],
        [check("a", "release")],
        [check("a", by(51))],
        [check("a", by(30)), check("b", by(30))],
    ],
)
def test_what_moves_the_role(checks: list[dict[str, Any]]) -> None:
    assert told(*checks) == []


def test_too_small() -> None:
    """At the same priority it would stay MASTER, too."""
    [warning] = told(check("a", by(50)))
    assert warning == (
        "lb1: web: on_fail lowers its priority from 150 to 100 at most, and lb2 has 100: the role never moves;"
        " lower it by 51 at least, or set on_fail: release"
    )
    assert "to 120 at most" in told(check("a", by(30)))[0]
    assert "to 120 at most" in told(track_interfaces=[{"name": "eth1", "on_fail": by(30)}])[0]


def test_three_hosts() -> None:
    """Each host but the last has a lesser one that must be able to take over."""
    assert told(check("a", by(51)), hosts=3) == []
    assert [warning[:4] for warning in told(check("a", by(50)), hosts=3)] == ["lb1:", "lb2:"]


def test_nobody_takes_the_role_from_a_master_that_is_there() -> None:
    [warning] = told(check("a", by(60)), preempt=False)
    assert warning.startswith("lb1: web: on_fail lowers its priority, and lb2 has preempt: false")
    assert told(check("a", "release"), preempt=False) == []
