# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The configuration is written whole, for the agent alone, after it was checked; secrets never show."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("ansible.module_utils.basic")
from ansible_collections.duet.ha_pair.plugins.modules import vrrp_config  # noqa: E402

PUBLIC = {
    "router_id": "lb1",
    "instances": [
        {
            "name": "web",
            "interface": "eth0",
            "version": 2,
            "virtual_router_id": 51,
            "virtual_addresses": ["192.0.2.10/24"],
            "authentication": {"type": "pass"},
        }
    ],
}


@pytest.fixture(name="path")
def _path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "vrrp-agent" / "config.json"
    monkeypatch.setattr(vrrp_config, "PATH", str(path))
    monkeypatch.setattr(vrrp_config, "fill_interfaces", lambda document: [])
    return path


def run(fake_module: Any, password: str = "hunter2", **changes: Any) -> dict[str, Any]:
    """Run the module with a password."""
    arguments = {"config": PUBLIC, "phase": None, "try_checks": False, "secrets": {"0": {"password": password}}}
    arguments.update(changes)
    return vrrp_config.run(fake_module(**arguments))


def test_first_the_file_is_made_then_left_alone(fake_module: Any, path: Path) -> None:
    first = run(fake_module)
    assert (first["changed"], first["instances"]) == (True, ["web"])
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o750
    assert json.loads(path.read_text())["instances"][0]["authentication"]["password"] == "hunter2"
    second = run(fake_module)
    assert (second["changed"], second["instances"]) == (False, [])
    assert [entry.name for entry in path.parent.iterdir()] == ["config.json"]


def test_check_mode_writes_nothing(fake_module: Any, path: Path) -> None:
    assert run(fake_module, check_mode=True)["changed"]
    assert not path.parent.exists()


def test_a_changed_secret_shows_in_the_diff_but_not_its_value(fake_module: Any, path: Path) -> None:
    run(fake_module, "hunter2")
    result = run(fake_module, "hunter3")
    assert (result["changed"], result["instances"]) == (True, ["web"])
    assert "hunter" not in str(result)
    assert '"password": "******** (changed)"' in result["diff"]["after"]


def test_a_file_that_others_could_read_is_mended(fake_module: Any, path: Path) -> None:
    run(fake_module)
    path.chmod(0o644)
    assert run(fake_module)["changed"]
    assert path.stat().st_mode & 0o777 == 0o600


