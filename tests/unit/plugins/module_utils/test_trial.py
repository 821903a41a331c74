# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks are tried as the agent would run them, and what they say is told with the mend."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.duet.ha_pair.plugins.module_utils import trial

UNIT = """\
# /etc/systemd/system/vrrp-agent.service
[Unit]
Description=VRRP agent
[Service]
Type=notify
ExecStart=/usr/bin/vrrp-agent run
Restart=always
RestartSec=100ms
# A user of its own.
User=vrrp-agent
RuntimeDirectory=vrrp-agent
StateDirectory=vrrp-agent
TimeoutStopSec=45
OOMScoreAdjust=-900
SystemCallFilter=@system-service
SystemCallFilter=~@privileged \\
    @resources
[Install]
WantedBy=multi-user.target

# /etc/systemd/system/vrrp-agent.service.d/own.conf
[Service]
ReadWritePaths=/srv
"""
DOCUMENT = {"instances": [{"name": "web", "checks": [{"type": "tcp", "port": 80, "timeout": 5}, {"type": "tcp"}]}]}


class Host:
    """Answers the commands."""

    def __init__(self, out: str = '{"checks": []}', err: str = "", unit: tuple[int, str, str] = (0, UNIT, "")) -> None:
        self._answers = [unit, (0, out, err)]
        self.commands: list[list[str]] = []
        self.data: list[str | None] = []

    def __call__(self, command: list[str], data: str | None = None) -> tuple[int, str, str]:
        self.commands.append(command)
        self.data.append(data)
        return self._answers[len(self.commands) - 1]


def told(result: str, kind: str = "script", detail: str = "/app: no", on_fail: Any = "release") -> dict[str, Any]:
    """What the agent says of one check."""
    return {
        "instance": "web", "name": "app", "type": kind, "result": result, "detail": detail, "on_fail": on_fail
    }  # fmt: skip


def test_by_the_agents_user_and_shut_in_as_its_unit_is() -> None:
    host = Host(json.dumps({"checks": [told("good")]}))
    assert trial.try_checks(DOCUMENT, host) == [told("good")]
    assert host.commands[1] == [
        *("systemd-run", "--quiet", "--pipe", "--wait", "--collect", "--property=User=vrrp-agent"),
        *("--property=SystemCallFilter=@system-service", "--property=SystemCallFilter=~@privileged      @resources"),
        *("--property=ReadWritePaths=/srv", "--property=ReadWritePaths=-/run/vrrp-agent -/var/lib/vrrp-agent"),
        *("--property=RuntimeMaxSec=66", "--"),
        *("/usr/bin/vrrp-agent", "check", "--config", "-", "--try", "--json"),
    ]
    assert json.loads(str(host.data[1])) == DOCUMENT


def test_capabilities_of_a_drop_in_are_added_to_the_units() -> None:
    """systemd-run takes the last argument of them, or what all of them have: a gateway could not be asked."""
    more = "[Service]\nAmbientCapabilities=CAP_NET_RAW\n[Service]\nAmbientCapabilities=CAP_IPC_LOCK\n"
    none = "[Service]\nCapabilityBoundingSet=CAP_SYS_ADMIN\nCapabilityBoundingSet=\n"
    host = Host(unit=(0, more + none, ""))
    trial.try_checks(DOCUMENT, host)
    assert [word for word in host.commands[1] if "Cap" in word] == [
        "--property=AmbientCapabilities=CAP_NET_RAW CAP_IPC_LOCK",
        "--property=CapabilityBoundingSet=",
    ]


def test_without_checks_nothing_is_run() -> None:
    host = Host()
    assert trial.try_checks({"instances": [{"name": "web"}]}, host) == []
    assert host.commands == []


@pytest.mark.parametrize(
    ("host", "why"),
    [
        (Host(unit=(1, "", "No files found\n")), "the agent is not installed yet (No files found)"),
        (Host("", "Failed to connect to bus"), "Failed to connect to bus"),
        (Host("", "usage: vrrp-agent\nvrrp-agent: error: unrecognized arguments: --try\n"), "unrecognized arguments"),
        (Host("[]"), "[]"),
        (Host(""), "exit code 0"),
    ],
)
def test_what_could_not_be_tried(host: Host, why: str) -> None:
    with pytest.raises(trial.TrialError) as raised:
        trial.try_checks(DOCUMENT, host)
    assert why in str(raised.value)


@pytest.mark.parametrize(
    ("kind", "detail", "mend"),
    [
        (
            "script",
            "/app: cannot be run: No such file or directory",
            "; deploy it before this role, or correct the path",
        ),
        ("script", "/root/app: cannot be run: No such file or directory", "; the agent's unit cannot see that folder"),
        ("script", "/app: cannot be run: Permission denied", "; let the user vrrp-agent run it"),
        ("systemd", "systemctl cannot tell of a.service: Failed to connect to bus", "; the check needs the system bus"),
        ("file", "/switch: Permission denied", "; let the user vrrp-agent read it"),
        ("http", "Address family not supported by protocol", "; the host has not this kind of address"),
        ("process", "processes are hidden from the agent; give pid_file", ""),
        ("http", "ZeroDivisionError: division by zero", "; see docs/checks.md"),
    ],
)
def test_what_cannot_run_comes_with_the_mend(kind: str, detail: str, mend: str) -> None:
    [problem] = trial.problems([told("good"), told("failed"), told("cannot_run", kind, detail)])
    assert problem.startswith(f"instance web: check app cannot run: {detail}{mend}")


def test_what_fails_comes_with_what_follows() -> None:
    lowered = told("failed", detail="exit code 1", on_fail={"priority": -60})
    assert trial.failures([told("good"), told("cannot_run"), told("failed", detail="exit code 1"), lowered]) == [
        "instance web: check app fails: exit code 1; the host takes no role while it does",
        "instance web: check app fails: exit code 1; the host's priority is 60 less while it does",
    ]
    [last_resort] = trial.failures([{**told("failed"), "last_resort": True}])
    assert last_resort.endswith("; the host takes no role from a healthy one while it does")
