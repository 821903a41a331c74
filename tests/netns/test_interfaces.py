# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Addresses and links on the real kernel."""

from __future__ import annotations

import errno
import select
import time
from collections.abc import Callable, Iterator
from ipaddress import ip_interface

import pytest
from segment import Namespace, Segment
from vrrp_agent.linux import netlink
from vrrp_agent.linux.interfaces import (
    Address,
    AddressAdded,
    AddressRemoved,
    Event,
    Kernel,
    Link,
    LinkChanged,
    LinkRemoved,
    Overrun,
)

VIP = ip_interface("10.139.1.1/24")
VIP6 = ip_interface("fd00:139::1/64")


@pytest.fixture
def node(netns: Callable[[str], Namespace]) -> Namespace:
    """A namespace with eth0, which is up, joined to eth1 of the same namespace."""
    namespace = netns("node")
    namespace.ip("link", "add", "eth0", "type", "veth", "peer", "name", "eth1")
    for device in ("eth1", "eth0"):
        namespace.sysctl(f"net.ipv6.conf.{device}.accept_dad", 0)
        namespace.ip("link", "set", "dev", device, "up")
    return namespace


@pytest.fixture
def kernel(node: Namespace) -> Iterator[Kernel]:
    """The layer under test, inside the node."""
    with node.entered():
        kernel = Kernel()
        yield kernel
        kernel.close()


def link_of(kernel: Kernel, name: str = "eth0") -> Link:
    """A link by its name."""
    return {link.name: link for link in kernel.links()}[name]


def own_addresses(kernel: Kernel) -> list[str]:
    """eth0's addresses but the link-local one, as text."""
    index = link_of(kernel).index
    found = [address.interface for address in kernel.addresses() if address.index == index]
    return [str(interface) for interface in found if not interface.ip.is_link_local]


def next_events(kernel: Kernel, wanted: Callable[[Event], bool], count: int = 1) -> list[Event]:
    """The next `count` wanted events; others are passed over."""
    found: list[Event] = []
    deadline = time.monotonic() + 5
    while select.select([kernel], [], [], max(0.0, deadline - time.monotonic()))[0]:
        found += filter(wanted, kernel.read_events())
        if len(found) >= count:
            return found[:count]
    raise AssertionError(f"{count} events were awaited, only these came: {found}")


def next_event(kernel: Kernel, wanted: Callable[[Event], bool]) -> Event:
    """The next wanted event; others are passed over."""
    return next_events(kernel, wanted)[0]


def test_a_link_is_described_as_the_kernel_has_it(node: Namespace, kernel: Kernel) -> None:
    node.ip("link", "set", "dev", "eth0", "address", "02:00:00:00:00:07", "mtu", "1400")
    link = link_of(kernel)
    assert (link.up, link.carrier, link.mac, link.mtu) == (True, True, bytes.fromhex("020000000007"), 1400)
    node.ip("link", "set", "dev", "eth1", "down")
    assert (link_of(kernel).up, link_of(kernel).carrier) == (True, False)
    assert (link_of(kernel, "eth1").up, link_of(kernel, "eth1").carrier) == (False, False)


def test_addresses_are_added_once_and_for_ever(kernel: Kernel) -> None:
    index = link_of(kernel).index
    for _time in range(2):
        assert kernel.add_addresses(index, [VIP, VIP6, ip_interface("10.140.0.1")], None) == []
    assert own_addresses(kernel) == ["10.139.1.1/24", "10.140.0.1/32", "fd00:139::1/64"]


def test_an_address_is_ours_usable_at_once_and_no_source_of_other_traffic(node: Namespace, kernel: Kernel) -> None:
    node.sysctl("net.ipv6.conf.eth0.accept_dad", 1)
    index = link_of(kernel).index
    kernel.add_addresses(index, [VIP, VIP6], None)
    protocol = netlink.ADDRESS_PROTOCOL
    ours = {address.interface: address for address in kernel.addresses() if address.index == index}
    assert ours[VIP] == Address(index, VIP, secondary=False, tentative=False, permanent=True, protocol=protocol)
    assert ours[VIP6] == Address(index, VIP6, secondary=False, tentative=False, permanent=True, protocol=protocol)
    shown = node.ip("address", "show", "dev", "eth0")
    assert "brd" not in shown.split("10.139.1.1/24")[1].split("inet6")[0]
    assert "deprecated" in shown.split("fd00:139::1/64")[1].splitlines()[0]


def test_a_second_address_of_a_subnet_is_secondary_and_a_detecting_one_tentative(
    node: Namespace, kernel: Kernel
) -> None:
    index = link_of(kernel).index
    kernel.add_addresses(index, [ip_interface("10.139.1.11/24"), VIP], None)
    node.sysctl("net.ipv6.conf.eth0.accept_dad", 1)
    node.ip("address", "add", "fd00:139::99/64", "dev", "eth0")
    flags = {str(one.interface): (one.secondary, one.tentative) for one in kernel.addresses() if one.index == index}
    assert flags["10.139.1.11/24"] == (False, False)
    assert flags["10.139.1.1/24"] == (True, False)
    assert flags["fd00:139::99/64"] == (False, True)


def test_a_removal_takes_exactly_the_address_it_is_given(kernel: Kernel) -> None:
    index = link_of(kernel).index
    kernel.add_addresses(index, [ip_interface("10.139.1.1/32"), VIP, VIP6], None)
    assert kernel.remove_addresses(index, [VIP]) == []
    assert own_addresses(kernel) == ["10.139.1.1/32", "fd00:139::1/64"]
    assert kernel.remove_addresses(index, [VIP, ip_interface("fd00:139::1/128"), VIP6]) == []
    assert own_addresses(kernel) == ["10.139.1.1/32"]


