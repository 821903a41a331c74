# Copyright: (c) 2026, duet.ha_pair contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""The address owner: priority 255 is for the node whose own addresses the virtual ones are (RFC 9568 6.1)."""

from __future__ import annotations

from collections.abc import Iterable

from ..config import Instance
from ..protocol.settings import PRIORITY_OWNER, IPInterface
from .network import Network


def owner_fault(network: Network, index: int, instance: Instance) -> str | None:
    """Why a node with the owner's priority is not the owner, and the mend; None for everybody else."""
    if instance.priority != PRIORITY_OWNER:
        return None
    own = network.permanent(index)
    missing = [str(address) for address in instance.virtual_addresses if address not in own]
    if not missing:
        return None
    return (
        f"priority 255 is the address owner's, but {', '.join(missing)} is not this node's own on {instance.interface};"
        " lower the priority to 254 or less, or give the node the address"
    )


def movable(network: Network, index: int, instance: Instance, addresses: Iterable[IPInterface]) -> list[IPInterface]:
    """Those of some addresses that move with the role: all, but for the owner's own, which are never touched."""
    own = network.permanent(index) if instance.priority == PRIORITY_OWNER else set()
    return [address for address in addresses if address not in own]
