# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller's pyroute2 is found, or its absence comes with the mend."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os

import pytest

pytest.importorskip("ansible.plugins.action")
pytest.importorskip("pyroute2")
from ansible.errors import AnsibleActionFail  # noqa: E402
from ansible_collections.duet.ha_pair.plugins.action.vrrp_agent import find_pyroute2  # noqa: E402


def test_the_controllers_own_pyroute2() -> None:
    version, folder = find_pyroute2()
    assert version == importlib.metadata.version("pyroute2")
    assert os.path.exists(os.path.join(folder, "netlink", "rtnl", "ifaddrmsg.py"))


def test_no_pyroute2(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(AnsibleActionFail, match="has no pyroute2.*pip install"):
        find_pyroute2()


@pytest.mark.parametrize(
    ("version", "accepted"),
    [("0.7.1", False), ("0.7.2", True), ("0.9.7", True), ("0.9.7.post1", True), ("0.10", False), ("1.0", False)],
)
def test_the_range_of_versions(monkeypatch: pytest.MonkeyPatch, version: str, accepted: bool) -> None:
    monkeypatch.setattr(importlib.metadata, "version", lambda name: version)
    if accepted:
        assert find_pyroute2()[0] == version
    else:
        with pytest.raises(AnsibleActionFail, match=f"{version} was not tested.*pip install"):
            find_pyroute2()
