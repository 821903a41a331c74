# Copyright: (c) 2026, duet.ha_pair contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Interfaces with a virtual router's MAC address: made, silent until the router is MASTER, and removed.

Such an interface is a macvlan. It is up on the MASTER alone, so that only the MASTER answers and sends with its MAC.
While there is one, the interface below it must not speak for the virtual addresses: two of its parameters are changed.
What they were before stands in the macvlan's alias, for the next life to restore if this one is killed.
"""

from __future__ import annotations

import re
from typing import Any, Callable

from ..config import Instance
from ..linux import parameters
from ..linux.errors import KernelError, interface_name
from ..linux.interfaces import Link
from ..linux.macvlan import KIND, Macvlans
from ..protocol.virtual_mac import virtual_interface, virtual_mac
from .log import LOGGER

_MARK = "duet.ha_pair vrrp-agent"
_CANNOT_BE_STACKED = ("macvlan", "macvtap", "ipvlan", "ipvtap")

# The interface below answers for its own addresses only, and asks for a neighbour only in the name of its own: a
# request from a virtual address with the host's MAC would teach the neighbour the wrong one.
_PARENT = {"arp_ignore": 1, "arp_announce": 2}
# rp_filter: what comes for a virtual address comes in here, and the way back is the route by the interface below.
# promote_secondaries: one address that goes must not take along the others of its subnet.
_OWN4 = {"arp_ignore": 1, "arp_announce": 2, "arp_filter": 0, "rp_filter": 2, "promote_secondaries": 1}
# No address of its own making and no default route: the host's own traffic stays below. 1 is IN6_ADDR_GEN_MODE_NONE.
_OWN6 = {"addr_gen_mode": 1, "accept_ra": 0, "autoconf": 0}


class UnfitError(Exception):
    """An interface that cannot carry a virtual MAC address, and why."""


class VirtualMacs:
    """All of this node; `links` reads the kernel's links anew, `link` finds one by its name as last read."""

    def __init__(self, links: Callable[[], None], link: Callable[[str], Link | None]) -> None:
        self._read_links = links
        self._link = link
        self._macvlans = Macvlans()
        self._made: dict[str, int] = {}  # by name: its index
        self._parents: dict[str, int] = {}  # by name: the index of the interface below
        self._before: dict[int, dict[str, int]] = {}  # by that index: its parameters as they were

    def ensure(self, instance: Instance, parent: Link, up: bool) -> int:
        """The index of the interface with the virtual MAC, up or down as told; raises UnfitError or KernelError."""
        name, mac = name_of(instance), mac_of(instance)
        link = self._link(name)
        if link is not None and not self.has(link.index):
            self._read_links()  # it may be news of one that is gone
            link = self._link(name)
        if link is not None and not self.has(link.index):
            raise UnfitError(f"{name} is there already and not ours: remove it, or choose another virtual_router_id")
        if link is None or (link.parent, link.mac) != (parent.index, mac):
            self._remove(name)
            link = self._make(name, mac, parent)
        self._follow(link, parent, up)
        return link.index

    def has(self, index: int) -> bool:
        """Whether an interface is one of these."""
        return index in self._made.values()

    def left_by(self, instance: Instance) -> int | None:
        """The index of the interface that another process has made for an instance, if there is one and it is up."""
        link = self._link(name_of(instance))
        return link.index if link is not None and _is_ours(link) and link.up else None

    def adopt(self, instance: Instance) -> None:
        """Take over the interface that another process has made for an instance, as it is."""
        link = self._link(name_of(instance))
        if link is not None and _is_ours(link):
            self._made[link.name], self._parents[link.name] = link.index, link.parent
            self._before.setdefault(link.parent, _remembered(link))

    def sleep(self, instance: Instance) -> None:
        """From here on nothing answers and nothing is sent with this MAC; raises KernelError."""
        index = self._made.get(name_of(instance))
        if index is not None:
            self._macvlans.set_up(index, False)

    def remove(self, instance: Instance) -> None:
        """Remove the interface; the last one on an interface gives that one its parameters back."""
        self._remove(name_of(instance))

    # --- by name

    def _remove(self, name: str) -> None:
        index = self._made.pop(name, None)
        if index is not None:
            _try(self._macvlans.remove, index)
            self._read_links()
        parent = self._parents.pop(name, None)
        if parent is not None and parent not in self._parents.values():
            self._restore(parent, self._before.pop(parent))

    def remove_leftovers(self, links: list[Link]) -> None:
        """Remove what an earlier life has left and was not adopted, and restore what it had changed."""
        for link in filter(_is_ours, links):
            if self.has(link.index):
                continue
            LOGGER.warning("removing %s, left by an earlier life", link.name)
            _try(self._macvlans.remove, link.index)
            self._restore(link.parent, _remembered(link))
        self._read_links()

    def close(self) -> None:
        """Let go of the kernel."""
        self._macvlans.close()

    def _make(self, name: str, mac: bytes, parent: Link) -> Link:
        _check(parent)
        before = self._before.get(parent.index)
        if before is None:
            found = {key: parameters.read(4, parent.name, key) for key in _PARENT}
            before = {key: value for key, value in found.items() if value is not None and value < _PARENT[key]}
        remembered = "".join(f" {key}={value}" for key, value in before.items())
        self._macvlans.create(name, parent.index, mac, _MARK + remembered)
        self._read_links()
        self._parents[name], self._before[parent.index] = parent.index, before
        link = self._link(name)
        if link is None:
            raise UnfitError(f"{name} is gone as soon as it is made")
        self._made[name] = link.index
        try:
            for family, wanted in ((4, _OWN4), (6, _OWN6)):
                for key, value in wanted.items():
                    parameters.write(family, link.index, key, value)
            for key in before:
                parameters.write(4, parent.index, key, _PARENT[key])
        except KernelError:
            self._remove(name)
            raise
        return link

    def _follow(self, link: Link, parent: Link, up: bool) -> None:
        """The kernel lowers its MTU with that of the interface below, and does not raise it again."""
        if link.mtu != parent.mtu:
            self._macvlans.set_mtu(link.index, parent.mtu)
        if link.up != up:
            self._macvlans.set_up(link.index, up)

    def _restore(self, parent: int, before: dict[str, int]) -> None:
        """Only what is still as we have set it: somebody may have had other plans since."""
        for key, value in before.items():
            if parameters.read(4, interface_name(parent), key) == _PARENT.get(key):
                _try(parameters.write, 4, parent, key, value)


