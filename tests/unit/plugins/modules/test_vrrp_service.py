# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An upgrade that fails is told with the new agent's words, and leaves what runs as what is installed."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

pytest.importorskip("ansible.module_utils.basic")
from ansible_collections.duet.ha_pair.plugins.module_utils.vrrp_agent import client  # noqa: E402
from ansible_collections.duet.ha_pair.plugins.modules import vrrp_service  # noqa: E402

REFUSED = client.ControlError("upgrade_failed", "the new agent: ImportError: no module named tomorrow")


def installed(*names: str) -> Any:
    """An installation that has these packages, and remembers which were made current."""
    made: list[str] = []
    return SimpleNamespace(has=lambda name: name in names, activate=made.append, made=made)


@pytest.fixture(autouse=True)
def _agent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "status", lambda: {"package": "old"})


def answers(monkeypatch: pytest.MonkeyPatch, error: client.ControlError | None) -> None:
    """Have the agent's upgrade end like this."""

    def upgrade() -> None:
        if error is not None:
            raise error

    monkeypatch.setattr(client, "upgrade", upgrade)


def test_it_goes_well(monkeypatch: pytest.MonkeyPatch, fake_module: Any) -> None:
    answers(monkeypatch, None)
    installation = installed("old", "new")
    vrrp_service.upgrade(fake_module(), installation)
    assert installation.made == []


def test_the_running_package_is_current_again(monkeypatch: pytest.MonkeyPatch, fake_module: Any) -> None:
    answers(monkeypatch, REFUSED)
    installation = installed("old", "new")
    with pytest.raises(Exception, match="no module named tomorrow; the agent that runs goes on, and its package is"):
        vrrp_service.upgrade(fake_module(), installation)
    assert installation.made == ["old"]


def test_a_package_that_is_gone_cannot_be(monkeypatch: pytest.MonkeyPatch, fake_module: Any) -> None:
    answers(monkeypatch, REFUSED)
    installation = installed("new")
    with pytest.raises(Exception, match="the agent that runs goes on"):
        vrrp_service.upgrade(fake_module(), installation)
    assert installation.made == []


def test_an_agent_that_does_not_answer_is_another_matter(monkeypatch: pytest.MonkeyPatch, fake_module: Any) -> None:
    answers(monkeypatch, client.ControlError("timeout", "no answer"))
    installation = installed("old", "new")
    with pytest.raises(client.ControlError):
        vrrp_service.upgrade(fake_module(), installation)
    assert installation.made == []
