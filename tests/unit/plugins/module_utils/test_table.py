# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of the live state: a line for each instance on each host, and for hosts that do not answer."""

from __future__ import annotations

from typing import Any

from ansible_collections.duet.ha_pair.plugins.module_utils.table import lines


def instance(state: str, **changes: Any) -> dict[str, Any]:
    """One instance as vrrp_info returns it."""
    return {
        "name": "web",
        "state": state,
        "priority": 150,
        "effective_priority": 150,
        "addresses_present": ["192.0.2.10/24"] if state == "MASTER" else [],
        "since": "2026-11-22T16:00:00.123Z",
        "fault": None,
        "last_transition": {"reason": "no advert"},
        **changes,
    }


def test_the_table() -> None:
    reports = {
        "lb1": {"running": True, "instances": [instance("MASTER")]},
        "lb2": {"running": True, "instances": [instance("FAULT", effective_priority=90, fault="link down")]},
        "lb3": {"running": False, "instances": [], "reason": "the agent is not installed"},
        "lb4": {"unreachable": True, "msg": "no route"},
    }
    assert lines(reports) == [
        "INSTANCE  HOST  STATE   PRIORITY     ADDRESSES HERE  SINCE                 WHY",
        "web       lb1   MASTER  150          192.0.2.10/24   2026-11-22T16:00:00Z  no advert",
        "web       lb2   FAULT   90 (of 150)  none            2026-11-22T16:00:00Z  link down",
        "-         lb3   -       -            -               -                     the agent is not installed",
        "-         lb4   -       -            -               -                     could not be reached",
    ]


def test_before_the_first_transition() -> None:
    assert lines({"lb1": {"running": True, "instances": [instance("INIT", last_transition=None)]}})[1].endswith("Z")


def test_checks_are_told_where_there_are_any() -> None:
    checks = [{"name": "nginx", "healthy": True}, {"name": "app", "healthy": False}, {"name": "new", "healthy": None}]
    reports = {
        "lb1": {"running": True, "instances": [instance("MASTER", checks=checks)]},
        "lb2": {"running": True, "instances": [instance("BACKUP")]},
        "lb3": {"running": False, "instances": [], "reason": "the agent is not installed"},
    }
    assert [line.partition("Z  ")[2] for line in lines(reports)[1:3]] == [
        "1/3 ok, not app  no advert",
        " " * 17 + "no advert",
    ]
    assert lines(reports)[0].endswith("SINCE                 CHECKS           WHY")
    assert lines(reports)[3].endswith("-                the agent is not installed")
