# Copyright: (c) 2026, duet.ha_pair contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""The system user and group that the agent runs as: no shell, no home, no password."""

from __future__ import annotations

import grp
import pwd
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

NAME = "vrrp-agent"

_RunCommand = Callable[[list[str]], Any]


class AccountError(Exception):
    """The user cannot be made; the message says why."""


@dataclass(frozen=True)
class Account:
    """A user's number, and that of the group of the same name."""

    uid: int
    gid: int


def find() -> Account | None:
    """The agent's account; None if this node has none yet."""
    try:
        return Account(pwd.getpwnam(NAME).pw_uid, grp.getgrnam(NAME).gr_gid)
    except KeyError:
        return None


def ensure(run_command: _RunCommand) -> Account:
    """The agent's account, made if it is missing; raises AccountError."""
    found = find()
    if found is not None:
        return found
    for command in _missing():
        code, out, err = run_command(command)
        if code != 0:
            raise AccountError(f"{' '.join(command)}: {(err or out).strip()}")
    made = find()
    if made is None:
        raise AccountError(f"the user {NAME} was made, and is not there: does another source of users hide it?")
    return made


def left() -> list[str]:
    """The commands that remove what is there, each to be followed by the name; a user's own group goes with it."""
    if _has(pwd.getpwnam):
        return ["userdel"]
    return ["groupdel"] if _has(grp.getgrnam) else []


def _missing() -> list[list[str]]:
    """The commands that make what is not there."""
    commands = []
    if not _has(grp.getgrnam):
        commands.append(["groupadd", "--system", NAME])
    if not _has(pwd.getpwnam):
        options = ["--no-create-home", "--home-dir", "/nonexistent", "--shell", "/usr/sbin/nologin"]
        commands.append(["useradd", "--system", "--gid", NAME, *options, NAME])
    return commands


def _has(look_up: Callable[[str], object]) -> bool:
    try:
        look_up(NAME)
    except KeyError:
        return False
    return True
