# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The agent is stopped before its files go, and a second removal finds nothing to do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("ansible.module_utils.basic")
from ansible_collections.duet.ha_pair.plugins.modules import vrrp_remove  # noqa: E402

ACTIVE = "LoadState=loaded\nActiveState=active\nUnitFileState=enabled\n"
GONE = "LoadState=not-found\nActiveState=inactive\nUnitFileState=\n"


@pytest.fixture(name="node")
def _node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder, a link and a file of the agent's."""
    (tmp_path / "lib/inside").mkdir(parents=True)
    (tmp_path / "link").symlink_to("lib")
    (tmp_path / "unit").write_text("[Unit]\n")
    paths = tuple(str(tmp_path / name) for name in ("link", "lib", "missing", "unit"))
    monkeypatch.setattr(vrrp_remove, "PATHS", paths)
    monkeypatch.setattr(vrrp_remove.account, "left", lambda: ["userdel"])
    return tmp_path


def find(module: Any, shown: str) -> tuple[list[str], list[str], list[str]]:
    """What is there, by systemd's word."""
    module.answers["systemctl"] = (0, shown, "")
    return vrrp_remove.find(module)


def test_everything_goes_the_service_first_and_the_account_last(fake_module: Any, node: Path) -> None:
    module = fake_module()
    found = find(module, ACTIVE)
    assert found == (["active", "enabled"], [str(node / name) for name in ("link", "lib", "unit")], ["userdel"])
    module.commands.clear()
    vrrp_remove.carry_out(module, *found)
    assert list(node.iterdir()) == []
    assert [" ".join(command[:2]) for command in module.commands] == [
        "systemctl disable",
        "systemctl daemon-reload",
        "systemctl reset-failed",
        "userdel vrrp-agent",
    ]


def test_a_second_time_there_is_nothing(fake_module: Any, node: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = fake_module()
    vrrp_remove.carry_out(module, *find(module, ACTIVE))
    monkeypatch.setattr(vrrp_remove.account, "left", list)
    assert find(module, GONE) == ([], [], [])


def test_an_agent_that_fails_to_start_again_and_again_is_stopped(fake_module: Any, node: Path) -> None:
    assert find(fake_module(), "LoadState=loaded\nActiveState=activating\nUnitFileState=disabled\n")[0] == ["failed"]
