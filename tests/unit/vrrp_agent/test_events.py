# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The events of a node: numbered, kept over restarts, bounded, and of no consequence where the disk fails."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Coroutine
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Callable

import pytest
from vrrp_agent import events_command
from vrrp_agent.client import ControlError
from vrrp_agent.service import event_text
from vrrp_agent.service.control import CommandError
from vrrp_agent.service.event_file import EventFile
from vrrp_agent.service.events import KEPT_MAX, EventLog

WEB = SimpleNamespace(instance=SimpleNamespace(name="web", interface="eth0", virtual_router_id=51))

Scene = Callable[[EventLog], Coroutine[Any, Any, None]]


def live(folder: Path, scene: Scene) -> EventLog:
    """One life of an agent, which ends in good order."""

    async def life() -> EventLog:
        log = EventLog(str(folder))
        await scene(log)
        await log.flush()
        return log

    return asyncio.run(asyncio.wait_for(life(), 20))


def noting(*names: str) -> Scene:
    async def scene(log: EventLog) -> None:
        for name in names:
            log.note(name)

    return scene


def names_in(folder: Path, count: int = 100) -> list[str]:
    return [event["event"] for event in EventFile(str(folder)).last(count)]


# --- the file


def test_an_event_tells_when_what_and_where(tmp_path: Path) -> None:
    async def scene(log: EventLog) -> None:
        log.note("transition", WEB, to="MASTER")

    live(tmp_path, scene)
    [event] = EventFile(str(tmp_path)).last(10)
    at = event.pop("at")
    assert at.endswith("Z") and "T" in at
    where = {"instance": "web", "interface": "eth0", "virtual_router_id": 51}
    assert event == {"seq": 1, "event": "transition", **where, "to": "MASTER"}


def test_numbers_go_on_in_the_next_life(tmp_path: Path) -> None:
    live(tmp_path, noting("started", "stopped"))
    live(tmp_path, noting("started"))
    assert [event["seq"] for event in EventFile(str(tmp_path)).last(10)] == [1, 2, 3]


def test_only_the_agents_user_reads_the_file(tmp_path: Path) -> None:
    live(tmp_path / "state", noting("started"))
    assert (tmp_path / "state").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "state" / "events.jsonl").stat().st_mode & 0o777 == 0o600


def test_a_line_that_a_power_cut_has_torn_is_passed_over(tmp_path: Path) -> None:
    live(tmp_path, noting("one", "two"))
    path = tmp_path / "events.jsonl"
    os.truncate(path, path.stat().st_size - 20)
    live(tmp_path, noting("three"))
    assert names_in(tmp_path) == ["one", "three"]


@pytest.mark.parametrize("garbage", [b"\0\xff\n", b"[1]\n", b"{}\n", b'{"seq": "1", "event": "x"}\n', b"[" * 100_000])
def test_what_is_no_event_is_passed_over(tmp_path: Path, garbage: bytes) -> None:
    (tmp_path / "events.jsonl").write_bytes(garbage)
    live(tmp_path, noting("one"))
    assert names_in(tmp_path) == ["one"]


def test_the_file_is_bounded_and_the_one_before_it_is_kept(tmp_path: Path) -> None:
    file = EventFile(str(tmp_path), max_octets=1000)
    for seq in range(100):
        file.append([json.dumps({"seq": seq, "event": "x" * 80})])
    sizes = [path.stat().st_size for path in tmp_path.iterdir()]
    assert len(sizes) == 2 and max(sizes) <= 1000
    assert [event["seq"] for event in file.last(9)] == list(range(91, 100))


# --- a disk that fails


def test_a_full_disk_costs_lines_and_says_so(tmp_path: Path) -> None:
    """/dev/full takes nothing: every write fails with ENOSPC."""

    async def scene(log: EventLog) -> None:
        path = tmp_path / "events.jsonl"
        path.symlink_to("/dev/full")
        log.note("one")
        await log.flush()
        assert log.status() == {"last": 1, "lost": 1, "error": "No space left on device"}
        assert [event["event"] for event in (await log.answer(10))["events"]] == ["one"]
        path.unlink()
        log.note("two")
        await log.flush()
        assert log.status() == {"last": 2, "lost": 1, "error": None}

    live(tmp_path, scene)
    assert names_in(tmp_path) == ["two"]


