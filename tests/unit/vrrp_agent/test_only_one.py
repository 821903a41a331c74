# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two agents in one network namespace would fight over the same addresses: whose hold of the name counts."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from types import SimpleNamespace

import pytest
from vrrp_agent.service import only_one

STRANGER = 65534
HOLD = (
    "import socket, sys; s = socket.socket(1); s.bind('\\0' + sys.argv[1]); s.listen(); print(1, flush=True); input()"
)


@pytest.fixture(autouse=True)
def name(monkeypatch: pytest.MonkeyPatch) -> str:
    """A name of this test alone."""
    name = f"duet.ha_pair/test-{os.getpid()}"
    monkeypatch.setattr(only_one, "_ONLY_ONE", f"\0{name}")
    return name


@pytest.fixture
def holder(name: str) -> Iterator[None]:
    """Somebody else holds the name."""
    if os.geteuid() != 0:
        pytest.skip("only root can become somebody else")
    command = ["setpriv", f"--reuid={STRANGER}", "--clear-groups", "/usr/bin/python3", "-c", HOLD, name]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None and process.stdout.readline()
        yield
        process.kill()


def test_the_units_user_is_trusted(holder: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody starts a second agent by hand, as root, beside the unit's."""
    monkeypatch.setattr(only_one.pwd, "getpwnam", lambda name: SimpleNamespace(pw_uid=STRANGER))
    with pytest.raises(only_one.StartError, match="another vrrp-agent is running on this host"):
        only_one.only_agent_here()


def test_a_stranger_is_not(holder: None) -> None:
    only_one.only_agent_here().close()


def test_the_name_is_free_after_its_holder() -> None:
    for _life in range(2):
        only_one.only_agent_here().close()
    held = only_one.only_agent_here()
    with pytest.raises(only_one.StartError):
        only_one.only_agent_here()
    held.close()
