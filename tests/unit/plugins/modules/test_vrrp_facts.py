# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The facts of a node: its instances by name."""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("ansible.module_utils.basic")
from ansible_collections.duet.ha_pair.plugins.module_utils.vrrp_agent.client import ControlError  # noqa: E402
from ansible_collections.duet.ha_pair.plugins.modules import vrrp_facts  # noqa: E402

WEB: dict[str, Any] = {**dict.fromkeys(vrrp_facts.KEYS, 1), "name": "web", "state": "BACKUP"}


def test_instances_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    heard = {**WEB, "master": {"address": "192.0.2.11", "priority": 150}}
    leaving = {**WEB, "name": "old", "leaving": True, "master": None}
    monkeypatch.setattr(
        vrrp_facts, "ask", lambda: {"instances": [heard, {**WEB, "name": "db", "master": None}, leaving]}
    )
    found = vrrp_facts.facts()
    assert list(found) == ["web", "db"]
    assert (found["web"]["state"], found["web"]["master"], found["db"]["master"]) == ("BACKUP", "192.0.2.11", None)


def test_no_agent_has_no_instances(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> dict[str, Any]:
        raise ControlError("not_running", "")

    monkeypatch.setattr(vrrp_facts, "ask", refuse)
    assert vrrp_facts.facts() == {}
