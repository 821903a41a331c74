# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One instance at work on a network that is invented: what the router wants is done, and where the kernel will not."""

from __future__ import annotations

import asyncio
import errno
import time
from collections.abc import Coroutine
from contextlib import nullcontext
from dataclasses import replace
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Callable

import pytest
from story import BACKUP, FAULT, INIT, MASTER, heard
from vrrp_agent import config
from vrrp_agent.linux.errors import KernelError
from vrrp_agent.linux.interfaces import Link
from vrrp_agent.service import deadline
from vrrp_agent.service.virtual_router import VirtualRouter
from vrrp_agent.service.wakings import Wakings

DOCUMENT = {
    "router_id": "lb1",
    "instances": [
        {
            "name": "web",
            "interface": "eth0",
            "virtual_router_id": 51,
            "priority": 254,
            "advert_interval": 0.1,
            "virtual_addresses": ["192.0.2.100/24", "192.0.2.101/24"],
        }
    ],
}
[WEB] = config.parse(DOCUMENT).instances
VIP, SECOND_VIP = WEB.virtual_addresses


def eth(index: int = 7, **changed: Any) -> Link:
    return Link(
        **{"index": index, "name": "eth0", "up": True, "carrier": True, "mac": b"\2" * 6, "mtu": 1500, **changed}
    )


def tell_nobody(event: str, running: VirtualRouter, **fields: Any) -> None:
    """Nobody wants to know what happens."""


class Reaper:
    """What a VirtualRouter sees of service.reaper.Reaper: until when its addresses are held, and which."""

    def __init__(self) -> None:
        self.until_ns: int | None = None
        self.places: set[tuple[int, object]] = set()
        self.at_end: bool | None = None

    def hold(self, holder: object, label: str, at_end: bool, index: int, addresses: Any) -> None:
        self.places |= {(index, address) for address in addresses}
        self.at_end = at_end

    def renew(self, holder: object, until_ns: int) -> None:
        self.until_ns = until_ns

    def release(self, holder: object, index: int, addresses: Any) -> None:
        self.places -= {(index, address) for address in addresses}


class Segment:
    """What a VirtualRouter sees of service.network.Network: links, the addresses that it put there, what it sent."""

    def __init__(self) -> None:
        self.links = {7: eth()}
        self.held: set[tuple[int, object]] = set()
        self.claims: list[tuple[object, ...]] = []
        self.sent = self.renewals = 0
        self.changes = object()
        self.announced: list[tuple[object, ...]] = []
        self.source: object = ip_address("192.0.2.10")
        self.refuses: KernelError | None = None
        self.deafness: str | None = None
        self.permanent_addresses: set[object] = set()
        self.reaper = Reaper()
        # What came and was not read yet; and how often it takes another go to read it all.
        self.unread: list[Callable[[], None]] = []
        self.behind = 0
        self.read_before_ns = 0
        self.wakings = Wakings(nullcontext)

    @property
    def reception(self) -> Segment:
        return self

    def deaf(self, index: int, family: int) -> str | None:
        return self.deafness

    def link(self, name: str) -> Link | None:
        return next((link for link in self.links.values() if link.name == name), None)

    def own_addresses(self, index: int, family: int, shared: object) -> list[object]:
        return [] if self.source is None else [self.source]

    def is_own(self, address: object) -> bool:
        return address == self.source

    def permanent(self, index: int) -> set[object]:
        return self.permanent_addresses

    def missing(self, index: int, addresses: Any) -> list[object]:
        return [address for address in addresses if (index, address) not in self.held]

    def claim(self, index: int, addresses: Any, lifetime_s: int, holder: object) -> list[KernelError]:
        if self.refuses is not None:
            return [self.refuses]
        self.claims.append(tuple(addresses))
        self.held |= {(index, address) for address in addresses}
        return []

    def prepare_renewal(
        self, index: int, addresses: Any, lifetime_s: int, holder: object, again: Callable[[], None]
    ) -> bool:
        self.again = again
        return True

    def renew(self, holder: object) -> bool:
        self.renewals += 1
        if self.refuses is not None:
            self.again()
        return True

    def release(self, index: int, addresses: Any, holder: object) -> list[KernelError]:
        self.held -= {(index, address) for address in addresses}
        return []

    def announce(self, index: int, addresses: Any) -> None:
        self.announced.append(tuple(addresses))

    def send(self, *packet: object) -> None:
        self.sent += 1

    def catch_up(self, index: int, family: int, until_ns: int) -> bool:
        if self.behind:
            self.behind -= 1
            return False
        unread, self.unread = self.unread, []
        for deliver in unread:
            deliver()
        return True


