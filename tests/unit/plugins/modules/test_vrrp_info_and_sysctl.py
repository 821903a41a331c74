# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An agent that cannot be asked is told in words; kernel parameters are compared live."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("ansible.module_utils.basic")
from ansible_collections.duet.ha_pair.plugins.module_utils import agent  # noqa: E402
from ansible_collections.duet.ha_pair.plugins.module_utils.vrrp_agent.client import ControlError  # noqa: E402
from ansible_collections.duet.ha_pair.plugins.modules import vrrp_sysctl  # noqa: E402

SETTING = {"name": "net.ipv4.ip_nonlocal_bind", "value": "1", "why": "a reason"}


def test_an_agent_that_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    instance = {"name": "web", "state": "BACKUP", "master": None}
    monkeypatch.setattr(agent, "ask", lambda: {"instances": [instance]})
    result = agent.report()
    assert (result["running"], result["settled"]) == (True, False)
    assert result["waiting_for"] == ["instance web: BACKUP, has heard no MASTER yet"]
    assert result["instances"] == result["status"]["instances"] == [instance]


@pytest.mark.parametrize("wait_s", [0, 0.01])
def test_an_agent_that_does_not_answer(monkeypatch: pytest.MonkeyPatch, wait_s: float) -> None:
    def refuse() -> dict[str, Any]:
        raise ControlError("not_permitted", "no permission; become root")

    monkeypatch.setattr(agent, "ask", refuse)
    monkeypatch.setattr(agent, "wait_until_settled", lambda wait_s: (refuse(), []))
    result = agent.report(wait_s)
    assert result == {
        "running": False,
        "reason": "no permission; become root",
        "code": "not_permitted",
        "settled": False,
        "waiting_for": [],
        "failing_checks": [],
        "instances": [],
        "waited": 0.0,
    }


@pytest.mark.parametrize(
    ("installed", "code", "expected"),
    [(False, "not_running", "not_installed"), (True, "not_running", "not_running"), (False, "timeout", "timeout")],
)
def test_not_installed_is_told_from_not_running(
    monkeypatch: pytest.MonkeyPatch, installed: bool, code: str, expected: str
) -> None:
    def refuse() -> dict[str, Any]:
        raise ControlError(code, "")

    monkeypatch.setattr(agent.client, "status", refuse)
    monkeypatch.setattr(agent.os.path, "lexists", lambda path: installed)
    with pytest.raises(ControlError) as raised:
        agent.ask()
    assert raised.value.code == expected


@pytest.fixture(name="kernel")
def _kernel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(vrrp_sysctl, "PATH", str(tmp_path / "sysctl.d/60.conf"))
    monkeypatch.setattr(vrrp_sysctl, "parameter_path", lambda name: str(tmp_path / name))
    (tmp_path / SETTING["name"]).write_text("0\n")
    return tmp_path


def test_a_parameter_is_set_in_the_file_and_live(fake_module: Any, kernel: Path) -> None:
    settings = [SETTING, {**SETTING, "name": "net.ipv6.off"}]
    assert vrrp_sysctl.run(fake_module(state="present", settings=settings))["set"] == [SETTING["name"]]
    assert (kernel / SETTING["name"]).read_text() == "1"
    assert (
        (kernel / "sysctl.d/60.conf")
        .read_text()
        .endswith("# a reason\n# before: net.ipv4.ip_nonlocal_bind = 0\nnet.ipv4.ip_nonlocal_bind = 1\n")
    )
    assert vrrp_sysctl.run(fake_module(state="present", settings=settings))["changed"] is False


def test_a_parameter_that_somebody_turned_is_set_again(fake_module: Any, kernel: Path) -> None:
    vrrp_sysctl.run(fake_module(state="present", settings=[SETTING]))
    (kernel / SETTING["name"]).write_text("0\n")
    assert vrrp_sysctl.run(fake_module(state="present", settings=[SETTING], check_mode=True))["changed"] is True
    assert (kernel / SETTING["name"]).read_text() == "0\n"
    assert vrrp_sysctl.run(fake_module(state="present", settings=[SETTING]))["changed"] is True
    assert (kernel / SETTING["name"]).read_text() == "1"


def test_what_was_set_is_taken_back(fake_module: Any, kernel: Path) -> None:
    """The value from before the first run, also after a second one."""
    for turn in range(2):
        vrrp_sysctl.run(fake_module(state="present", settings=[{**SETTING, "why": f"reason {turn}"}]))
    predicted = vrrp_sysctl.run(fake_module(state="absent", settings=None, check_mode=True))
    assert (kernel / SETTING["name"]).read_text() == "1"
    result = vrrp_sysctl.run(fake_module(state="absent", settings=None))
    assert predicted == result
    assert (result["changed"], result["set"]) == (True, [SETTING["name"]])
    assert (kernel / SETTING["name"]).read_text() == "0"
    assert not (kernel / "sysctl.d/60.conf").exists()
    assert vrrp_sysctl.run(fake_module(state="absent", settings=None))["changed"] is False


def test_what_somebody_has_changed_since_is_left_alone(fake_module: Any, kernel: Path) -> None:
    vrrp_sysctl.run(fake_module(state="present", settings=[SETTING]))
    (kernel / SETTING["name"]).write_text("2\n")
    assert vrrp_sysctl.run(fake_module(state="absent", settings=None))["set"] == []
    assert (kernel / SETTING["name"]).read_text() == "2\n"
