# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The mirror of the kernel: which news are worth a look at every virtual router, and which are not."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from ipaddress import ip_interface

from segment import Namespace
from vrrp_agent.service.network import Network

VIPS = [ip_interface("10.139.1.1/24"), ip_interface("fd00:139::1/64")]
RENEWALS = 20
# More than are read at a time.
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


def test_many_are_renewed_together(netns: Callable[[str], Namespace]) -> None:
    """In more than one message; who lets go, or claims anew, while they are gathered has nothing renewed."""
    node = netns("node")
    node.ip("link", "add", "eth0", "type", "veth", "peer", "name", "eth1")
    node.ip("link", "set", "dev", "eth0", "up")

    async def story() -> None:
        again: list[None] = []
        network = Network(lambda: None, lambda *packet: None)
        link = network.link("eth0")
        assert link is not None
        gone, claimed, *others = MANY
        try:
            for vip in MANY:
                assert network.claim(link.index, [vip], 60, vip) == []
                assert network.prepare_renewal(link.index, [vip], 1000, vip, lambda: again.append(None))
            with network._renewals.together():
                assert all(map(network.renew, MANY))
                assert network.release(link.index, [gone], gone) == []
                assert network.claim(link.index, [claimed], 90, claimed) == []
            left_s = {one.interface: one.remaining_s for one in network._kernel.addresses() if one.index == link.index}
            assert gone not in left_s
            assert 60 < left_s[claimed] <= 90
            assert all(900 < left_s[vip] <= 1000 for vip in others)
            assert again == []
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