Story = Callable[[VirtualRouter, Segment], Coroutine[Any, Any, None]]


async def until_master(running: VirtualRouter) -> None:
    while running.router.state is not MASTER:
        await asyncio.sleep(0.01)


async def wait_until(condition: Callable[[], bool]) -> None:
    for _turn in range(1000):
        if condition():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("not within 10 s")


def play(story: Story) -> None:
    """A master on a segment of its own."""

    async def run() -> None:
        segment = Segment()
        running = VirtualRouter(WEB, segment, tell_nobody)
        running.start()
        await asyncio.wait_for(until_master(running), 10)
        assert segment.held == {(7, VIP), (7, SECOND_VIP)}
        await story(running, segment)
        running.let_go()
        assert segment.held == set()

    asyncio.run(run())


def play_backup(story: Story) -> None:
    """A router that listens, and would soon take the role."""

    async def run() -> None:
        segment = Segment()
        running = VirtualRouter(replace(WEB, priority=100), segment, tell_nobody)
        running.start()
        assert running.router.state is BACKUP
        await asyncio.wait_for(story(running, segment), 20)
        running.let_go()

    asyncio.run(run())


def test_a_deadline_counts_from_when_an_advert_came() -> None:
    """Not from when it was read: the first one, and the same again."""
    packet = heard(150, advert_interval_cs=10)

    async def story(running: VirtualRouter, segment: Segment) -> None:
        now_ns = time.monotonic_ns()
        for came_ns in (now_ns - 30_000_000, now_ns - 20_000_000):
            running.receive(packet, came_ns)
            assert running.router.deadline_ns == came_ns + running.router.master_down_ns
            assert running.router.master.heard_ns == came_ns
        assert running.router.counters["advertisement_rcvd"] == 2

    play_backup(story)


def test_a_master_goes_by_the_clock() -> None:
    """It may have slept while packets came, and must not live on in a time when it had not."""

    async def story(running: VirtualRouter, segment: Segment) -> None:
        sent = segment.sent
        before_ns = time.monotonic_ns()
        running.receive(heard(1), before_ns - 30_000_000)
        assert segment.sent == sent + 1  # the answer to a lower one
        assert running.router._advert_sent_ns >= before_ns

    play(story)


@pytest.mark.parametrize("behind", [0, 3])
def test_an_advert_that_came_in_time_counts_though_nobody_has_read_it(behind: int) -> None:
    """However long it takes to get through what else has come."""

    async def story(running: VirtualRouter, segment: Segment) -> None:
        due_ns = running.router.deadline_ns
        segment.behind = behind
        segment.unread = [lambda: running.receive(heard(150, advert_interval_cs=4000), due_ns - 1_000_000)]
        await wait_until(lambda: not segment.unread)
        assert (running.router.state, segment.behind) == (BACKUP, 0)
        assert running.router.deadline_ns == due_ns - 1_000_000 + running.router.master_down_ns
        assert running.deadline._wake_ns > due_ns + 10**9

    play_backup(story)


def test_where_adverts_are_read_now_and_then_a_later_deadline_needs_no_timer() -> None:
    """It will have moved by then, or is looked at again; one before the next reading is met as ever."""

    async def story(running: VirtualRouter, segment: Segment) -> None:
        running.deadline.cancel()
        now_ns, due_ns = time.monotonic_ns(), running.router.deadline_ns
        segment.read_before_ns = due_ns - 1
        running.deadline.follow()
        assert running.deadline._wake_ns is None
        segment.read_before_ns = due_ns
        running.deadline.follow()
        assert now_ns < running.deadline._wake_ns < due_ns
        await until_master(running)

    play_backup(story)


def test_who_waits_for_nothing_is_not_woken_and_waits_again_when_asked_to() -> None:
    """Twice for the same moment is once; a moment that it has waited for before is none of its business."""

    async def story(running: VirtualRouter, segment: Segment) -> None:
        wake_ns = running.deadline._wake_ns
        running.deadline.cancel()
        running.deadline.due(wake_ns)
        assert (running.router.state, running.deadline._wake_ns) == (BACKUP, None)
        running.deadline.follow()
        running.deadline.cancel()
        running.deadline.follow()
        # Where this machine was slow, the common time has passed, and it waits for the deadline itself.
        assert running.deadline._wake_ns in (wake_ns, running.router.deadline_ns - 1_000_000)
        await until_master(running)
        assert running.tally.status()["transitions"][-1]["count"] == 1

    play_backup(story)


