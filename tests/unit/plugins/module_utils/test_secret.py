# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Secrets leave the document, come back, and never show in a diff."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.duet.ha_pair.plugins.module_utils.secret import CHANGED_MASK, MASK, join, masked, split


def document(password: str = "hunter2") -> dict[str, Any]:
    """Two instances, the second with a password."""
    secret = {"type": "pass", "password": password}
    return {"router_id": "lb1", "instances": [{"name": "web"}, {"name": "db", "authentication": secret}]}


def test_what_is_split_can_be_joined() -> None:
    public, secrets = split(document())
    assert "hunter2" not in str(public)
    assert public["instances"][1]["authentication"] == {"type": "pass"}
    assert secrets == {"1": {"password": "hunter2"}}
    assert join(public, secrets) == document()


def test_split_leaves_its_argument_alone() -> None:
    original = document()
    split(original)
    assert original == document()


@pytest.mark.parametrize(
    ("before", "expected"),
    [
        (document(), MASK),
        (document("other"), CHANGED_MASK),
        (None, MASK),
        ({"instances": "nonsense"}, MASK),
    ],
)
def test_a_changed_secret_shows_that_it_changed(before: Any, expected: str) -> None:
    shown = masked(document(), before)
    assert shown["instances"][1]["authentication"] == {"type": "pass", "password": expected}


@pytest.mark.parametrize("value", [None, [], {}, {"instances": None}, {"instances": [1, {"authentication": "x"}]}])
def test_a_document_of_any_shape_does_not_crash(value: Any) -> None:
    assert masked(value) == value
    if isinstance(value, dict):
        assert split(value) == (value, {})


KEY, OTHER_KEY = "00112233" * 8, "44556677" * 8


def with_keys(*keys: Any) -> dict[str, Any]:
    """One instance that signs."""
    authentication = {"type": "hmac", "mode": "enforce", "keys": list(keys)}
    return {"router_id": "lb1", "instances": [{"name": "web", "authentication": authentication}]}


def key(number: int, value: str = KEY) -> dict[str, Any]:
    """One key."""
    return {"id": number, "key": value}


def test_ids_and_mode_are_no_secrets_and_keys_are() -> None:
    """A number among the secrets would make Ansible hide it wherever it stands."""
    original = with_keys(key(1), key(2, OTHER_KEY))
    public, secrets = split(original)
    assert public["instances"][0]["authentication"] == {
        "type": "hmac",
        "mode": "enforce",
        "keys": [{"id": 1}, {"id": 2}],
    }
    assert secrets == {"0": {"keys": [{"key": KEY}, {"key": OTHER_KEY}]}}
    assert join(public, secrets) == original


@pytest.mark.parametrize(
    "keys",
    [[KEY], [[KEY]], [{"id": 1, "kee": KEY}], [{"key": KEY}, KEY, {"id": 2}], []],
    ids=["bare", "list", "typo", "mixed", "empty"],
)
def test_a_key_in_the_wrong_place_is_a_secret_all_the_same(keys: list[Any]) -> None:
    original = with_keys(*keys)
    public, secrets = split(original)
    assert KEY not in str(public)
    assert join(public, secrets) == original
    assert KEY not in str(masked(original))


def test_keys_that_are_no_list_are_a_secret_as_a_whole() -> None:
    original = with_keys()
    original["instances"][0]["authentication"]["keys"] = {"1": KEY}
    public, secrets = split(original)
    assert KEY not in str(public) and KEY not in str(masked(original, original))
    assert join(public, secrets) == original


def test_a_rotation_as_a_diff_shows_it() -> None:
    """Key 1 is as before, key 2 is another one under the same id, key 3 is new."""
    before = with_keys(key(1), key(2))
    shown = masked(with_keys(key(2, OTHER_KEY), key(1), key(3)), before)
    assert shown["instances"][0]["authentication"] == {
        "type": "hmac",
        "mode": "enforce",
        "keys": [key(2, CHANGED_MASK), key(1, MASK), key(3, MASK)],
    }


MAIL = {"from": "lb1@example.com", "server": "smtp.example.com", "username": "lb1"}


def telling(password: str = "hunter2", url: str = "https://example.com/T0/hunter2") -> dict[str, Any]:
    """Mail with a login, and two webhooks."""
    webhooks = [{"url": url, "secret": password, "timeout": 5}, {"url": "https://b/", "secret_file": "/etc/secret"}]
    return {**document(), "mail": {**MAIL, "password": password}, "webhooks": webhooks}


def test_the_secrets_of_receivers_are_split_and_joined() -> None:
    public, secrets = split(telling())
    assert "hunter2" not in str(public)
    assert public["mail"] == MAIL
    assert public["webhooks"] == [{"timeout": 5}, {"secret_file": "/etc/secret"}]
    assert join(public, secrets) == telling()


def test_a_changed_secret_of_a_receiver_shows_that_it_changed() -> None:
    shown = masked(telling("other"), telling())
    assert shown["mail"] == {**MAIL, "password": CHANGED_MASK}
    assert shown["webhooks"][0] == {"url": MASK, "secret": CHANGED_MASK, "timeout": 5}
    assert "hunter2" not in str(masked(telling())) and "other" not in str(shown)


@pytest.mark.parametrize("value", [{"mail": 1, "webhooks": 2}, {"mail": None, "webhooks": [None, 1]}])
def test_receivers_of_any_shape_do_not_crash(value: Any) -> None:
    assert (masked(value), split(value)) == (value, (value, {}))
