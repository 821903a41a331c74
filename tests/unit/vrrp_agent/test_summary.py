# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the service manager is told of transitions: how many are MASTER, once for all of a moment."""

from __future__ import annotations

import asyncio
from unittest.mock import MagicMock, PropertyMock

import pytest
from vrrp_agent.service import agent as module
from vrrp_agent.service.agent import Agent


def test_a_thousand_that_fail_over_are_counted_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """To count all of them for each would be quadratic."""
    told: list[str] = []
    counted = PropertyMock(return_value=1000)
    monkeypatch.setattr(module, "notify", told.append)

    async def story() -> None:
        agent = Agent("config.json", "run", "state")
        for name in ("_voice", "_events", "_maintenance", "_conflicts", "_routers", "_transition"):
            setattr(agent, name, MagicMock())
        agent._maintenance.drained = False
        type(agent._routers).masters = counted
        agent._routers.configured.return_value = [None] * 1000
        agent._loop, agent._summary_due = asyncio.get_running_loop(), False
        for _moment in range(2):
            for _instance in range(1000):
                agent._note("transition")
            await asyncio.sleep(0)
            await asyncio.sleep(0)

    asyncio.run(story())
    assert told == ["STATUS=MASTER of 1000 of 1000 instances"] * 2
    assert counted.call_count == 2
