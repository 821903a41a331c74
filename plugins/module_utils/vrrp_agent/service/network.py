# Copyright: (c) 2026, duet.ha_pair contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""The node's links, addresses and sockets as the service uses them: a mirror of the kernel, and the hands on it."""

from __future__ import annotations

import asyncio
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import replace
from typing import Callable

from ..linux.errors import KernelError
from ..linux.interfaces import (
    Address,
    AddressAdded,
    AddressRemoved,
    Event,
    Kernel,
    Link,
    LinkChanged,
    LinkRemoved,
    Overrun,
    forwards_ipv6,
    removals,
)
from ..linux.netlink import ADDRESS_PROTOCOL
from ..linux.sockets import FrameSocket
from ..protocol.announce import announcement
from ..protocol.settings import IPAddress, IPInterface
from ..protocol.virtual_mac import advert_frame
from .log import LOGGER
from .reaper import Reaper
from .reception import Key, Receiver, Reception
from .renewals import Renewals
from .virtual_mac import VirtualMacs
from .wakings import Wakings


class Network:
    """Follows the kernel, and tells `on_change` after news of a change; `on_packet` gets every VRRP packet."""

    def __init__(self, on_change: Callable[[], None], on_packet: Receiver) -> None:
        self._on_change = on_change
        self._kernel = Kernel()
        self._frames = FrameSocket()
        self.reception = Reception(on_packet)
        self._links: dict[int, Link] = {}
        self._addresses: dict[int, dict[IPInterface, Address]] = {}
        # What follows from them, found once: every virtual router asks for it after any news.
        self._own: dict[Key, list[IPAddress]] = {}
        self._by_name: dict[str, Link] = {}
        # Another object with all news of a change; whoever has seen this one has missed nothing.
        self.changes = object()
        # Who claimed an address last: it may have moved to another virtual router by a reload.
        self._holders: dict[tuple[int, IPInterface], Hashable] = {}
        # Claimed, and the news of it not read yet: a thousand claims have more news than are read at a time.
        self._unread: set[tuple[int, IPInterface]] = set()
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._kernel.fileno(), self._read_kernel)
        self._read_all()
        self.reaper = Reaper(removals)
        self._renewals = Renewals(self._kernel.renewals)
        # Who is woken at the same moment renews together.
        self.wakings = Wakings(self._renewals.together)
        self.virtual_macs = VirtualMacs(self._read_links, self.link)

    def close(self) -> None:
        """Let go of every socket; addresses are not touched."""
        self.reaper.dismiss()
        self._loop.remove_reader(self._kernel.fileno())
        self.reception.close()
        self._frames.close()
        self.virtual_macs.close()
        self._renewals.close()
        self._kernel.close()

    # --- what is so

    def link(self, name: str) -> Link | None:
        """The link of this name, as last heard from the kernel."""
        if not self._by_name:
            # Reversed: of two of one name, of which one is being renamed, the first one counts.
            self._by_name = {link.name: link for link in reversed(list(self._links.values()))}
        return self._by_name.get(name)

    def own_macs(self) -> set[bytes]:
        """The MAC addresses of this node's interfaces; a virtual one is not this node's alone."""
        return {link.mac for link in self._links.values() if not self.virtual_macs.has(link.index)}

    def own_addresses(self, index: int, family: int, shared: Iterable[IPInterface]) -> list[IPAddress]:
        """The interface's own addresses fit to send from, primary ones first; `shared` ones are nobody's own."""
        not_own = {address.ip for address in shared}
        own = self._own.get((index, family))
        if own is None:
            own = self._own[index, family] = self._find_own(index, family)
        return [ip for ip in own if ip not in not_own]

    def _find_own(self, index: int, family: int) -> list[IPAddress]:
        found = [
            address
            for address in self._addresses.get(index, {}).values()
            if address.interface.version == family
            and not address.tentative
            # Held by another virtual router.
            and address.protocol != ADDRESS_PROTOCOL
        ]
        return [address.interface.ip for address in sorted(found, key=lambda address: address.secondary)]

    def is_own(self, ip: IPAddress) -> bool:
        """Whether an address is this node's own, on whatever interface."""
        everywhere = (address for addresses in self._addresses.values() for address in addresses.values())
        return any(address.interface.ip == ip and address.protocol != ADDRESS_PROTOCOL for address in everywhere)

    def permanent(self, index: int) -> set[IPInterface]:
        """The addresses of an interface that are there for good, put there by somebody else."""
        there = self._addresses.get(index, {}).values()
        return {found.interface for found in there if found.permanent and found.protocol != ADDRESS_PROTOCOL}

    def missing(self, index: int, addresses: Sequence[IPInterface]) -> list[IPInterface]:
        """Which of these addresses are not on the interface, as last heard from the kernel."""
        there = self._addresses.get(index, {})
        return [address for address in addresses if address not in there and (index, address) not in self._unread]

    def on(self, index: int) -> dict[IPInterface, Address]:
        """The addresses of an interface, as last heard from the kernel."""
        return self._addresses.get(index, {})

    def addresses_now(self) -> dict[int, list[IPInterface]]:
        """Every address by interface index, read from the kernel at this moment."""
        found: dict[int, list[IPInterface]] = {}
        for address in self._kernel.addresses():
            found.setdefault(address.index, []).append(address.interface)
        return found

    def remove_left_links(self) -> None:
        """Remove interfaces that an agent's earlier life left behind, and what it changed on others."""
        self.virtual_macs.remove_leftovers(list(self._links.values()))

    def leftovers(self, shared: Iterable[IPInterface]) -> list[Address]:
        """Addresses that an agent's earlier life left behind: they carry our mark or, on old kernels, a lifetime.

        A permanent address is somebody else's, and not ours to remove even where it should not be.
        """
        ours = set(shared)
        return [
            address
            for address in self._kernel.addresses()
            if address.protocol == ADDRESS_PROTOCOL or (address.interface in ours and not address.permanent)
        ]

    # --- what is done

    def claim(
        self, index: int, addresses: Sequence[IPInterface], lifetime_s: int, holder: Hashable
    ) -> list[KernelError]:
        """Put addresses on an interface, or renew them; the kernel removes them itself after `lifetime_s`.

        From here on they are `holder`'s, and nobody else's to release.
        """
        self._renewals.forget(holder)  # one that is yet to be sent may have other terms
        self._holders.update({(index, address): holder for address in addresses})
        # A route to the subnet by a virtual MAC's interface would carry the host's own traffic.
        prefix_route = not self.virtual_macs.has(index)
        errors = self._kernel.add_addresses(index, addresses, lifetime_s, prefix_route)
        if not errors:
            there = self._addresses.get(index, {})
            self._unread.update((index, address) for address in addresses if address not in there)
        return errors

    def prepare_renewal(
        self, index: int, addresses: Sequence[IPInterface], lifetime_s: int, holder: Hashable, again: Callable[[], None]
    ) -> bool:
        """Be ready to renew addresses that are there; whether that can be, and `again` tells when one has failed."""
        prefix_route = not self.virtual_macs.has(index)
        return self._renewals.prepare(holder, (index, lifetime_s, prefix_route, tuple(addresses)), again)

    def renew(self, holder: Hashable) -> bool:
        """Renew what was prepared without waiting for it; whether the kernel has heard, or is about to.

        No news come of it, so that it must not be how an address gets there.
        """
        return self._renewals.send(holder)

    def release(self, index: int, addresses: Sequence[IPInterface], holder: Hashable = None) -> list[KernelError]:
        """Take addresses off an interface, but for those that somebody else has claimed since."""
        self._renewals.forget(holder)
        ours = [address for address in addresses if self._holders.get((index, address), holder) is holder]
        for address in ours:
            self._holders.pop((index, address), None)
            self._unread.discard((index, address))
        return self._kernel.remove_addresses(index, ours)

    def announce(self, index: int, addresses: Sequence[IPInterface]) -> None:
        """Tell the segment that these addresses live here; raises KernelError."""
        link = self._links[index]
        forwarding = any(address.version == 6 for address in addresses) and forwards_ipv6(link.name)
        self._frames.send_all(index, (announcement(link.mac, address.ip, forwarding) for address in addresses))

    def send_frame(self, index: int, message: bytes, source: IPAddress, group: IPAddress) -> None:
        """Send a VRRP message to a group from the MAC of an interface that has no address to send from."""
        self._frames.send(index, advert_frame(self._links[index].mac, message, source, group))

    def listen(self, wanted: set[Key], many_speak: bool = False) -> None:
        """Have adverts heard on exactly these (interface index, family) pairs."""
        self.reception.listen({key: self._links[key[0]].name for key in wanted}, many_speak)

    def drain(self) -> None:
        """Handle what is known by now, up to a bound."""
        self._read_kernel()
        self.reception.catch_up_all()

    def keep_up(self) -> None:
        """Follow the kernel, and let packets pass: another process handles them, and `on_change` need not know."""
        self._note_news()
        self.reception.let_pass()

    # --- news

    def _read_kernel(self) -> None:
        # The kernel reports every renewal of our own addresses: with many instances nothing else comes for hours.
        if self._note_news():
            self._on_change()

    def _note_news(self) -> bool:
        """Take over what the kernel tells; whether there is more in it than lifetimes that go on."""
        changed = False
        for event in self._kernel.read_events():
            if not self._is_renewal(event) and not self._is_ours(event):
                changed, self._own, self.changes = True, {}, object()
            if isinstance(event, LinkChanged):
                self._links[event.link.index] = event.link
                self._by_name = {}
            elif isinstance(event, LinkRemoved):
                self._links.pop(event.index, None)
                self._by_name = {}
                self._unread = {(index, address) for index, address in self._unread if index != event.index}
                self._addresses.pop(event.index, None)
            elif isinstance(event, AddressAdded):
                self._unread.discard((event.address.index, event.address.interface))
                self._addresses.setdefault(event.address.index, {})[event.address.interface] = event.address
            elif isinstance(event, AddressRemoved):
                self._unread.discard((event.address.index, event.address.interface))
                self._addresses.get(event.address.index, {}).pop(event.address.interface, None)
            elif isinstance(event, Overrun):
                LOGGER.warning("the kernel's news came faster than they were read; reading everything again")
                self._read_all()
        return changed

    def _is_renewal(self, event: Event) -> bool:
        """Whether news tell of nothing but the lifetime of an address that is there, and is as it was."""
        if not isinstance(event, AddressAdded):
            return False
        before = self._addresses.get(event.address.index, {}).get(event.address.interface)
        return before is not None and replace(before, remaining_s=event.address.remaining_s) == event.address

    def _is_ours(self, event: Event) -> bool:
        """Whether news tell of nothing but an address that was claimed here, which nobody else has to look at."""
        if not isinstance(event, AddressAdded) or event.address.protocol != ADDRESS_PROTOCOL:
            return False
        return (event.address.index, event.address.interface) in self._unread

    def _read_all(self) -> None:
        self._read_links()
        self._addresses, self._unread, self._own = {}, set(), {}
        for address in self._kernel.addresses():
            self._addresses.setdefault(address.index, {})[address.interface] = address

    def _read_links(self) -> None:
        self._links, self._by_name = {link.index: link for link in self._kernel.links()}, {}
