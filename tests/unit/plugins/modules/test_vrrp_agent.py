# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The agent is installed in two steps at most, and in none when it is there."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("ansible.module_utils.basic")
from ansible_collections.duet.ha_pair.plugins.module_utils import package  # noqa: E402
from ansible_collections.duet.ha_pair.plugins.module_utils.installation import Installation  # noqa: E402
from ansible_collections.duet.ha_pair.plugins.modules import vrrp_agent  # noqa: E402

FILES = {"pyroute2/__init__.py": b"", "vrrp_agent/cli.py": b"def main():\n    return 0\n"}


@pytest.fixture(name="node")
def _node(tmp_path: Path) -> Installation:
    return Installation(str(tmp_path / "node"))


def arguments(**changes: Any) -> dict[str, Any]:
    """What the action plugin sends."""
    wanted = {"digest": package.digest(FILES), "version": "1", "pyroute2_version": "0.9.7", "unit": "[Unit]\n"}
    return {**wanted, "archive": None, **changes}


def install(fake_module: Any, node: Installation, folder: Path, **changes: Any) -> dict[str, Any]:
    """Both steps."""
    archive = folder / "package.zip"
    archive.write_bytes(package.pack(FILES))
    return vrrp_agent.run(fake_module(**arguments(archive=str(archive), **changes)), node)


def test_the_archive_is_asked_for_only_if_it_is_needed(fake_module: Any, node: Installation, tmp_path: Path) -> None:
    with pytest.raises(Exception, match="archive_needed"):
        vrrp_agent.run(fake_module(**arguments()), node)
    result = install(fake_module, node, tmp_path)
    assert (result["changed"], result["package_changed"], result["unit_changed"]) == (True, True, True)
    assert os.access(node.launcher, os.X_OK)
    again = vrrp_agent.run(fake_module(**arguments()), node)
    assert (again["changed"], again["diff"]) == (False, [])


def test_another_unit_is_no_other_package(fake_module: Any, node: Installation, tmp_path: Path) -> None:
    install(fake_module, node, tmp_path)
    result = vrrp_agent.run(fake_module(**arguments(unit="[Unit]\n# new\n")), node)
    assert (result["package_changed"], result["unit_changed"]) == (False, True)
    assert result["diff"][0]["after"] == "[Unit]\n# new\n"


def test_a_damaged_launcher_is_mended(fake_module: Any, node: Installation, tmp_path: Path) -> None:
    install(fake_module, node, tmp_path)
    Path(node.launcher).write_text("")
    assert vrrp_agent.run(fake_module(**arguments()), node)["package_changed"]
    assert not vrrp_agent.run(fake_module(**arguments()), node)["changed"]


def test_check_mode_says_what_would_change_and_changes_nothing(fake_module: Any, node: Installation) -> None:
    result = vrrp_agent.run(fake_module(check_mode=True, **arguments()), node)
    assert result["changed"]
    assert [diff["after_header"] for diff in result["diff"]] == [node.home, node.launcher, node.unit]
    assert not os.path.exists(node.home)


def test_a_node_without_the_user_gets_it(
    fake_module: Any, node: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Said as a change, and made only outside check mode."""
    install(fake_module, node, tmp_path)
    made: list[object] = []
    monkeypatch.setattr(vrrp_agent.account, "find", lambda: None)
    monkeypatch.setattr(vrrp_agent.account, "ensure", made.append)
    assert vrrp_agent.run(fake_module(check_mode=True, **arguments()), node)["changed"]
    assert made == []
    result = vrrp_agent.run(fake_module(**arguments()), node)
    assert (result["changed"], result["package_changed"], len(made)) == (True, False, 1)
    assert result["diff"][0]["after"] == "vrrp-agent\n"


def test_a_launcher_without_its_package_says_so(fake_module: Any, node: Installation, tmp_path: Path) -> None:
    """One line, and the exit code that systemd does not try again after."""
    install(fake_module, node, tmp_path)
    os.unlink(os.path.join(node.home, "current"))
    done = subprocess.run([sys.executable, "-I", node.launcher], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    said = "is missing or damaged (No module named 'vrrp_agent'): run the role duet.ha_pair.vrrp again"
    assert done.stderr == f"{node.home}/current {said}\n"
