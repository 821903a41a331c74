# Copyright: (c) 2026, duet.ha_pair contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""What one virtual router is told; the defaults stand in the schema (config.py), nowhere else."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from typing import Union

PRIORITY_OWNER = 255  # RFC 9568 5.2.4: the address owner's
PRIORITY_LOWEST = 1
# What a sick node says that is MASTER, or would be, for want of a healthy one (`last_resort`). Not 1, the last word of
# one that yields; higher ones first, as far as there is room below all priorities of healthy nodes.
LAST_RESORT_MIN = 2
_LAST_RESORT_SHARE = 8
LAST_RESORT_MAX = LAST_RESORT_MIN + (PRIORITY_OWNER - 1) // _LAST_RESORT_SHARE


def last_resort_priority(priority: int) -> int:
    """What is left of a priority where the node is sick, and serves for want of a healthy one."""
    return LAST_RESORT_MIN + priority // _LAST_RESORT_SHARE


IPAddress = Union[ipaddress.IPv4Address, ipaddress.IPv6Address]
IPInterface = Union[ipaddress.IPv4Interface, ipaddress.IPv6Interface]


@dataclass(frozen=True)
class Authentication:
    """How adverts are authenticated: `none`, `pass` (the simple text password of RFC 2338 5.3.6, version 2) or `hmac`.

    `keys` of `hmac` are (id, octets); the first one signs, each is accepted. `mode` says what is sent and accepted
    while the keys are rolled out: `enforce`, `permissive`, `receive-only`.
    """

    type: str = "none"
    password: str = field(default="", repr=False)
    mode: str = "enforce"
    keys: tuple[tuple[int, bytes], ...] = field(default=(), repr=False)


@dataclass(frozen=True)
class Settings:
    """One virtual router; `advert_interval_cs` is in centiseconds, as on the wire, in both versions."""

    virtual_router_id: int
    version: int
    priority: int
    advert_interval_cs: int
    preempt: bool
    virtual_addresses: tuple[IPInterface, ...]
    extra_addresses: tuple[IPInterface, ...]
    authentication: Authentication
    # Its own address to send from; by default the interface's first that fits.
    source_address: IPAddress | None
    # Whom to send to, each by itself; nobody: to the multicast group.
    unicast_peers: tuple[IPAddress, ...]
    # The least TTL or hop limit of a peer's advert (GTSM, RFC 5082); to the group it is always 255.
    unicast_min_ttl: int
    # How long a better BACKUP leaves the role to a lesser master that it hears.
    preempt_delay_ms: int
    # How much longer a BACKUP listens after the start of the agent while it hears nobody.
    startup_delay_ms: int
    # How the checksum is computed, version 3 over IPv4: auto, with_pseudo_header or without_pseudo_header.
    checksum: str
    # Whether a node whose checks have failed stays, with a priority that any healthy node takes the role from.
    last_resort: bool

    @property
    def family(self) -> int:
        """4 or 6: the family of the advertised addresses."""
        return self.virtual_addresses[0].version

    @property
    def priority_min(self) -> int:
        """The least that this router may say as its own while it is healthy.

        The lowest of all is no master's where adverts are signed.
        """
        if self.last_resort:
            return LAST_RESORT_MAX + 1
        return PRIORITY_LOWEST + 1 if self.authentication.type == "hmac" else PRIORITY_LOWEST

    @property
    def is_last_resort(self) -> bool:
        """Whether this is a sick node, which serves for want of a healthy one."""
        return self.last_resort and self.priority <= LAST_RESORT_MAX

    @property
    def addresses(self) -> tuple[IPInterface, ...]:
        """Every address that moves with the role, advertised or not."""
        return self.virtual_addresses + self.extra_addresses
