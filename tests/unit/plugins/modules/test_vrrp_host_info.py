# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which addresses are our agent's: as it says, or as its file says while it does not answer; and when to listen."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("ansible.module_utils.basic")
from ansible_collections.duet.ha_pair.plugins.module_utils.vrrp_agent.client import ControlError  # noqa: E402
from ansible_collections.duet.ha_pair.plugins.modules import vrrp_host_info  # noqa: E402

WEB = {"name": "web", "interface": "eth0", "virtual_router_id": 51, "virtual_addresses": ["192.0.2.10/24"]}


def answers(monkeypatch: pytest.MonkeyPatch, *instances: dict[str, Any], code: str = "") -> None:
    """An agent with these instances, or one that cannot be asked."""

    def ask() -> dict[str, Any]:
        if code:
            raise ControlError(code, "")
        return {"instances": list(instances)}

    monkeypatch.setattr(vrrp_host_info, "ask", ask)
    monkeypatch.setattr(vrrp_host_info, "report", lambda: {"running": not code, "instances": list(instances)})


def test_what_the_agent_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    web = {"priority": 150, "addresses_present": ["192.0.2.10/24", "2001:db8::1/64"]}
    answers(monkeypatch, web, {"priority": 255, "addresses_present": ["192.0.2.11/24"]})
    assert vrrp_host_info.agent() == {"running": True, "addresses": ["192.0.2.10", "2001:db8::1"]}


@pytest.mark.parametrize(("code", "running"), [("timeout", True), ("not_running", False), ("not_installed", False)])
def test_an_agent_that_does_not_answer(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, code: str, running: bool
) -> None:
    answers(monkeypatch, code=code)
    monkeypatch.setattr(vrrp_host_info, "CONFIG", str(tmp_path / "config.json"))
    assert vrrp_host_info.agent() == {"running": running, "addresses": []}
    (tmp_path / "config.json").write_text(json.dumps({"router_id": "lb1", "instances": [WEB]}))
    assert vrrp_host_info.agent() == {"running": running, "addresses": ["192.0.2.10"]}
    (tmp_path / "config.json").write_text(json.dumps({"router_id": "lb1", "instances": ["web"]}))
    assert vrrp_host_info.agent()["addresses"] == []


@pytest.mark.parametrize(("running", "seconds", "expected"), [(False, 3, 3), (False, 0, None), (True, 3, None)])
def test_it_listens_where_no_agent_runs(
    fake_module: Any, monkeypatch: pytest.MonkeyPatch, running: bool, seconds: float, expected: float | None
) -> None:
    calls: list[tuple[list[str], float]] = []
    answers(monkeypatch, code="" if running else "not_running")
    monkeypatch.setattr(vrrp_host_info, "listen", lambda names, wait: calls.append((names, wait)) or ["heard"])
    module = fake_module(listen=seconds)
    links = [{"ifname": "eth0", "flags": ["LOWER_UP"], "addr_info": []}, {"ifname": "eth1", "flags": []}]
    module.answers["/bin/ip"] = (0, json.dumps(links), "")
    module.get_bin_path = lambda name, required: f"/bin/{name}"
    result = vrrp_host_info.look(module)
    assert calls == ([(["eth0"], expected)] if expected else [])
    assert (result["adverts"], result["listened"]) == ((["heard"], expected) if expected else ([], 0.0))
    assert result["live"]["running"] == running
