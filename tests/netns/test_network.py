# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The mirror of the kernel: which news are worth a look at every virtual router, and which are not."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from functools import partial
from ipaddress import ip_address, ip_interface

import pytest
from segment import Namespace
from vrrp_agent.linux.sockets import FrameSocket
from vrrp_agent.protocol.packet import GROUP_IPV4
from vrrp_agent.protocol.virtual_mac import advert_frame
from vrrp_agent.service import network as network_module
from vrrp_agent.service.network import Network

VIPS = [ip_interface("10.139.1.1/24"), ip_interface("fd00:139::1/64")]
RENEWALS = 20
# More than are read at a time.
SPEAKER = ip_address("10.139.0.9")
MANY = [ip_interface(f"10.139.{number // 200}.{number % 200 + 1}/32") for number in range(600)]


def play(node: Namespace, story: Callable[[], Coroutine[object, object, None]]) -> None:
    """Run a story in a node."""
    with node.entered():
        asyncio.run(asyncio.wait_for(story(), 20))


def test_renewals_of_addresses_are_no_news_but_all_else_is(netns: Callable[[str], Namespace]) -> None:
    """Each instance renews its addresses all the time: if all looked each time, the cost would grow by the square."""
    node = netns("node")
    node.ip("link", "add", "eth0", "type", "veth", "peer", "name", "eth1")
    for device in ("eth1", "eth0"):
        node.sysctl(f"net.ipv6.conf.{device}.accept_dad", 0)
        node.ip("link", "set", "dev", device, "up")

    async def story() -> None:
        looks: list[None] = []
        network = Network(lambda: looks.append(None), lambda *packet: None)
        link = network.link("eth0")
        assert link is not None

        async def claimed() -> None:
            # The kernel tells of a new IPv6 address when it gets round to it, not before it answers.
            assert network.claim(link.index, VIPS, 60, node) == []
            while not network.on(link.index).keys() >= set(VIPS):
                await asyncio.sleep(0.01)

        def looks_after(action: Callable[[], object]) -> int:
            network.drain()
            looks.clear()
            action()
            network.drain()
            return len(looks)

        def renew() -> None:
            assert network.claim(link.index, VIPS, 90, node) == []

        try:
            while not any(address.interface.is_link_local for address in network.on(link.index).values()):
                await asyncio.sleep(0.01)
            network.drain()
            looks.clear()
            await claimed()
            for _renewal in range(RENEWALS):
                assert looks_after(renew) == 0
            assert [network.on(link.index)[vip].remaining_s for vip in VIPS] == [90, 90]
            for vip in VIPS:
                assert looks_after(lambda gone=vip: node.ip("address", "del", str(gone), "dev", "eth0")) > 0
                assert network.missing(link.index, VIPS) == [vip]
                looks.clear()
                await claimed()
            assert not looks  # nobody else need know what was claimed here
            # Somebody makes it permanent: no longer ours.
            assert looks_after(lambda: node.ip("address", "replace", str(VIPS[0]), "dev", "eth0")) > 0
            assert looks_after(lambda: node.ip("link", "set", "dev", "eth0", "down")) > 0
        finally:
            network.close()

    play(node, story)


def test_a_renewal_without_an_answer(netns: Callable[[str], Namespace]) -> None:
    """The lifetimes go on; the kernel tells of no IPv4 one, and of each refusal."""
    node = netns("node")
    node.ip("link", "add", "eth0", "type", "veth", "peer", "name", "eth1")
    node.sysctl("net.ipv6.conf.eth0.accept_dad", 0)
    node.ip("link", "set", "dev", "eth0", "up")

    async def story() -> None:
        news: list[None] = []
        refused: list[None] = []
        network = Network(lambda: news.append(None), lambda *packet: None)
        link = network.link("eth0")
        assert link is not None

        def renew(lifetime_s: int) -> bool:
            assert network.prepare_renewal(link.index, VIPS, lifetime_s, node, lambda: refused.append(None))
            return network.renew(node)

        def remaining_s() -> list[int]:
            there = {one.interface: one for one in network._kernel.addresses()}
            return [there[vip].remaining_s for vip in VIPS]

        try:
            assert network.claim(link.index, VIPS, 60, node) == []
            while not network.on(link.index).keys() >= set(VIPS):
                await asyncio.sleep(0.01)
            network.drain()
            for lifetime_s in (1000, 2000, 2000):
                assert renew(lifetime_s)
                assert all(lifetime_s - 30 < left_s <= lifetime_s for left_s in remaining_s())
            network.drain()
            assert network.on(link.index)[VIPS[0]].remaining_s <= 60
            assert refused == []
            # What somebody takes away comes back, without a word: who renews has to see that it was gone.
            node.ip("address", "del", str(VIPS[0]), "dev", "eth0")
            assert renew(3000)
            network.drain()
            assert network.missing(link.index, VIPS) == [VIPS[0]]
            node.ip("link", "del", "dev", "eth0")
            assert renew(3000)
            while not refused:
                await asyncio.sleep(0.01)
            # Nobody is told of what is over.
            network.release(link.index, VIPS, node)
            refused.clear()
            await asyncio.sleep(0.05)
            assert refused == []
        finally:
            network.close()

    play(node, story)


