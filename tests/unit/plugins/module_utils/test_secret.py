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
