# Copyright: (c) 2026, duet.ha_pair contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""The address that a virtual router sends its adverts from."""

from __future__ import annotations

from ..config import Instance
from ..protocol.settings import IPAddress
from .network import Network
from .owner import movable


def source_or_fault(network: Network, index: int, instance: Instance) -> IPAddress | str:
    """The interface's own address to send from, or why there is none that fits."""
    name, peers = instance.interface, instance.unicast_peers
    own = network.own_addresses(index, instance.family, movable(network, index, instance, instance.addresses))
    mistaken = [peer for peer in peers if network.is_own(peer)]
    if mistaken:
        return f"unicast_peers names {mistaken[0]}, an address of this node; list the other nodes only"
    if instance.source_address is not None:
        wanted = instance.source_address
        return wanted if wanted in own else f"source_address {wanted} is not on {name}"
    # RFC 9568 5.1.2.1: over IPv6 the source is the link-local address; to a peer it is of the peer's scope.
    link_local = instance.family == 6 and (not peers or peers[0].is_link_local)
    fit = [address for address in own if address.version == 4 or address.is_link_local == link_local]
    return fit[0] if fit else f"{name} has no IPv{instance.family} address of its own to send from"
