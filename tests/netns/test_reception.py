# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When packets are read: as they come, many at once, or now and then; and what each is told of when it came."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from functools import partial
from ipaddress import ip_address

import pytest
from segment import Namespace
from vrrp_agent.linux.errors import KernelError
from vrrp_agent.linux.sockets import FrameSocket
from vrrp_agent.protocol.packet import GROUP_IPV4
from vrrp_agent.protocol.virtual_mac import advert_frame
from vrrp_agent.service import reception as reception_module
from vrrp_agent.service.network import Network

SPEAKER = ip_address("10.139.0.9")


def play(node: Namespace, story: Callable[[], Coroutine[object, object, None]]) -> None:
    """Run a story in a node."""
    with node.entered():
        asyncio.run(asyncio.wait_for(story(), 20))


def nothing() -> None:
    """Nobody waits for it."""


def listener(netns: Callable[[str], Namespace]) -> Namespace:
    """A node that hears on eth0 what it sends on eth1."""
    node = netns("node")
    node.ip("link", "add", "eth0", "type", "veth", "peer", "name", "eth1")
    for device in ("eth1", "eth0"):
        node.ip("link", "set", "dev", device, "up")
    node.ip("address", "add", "10.139.0.1/16", "dev", "eth0")
    return node


class Hearing:
    """A network that listens on a listener's eth0; what it has heard: virtual router ids, and when each came."""

    def __init__(self) -> None:
        self.heard: list[tuple[int, int]] = []
        self.network = Network(lambda: None, lambda *packet: self.heard.append((packet[2].payload[1], packet[3])))
        inside, outside = self.network.link("eth0"), self.network.link("eth1")
        assert inside is not None and outside is not None
        self.index, self._outside = inside.index, outside.index
        self.reception = self.network.reception
        self.frames = FrameSocket()

    def listen(self, many_speak: bool = False) -> None:
        """Open the socket."""
        self.network.listen({(self.index, 4)}, many_speak=many_speak)

    def rest(self, pause_s: float, held_up_s: float) -> None:
        """Have packets read now and then."""
        self.reception.rest(pause_s, held_up_s, nothing, nothing)

    def send(self, virtual_router_id: int, priority: int = 100) -> None:
        """Have an advert come in."""
        message = bytes([0x31, virtual_router_id, priority, 1, 0, 100, 0, 0, 10, 139, 1, 1])
        self.frames.send(self._outside, advert_frame(b"\2" * 6, message, SPEAKER, GROUP_IPV4))

    @property
    def ids(self) -> list[int]:
        """The virtual router ids that were heard."""
        return [number for number, unused_at in self.heard]

    @property
    def times_ns(self) -> list[int]:
        """When each came."""
        return [at_ns for unused_number, at_ns in self.heard]

    async def until(self, count: int) -> None:
        """Wait until so many were heard."""
        while len(self.heard) < count:
            await asyncio.sleep(0.001)


@contextmanager
def hearing() -> Iterator[Hearing]:
    """One that listens, and is closed in the end."""
    one = Hearing()
    try:
        yield one
    finally:
        one.frames.close()
        one.network.close()


@pytest.mark.parametrize(("many_speak", "wakings"), [(True, 1), (False, 2)])
def test_adverts_of_many_are_read_in_one_waking(
    netns: Callable[[str], Namespace], monkeypatch: pytest.MonkeyPatch, many_speak: bool, wakings: int
) -> None:
    """What comes a moment after the first one does not wake the process again; where few speak nobody waits."""

    async def story() -> None:
        woken: list[int] = []
        with hearing() as node:

            def sleep(seconds: float) -> None:
                assert seconds < 0.001 and many_speak
                node.send(2)

            def gather(index: int, family: int) -> None:
                woken.append(index)
                gathers(index, family)

            gathers = node.reception._gather
            monkeypatch.setattr(node.reception, "_gather", gather)
            monkeypatch.setattr(reception_module.time, "sleep", sleep)
            node.listen(many_speak)
            node.send(1)
            await node.until(1)
            if not many_speak:
                assert node.ids == [1]
                node.send(2)
            await node.until(2)
            assert node.ids == [1, 2]
            assert len(woken) == wakings

    play(listener(netns), story)


def test_adverts_that_wait_to_be_read(netns: Callable[[str], Namespace]) -> None:
    """They are read together after a while, or when somebody wants to know, each with when it came."""

    async def story() -> None:
        sent_ns: list[int] = []
        with hearing() as node:

            def send(number: int) -> None:
                sent_ns.append(time.monotonic_ns())
                node.send(number)

            node.listen()
            node.rest(0.1, 100_000)
            send(1)
            send(2)
            await node.until(2)
            # Another pause takes the place of the first one.
            node.rest(100_000, 100_000)
            send(3)
            await asyncio.sleep(0.15)
            assert len(node.heard) == 2
            asked_ns = time.monotonic_ns()
            while len(node.heard) < 3:
                node.reception.refresh()
            assert node.times_ns[2] < asked_ns
            send(4)
            await asyncio.sleep(0.05)
            assert len(node.heard) == 3
            node.reception.read_at_once()
            await node.until(4)
            send(5)
            await node.until(5)
            assert node.ids == [1, 2, 3, 4, 5]
            assert all(at_ns > before_ns for at_ns, before_ns in zip(node.times_ns, sent_ns))
            # What is opened meanwhile, and what is closed, is none the worse for it.
            node.rest(0.05, 0.1)
            node.network.listen(set())
            node.listen()
            node.rest(0.05, 0.1)
            send(6)
            await node.until(6)
            node.reception.read_at_once()
            send(7)
            await node.until(7)
            node.rest(0.05, 0.1)

    play(listener(netns), story)


