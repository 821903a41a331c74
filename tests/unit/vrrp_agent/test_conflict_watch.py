# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When the segment is asked for an address, without a segment."""

from __future__ import annotations

import asyncio
import time
from ipaddress import ip_interface
from types import SimpleNamespace
from typing import Any

import pytest
from vrrp_agent.protocol.conflicts import Conflicts
from vrrp_agent.protocol.events import State
from vrrp_agent.service import conflicts

LINK = SimpleNamespace(index=2, mac=b"\2" * 6, ethernet=True)


class Asked:
    """A socket that keeps what is sent."""

    frames: list[bytes] = []

    def __init__(self, index: int, family: int) -> None:
        del index, family

    def send(self, frame: bytes) -> None:
        """Keep a frame."""
        self.frames.append(frame)

    def watch(self, owners: object) -> None:
        """No filter is needed."""


def questions(age_s: float, monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """What a node asks as soon as it follows, when an instance has been MASTER for so long."""
    monkeypatch.setattr(conflicts, "NeighbourSocket", Asked)
    monkeypatch.setattr(conflicts, "_FOLLOW_S", 10.0)
    monkeypatch.setattr(Asked, "frames", [])
    monkeypatch.setattr(conflicts.ConflictWatch, "_listen", lambda *unused: None)
    running: Any = SimpleNamespace(
        instance=SimpleNamespace(interface="eth0", addresses=(ip_interface("192.0.2.1/24"),), advert_interval_cs=100),
        router=SimpleNamespace(state=State.MASTER),
        leaving=False,
        conflicts=Conflicts(time.monotonic_ns() - int(age_s * 1e9)),
    )
    network: Any = SimpleNamespace(link=lambda name: LINK, own_addresses=lambda *unused: [])

    async def follow() -> bool:
        watch = conflicts.ConflictWatch(network, lambda: [running], lambda *unused, **named: None)
        watch._follow_now()
        return watch._following is not None

    assert asyncio.run(follow()) is (age_s < 10.0)
    return Asked.frames


def test_a_new_master_does_not_ask_while_the_one_before_may_answer_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a virtual MAC the answer of the one before would lead the switch back to it."""
    assert questions(9.0, monkeypatch) == []
    assert len(questions(11.0, monkeypatch)) == 1
