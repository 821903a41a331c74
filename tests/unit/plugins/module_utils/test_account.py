# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The agent's user and group are made where they are missing, and left alone where they are there."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from ansible_collections.duet.ha_pair.plugins.module_utils import account
from ansible_collections.duet.ha_pair.plugins.module_utils.account import Account, AccountError


class Node:
    """Has users and groups, and commands that make more; one that is `broken` makes none."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, users: set[str], groups: set[str]) -> None:
        self.users, self.groups = users, groups
        self.commands: list[list[str]] = []
        self.answer = (0, "", "")
        monkeypatch.setattr(account.pwd, "getpwnam", lambda name: self._find(self.users, name))
        monkeypatch.setattr(account.grp, "getgrnam", lambda name: self._find(self.groups, name))

    def run(self, command: list[str]) -> tuple[int, str, str]:
        """Do what useradd and groupadd do."""
        self.commands.append(command)
        if self.answer[0] == 0:
            (self.users if command[0] == "useradd" else self.groups).add(command[-1])
        return self.answer

    def _find(self, names: set[str], name: str) -> SimpleNamespace:
        if name not in names:
            raise KeyError(name)
        return SimpleNamespace(pw_uid=990, gr_gid=991)


def test_a_fresh_node_gets_both_and_the_second_time_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    node = Node(monkeypatch, set(), set())
    assert account.find() is None
    assert account.ensure(node.run) == Account(990, 991)
    assert [command[0] for command in node.commands] == ["groupadd", "useradd"]
    assert "--system" in node.commands[1] and "/usr/sbin/nologin" in node.commands[1]
    assert account.ensure(node.run) == Account(990, 991)
    assert len(node.commands) == 2


@pytest.mark.parametrize(
    ("users", "groups", "made"),
    [(set(), {"vrrp-agent"}, ["useradd"]), ({"vrrp-agent"}, set(), ["groupadd"])],
)
def test_half_an_account_is_completed(
    monkeypatch: pytest.MonkeyPatch, users: set[str], groups: set[str], made: list[str]
) -> None:
    node = Node(monkeypatch, users, groups)
    account.ensure(node.run)
    assert [command[0] for command in node.commands] == made


def test_a_refusal_is_told_with_its_command(monkeypatch: pytest.MonkeyPatch) -> None:
    node = Node(monkeypatch, set(), set())
    node.answer = (10, "", "groupadd: cannot lock /etc/group; try again later.\n")
    with pytest.raises(AccountError, match="^groupadd --system vrrp-agent: groupadd: cannot lock /etc/group"):
        account.ensure(node.run)