def test_silence_ends_only_when_all_is_read() -> None:
    async def story(running: VirtualRouter, segment: Segment) -> None:
        segment.behind = 5
        await until_master(running)
        assert segment.behind == 0

    play_backup(story)


def test_backups_look_at_common_times_and_are_there_in_time() -> None:
    """Mostly a deadline has moved until then; where it has not, the next look is at the deadline itself."""

    async def story(running: VirtualRouter, segment: Segment) -> None:
        interval_ns = WEB.advert_interval_cs * 10_000_000
        due_ns, look_ns = running.router.deadline_ns, running.deadline._wake_ns
        assert look_ns % interval_ns == 0
        assert due_ns - interval_ns - 1_000_000 < look_ns <= due_ns - 1_000_000
        await wait_until(lambda: time.monotonic_ns() > look_ns)
        if running.router.state is BACKUP and time.monotonic_ns() < due_ns - 1_000_000:
            assert running.deadline._wake_ns == due_ns - 1_000_000
        await until_master(running)
        assert time.monotonic_ns() >= due_ns

    play_backup(story)


def test_until_when_the_addresses_are_held() -> None:
    """Each time that the timer is set, and for no less than the router itself waits for: it may be leaving."""

    async def story(running: VirtualRouter, segment: Segment) -> None:
        interval_ns = WEB.advert_interval_cs * 10_000_000
        patience_ns = 3 * interval_ns + (256 - WEB.priority) * interval_ns // 256
        assert (segment.reaper.places, segment.reaper.at_end) == (segment.held, True)
        assert segment.reaper.until_ns == running.router.deadline_ns + patience_ns - interval_ns
        running.stop()
        assert segment.held
        assert segment.reaper.until_ns > running.router.deadline_ns
        running.let_go()
        assert segment.reaper.places == set()

    play(story)


def test_the_kernel_alone_sees_to_slow_ones() -> None:
    """What was held for a quick one must not be taken off a slow one."""

    async def story(running: VirtualRouter, segment: Segment) -> None:
        running.reconfigure(replace(WEB, advert_interval_cs=100))
        assert (segment.reaper.places, len(segment.held)) == (set(), 2)

    play(story)


@pytest.mark.parametrize(
    ("link", "reason"),
    [
        (eth(up=False), "eth0 is down"),
        (eth(carrier=False), "eth0 has no carrier"),
        (eth(name="eth0-old"), "no interface eth0 on this host"),
    ],
)
def test_no_address_stays_where_the_interface_is_not_fit(link: Link, reason: str) -> None:
    """A renamed interface is still there, and so are the addresses on it."""

    async def story(running: VirtualRouter, segment: Segment) -> None:
        segment.links[7] = link
        running.follow_interface()
        assert (running.router.state, running.router.fault) == (FAULT, reason)
        assert segment.held == set()

    play(story)


def test_an_interface_without_an_address_of_its_own() -> None:
    """Who configures it anew may put the address back at once: until then nobody claims, and nothing is a fault."""

    async def story(running: VirtualRouter, segment: Segment) -> None:
        source, vips = segment.source, segment.held
        segment.source, segment.held = None, set()
        running.follow_interface()
        assert (running.router.state, segment.held) == (MASTER, set())
        segment.source = source
        running.follow_interface()
        assert (running.router.state, segment.held) == (MASTER, vips)
        segment.source = None
        running.follow_interface()
        while running.router.state is not FAULT:
            await asyncio.sleep(0.01)
        assert running.router.fault == "eth0 has no IPv4 address of its own to send from"
        assert segment.held == set()

    play(story)


def test_a_deaf_router_is_no_master() -> None:
    """Where no advert can be heard, the silence says nothing about a master."""

    async def story(running: VirtualRouter, segment: Segment) -> None:
        segment.deafness = "open a VRRP socket on eth0: No buffer space available"
        running.follow_interface()
        assert (running.router.state, running.router.fault) == (FAULT, segment.deafness)
        assert segment.held == set()

    play(story)


def test_an_interface_that_comes_back_with_another_index() -> None:
    async def story(running: VirtualRouter, segment: Segment) -> None:
        segment.links = {}
        segment.held = set()
        running.follow_interface()
        assert running.router.state is FAULT
        segment.links = {8: eth(8)}
        running.follow_interface()
        await asyncio.wait_for(until_master(running), 10)
        assert segment.held == {(8, VIP), (8, SECOND_VIP)}

    play(story)


