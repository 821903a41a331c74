# Copyright: (c) 2026, duet.ha_pair contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""macvlan interfaces: a second MAC address, and a set of IP addresses behind it, on an interface that is there."""

from __future__ import annotations

import errno

from . import netlink
from .errors import KernelError, interface_name
from .netlink import RTM_DELLINK, RTM_NEWLINK, Request, link_body

KIND = "macvlan"
IFF_UP = 0x1

# In mode private a frame from outside that has the macvlan's own MAC as its source is given to the macvlan alone. Where
# two hosts have the same MAC, the interface below would be deaf to the other one.
_INFO = {"attrs": [("IFLA_INFO_KIND", KIND), ("IFLA_INFO_DATA", {"attrs": [("IFLA_MACVLAN_MODE", "bridge")]})]}


class Macvlans:
    """Makes, changes and removes macvlan interfaces; every method raises KernelError."""

    def __init__(self) -> None:
        self._requests = netlink.RequestSocket()

    def create(self, name: str, parent: int, mac: bytes, alias: str) -> None:
        """Make one, down; not without its alias, by which it is recognised later, even if we are killed meanwhile."""
        made = link_body(IFLA_IFNAME=name, IFLA_LINK=parent, IFLA_ADDRESS=mac.hex(":"), IFLA_LINKINFO=_INFO)
        named = link_body(IFLA_IFNAME=name, IFLA_IFALIAS=alias)
        requests = [
            Request(RTM_NEWLINK, netlink.NLM_F_CREATE | netlink.NLM_F_EXCL, made),
            Request(RTM_NEWLINK, 0, named),
        ]
        self._execute(f"make {name} on {interface_name(parent)}", requests)

    def remove(self, index: int) -> None:
        """Remove one, and the addresses on it; one that is not there is no failure."""
        gone = Request(RTM_DELLINK, 0, link_body(index))
        self._execute(f"remove {interface_name(index)}", [gone], but=errno.ENODEV)

    def set_up(self, index: int, up: bool) -> None:
        """Let it pass packets, or not."""
        body = link_body(index, IFF_UP if up else 0, change=IFF_UP)
        op = f"set {interface_name(index)} {'up' if up else 'down'}"
        self._execute(op, [Request(RTM_NEWLINK, 0, body)])

    def set_mtu(self, index: int, mtu: int) -> None:
        """Let it pass packets of another size."""
        body = link_body(index, IFLA_MTU=mtu)
        self._execute(f"set the MTU of {interface_name(index)} to {mtu}", [Request(RTM_NEWLINK, 0, body)])

    def close(self) -> None:
        """Close the socket; the interfaces stay."""
        self._requests.close()

    def _execute(self, op: str, requests: list[Request], but: int = 0) -> None:
        for answer in self._requests.execute_all(requests):
            if answer.errno not in (0, but):
                raise KernelError(op, answer.errno, answer.detail)