def test_a_goodbye_is_told_at_once(netns: Callable[[str], Namespace]) -> None:
    """Skew_Time counts from it. No other advert wakes anybody, nor does one that was told already."""

    async def story() -> None:
        told: list[int] = []

        def wake() -> None:
            told.append(len(node.heard))
            node.reception.read_at_once()

        with hearing() as node:
            node.listen()
            for life in (1, 2):
                node.reception.rest(100_000, 100_000, nothing, wake)
                node.send(1)
                await asyncio.sleep(0.1)
                assert len(told) == life - 1
                node.send(2, priority=0)
                node.send(3, priority=0)
                await node.until(3 * life)
            assert node.ids == [1, 2, 3] * 2
            assert told == [0, 3]

    play(listener(netns), story)


def test_who_waits_for_a_time_is_called_after_each_reading(netns: Callable[[str], Namespace]) -> None:
    """Whoever waits for a later time than the next reading, which may be late; and when readings end."""

    async def story() -> None:
        read: list[tuple[float, int]] = []

        def note() -> None:
            read.append((node.reception.read_before_ns / 1e9 - time.monotonic(), len(node.heard)))

        with hearing() as node:
            node.listen()
            assert node.reception.read_before_ns == 0
            node.reception.rest(0.2, 1, note, nothing)
            for number in (1, 2):
                node.send(number)
                while len(read) < number:
                    await asyncio.sleep(0.01)
            node.send(3)
            node.reception.read_at_once()
            assert [count for unused_s, count in read] == [1, 2, 2]
            assert all(0.1 < ahead_s <= 0.2 * 1.25 for ahead_s, unused_count in read[:2])
            assert node.reception.read_before_ns == 0
            node.reception.read_at_once()
            assert len(read) == 3

    play(listener(netns), story)


def test_without_a_bell_nobody_rests(netns: Callable[[str], Namespace], monkeypatch: pytest.MonkeyPatch) -> None:
    """A kernel that has no socket for it costs work, and no goodbye."""

    def refuse(*words: object) -> None:
        raise KernelError("open a raw socket for VRRP", 105)

    async def story() -> None:
        with hearing() as node:
            monkeypatch.setattr(reception_module, "GoodbyeBell", refuse)
            node.listen()
            node.rest(100_000, 100_000)
            assert node.reception.read_before_ns == 0
            node.send(1)
            await node.until(1)

    play(listener(netns), story)


@pytest.mark.parametrize("rests", [True, False])
def test_what_waited_too_long_counts_from_now(netns: Callable[[str], Namespace], rests: bool) -> None:
    """The process was held up: its timers must not run out because of what it has missed meanwhile."""

    async def story() -> None:
        with hearing() as node:
            node.listen()
            if rests:
                node.rest(0.05, 0.1)
            node.send(1)
            time.sleep(0.3)
            held_until_ns = time.monotonic_ns()
            await node.until(1)
            assert node.times_ns[0] >= held_until_ns

    play(listener(netns), story)


def test_a_flood_ends_the_rest(netns: Callable[[str], Namespace]) -> None:
    """What does not get read in one go is read as it comes, before the queue is full; and none of it was dropped."""
    count = 64 * 8 + 10

    async def story() -> None:
        with hearing() as node:
            node.listen()
            node.rest(0.05, 1)
            for number in range(count):
                node.send(number % 256)
            await node.until(count)
            assert node.reception.read_before_ns == 0
            assert node.times_ns == sorted(node.times_ns)

    play(listener(netns), story)


def test_a_flood_is_caught_up_with_in_portions(netns: Callable[[str], Namespace]) -> None:
    """Others have their deadlines."""
    count = 64 * 3 + 10

    async def story() -> None:
        with hearing() as node:
            caught_up = partial(node.reception.catch_up, node.index, 4)
            node.listen()
            for number in range(count):
                node.send(number)
            time.sleep(0.1)
            now_ns = time.monotonic_ns()
            assert caught_up(0)
            assert node.heard == []
            for portions in (1, 2, 3):
                assert not caught_up(now_ns)
                assert len(node.heard) == 64 * portions
            assert caught_up(now_ns)
            assert len(node.heard) == count
            assert caught_up(now_ns)
            assert node.reception.catch_up(node.index, 6, now_ns)  # where no socket is there is nothing to read

    play(listener(netns), story)
