# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""As many schedules of consecutive seeds as the budget allows; and that the simulation is what it claims to be."""

from __future__ import annotations

import os
from types import SimpleNamespace

import pytest

from .agent import Agent, lifetime_s
from .faults import ALL
from .hostile import forge
from .runner import run, tell
from .scenario import settings
from .schedule import draw, play

SECONDS = float(os.environ.get("SIMULATION_SECONDS", "20"))
# Half of what one busy core of a slow machine does: fewer means that something hangs.
LEAST_A_SECOND = 50


def test_schedules(capsys: pytest.CaptureFixture[str]) -> None:
    """No schedule breaks an invariant."""
    result = run(SECONDS)
    with capsys.disabled():
        print(f"\n{result}")
    if result.failed_seed is not None:
        pytest.fail(tell(result.failed_seed)[1], pytrace=False)
    assert result.schedules >= SECONDS * LEAST_A_SECOND
    assert result.agreements >= result.schedules


def test_the_same_seed_is_the_same_run() -> None:
    """Down to the last packet, or no failure could be replayed."""
    for seed in range(20):
        first, second = (play(seed, verbose=True).world.retell() for turn in range(2))
        assert first == second
        assert first


def test_schedules_are_of_every_kind() -> None:
    """Versions, families, sizes, equals, owners, modes and peers all occur, and so do all faults."""
    scenarios = [draw(seed) for seed in range(300)]
    nodes = [node for scenario in scenarios for node in scenario.nodes]
    assert {(node.settings.version, node.settings.family) for node in nodes} == {(2, 4), (3, 4), (3, 6)}
    assert {len(scenario.machines) for scenario in scenarios} == {2, 3, 4}
    assert {len(scenario.segments) for scenario in scenarios} == {1, 2}
    assert {node.settings.advert_interval_cs for node in nodes} >= {1, 10, 100, 1000}
    assert {node.settings.preempt for node in nodes} == {True, False}
    assert 0.05 < sum(bool(node.settings.unicast_peers) for node in nodes) / len(nodes) < 0.2
    assert {node.settings.authentication.type for node in nodes} == {"none", "pass", "hmac"}
    signed = [scenario for scenario in scenarios if scenario.signed is not None]
    assert 40 < len(signed) < 80
    assert any(scenario.world.ahead_ns[0] != scenario.world.ahead_ns[1] for scenario in signed)
    assert {1, 100, 254, 255} <= {node.settings.priority for node in nodes}
    assert {node.is_ours for node in nodes} == {True, False}
    told = " ".join(line for seed in range(300) for line in play(seed, story=True).world.retell())
    for words in ("crashes", "is stopped", "is paused", "link down", "has address", "does not hear", "split into"):
        assert words in told
    for words in ("loses 10%", "delays packets", "is reloaded", "forged packet", "not renewed", "BACKUP -> FAULT"):
        assert words in told
    for words in ("wall clock steps", ": replayed", ": changed", ": moved", ": not signed", ": another key"):
        assert words in told
    assert len(set(ALL)) == 11


def test_every_kind_of_forged_packet_is_sent() -> None:
    """Checksum, TTL, length, type, version, count, interval, authentication, own address, and the way it came."""
    kinds = set()
    for seed in range(40):
        scenario = draw(seed)
        scenario.start()
        agent = next(node for node in scenario.nodes if isinstance(node, Agent))
        kinds |= {forge(scenario.world.random, agent)[0] for turn in range(40)}
    assert len(kinds) == 13


def test_lifetimes_are_the_services() -> None:
    """The simulated interface lets go when the real one does."""
    service = pytest.importorskip("vrrp_agent.service.lifetimes")
    for interval_cs in (1, 50, 66, 67, 100, 150, 4095):
        instance = SimpleNamespace(advert_interval_cs=interval_cs)
        assert lifetime_s(settings(interval_cs=interval_cs)) == service.lifetime_s(instance)