def test_another_mac_is_announced_at_once() -> None:
    """Or clients send to the old one until their cache expires; news that change nothing announce nothing."""

    async def story(running: VirtualRouter, segment: Segment) -> None:
        segment.announced.clear()
        running.follow_interface()
        assert segment.announced == []
        segment.links[7] = eth(mac=b"\4" * 6)
        running.follow_interface()
        assert segment.announced == [(VIP, SECOND_VIP)]

    play(story)


def test_what_somebody_else_removed_is_restored_and_all_renewed() -> None:
    """Or else who removes one address again and again would let the others run out."""

    async def story(running: VirtualRouter, segment: Segment) -> None:
        segment.held.remove((7, VIP))
        running.follow_interface()
        assert segment.held == {(7, VIP), (7, SECOND_VIP)}
        assert segment.claims[-1] == (VIP, SECOND_VIP)

    play(story)


def test_adverts_go_at_common_times() -> None:
    """Two of one interval are sent in one waking, though they began apart; who is leaving has no time to give."""

    async def story(running: VirtualRouter, segment: Segment) -> None:
        [due_ns] = {running.deadline.gathered_ns(10**12 + early_ns) for early_ns in (1, 5_000_000, 10_000_000)}
        assert due_ns == 10**12 + 10_000_000  # a tenth of 100 ms
        assert running.deadline._wake_ns - running.router.deadline_ns < 10_000_000
        running.reconfigure(replace(WEB, advert_interval_cs=1))
        assert running.deadline.gathered_ns(10**12 + 1) == 10**12 + 1_000_000
        running.reconfigure(replace(WEB, advert_interval_cs=4000))
        assert running.deadline.gathered_ns(10**12 + 1) == 10**12 + 10_000_000
        running.stop()
        assert running.deadline.gathered_ns(10**12 + 1) == 10**12 + 1

    play(story)


def test_a_renewal_waits_for_nobody() -> None:
    """Adverts renew what is there; what is not there is claimed, so that news of it come."""

    async def story(running: VirtualRouter, segment: Segment) -> None:
        claims = len(segment.claims)
        running.addresses.forget_renewal()
        await wait_until(lambda: segment.renewals > 0)
        assert len(segment.claims) == claims
        segment.held.remove((7, VIP))
        segment.changes = object()
        running.addresses.forget_renewal()
        await wait_until(lambda: len(segment.claims) > claims)
        assert segment.held == {(7, VIP), (7, SECOND_VIP)}

    play(story)


def test_a_renewal_that_is_refused_leaves_the_role_to_others() -> None:
    async def story(running: VirtualRouter, segment: Segment) -> None:
        segment.refuses = KernelError("add 192.0.2.100/24 to eth0", errno.EPERM)
        running.addresses.forget_renewal()
        await wait_until(lambda: running.router.state is FAULT)
        assert running.router.fault == "add 192.0.2.100/24 to eth0: Operation not permitted"
        assert segment.held == set()

    play(story)


def test_a_master_that_gets_no_address_leaves_the_role_to_others() -> None:
    async def story(running: VirtualRouter, segment: Segment) -> None:
        segment.refuses = KernelError("add 192.0.2.100/24 to eth0", errno.EPERM)
        segment.held.remove((7, VIP))
        running.follow_interface()
        await asyncio.sleep(0)
        assert running.router.state is FAULT
        assert running.router.fault == "add 192.0.2.100/24 to eth0: Operation not permitted"
        assert segment.held == set()

    play(story)


def test_new_settings_reach_the_router_before_its_effects_are_done() -> None:
    async def story(running: VirtualRouter, segment: Segment) -> None:
        changed = {**DOCUMENT["instances"][0], "virtual_addresses": ["192.0.2.101/24", "192.0.2.102/24"]}
        [after] = config.parse({**DOCUMENT, "instances": [changed]}).instances
        running.reconfigure(after)
        assert segment.held == {(7, address) for address in after.virtual_addresses}

    play(story)


def test_a_transition_is_kept_for_the_status() -> None:
    async def story(running: VirtualRouter, segment: Segment) -> None:
        last = running.last_transition
        assert last.state is MASTER
        assert last.reason.startswith("no advert heard for 0.3")
        assert running.label == "web eth0/51"
        assert running.router.state is not BACKUP

    play(story)


