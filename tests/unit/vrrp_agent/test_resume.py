# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Killed and started again: MASTER at once if nobody can have missed it, and else as ever."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from story import FAULT, INIT, MASTER, OURS, SECOND_VIP, US, VIP, T, fresh, sent
from test_virtual_router import WEB, Segment, eth, tell_nobody
from vrrp_agent.config import Config
from vrrp_agent.linux.interfaces import Address
from vrrp_agent.linux.netlink import ADDRESS_PROTOCOL
from vrrp_agent.protocol import events
from vrrp_agent.protocol.router import Router
from vrrp_agent.protocol.sync_config import SyncGroup
from vrrp_agent.service import resume
from vrrp_agent.service.virtual_router import VirtualRouter

EACH_SECOND = replace(WEB, advert_interval_cs=100)
API = replace(EACH_SECOND, name="api", virtual_router_id=52, virtual_addresses=(VIP,))


def left(remaining_s: int = 2, **changed: Any) -> dict[Any, Address]:
    """The addresses that an earlier life has left: a renewal of less than 2 s ago, unless something else is told."""
    one = {"index": 7, "secondary": False, "tentative": False, "permanent": False, "protocol": ADDRESS_PROTOCOL}
    there = {*EACH_SECOND.addresses, VIP}
    return {
        interface: Address(**{**one, "interface": interface, "remaining_s": remaining_s, **changed})
        for interface in there
    }


def network(there: dict[Any, Address]) -> Any:
    return SimpleNamespace(link=lambda name: eth() if name == "eth0" else None, on=lambda index: there)


def held(there: dict[Any, Address], *instances: Any, groups: tuple[SyncGroup, ...] = ()) -> dict[str, float]:
    found = resume.held(Config("lb1", instances, groups), network(there))
    return {instance.name: found[instance.identity] for instance in instances if instance.identity in found}


# --- what is recent enough


@pytest.mark.parametrize(("remaining_s", "age_s"), [(3, 1.0), (2, 2.0)])
def test_renewed_within_three_intervals(remaining_s: int, age_s: float) -> None:
    assert held(left(remaining_s), EACH_SECOND) == {"web": age_s}


def test_the_kernel_rounds_and_a_backup_does_not() -> None:
    """What has 1 s left of 3 may be 3 s old, less a tick."""
    assert held(left(1), EACH_SECOND) == {}


@pytest.mark.parametrize(("interval_cs", "remaining_s", "resumes"), [(10, 2, False), (39, 2, False), (40, 2, True)])
def test_short_intervals(interval_cs: int, remaining_s: int, resumes: bool) -> None:
    """A lifetime is two seconds at least, a backup's patience is not."""
    assert bool(held(left(remaining_s), replace(WEB, advert_interval_cs=interval_cs))) is resumes


def test_one_address_decides() -> None:
    there = left(3)
    there[WEB.addresses[1]] = replace(there[WEB.addresses[1]], remaining_s=1)
    assert held(there, EACH_SECOND) == {}
    del there[WEB.addresses[1]]
    assert held(there, EACH_SECOND) == {}


@pytest.mark.parametrize(
    "changed",
    [{"protocol": 0}, {"remaining_s": 4}, {"remaining_s": 0}, {"remaining_s": 0xFFFFFFFF, "permanent": True}],
    ids=["no mark", "another lifetime", "over", "for ever"],
)
def test_in_doubt_not(changed: dict[str, Any]) -> None:
    assert held(left(**changed), EACH_SECOND) == {}


def test_not_the_owner_and_not_without_the_interface() -> None:
    assert held(left(), replace(EACH_SECOND, priority=255)) == {}
    assert held(left(), replace(EACH_SECOND, interface="eth1")) == {}


def test_a_sync_group_as_one() -> None:
    groups = (SyncGroup("edge", ("web", "api")),)
    assert held(left(), EACH_SECOND, API, groups=groups) == {"web": 2.0, "api": 2.0}
    there = {key: one for key, one in left().items() if key == VIP}
    assert held(there, EACH_SECOND, API) == {"api": 2.0}
    assert held(there, EACH_SECOND, API, groups=groups) == {}


# --- the life before


def test_the_same_life(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = str(tmp_path)
    assert not resume.same_life(folder, "a")
    resume.write_record(folder, "a")
    assert resume.same_life(folder, "a")
    assert not resume.same_life(folder, "b")
    before_ns = resume._suspended_ns()
    monkeypatch.setattr(resume, "_suspended_ns", lambda: before_ns + 100_000_000)
    assert not resume.same_life(folder, "a")


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"config_digest": "a", "suspended_ns": "x"}', "\udcff"])
def test_a_record_that_makes_no_sense(tmp_path: Path, text: str) -> None:
    (tmp_path / "last-life.json").write_bytes(text.encode(errors="surrogateescape"))
    assert not resume.same_life(str(tmp_path), "a")


def test_a_disk_that_is_full_is_told_and_no_more(tmp_path: Path) -> None:
    resume.write_record(str(tmp_path / "missing"), "a")
    assert not resume.same_life(str(tmp_path / "missing"), "a")


# --- what the router and its shell make of it


def test_it_is_master_at_once() -> None:
    router = fresh()
    reason = "resumed: its addresses were renewed less than 2 s ago"
    assert router.handle(events.Start(2.0), T) == (
        events.StateChanged(INIT, MASTER, reason),
        events.ClaimAddresses((VIP,)),
        events.Announce((VIP,)),
        sent(),
    )
    assert router.new_master_reason == "no_response"


def test_a_fault_goes_first() -> None:
    router = Router(OURS)
    assert router.handle(events.Start(2.0), T) == (events.StateChanged(INIT, FAULT, "interface not seen yet"),)


def test_a_member_of_a_group_need_not_ask() -> None:
    router = fresh(virtual_addresses=(SECOND_VIP,))
    router.handle(events.GroupJoined(), T)
    router.handle(events.Start(1.0), T)
    assert (router.state, router.source) == (MASTER, US)


@pytest.mark.parametrize("carrier", [True, False])
def test_what_was_kept_for_it_is_let_go_when_it_cannot(carrier: bool) -> None:
    async def run() -> None:
        segment = Segment()
        segment.links = {7: eth(carrier=carrier)}
        segment.held = {(7, address) for address in WEB.addresses}
        running = VirtualRouter(WEB, segment, tell_nobody)
        running.start(0.5)
        assert running.router.state is (MASTER if carrier else FAULT)
        assert bool(segment.held) is carrier
        running.let_go()

    asyncio.run(run())
