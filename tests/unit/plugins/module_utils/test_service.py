# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The least that brings the running agent in line, and how long it is waited for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from ansible_collections.duet.ha_pair.plugins.module_utils.agent import (
    ask_patiently,
    wait_until_settled,
    wait_until_uncontested,
)
from ansible_collections.duet.ha_pair.plugins.module_utils.service import Digests, plan, read_unit
from ansible_collections.duet.ha_pair.plugins.module_utils.vrrp_agent.client import ControlError

RUNNING = "LoadState=loaded\nActiveState=active\nUnitFileState=enabled\nNeedDaemonReload=no\n"


SAME = Digests("p", "a")


@pytest.mark.parametrize(
    ("shown", "running", "restart", "expected"),
    [
        (RUNNING, SAME, False, (False, False, "none")),
        (RUNNING, Digests("p", "b"), False, (False, False, "reload")),
        (RUNNING, Digests("q", "a"), False, (False, False, "upgrade")),
        (RUNNING, Digests(None, "a"), False, (False, False, "upgrade")),
        (RUNNING, Digests("q", "b"), False, (False, False, "upgrade")),
        (RUNNING, Digests("q", "a"), True, (False, False, "restart")),
        (RUNNING, Digests("q", "a", upgrades=False), False, (False, False, "restart")),
        (RUNNING, Digests("p", "b"), True, (False, False, "restart")),
        (RUNNING, None, False, (False, False, "restart")),
        (RUNNING.replace("Reload=no", "Reload=yes"), SAME, False, (True, False, "restart")),
        (RUNNING.replace("enabled", "disabled"), SAME, False, (False, True, "none")),
        (RUNNING.replace("=active", "=inactive"), None, False, (False, False, "start")),
        (RUNNING.replace("=active", "=failed"), None, True, (False, False, "start")),
        ("LoadState=not-found\nActiveState=inactive\n", None, False, (False, True, "start")),
    ],
)
def test_the_least_that_is_needed(
    shown: str, running: Digests | None, restart: bool, expected: tuple[Any, ...]
) -> None:
    found = plan(read_unit(shown), running, SAME, restart)
    assert (found.daemon_reload, found.enable, found.action) == expected
    assert found.changes is (expected != (False, False, "none"))


def test_without_a_wanted_package_whatever_runs_is_right() -> None:
    assert plan(read_unit(RUNNING), Digests("q", "a"), Digests(None, "a"), restart=False).action == "none"


class Clock:
    """Time that passes only by sleeping."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.now_s += seconds


def status(state: str, interval_s: float = 1.0) -> dict[str, Any]:
    """One instance in a state."""
    return {"instances": [{"name": "web", "state": state, "advert_interval": interval_s, "fault": None}]}


def answers(*items: dict[str, Any] | ControlError) -> Callable[[], dict[str, Any]]:
    """An agent that answers these, and then always the last one."""
    queue: Iterator[dict[str, Any] | ControlError] = iter(items)
    last = [items[-1]]

    def ask() -> dict[str, Any]:
        item = next(queue, last[0])
        if isinstance(item, ControlError):
            raise item
        return item

    return ask


def test_it_waits_until_the_node_has_settled() -> None:
    clock = Clock()
    ask = answers(ControlError("not_running", ""), status("INIT"), status("BACKUP"), status("MASTER"))
    assert wait_until_settled(5, ask, clock, clock.sleep) == (status("MASTER"), [])
    assert clock.now_s == pytest.approx(0.3)


def test_it_gives_up_after_the_time_and_four_intervals() -> None:
    clock = Clock()
    waiting = wait_until_settled(5, answers(status("BACKUP", 10)), clock, clock.sleep)[1]
    assert waiting == ["instance web: BACKUP, has heard no MASTER yet"]
    assert clock.now_s == pytest.approx(45, abs=0.2)


def test_a_fault_ends_the_wait_at_once() -> None:
    clock = Clock()
    assert wait_until_settled(5, answers(status("FAULT")), clock, clock.sleep)[1]
    assert clock.now_s == 0


@pytest.mark.parametrize(
    ("code", "waited_s"), [("not_running", 5), ("timeout", 5), ("not_installed", 0), ("not_permitted", 0)]
)
def test_an_agent_that_cannot_be_asked(code: str, waited_s: float) -> None:
    clock = Clock()
    with pytest.raises(ControlError):
        wait_until_settled(5, answers(ControlError(code, "")), clock, clock.sleep)
    assert clock.now_s == pytest.approx(waited_s, abs=0.2)


def test_an_agent_that_is_late_is_asked_again_and_one_that_refuses_is_not() -> None:
    """A restart for that would move the roles of a busy host."""
    clock, late = Clock(), ControlError("timeout", "")
    assert ask_patiently(30, answers(late, late, status("MASTER")), clock) == status("MASTER")
    for error in (ControlError("not_running", ""), ControlError("bad_answer", "")):
        with pytest.raises(ControlError, match=str(error)):
            ask_patiently(30, answers(error, status("MASTER")), clock)


def test_an_agent_that_never_answers_is_given_up() -> None:
    clock = Clock()

    def ask() -> dict[str, Any]:
        clock.sleep(5)
        raise ControlError("timeout", "")

    with pytest.raises(ControlError):
        ask_patiently(30, ask, clock)
    assert clock.now_s == 30


def test_a_conflict_that_is_over_is_waited_for_and_another_one_is_not_for_long() -> None:
    contested, calm = status("MASTER"), status("MASTER")
    contested["instances"][0]["conflicts"] = [{"address": "192.0.2.10"}]
    clock = Clock()
    assert wait_until_uncontested(30, answers(contested, contested, calm), clock, clock.sleep) == calm
    assert clock.now_s == pytest.approx(0.2)
    assert wait_until_uncontested(30, answers(contested), clock, clock.sleep) == contested
    assert clock.now_s == pytest.approx(12.2, abs=0.2)
    assert wait_until_uncontested(30, answers(calm), clock, clock.sleep) == calm
