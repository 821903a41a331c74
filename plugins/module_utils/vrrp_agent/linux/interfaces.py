# Copyright: (c) 2026, duet.ha_pair contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Links and addresses: reading them, changing addresses, and following what others change."""

from __future__ import annotations

import errno
import socket
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Interface, IPv6Interface
from typing import Any, Union

from . import netlink
from .errors import KernelError, interface_name
from .netlink import IPInterface
from .renewals import RenewalSocket, deaf_to

ARPHRD_ETHER = 1
IFF_UP, IFF_RUNNING, IFF_LOWER_UP = 0x1, 0x40, 0x10000
IFA_F_SECONDARY, IFA_F_TENTATIVE, IFA_F_PERMANENT = 0x01, 0x40, 0x80
_INTERFACES: dict[int, type[IPv4Interface] | type[IPv6Interface]] = {
    socket.AF_INET: IPv4Interface,
    socket.AF_INET6: IPv6Interface,
}
READ_LIMIT = 128  # events a turn, some 2 ms: adverts must not wait for a flood of them


@dataclass(frozen=True)
class Link:
    """A network interface; `carrier` says that it can pass packets, `up` that the administrator wants it to.

    `kind` is what `ip -d link` calls it ("macvlan", "veth", empty for hardware), `parent` the index of the interface
    below it (0 if none), `alias` a text that somebody has given it.
    """

    index: int
    name: str
    up: bool
    carrier: bool
    mac: bytes
    mtu: int
    ethernet: bool = True
    kind: str = ""
    parent: int = 0
    alias: str = ""


@dataclass(frozen=True)
class Address:
    """An address on an interface.

    `permanent`: it has no lifetime. `protocol`: its IFA_PROTO, netlink.ADDRESS_PROTOCOL on ours, 0 if unknown.
    `remaining_s`: what was left of its lifetime when the kernel told of it, in whole seconds, rounded up; 0 if it is
    permanent.
    """

    index: int
    interface: IPInterface
    secondary: bool
    tentative: bool
    permanent: bool
    protocol: int
    remaining_s: int = 0


@dataclass(frozen=True)
class LinkChanged:
    """A link appeared or changed, or was reported again."""

    link: Link


@dataclass(frozen=True)
class LinkRemoved:
    """A link is gone, and its addresses with it."""

    index: int


@dataclass(frozen=True)
class AddressAdded:
    """An address appeared or changed; renewing a lifetime reports it again."""

    address: Address


@dataclass(frozen=True)
class AddressRemoved:
    """An address is gone: removed by someone, by us, or at the end of its lifetime."""

    address: Address


@dataclass(frozen=True)
class Overrun:
    """The kernel dropped events: whoever follows them must read links() and addresses() again."""


Event = Union[LinkChanged, LinkRemoved, AddressAdded, AddressRemoved, Overrun]


def removals(index: int, addresses: Iterable[IPInterface]) -> bytes:
    """Requests that take addresses off an interface, for whoever sends them; nobody waits for the answers."""
    bodies = (netlink.address_body(index, address) for address in addresses)
    return b"".join(netlink.encode(netlink.RTM_DELADDR, 0, 0, body) for body in bodies)


class Kernel:
    """Links and addresses of the network namespace in which it was made."""

    def __init__(self) -> None:
        self._requests = netlink.RequestSocket()
        self._events = netlink.EventSocket()
        self.renewals = RenewalSocket()
        self._events.attach(deaf_to(self.renewals.port))

    def links(self) -> list[Link]:
        """All links."""
        frames = self._requests.dump(netlink.RTM_GETLINK, netlink.link_query(), "list links")
        return [link for link in map(_link, map(netlink.decode_link, frames)) if link is not None]

    def addresses(self) -> list[Address]:
        """All IPv4 and IPv6 addresses, each interface's primary ones before its secondary ones."""
        frames = self._requests.dump(netlink.RTM_GETADDR, netlink.address_query(), "list addresses")
        return [address for address in map(_address, map(netlink.decode_address, frames)) if address is not None]

    def add_addresses(
        self, index: int, addresses: Sequence[IPInterface], lifetime_s: int | None, prefix_route: bool = True
    ) -> list[KernelError]:
        """Add addresses, or renew the lifetime of those that are there; the failures.

        The kernel itself removes an address whose lifetime nobody renews; None is for ever. `prefix_route`: the
        address brings a route to its subnet along.
        """
        bodies = [netlink.new_address_body(index, address, lifetime_s, prefix_route) for address in addresses]
        flags = netlink.NLM_F_CREATE | netlink.NLM_F_REPLACE
        answers = self._requests.execute(netlink.RTM_NEWADDR, flags, bodies)
        return [
            KernelError(f"add {address} to {interface_name(index)}", answer.errno, answer.detail)
            for address, answer in zip(addresses, answers)
            if answer.errno
        ]

    def remove_addresses(self, index: int, addresses: Sequence[IPInterface]) -> list[KernelError]:
        """Remove addresses of exactly this prefix length; the failures. One that is not there is no failure."""
        bodies = [netlink.address_body(index, address) for address in addresses]
        answers = self._requests.execute(netlink.RTM_DELADDR, 0, bodies)
        return [
            KernelError(f"remove {address} from {interface_name(index)}", answer.errno, answer.detail)
            for address, answer in zip(addresses, answers)
            if answer.errno not in (0, errno.EADDRNOTAVAIL, errno.ENODEV)
        ]

    def fileno(self) -> int:
        """The descriptor that becomes readable when there are events."""
        return self._events.fileno()

    def read_events(self) -> list[Event]:
        """The events that have come, a bounded number a call; never blocks."""
        frames = self._events.read(READ_LIMIT)
        if frames is None:
            return [Overrun()]
        return [event for event in map(event_of, frames) if event is not None]

    def close(self) -> None:
        """Close all sockets; addresses stay."""
        self.renewals.close()
        self._requests.close()
        self._events.close()