def test_a_disk_that_hangs_costs_no_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vrrp_agent.service.events._UNWRITTEN_MAX", 5)

    async def scene(log: EventLog) -> None:
        await noting(*["x"] * 20)(log)
        assert log.status()["lost"] == 15

    live(tmp_path, scene)
    assert [event["seq"] for event in EventFile(str(tmp_path)).last(100)] == [16, 17, 18, 19, 20]


# --- those who ask


def test_the_last_events_are_answered_from_memory(tmp_path: Path) -> None:
    async def scene(log: EventLog) -> None:
        await noting(*["x"] * (KEPT_MAX + 10))(log)
        assert [event["seq"] for event in (await log.answer(2))["events"]] == [KEPT_MAX + 9, KEPT_MAX + 10]
        assert len((await log.answer(10**9))["events"]) == KEPT_MAX
        assert (await log.answer(-1))["events"] == []

    live(tmp_path, scene)


def test_who_follows_is_answered_at_once_when_something_happens(tmp_path: Path) -> None:
    async def scene(log: EventLog) -> None:
        followers = [asyncio.ensure_future(log.follow(0)) for unused in range(3)]
        await asyncio.sleep(0)
        log.note("one")
        answers = await asyncio.wait_for(asyncio.gather(*followers), 5)
        assert [[event["event"] for event in answer["events"]] for answer in answers] == [["one"]] * 3
        assert (await log.follow(0))["last"] == 1

    live(tmp_path, scene)


def test_who_follows_in_vain_is_answered_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vrrp_agent.service.events._FOLLOW_S", 0.01)

    async def scene(log: EventLog) -> None:
        log.note("one")
        assert await log.follow(1) == {"events": [], "last": 1}

    live(tmp_path, scene)


def test_a_number_of_a_life_whose_file_is_lost_begins_anew(tmp_path: Path) -> None:
    async def scene(log: EventLog) -> None:
        log.note("one")
        assert [event["event"] for event in (await log.follow(700))["events"]] == ["one"]

    live(tmp_path, scene)


def test_followers_are_few(tmp_path: Path) -> None:
    async def scene(log: EventLog) -> None:
        followers = [asyncio.ensure_future(log.follow(0)) for unused in range(8)]
        await asyncio.sleep(0)
        with pytest.raises(CommandError, match="others are following"):
            await log.follow(0)
        log.note("one")
        await asyncio.gather(*followers)
        await log.follow(0)

    live(tmp_path, scene)


# --- over an upgrade


def test_a_successor_writes_what_its_predecessor_could_not(tmp_path: Path) -> None:
    """The old one's writing is cut off: some lines are on the disk, one twice, and none is missing."""

    async def scene(old: EventLog) -> None:
        old.note("one")
        mark = await old.flush()
        new = EventLog(str(tmp_path))
        old.note("two")
        await old.flush()
        old.note("three")
        memory = json.loads(json.dumps(old.remember(mark)))
        new.restore(memory)
        new.note("upgrade")
        await new.flush()
        assert [event["event"] for event in (await new.answer(9))["events"]] == ["one", "two", "three", "upgrade"]

    live(tmp_path, scene)
    assert names_in(tmp_path) == ["one", "two", "three", "upgrade"]


# --- for people


def shown(events: list[dict[str, Any]]) -> list[str]:
    return [event_text.line({"at": "T", **event}) for event in events]


def test_lines_for_people() -> None:
    web = {"instance": "web", "interface": "eth0", "virtual_router_id": 51}
    assert shown(
        [
            {"event": "transition", **web, "from": "BACKUP", "to": "MASTER", "reason": "no advert"},
            {"event": "conflict", **web, "address": "192.0.2.1", "mac": None, "over": False},
            {"event": "check", **web, "check": "api", "healthy": False, "detail": "503 \x1b[2J\n"},
            {"event": "undrained", "instance": None},
            {"event": "reload", "instance": None, "ok": True, "error": None},
        ]
    ) == [
        "T web eth0/51: BACKUP -> MASTER: no advert",
        "T web eth0/51: conflict: address 192.0.2.1, over no",
        "T web eth0/51: check: check api, healthy no, detail 503 ?[2J?",
        "T undrained",
        "T reload: ok yes",
    ]


def test_an_agent_that_runs_no_more_has_left_its_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    live(tmp_path, noting("started", "stopped"))
    events_command.show(1, False, True, str(tmp_path), str(tmp_path))
    assert json.loads(capsys.readouterr().out)["event"] == "stopped"
    with pytest.raises(ControlError, match="not running"):
        events_command.show(1, False, True, str(tmp_path), str(tmp_path / "nothing"))
