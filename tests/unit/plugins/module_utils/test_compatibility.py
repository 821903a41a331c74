# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which changes two hosts can have one after the other, and which part them."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.duet.ha_pair.plugins.module_utils.compatibility import apart, unbelieved

A, B = {"id": 1, "key": "00" * 32}, {"id": 2, "key": "ab" * 32}


def document(**changes: Any) -> dict[str, Any]:
    """A document with one instance."""
    instance = {
        "name": "web",
        "interface": "eth0",
        "virtual_router_id": 51,
        "virtual_addresses": ["192.0.2.10/24"],
        **changes,
    }
    return {"router_id": "lb1", "instances": [instance]}


def signed(*keys: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """A document with one signed instance; without keys, an unsigned one."""
    return document(authentication={"type": "hmac", "keys": list(keys), **changes}) if keys else document()


def password(text: str) -> dict[str, Any]:
    """A document of version 2 with a password."""
    return document(version=2, authentication={"type": "pass", "password": text})


@pytest.mark.parametrize(
    "changes",
    [
        {"priority": 200},
        {"virtual_addresses": ["192.0.2.10/24", "192.0.2.11/24"]},
        {"advert_interval": 0.2},
        {"preempt": True, "preempt_delay": 5},
        {"version": 3},
        {"authentication": {"type": "none"}},
    ],
)
def test_what_the_others_understand(changes: dict[str, Any]) -> None:
    assert apart(document(), document(**changes)) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"virtual_router_id": 52},
        {"version": 2},
        {"interface": "eth1"},
        {"unicast_peers": ["192.0.2.2"]},
        {"virtual_addresses": ["fe80::10/64", "2001:db8::10/64"]},
        {"authentication": {"type": "hmac", "keys": [A]}},
    ],
)
def test_what_they_do_not(changes: dict[str, Any]) -> None:
    assert apart(document(), document(**changes)) == ["web"]
    assert apart(document(**changes), document()) == ["web"]


def test_version_2_drops_another_interval_and_another_password() -> None:
    assert apart(document(version=2), document(version=2, advert_interval=2)) == ["web"]
    assert apart(password("one"), password("two")) == ["web"]
    assert apart(password("one"), password("one")) == []
    assert unbelieved(password("one"), password("two")) == unbelieved(password("one"), signed(A)) == []


def test_an_instance_that_is_new_parts_nobody() -> None:
    for before in (None, "no document", {"router_id": "lb1", "instances": [{"name": "web"}]}, document(name="db")):
        assert apart(before, signed(A)) == unbelieved(before, signed(A)) == []


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (signed(A), signed(A, B)),
        (signed(A, B), signed(B, A)),
        (signed(B, A), signed(B)),
        (signed(), signed(A, mode="receive-only")),
        (signed(A, mode="receive-only"), signed(A, mode="permissive")),
        (signed(A, mode="permissive"), signed(A)),
        (signed(A), signed({**A, "key": A["key"].upper()})),
    ],
)
def test_the_steps_that_change_a_key_part_nobody(before: dict[str, Any], after: dict[str, Any]) -> None:
    assert apart(before, after) == apart(after, before) == []
    assert unbelieved(before, after) == unbelieved(after, before) == []


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (signed(A), signed(B)),
        (signed(A), signed(B, A)),
        (signed(A, B), signed(B)),
        (signed(A), signed({**A, "key": B["key"]})),
        (signed(), signed(A)),
        (signed(A, mode="receive-only"), signed(A)),
    ],
)
def test_a_step_that_leaves_one_out_is_refused_and_shows_no_key(before: dict[str, Any], after: dict[str, Any]) -> None:
    assert apart(before, after) == ["web"]
    [problem] = unbelieved(before, after)
    assert problem.startswith(
        "vrrp_instances[0].authentication (instance web): a host with this and one with what runs"
    )
    assert "duet.ha_pair.rotate_key" in problem
    assert "abab" not in problem and "0000" not in problem


def test_the_way_back_from_hmac_is_named() -> None:
    [problem] = unbelieved(signed(A), signed())
    assert "mode: permissive, mode: receive-only, no authentication" in problem