def forwards_ipv6(name: str) -> bool:
    """Whether the kernel forwards IPv6 packets that come in on an interface: whether it is a router there."""
    try:
        with open(f"/proc/sys/net/ipv6/conf/{name}/forwarding", encoding="ascii") as file:
            return file.read().strip() != "0"
    except OSError:  # IPv6 is not in this kernel, or the interface has just gone
        return False


def event_of(frame: netlink.Frame) -> Event | None:
    """What a message of an EventSocket tells of links and addresses, or None."""
    if frame.type in (netlink.RTM_NEWLINK, netlink.RTM_DELLINK):
        return _link_event(frame)
    if frame.type in (netlink.RTM_NEWADDR, netlink.RTM_DELADDR):
        return _address_event(frame)
    return None


def _link_event(frame: netlink.Frame) -> Event | None:
    link = _link(netlink.decode_link(frame))
    if link is None:
        return None
    return LinkChanged(link) if frame.type == netlink.RTM_NEWLINK else LinkRemoved(link.index)


def _address_event(frame: netlink.Frame) -> Event | None:
    address = _address(netlink.decode_address(frame))
    if address is None:
        return None
    return AddressAdded(address) if frame.type == netlink.RTM_NEWADDR else AddressRemoved(address)


def _link(message: Any) -> Link | None:
    """The link in a message, or None where the message is about something else than the link itself.

    Bridges report their ports as links of family AF_BRIDGE, and a port that leaves its bridge as a removed one;
    wireless drivers report their events as links with little more than a name.
    """
    name, mtu = message.get_attr("IFLA_IFNAME"), message.get_attr("IFLA_MTU")
    if message["family"] != socket.AF_UNSPEC or name is None or mtu is None:
        return None
    flags, info = message["flags"], message.get_attr("IFLA_LINKINFO")
    return Link(
        index=message["index"],
        name=name,
        up=bool(flags & IFF_UP),
        # IFF_LOWER_UP is the carrier itself; IFF_RUNNING is cleared where 802.1X or bonding holds the link back.
        carrier=flags & (IFF_RUNNING | IFF_LOWER_UP) == IFF_RUNNING | IFF_LOWER_UP,
        mac=bytes.fromhex((message.get_attr("IFLA_ADDRESS") or "").replace(":", "")),
        mtu=mtu,
        ethernet=message["ifi_type"] == ARPHRD_ETHER,
        kind=(info.get_attr("IFLA_INFO_KIND") if info is not None else None) or "",
        parent=message.get_attr("IFLA_LINK") or 0,
        alias=message.get_attr("IFLA_IFALIAS") or "",
    )


def _address(message: netlink.AddressMessage) -> Address | None:
    """The address in a message, or None where it is of another family than IPv4 and IPv6."""
    interface_class = _INTERFACES.get(message.family)
    if interface_class is None or not message.address:
        return None
    permanent = bool(message.flags & IFA_F_PERMANENT)
    return Address(
        index=message.link,
        interface=interface_class((message.address, message.prefix_length)),
        secondary=bool(message.flags & IFA_F_SECONDARY),
        tentative=bool(message.flags & IFA_F_TENTATIVE),
        permanent=permanent,
        protocol=message.protocol,
        remaining_s=0 if permanent else message.valid_s,
    )
