# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who gave no answer to whom is told; what nobody can have asked for is not."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.duet.ha_pair.plugins.module_utils.reachability import addresses, silent

HELD = ["192.0.2.10/24", "2001:db8::10/64", "fe80::10/64"]


def reports(lb1: str = "MASTER", lb2: str = "BACKUP") -> dict[str, Any]:
    """Two hosts with the instance web in these states; a MASTER has the addresses."""
    return {
        host: {"instances": [{"name": "web", "state": state, "addresses_present": HELD if state == "MASTER" else []}]}
        for host, state in (("lb1", lb1), ("lb2", lb2))
    }


def series(target: str, answered: int, kind: str = "icmp", sent: int = 3) -> dict[str, Any]:
    """What a prober tells of an address."""
    gaps = [{"errors": {"no answer in time": sent - answered}}] if answered < sent else []
    return {"target": target, "type": kind, "sent": sent, "answered": answered, "gaps": gaps}


def test_who_has_addresses_that_can_be_asked() -> None:
    assert addresses(reports()) == ["192.0.2.10", "2001:db8::10"]


@pytest.mark.parametrize(("lb1", "lb2"), [("MASTER", "MASTER"), ("BACKUP", "BACKUP"), ("FAULT", "INIT")])
def test_without_one_master_that_is_what_has_to_be_said(lb1: str, lb2: str) -> None:
    pair = reports(lb1, lb2)
    assert addresses(pair) == []
    assert silent(pair, {"lb2": [series("192.0.2.10", 0)]}) == []


def test_a_host_without_an_agent() -> None:
    assert addresses({**reports(), "lb3": {"running": False}, "lb4": {"instances": None}}) != []


def test_one_answer_is_enough() -> None:
    assert silent(reports(), {"lb1": [series("192.0.2.10", 3)], "lb2": [series("192.0.2.10", 1)]}) == []


def test_an_address_that_nobody_has_is_vrrps_own_problem() -> None:
    assert silent(reports(), {"lb2": [series("192.0.2.99", 0)]}) == []


def test_nothing_was_asked() -> None:
    assert silent(reports(), {"lb2": [series("192.0.2.10", 0, sent=0)]}) == []


@pytest.mark.parametrize(
    ("kind", "cause"), [("icmp", "drops ICMP echo"), ("tcp", "nothing serves it"), ("http", "rve")]
)
def test_no_answer_is_told_once_for_all_who_asked(kind: str, cause: str) -> None:
    asked = [series("192.0.2.10", 3, kind), series("2001:db8::10", 0, kind)]
    found = silent(reports(), {"lb1": asked[:1], "lb2": asked, "the controller": asked})
    assert len(found) == 1
    said = f"2001:db8::10, which is on lb1, gave no answer to {kind} (no answer in time): "
    assert str(found[0]).startswith(f"lb2, the controller: instance web: {said}")
    assert cause in found[0].reason