def test_clients_come_before_those_who_are_told() -> None:
    """Logs, hooks and events of a takeover wait until its addresses answer."""
    seen: list[tuple[object, int, int, int]] = []

    async def run() -> None:
        segment = Segment()

        def tell(event: str, running: VirtualRouter, **fields: Any) -> None:
            seen.append((fields["to"], len(segment.held), len(segment.announced), segment.sent))

        running = VirtualRouter(WEB, segment, tell)
        running.start()
        await asyncio.wait_for(until_master(running), 10)
        running.let_go()

    asyncio.run(run())
    assert seen == [("BACKUP", 0, 0, 0), ("MASTER", 2, 1, 1)]


def test_an_advert_of_the_last_moment_is_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    """The down timer is met exactly, and what comes just before it is read first."""
    sleep, slept = time.sleep, []

    async def run() -> None:
        web = replace(WEB, advert_interval_cs=30)
        segment = Segment()
        running = VirtualRouter(web, segment, tell_nobody)

        def hear_meanwhile(seconds: float) -> None:
            sleep(seconds)
            came_ns = running.router.deadline_ns - 1
            segment.unread.append(lambda: running.receive(heard(255, settings=web), came_ns))
            slept.append(seconds)

        monkeypatch.setattr(time, "sleep", hear_meanwhile)
        # It wakes at once and sleeps until the very end, however late a busy machine's loop is.
        monkeypatch.setattr(deadline, "_EARLY_NS", 10**12)
        running.start()
        await wait_until(lambda: slept != [])
        assert (running.router.state, str(running.router.master.address)) == (BACKUP, "192.0.2.11")
        monkeypatch.undo()
        running.let_go()

    asyncio.run(run())


# --- before the first result of a check


@pytest.fixture
def switch(tmp_path: Path) -> Path:
    """A file that is there: what depends on it is healthy."""
    path = tmp_path / "switch"
    path.write_text("")
    return path


def begin(switch: Path, story: Callable[[VirtualRouter, Segment, list[str]], Coroutine[Any, Any, None]]) -> None:
    """One that has a check, just started; its transitions as they are told."""
    document = {**DOCUMENT["instances"][0], "checks": [{"type": "file", "path": str(switch), "interval": 0.5}]}
    [instance] = config.parse({**DOCUMENT, "instances": [document]}).instances
    told: list[str] = []

    def tell(event: str, running: VirtualRouter, **fields: Any) -> None:
        if event == "transition":
            told.append(f"{fields['from']} -> {fields['to']}: {fields['reason']}")

    async def run() -> None:
        segment = Segment()
        running = VirtualRouter(instance, segment, tell)
        running.start()
        await asyncio.wait_for(story(running, segment, told), 10)
        running.let_go()

    asyncio.run(run())


def test_no_fault_before_the_first_result(switch: Path) -> None:
    async def story(running: VirtualRouter, segment: Segment, told: list[str]) -> None:
        running.follow_interface()
        assert (running.router.state, told) == (INIT, [])
        await until_master(running)
        assert told[0] == "INIT -> BACKUP: started"

    begin(switch, story)


def test_a_fault_with_the_first_result(switch: Path) -> None:
    switch.unlink()

    async def story(running: VirtualRouter, segment: Segment, told: list[str]) -> None:
        await wait_until(lambda: told != [])
        assert told == [f"INIT -> FAULT: check file: {switch}: No such file or directory"]
        switch.write_text("")
        await until_master(running)

    begin(switch, story)


def test_another_fault_waits_for_no_result(switch: Path) -> None:
    async def story(running: VirtualRouter, segment: Segment, told: list[str]) -> None:
        segment.links[7] = eth(carrier=False)
        running.follow_interface()
        assert told == ["INIT -> FAULT: eth0 has no carrier"]

    begin(switch, story)


def test_stopped_before_the_first_result(switch: Path) -> None:
    async def story(running: VirtualRouter, segment: Segment, told: list[str]) -> None:
        running.stop()
        assert running.stopped and not running.leaving
        running.follow_interface()
        [working] = running.checks._working.values()
        await wait_until(working._task.cancelled)
        assert told == []

    begin(switch, story)


def test_without_its_check_before_the_first_result(switch: Path) -> None:
    async def story(running: VirtualRouter, segment: Segment, told: list[str]) -> None:
        running.reconfigure(replace(running.instance, checks=()))
        assert told == ["INIT -> BACKUP: started"]

    begin(switch, story)
