# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a process gives to its successor: everything that a virtual router remembers. tests/netns has the processes."""

from __future__ import annotations

import asyncio
import json
from dataclasses import fields, replace
from typing import Any

import pytest
from story import FAULT
from test_virtual_router import WEB, Segment, play, tell_nobody
from vrrp_agent.config import Instance
from vrrp_agent.linux.errors import KernelError
from vrrp_agent.protocol import snapshot
from vrrp_agent.protocol.settings import Settings
from vrrp_agent.service import handover
from vrrp_agent.service.virtual_router import Transition, VirtualRouter


def copied(running: VirtualRouter, segment: Segment, configured: Instance = WEB) -> VirtualRouter:
    """The same virtual router in another process, before it goes on."""
    document = json.loads(json.dumps(handover.remember(running)))
    assert tuple(document["identity"]) == configured.identity
    return handover.restore(document, configured, segment, tell_nobody)


def test_every_field_has_its_place() -> None:
    """Who adds one decides whether it is handed over (VIRTUAL_ROUTER) or follows from something else (LEFT_OUT)."""

    async def run() -> set[str]:
        return set(vars(VirtualRouter(WEB, Segment(), tell_nobody)))

    assert asyncio.run(run()) == set(handover.VIRTUAL_ROUTER) | handover.LEFT_OUT
    assert {field.name for field in fields(Transition)} == set(handover._TRANSITION)


def test_every_setting_that_an_instance_adds_is_known() -> None:
    """What the old instance had instead of the new one matters where it stands in the kernel: use_vmac."""
    added = {field.name for field in fields(Instance)} - {field.name for field in fields(Settings)}
    assert added == {"name", "interface", "use_vmac", "track_interfaces", "checks"}
    assert set(handover._INSTANCE) - set(snapshot.SETTINGS) == {"use_vmac"}


def test_a_master_goes_on() -> None:
    """Nothing is done before it goes on; then it renews, and sends when it would have."""

    async def story(running: VirtualRouter, segment: Segment) -> None:
        sent, claims = segment.sent, len(segment.claims)
        other = copied(running, segment)
        running.deadline.cancel()
        assert (segment.sent, len(segment.claims)) == (sent, claims)
        assert handover.remember(other) == handover.remember(running)
        other.go_on()
        await asyncio.sleep(0.35)
        assert sent + 2 <= segment.sent <= sent + 5
        assert other.last_transition == running.last_transition
        other.let_go()
        assert segment.held == set()

    play(story)


def test_another_configuration_is_a_difference() -> None:
    """The old settings are told, so that what is gone is released."""

    async def story(running: VirtualRouter, segment: Segment) -> None:
        new = replace(WEB, virtual_addresses=WEB.virtual_addresses[:1], priority=200)
        other = copied(running, segment, new)
        running.deadline.cancel()
        assert other.instance == WEB
        other.reconfigure(new)
        assert segment.held == {(7, WEB.virtual_addresses[0])}
        other.let_go()

    play(story)


def test_an_address_that_was_refused_is_tried_again_later(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not at once: each try takes the role from a healthy peer."""

    async def story(running: VirtualRouter, segment: Segment) -> None:
        segment.refuses = KernelError("add", 13)
        running._claim()
        await asyncio.sleep(0.05)
        assert running.router.state is FAULT
        other = copied(running, segment)
        running.deadline.cancel()
        delays: list[float] = []
        monkeypatch.setattr(other._loop, "call_later", lambda delay_s, *_: delays.append(delay_s))
        other.go_on()
        assert (delays, other.router.state) == ([5.0], FAULT)

    play(story)


@pytest.mark.parametrize("written", ["99 3 4", "0 3 4"])
def test_another_format_is_refused(monkeypatch: pytest.MonkeyPatch, written: str) -> None:
    monkeypatch.setenv(handover._TAKE_OVER, written)
    with pytest.raises(handover.HandoverError, match="format"):
        handover.predecessor()
    assert handover.predecessor() is None  # children of the successor must not think that they are meant


def test_no_secret_is_handed_over() -> None:
    """Passwords and keys are in the file that the successor reads."""

    async def run() -> Any:
        web = replace(WEB, version=2, authentication=replace(WEB.authentication, type="pass", password="s3cret"))
        return handover.remember(VirtualRouter(web, Segment(), tell_nobody))

    assert "s3cret" not in json.dumps(asyncio.run(run()))