def test_the_file_of_an_older_deployment_becomes_the_agents(
    fake_module: Any, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was root's, for an agent that ran as root."""
    run(fake_module)
    agent, given = vrrp_config.account.Account(4711, 4712), []
    monkeypatch.setattr(vrrp_config.account, "find", lambda: agent)
    monkeypatch.setattr(
        vrrp_config.os, "chown", lambda name, uid, gid: given.append((os.path.basename(name), uid, gid))
    )
    result = run(fake_module, check_mode=True)
    assert (result["changed"], result["instances"], given) == (True, [], [])
    assert run(fake_module)["changed"]
    assert given[0] == ("vrrp-agent", 0, 4712)
    assert given[1][0].startswith(".config.json.") and given[1][1:] == (4711, 4712)


def test_check_mode_on_a_node_without_the_user(fake_module: Any, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run(fake_module)
    monkeypatch.setattr(vrrp_config.account, "find", lambda: None)
    assert run(fake_module, check_mode=True)["changed"]


def test_a_file_that_is_no_json_is_replaced(fake_module: Any, path: Path) -> None:
    path.parent.mkdir()
    path.write_text("{")
    assert run(fake_module)["instances"] == ["web"]


def test_all_problems_and_no_change(fake_module: Any, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vrrp_config, "fill_interfaces", lambda document: ["eth7 does not exist"])
    wrong = {**PUBLIC, "instances": [{**PUBLIC["instances"][0], "virtual_router_id": 0}]}
    with pytest.raises(Exception, match=r"eth7 does not exist; vrrp_instances\[0\].virtual_router_id: 0 is not in"):
        run(fake_module, config=wrong)
    assert not path.parent.exists()


@pytest.mark.parametrize(
    ("hook", "problem"),
    [
        ({"command": ["/no/such"]}, r"vrrp_notify\[0\].command: /no/such is not there, or not executable; deploy it"),
        ({"command": ["/root/hook"]}, r"vrrp_notify\[0\].command: the agent's unit cannot see /root/hook"),
        ({"command": ["/bin/true"], "user": "root"}, r"vrrp_notify\[0\].user: the agent runs as vrrp-agent and cannot"),
        ({"command": []}, r"vrrp_notify\[0\].command: must be a list of texts"),
    ],
)
def test_commands_that_the_agent_cannot_run(fake_module: Any, path: Path, hook: Any, problem: str) -> None:
    with pytest.raises(Exception, match=problem):
        run(fake_module, config={**PUBLIC, "notify": [hook]})
    assert not path.parent.exists()


def test_commands_that_it_can_and_those_that_may_come_yet(fake_module: Any, path: Path) -> None:
    assert run(fake_module, config={**PUBLIC, "notify": [{"command": ["/bin/true"], "user": "vrrp-agent"}]})["changed"]
    assert run(fake_module, check_mode=True, config={**PUBLIC, "notify": [{"command": ["/no/such"]}]})["changed"]


def test_the_secrets_of_mail_and_webhooks_never_show(fake_module: Any, path: Path) -> None:
    mail = {"from": "a@example.com", "to": "b@example.com", "server": "mx.example.com", "tls": "starttls"}
    config = {**PUBLIC, "mail": {**mail, "username": "u"}, "webhooks": [{"timeout": 5}]}
    secrets = {"0": {"password": "hunter2"}, "mail": {"password": "hunter3"}}
    secrets["webhooks[0]"] = {"url": "https://example.com/hunter4", "secret": "hunter5-hunter5-hunter5"}
    result = run(fake_module, config=config, secrets=secrets)
    assert "hunter" not in str(result)
    written = json.loads(path.read_text())
    assert written["mail"]["password"] == "hunter3"
    assert written["webhooks"] == [{"timeout": 5, **secrets["webhooks[0]"]}]


CANNOT = {"instance": "web", "name": "app", "type": "script", "result": "cannot_run", "on_fail": "release"}
CANNOT["detail"] = "/app: cannot be run: No such file or directory"
FAILS = {**CANNOT, "name": "nginx", "type": "http", "result": "failed", "detail": "Connection refused"}


@pytest.fixture(name="say")
def _say(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Decides what the trial of the checks says, or why it says nothing."""

    def say(*tried: dict[str, Any], error: str = "") -> None:
        def try_checks(document: Any, run_command: Any) -> list[dict[str, Any]]:
            assert document["instances"][0]["authentication"]["password"] == "hunter2"  # the whole document
            if error:
                raise vrrp_config.trial.TrialError(error)
            return list(tried)

        monkeypatch.setattr(vrrp_config.trial, "try_checks", try_checks)

    return say


def test_a_check_that_cannot_run_is_refused(fake_module: Any, path: Path, say: Any) -> None:
    say(CANNOT, FAILS)
    with pytest.raises(Exception, match="instance web: check app cannot run: .*; deploy it before this role"):
        run(fake_module, try_checks=True)
    assert not path.parent.exists()


def test_in_check_mode_it_may_come_yet(fake_module: Any, path: Path, say: Any) -> None:
    say(CANNOT, FAILS)
    result = run(fake_module, try_checks=True, check_mode=True)
    assert [line.split(":")[1] for line in result["warnings_of_checks"]] == [
        " check app cannot run",
        " check nginx fails",
    ]
    assert result["checks"] == [CANNOT, FAILS]


def test_a_check_that_fails_is_told(fake_module: Any, path: Path, say: Any) -> None:
    say(FAILS)
    result = run(fake_module, try_checks=True)
    assert result["changed"]
    assert result["warnings_of_checks"] == [
        "instance web: check nginx fails: Connection refused; the host takes no role while it does"
    ]


def test_a_trial_that_was_not_possible_is_told(fake_module: Any, path: Path, say: Any) -> None:
    say(error="the agent is not installed yet")
    result = run(fake_module, try_checks=True, check_mode=True)
    assert result["warnings_of_checks"] == ["the checks could not be tried: the agent is not installed yet"]


def test_what_is_at_work_is_not_tried(fake_module: Any, path: Path, say: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    first = run(fake_module)
    monkeypatch.setattr(vrrp_config, "ask", lambda: {"config_digest": first["digest"]})
    say(error="nobody should have asked")
    assert "checks" not in run(fake_module, try_checks=True)
    monkeypatch.setattr(vrrp_config, "ask", lambda: {"config_digest": "another"})
    assert run(fake_module, try_checks=True)["warnings_of_checks"]


def test_in_effect_is_what_is_written_and_runs_and_finds_its_commands(
    fake_module: Any, path: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Then nothing is left to do: neither to write, nor to try, nor to refuse."""
    hook = tmp_path / "hook"
    hook.write_text("#!/bin/sh\n")
    hook.chmod(0o755)
    config = {**PUBLIC, "notify": [{"command": [str(hook)]}]}
    first = run(fake_module, config=config)
    assert not first["in_effect"] and not run(fake_module, config=config)["in_effect"]
    monkeypatch.setattr(vrrp_config, "ask", lambda: {"config_digest": first["digest"]})
    assert run(fake_module, config=config, check_mode=True)["in_effect"]
    assert not run(fake_module, password="changed", config=config, check_mode=True)["in_effect"]
    path.chmod(0o644)
    assert not run(fake_module, config=config, check_mode=True)["in_effect"]
    path.chmod(0o600)
    hook.unlink()
    assert not run(fake_module, config=config, check_mode=True)["in_effect"]