def test_what_was_just_claimed_is_not_missing(netns: Callable[[str], Namespace]) -> None:
    """Who looks while the news of the claims are still queued would claim and announce everything again."""
    node = netns("node")
    node.ip("link", "add", "eth0", "type", "veth", "peer", "name", "eth1")

    async def story() -> None:
        found: list[tuple[int, bool]] = []

        def look() -> None:
            found.append((len(network.missing(index, MANY)), len(network.on(index)) < len(MANY)))

        network = Network(look, lambda *packet: None)
        link = network.link("eth0")
        assert link is not None
        index = link.index
        try:
            half = len(MANY) // 2
            assert network.claim(index, MANY[:half], 60, node) == []
            node.ip("address", "add", "10.200.0.1/32", "dev", "eth0")
            assert network.claim(index, MANY[half:], 60, node) == []
            while not network.on(index).keys() >= set(MANY):
                await asyncio.sleep(0.01)
            assert set(found) == {(0, True)}
            node.ip("address", "del", str(MANY[0]), "dev", "eth0")
            network.drain()
            assert network.missing(index, MANY) == MANY[:1]
            assert network.claim(index, MANY[:1], 60, node) == []
            node.ip("address", "del", str(MANY[0]), "dev", "eth0")
            network.drain()
            assert network.missing(index, MANY) == MANY[:1]
        finally:
            network.close()

    play(node, story)


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
        self.frames = FrameSocket()

    def listen(self, many_speak: bool = False) -> None:
        """Open the socket."""
        self.network.listen({(self.index, 4)}, many_speak=many_speak)

    def send(self, virtual_router_id: int) -> None:
        """Have an advert come in."""
        message = bytes([0x31, virtual_router_id, 100, 1, 0, 100, 0, 0, 10, 139, 1, 1])
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

            gathers = node.network._gather
            monkeypatch.setattr(node.network, "_gather", gather)
            monkeypatch.setattr(network_module.time, "sleep", sleep)
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
            network = node.network

            def send(number: int) -> None:
                sent_ns.append(time.monotonic_ns())
                node.send(number)

            node.listen()
            network.read_now_and_then(0.1, 100_000)
            send(1)
            send(2)
            await node.until(2)
            # Another pause takes the place of the first one.
            network.read_now_and_then(100_000, 100_000)
            send(3)
            await asyncio.sleep(0.15)
            assert len(node.heard) == 2
            asked_ns = time.monotonic_ns()
            while len(node.heard) < 3:
                network.refresh()
            assert node.times_ns[2] < asked_ns
            send(4)
            await asyncio.sleep(0.05)
            assert len(node.heard) == 3
            network.read_at_once()
            await node.until(4)
            send(5)
            await node.until(5)
            assert node.ids == [1, 2, 3, 4, 5]
            assert all(at_ns > before_ns for at_ns, before_ns in zip(node.times_ns, sent_ns))
            # What is opened meanwhile, and what is closed, is none the worse for it.
            network.read_now_and_then(0.05, 0.1)
            network.listen(set())
            node.listen()
            send(6)
            await node.until(6)
            network.read_at_once()
            send(7)
            await node.until(7)
            network.read_now_and_then(0.05, 0.1)

    play(listener(netns), story)


@pytest.mark.parametrize("rests", [True, False])
def test_what_waited_too_long_counts_from_now(netns: Callable[[str], Namespace], rests: bool) -> None:
    """The process was held up: its timers must not run out because of what it has missed meanwhile."""

    async def story() -> None:
        with hearing() as node:
            node.listen()
            if rests:
                node.network.read_now_and_then(0.05, 0.1)
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
            node.network.read_now_and_then(0.05, 1)
            for number in range(count):
                node.send(number % 256)
            await node.until(count)
            assert node.network._next_reading is None
            assert node.times_ns == sorted(node.times_ns)

    play(listener(netns), story)


def test_a_flood_is_caught_up_with_in_portions(netns: Callable[[str], Namespace]) -> None:
    """Others have their deadlines."""
    count = 64 * 3 + 10

    async def story() -> None:
        with hearing() as node:
            caught_up = partial(node.network.catch_up, node.index, 4)
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
            assert node.network.catch_up(node.index, 6, now_ns)  # where no socket is there is nothing to read

    play(listener(netns), story)
