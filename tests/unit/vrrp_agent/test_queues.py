# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which notify command runs when, and what waits to be delivered: with an invented clock, or none."""

from __future__ import annotations

from typing import Any

from vrrp_agent.notification import NotifyCommand
from vrrp_agent.service.hook_queue import AT_ONCE_MAX, HookQueue, Job, Subject
from vrrp_agent.service.outbox import WAITING_MAX, Outbox

FIRST, SECOND = (NotifyCommand((name,), 30.0, None, None) for name in ("/first", "/second"))
WEB, API = ("INSTANCE", "web"), ("INSTANCE", "api")


def job(state: str, hook: NotifyCommand = FIRST, subject: Subject = WEB) -> Job:
    return Job(hook, subject, state, 100, {})


def states(jobs: list[Job]) -> list[str]:
    return [one.state for one in jobs]


# --- commands


def test_commands_run_in_order_one_at_a_time() -> None:
    queue = HookQueue()
    queue.want(WEB, [job("MASTER"), job("MASTER", SECOND)])
    [first] = queue.start()
    assert (first.hook, queue.start()) == (FIRST, [])
    queue.done(first)
    [second] = queue.start()
    assert second.hook == SECOND
    queue.done(second)
    assert queue.idle


def test_what_waits_is_superseded_and_what_runs_ends() -> None:
    queue = HookQueue()
    queue.want(WEB, [job("MASTER"), job("MASTER", SECOND)])
    [running] = queue.start()
    assert queue.want(WEB, [job("BACKUP"), job("BACKUP", SECOND)]) == [job("MASTER", SECOND)]
    assert states(queue.want(WEB, [job("FAULT"), job("FAULT", SECOND)])) == ["BACKUP", "BACKUP"]
    assert queue.start() == []
    queue.done(running)
    [latest] = queue.start()
    assert latest == job("FAULT")


def test_a_command_that_is_told_alone_supersedes_nothing_of_the_others() -> None:
    queue = HookQueue()
    queue.want(WEB, [job("MASTER")])
    assert queue.want(WEB, [job("MASTER", SECOND)]) == []
    [first] = queue.start()
    queue.done(first)
    assert [one.hook for one in queue.start()] == [SECOND]


def test_instances_do_not_wait_for_each_other() -> None:
    queue = HookQueue()
    queue.want(WEB, [job("MASTER")])
    queue.want(API, [job("MASTER", subject=API)])
    assert [one.subject for one in queue.start()] == [WEB, API]


def test_no_more_than_some_run_at_once() -> None:
    queue = HookQueue()
    for number in range(AT_ONCE_MAX + 1):
        queue.want(("INSTANCE", str(number)), [job("MASTER", subject=("INSTANCE", str(number)))])
    running = queue.start()
    assert len(running) == AT_ONCE_MAX and queue.start() == []
    queue.done(running[0])
    assert [one.subject[1] for one in queue.start()] == [str(AT_ONCE_MAX)]


def test_a_command_that_is_no_longer_configured_does_not_run() -> None:
    queue = HookQueue()
    queue.want(WEB, [job("MASTER"), job("MASTER", SECOND)])
    queue.forget([SECOND])
    assert [one.hook for one in queue.start()] == [SECOND]


# --- deliveries


def event(number: int) -> dict[str, Any]:
    return {"seq": number}


def numbers(events: list[dict[str, Any]]) -> list[int]:
    return [one["seq"] for one in events]


def test_an_event_is_due_at_once_and_stays_until_it_is_delivered() -> None:
    outbox = Outbox()
    assert outbox.due_s() is None
    outbox.add(event(1), 100.0)
    assert outbox.due_s() == 100.0
    assert numbers(outbox.batch(10, 100.0)) == numbers(outbox.batch(10, 100.0)) == [1]
    outbox.delivered(1)
    assert outbox.due_s() is None and outbox.batch(10, 101.0) == []


def test_events_that_come_together_go_together() -> None:
    outbox = Outbox(first_s=1.0)
    outbox.add(event(1), 100.0)
    outbox.add(event(2), 100.9)
    assert outbox.batch(10, 100.9) == []
    assert (outbox.due_s(), numbers(outbox.batch(10, 101.0))) == (101.0, [1, 2])


def test_the_pauses_grow_to_a_minute_and_end_with_a_success() -> None:
    outbox = Outbox()
    outbox.add(event(1), 0.0)
    now_s, pauses = 0.0, []
    for _try in range(8):
        pauses.append(outbox.failed(now_s))
        now_s += pauses[-1]
        assert outbox.batch(10, now_s - 0.1) == [] and numbers(outbox.batch(10, now_s)) == [1]
    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60]
    outbox.add(event(2), now_s)
    outbox.delivered(1)
    assert outbox.failed(now_s) == 1


def test_a_new_event_does_not_shorten_a_pause() -> None:
    outbox = Outbox()
    outbox.add(event(1), 0.0)
    outbox.failed(0.0)
    outbox.delivered(1)
    outbox.add(event(2), 0.5)
    assert outbox.due_s() == 1.0


def test_the_oldest_go_when_there_are_too_many() -> None:
    outbox = Outbox()
    for number in range(WAITING_MAX + 2):
        outbox.add(event(number), 0.0)
    assert (len(outbox), outbox.dropped, outbox.waiting[0]["seq"]) == (WAITING_MAX, 2, 2)


def test_what_nobody_wants_any_more_goes() -> None:
    outbox = Outbox()
    outbox.add(event(1), 0.0)
    outbox.add(event(2), 3600.0)
    assert numbers(outbox.batch(10, 24 * 3600.0 + 1)) == [2]
    assert outbox.dropped == 1
