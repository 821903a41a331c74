# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys roll over in phases; in none of them, nor between two, do two hosts not believe each other."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from ansible_collections.duet.ha_pair.plugins.module_utils.rollover import conflicts, transitional

OLD, NEW = {"id": 1, "key": "00" * 32}, {"id": 2, "key": "ab" * 32}


def document(*keys: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """A document with one instance, signed by these keys if there are any."""
    signed = {"authentication": {"type": "hmac", "keys": list(keys), **changes}} if keys else {}
    return {"router_id": "lb1", "instances": [{"name": "web", **signed}]}


def phases(before: Any, wanted: dict[str, Any]) -> list[dict[str, Any]]:
    """What stands in a host's file, from phase to phase."""
    accept = transitional(before, wanted, "accept")
    return [before, accept, transitional(accept, wanted, "sign"), wanted]


def wire(made: dict[str, Any]) -> tuple[int | None, set[int], bool]:
    """The id that signs, the ids that are accepted, and whether unsigned adverts are."""
    authentication = made["instances"][0].get("authentication")
    if authentication is None:
        return None, set(), True
    mode, ids = authentication.get("mode", "enforce"), [key["id"] for key in authentication["keys"]]
    return (None if mode == "receive-only" else ids[0]), set(ids), mode != "enforce"


def believes(receiver: dict[str, Any], sender: dict[str, Any]) -> bool:
    """Whether one host takes the other's adverts for genuine."""
    signed, (ids, unsigned) = wire(sender)[0], wire(receiver)[1:]
    return unsigned if signed is None else signed in ids


@pytest.mark.parametrize("before", [document(OLD), document()], ids=["another key", "none so far"])
def test_neighbouring_phases_believe_each_other(before: dict[str, Any]) -> None:
    found = phases(before, document(NEW))
    for one, other in itertools.pairwise(found):
        assert believes(one, other) and believes(other, one)
    assert not believes(found[0], found[-1])
    assert wire(found[-1]) == (2, {2}, False)


def test_what_each_phase_signs_with() -> None:
    assert [wire(made)[:2] for made in phases(document(OLD), document(NEW))] == [
        (1, {1}),
        (1, {1, 2}),
        (2, {1, 2}),
        (2, {2}),
    ]


@pytest.mark.parametrize("before", [document(OLD), document()])
def test_a_host_that_has_gone_further_before_an_interruption_stays_believed(before: dict[str, Any]) -> None:
    """The first phase again, from every state that an interrupted run can leave beside any neighbouring one."""
    found, wanted = phases(before, document(NEW)), document(NEW)
    for one, other in itertools.pairwise(found):
        again = transitional(one, wanted, "accept"), transitional(other, wanted, "accept")
        for left, right in ((again[0], other), again):
            assert believes(left, right) and believes(right, left)


def test_nothing_else_changes() -> None:
    assert transitional(document(OLD), document(), "accept") == document()
    assert transitional(None, document(NEW), "sign") == document(NEW)
    other = {"router_id": "lb1", "instances": [{"name": "db"}]}
    assert transitional(other, document(NEW), "accept") == document(NEW)
    assert transitional("no document", document(NEW), "accept") == document(NEW)


def test_a_key_that_changed_and_kept_its_id_is_told_and_not_shown() -> None:
    [found] = conflicts(document(OLD), document({"id": 1, "key": "cd" * 32}))
    assert found.startswith("vrrp_instances[0].authentication.keys (instance web): key 1 is another one than before;")
    assert "cdcd" not in found and "0000" not in found
    assert conflicts(document(NEW), document({"id": 2, "key": "AB" * 32})) == []
    assert conflicts(None, document(NEW)) == conflicts(document(), document(NEW)) == []


def test_no_step_leads_from_pass_to_hmac() -> None:
    before = document()
    before["instances"][0]["authentication"] = {"type": "pass", "password": "s3cret"}
    [found] = conflicts(before, document(NEW))
    assert "no step leads from pass" in found and "s3cret" not in found
