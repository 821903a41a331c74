# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A site that nginx refuses leaves no trace."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("ansible.module_utils.basic")
from ansible_collections.duet.ha_pair.plugins.modules import nginx_site  # noqa: E402


@pytest.fixture(name="etc")
def _etc(tmp_path: Path) -> Path:
    (tmp_path / "available").write_text("default")
    (tmp_path / "enabled").symlink_to("available")
    (tmp_path / "site.conf").write_text("old")
    return tmp_path


def module(fake_module: Any, etc: Path, **changes: Any) -> Any:
    """Change one file, make another, remove a link."""
    wanted = {str(etc / "site.conf"): "new", str(etc / "www/index.html"): "hello"}
    return fake_module(files=wanted, absent=[str(etc / "enabled")], **changes)


def test_files_are_written_tested_and_loaded(fake_module: Any, etc: Path) -> None:
    first = module(fake_module, etc)
    result = nginx_site.run(first)
    assert (result["changed"], result["reloaded"]) == (True, True)
    assert [command[0] for command in first.commands] == ["nginx", "systemctl", "systemctl"]
    assert (etc / "site.conf").read_text() == "new"
    assert (etc / "www/index.html").read_text() == "hello"
    assert not (etc / "enabled").is_symlink()
    assert (etc / "available").exists()
    second = module(fake_module, etc)
    assert nginx_site.run(second)["changed"] is False
    assert second.commands == []


def test_an_nginx_that_does_not_run_is_not_reloaded(fake_module: Any, etc: Path) -> None:
    stopped = module(fake_module, etc)
    stopped.answers["systemctl"] = (3, "", "")
    assert nginx_site.run(stopped)["reloaded"] is False


def test_what_nginx_refuses_is_put_back(fake_module: Any, etc: Path) -> None:
    refused = module(fake_module, etc)
    refused.answers["nginx"] = (1, "", "unknown directive")
    with pytest.raises(Exception, match="the old one is back: unknown directive"):
        nginx_site.run(refused)
    assert (etc / "site.conf").read_text() == "old"
    assert not (etc / "www/index.html").exists()
    assert (etc / "enabled").is_symlink()
    assert [command[0] for command in refused.commands] == ["nginx"]


def test_check_mode_changes_nothing(fake_module: Any, etc: Path) -> None:
    result = nginx_site.run(module(fake_module, etc, check_mode=True))
    assert len(result["diff"]) == 3
    assert (etc / "site.conf").read_text() == "old"
    assert (etc / "enabled").is_symlink()
