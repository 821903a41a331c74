# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A stand-in for AnsibleModule, and the modules' paths turned to a folder of the test."""

from __future__ import annotations

import os
from typing import Any, NoReturn

import pytest


class ModuleFailed(Exception):
    """What fail_json says."""


class ModuleEnded(Exception):
    """What exit_json gives."""

    def __init__(self, result: dict[str, Any]) -> None:
        super().__init__(str(result))
        self.result = result


class FakeModule:
    """Takes parameters, and records the commands that it is told to run."""

    def __init__(self, check_mode: bool = False, **params: Any) -> None:
        self.params = params
        self.check_mode = check_mode
        self.commands: list[list[str]] = []
        self.answers: dict[str, tuple[int, str, str]] = {}

    def fail_json(self, msg: str) -> NoReturn:
        """End with an error."""
        raise ModuleFailed(msg)

    def exit_json(self, **result: Any) -> NoReturn:
        """End with a result."""
        raise ModuleEnded(result)

    def run_command(self, command: list[str]) -> tuple[int, str, str]:
        """Every command succeeds, but for those that have another answer."""
        self.commands.append(command)
        return self.answers.get(command[0], (0, "", ""))


@pytest.fixture(name="fake_module")
def _fake_module() -> type[FakeModule]:
    pytest.importorskip("ansible.module_utils.basic")
    return FakeModule


@pytest.fixture(autouse=True)
def account_of_the_agent(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever runs the tests is the user that the agent runs as, so that files may be given to it."""
    pytest.importorskip("ansible.module_utils.basic")
    from ansible_collections.duet.ha_pair.plugins.module_utils import account

    me = account.Account(os.getuid(), os.getgid())
    monkeypatch.setattr(account, "find", lambda: me)