def name_of(instance: Instance) -> str:
    """The name of the interface that has an instance's virtual MAC."""
    return virtual_interface(instance.family, instance.virtual_router_id, instance.interface)


def mac_of(instance: Instance) -> bytes:
    """An instance's virtual MAC."""
    return virtual_mac(instance.family, instance.virtual_router_id)


def _is_ours(link: Link) -> bool:
    """Whether an interface was made by the agent, in an earlier life."""
    return link.kind == KIND and link.alias.startswith(_MARK) and link.mac.startswith(b"\0\0\x5e\0")


def _remembered(link: Link) -> dict[str, int]:
    """What its alias tells of the interface below: parameters as they were before."""
    return {key: int(value) for key, value in re.findall(r"(\w+)=(\d+)", link.alias)}


def _try(action: Callable[..., None], *arguments: Any) -> None:
    """What fails on the way out is said, and does not keep the rest from being done."""
    try:
        action(*arguments)
    except KernelError as error:
        LOGGER.error("%s", error)


def _check(parent: Link) -> None:
    """Raises UnfitError where a second MAC address cannot work."""
    if not parent.ethernet:
        why = "it is no Ethernet interface"
    elif parent.kind in _CANNOT_BE_STACKED:
        why = f"it is a {parent.kind} itself; use the interface below it"
    elif parameters.wireless(parent.name):
        why = "it is wireless, and an access point knows it by its own MAC only"
    elif parameters.read(4, "all", "arp_filter"):
        why = "net.ipv4.conf.all.arp_filter keeps the kernel from answering on a macvlan; set it to 0"
    else:
        return
    raise UnfitError(f"{parent.name} cannot carry a virtual MAC: {why}; set use_vmac: false, or mend it")