def test_removing_from_an_interface_that_is_gone_is_no_failure(kernel: Kernel) -> None:
    assert kernel.remove_addresses(4711, [VIP, VIP6]) == []


def test_each_refused_address_has_its_own_error_and_the_others_are_added(node: Namespace, kernel: Kernel) -> None:
    node.sysctl("net.ipv6.conf.eth0.disable_ipv6", 1)
    errors = kernel.add_addresses(link_of(kernel).index, [VIP6, VIP], None)
    assert [(error.op, error.errno) for error in errors] == [("add fd00:139::1/64 to eth0", errno.EACCES)]
    assert str(errors[0]).startswith("add fd00:139::1/64 to eth0: Permission denied")
    assert own_addresses(kernel) == ["10.139.1.1/24"]


def test_an_unknown_interface_is_named_by_its_index(kernel: Kernel) -> None:
    [error] = kernel.add_addresses(4711, [VIP], None)
    assert (error.op, error.errno) == ("add 10.139.1.1/24 to interface 4711", errno.ENODEV)


def test_an_address_that_nobody_renews_is_removed_by_the_kernel(kernel: Kernel) -> None:
    index = link_of(kernel).index
    assert kernel.add_addresses(index, [VIP, VIP6], 1) == []
    removed = next_events(kernel, lambda event: isinstance(event, AddressRemoved), count=2)
    assert {event.address.interface for event in removed if isinstance(event, AddressRemoved)} == {VIP, VIP6}
    assert own_addresses(kernel) == []


def test_a_renewal_changes_the_lifetime_in_either_direction(node: Namespace, kernel: Kernel) -> None:
    index = link_of(kernel).index

    def lifetimes() -> list[str]:
        lines = node.ip("address", "show", "dev", "eth0", "scope", "global").splitlines()
        return [line.split()[1] for line in lines if "valid_lft" in line]

    for lifetime_s, shown in ((600, "600sec"), (None, "forever"), (1000, "1000sec")):
        assert kernel.add_addresses(index, [VIP, VIP6], lifetime_s) == []
        assert lifetimes() == [shown, shown]
        permanent = [one.permanent for one in kernel.addresses() if one.interface in (VIP, VIP6)]
        assert permanent == [lifetime_s is None] * 2


def test_what_others_do_to_addresses_is_reported(node: Namespace, kernel: Kernel) -> None:
    node.ip("address", "add", str(VIP), "dev", "eth0")
    added = next_event(kernel, lambda event: isinstance(event, AddressAdded) and event.address.interface == VIP)
    node.ip("address", "delete", str(VIP), "dev", "eth0")
    removed = next_event(kernel, lambda event: isinstance(event, AddressRemoved))
    assert isinstance(added, AddressAdded)
    assert removed == AddressRemoved(added.address)


def test_a_link_that_is_cut_plugged_renamed_and_deleted_is_reported(segment: Segment) -> None:
    node = segment["a"]
    with node.entered():
        kernel = Kernel()
        index = link_of(kernel).index

        def changed(test: Callable[[Link], bool]) -> Event:
            return next_event(
                kernel, lambda event: isinstance(event, LinkChanged) and event.link.index == index and test(event.link)
            )

        segment.cut(node)
        changed(lambda link: link.up and not link.carrier)
        segment.plug(node)
        changed(lambda link: link.carrier)
        node.ip("link", "set", "dev", "eth0", "down")
        changed(lambda link: not link.up)
        node.ip("link", "set", "dev", "eth0", "name", "lan0")
        changed(lambda link: link.name == "lan0")
        node.ip("link", "delete", "lan0")
        next_event(kernel, lambda event: event == LinkRemoved(index))
        kernel.close()


def test_a_link_that_leaves_its_bridge_is_not_reported_as_removed(node: Namespace, kernel: Kernel) -> None:
    index = link_of(kernel).index
    node.ip("link", "add", "br0", "type", "bridge")
    node.ip("link", "set", "dev", "eth0", "master", "br0")
    node.ip("link", "set", "dev", "eth0", "nomaster")
    node.ip("link", "set", "dev", "eth0", "mtu", "1300")  # comes last, so that the end of the story is known
    found = next_event(kernel, lambda event: event == LinkRemoved(index) or _mtu(event, index) == 1300)
    assert isinstance(found, LinkChanged)


def _mtu(event: Event, index: int) -> int | None:
    return event.link.mtu if isinstance(event, LinkChanged) and event.link.index == index else None


def test_after_an_overrun_nothing_older_than_it_is_reported(node: Namespace, kernel: Kernel) -> None:
    index = link_of(kernel).index
    many = [ip_interface(f"10.140.{number // 250}.{number % 250 + 1}/32") for number in range(2000)]
    for _time in range(5):  # 20,000 events do not fit into the buffer
        kernel.add_addresses(index, many, None)
        kernel.remove_addresses(index, many)
    events = kernel.read_events()
    assert events == [Overrun()]
    assert kernel.read_events() == []
    node.ip("address", "add", str(VIP), "dev", "eth0")
    next_event(kernel, lambda event: isinstance(event, AddressAdded) and event.address.interface == VIP)


def test_four_thousand_addresses_are_added_listed_and_removed_quickly(kernel: Kernel) -> None:
    index = link_of(kernel).index
    many = [ip_interface(f"10.140.{number // 250}.{number % 250 + 1}/32") for number in range(4000)]
    started = time.process_time()  # whatever else the machine does
    assert kernel.add_addresses(index, many, None) == []
    assert time.process_time() - started < 5  # 0.3-0.5 s measured; slow machines take longer, a quadratic codec does
    assert len(own_addresses(kernel)) == 4000
    assert kernel.remove_addresses(index, many) == []
    assert own_addresses(kernel) == []
