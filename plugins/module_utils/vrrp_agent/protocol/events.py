# Copyright: (c) 2026, duet.ha_pair contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""What can happen to a virtual router, and what it wants done about it: frozen values, no behaviour."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import NamedTuple, Union

from .settings import IPAddress, IPInterface, Settings


class State(enum.Enum):
    """The states that a user reads; RFC 9568's Active is our MASTER, its Initialize our INIT."""

    INIT = "INIT"
    BACKUP = "BACKUP"
    MASTER = "MASTER"
    FAULT = "FAULT"

    # By identity, as there is one of each: Enum's own is computed in Python, at every event.
    __hash__ = object.__hash__


class Master(NamedTuple):
    """The router that was last heard as master; a tuple, as one is made of each advert that is heard."""

    address: IPAddress
    priority: int
    interval_cs: int
    heard_ns: int


@dataclass(frozen=True)
class Start:
    """Take part from now on (RFC 9568 6.4.1: a Startup event).

    `held_s`: an earlier life was MASTER, and renewed its addresses, which are still there, less than so long ago: no
    backup can have lost patience yet.
    """

    held_s: float | None = None


@dataclass(frozen=True)
class Stop:
    """Leave in good order (RFC 9568 6.4.2, 6.4.3: a Shutdown event)."""

    reason: str = "stopped"


@dataclass(frozen=True)
class Resign:
    """Give the role to a successor and be BACKUP; where nobody answers, stay MASTER, or leave all the same."""

    force: bool = False


@dataclass(frozen=True)
class PreemptionResumed:
    """A router that has resigned may preempt again, as it is configured."""


@dataclass(frozen=True)
class TimerDue:
    """The router's deadline has passed."""


@dataclass(frozen=True)
class PacketReceived:
    """A VRRP message for this virtual router's id, unverified; `message` starts behind the IP header."""

    # Version 2 has the password in clear: a message shows in no repr.
    message: bytes = field(repr=False)
    source: IPAddress
    destination: IPAddress
    ttl: int


@dataclass(frozen=True)
class InterfaceUp:
    """The interface carries traffic and `source` is its primary address.

    Also told when that address changes, and again when the interface's MAC does.
    """

    source: IPAddress


@dataclass(frozen=True)
class InterfaceDown:
    """This router can take no part, and why; `can_send` where the interface itself still carries adverts."""

    reason: str
    can_send: bool = False


@dataclass(frozen=True)
class Reconfigured:
    """New settings for the same virtual router."""

    settings: Settings


@dataclass(frozen=True)
class GroupJoined:
    """From now on the router is one of a sync group's, and takes the role only when the group says so."""


@dataclass(frozen=True)
class GroupLeft:
    """The router is on its own again."""


@dataclass(frozen=True)
class GroupMaster:
    """The whole sync group takes the role; `code` is RFC 8347's new-master-reason."""

    reason: str
    code: str


@dataclass(frozen=True)
class GroupBackup:
    """The sync group is not MASTER: let go of the role, or leave FAULT; a claim may be made again at `again_ns`."""

    reason: str
    again_ns: int | None = None


@dataclass(frozen=True)
class GroupFault:
    """Another router of the sync group is in FAULT, so that this one cannot be MASTER."""

    reason: str


@dataclass(frozen=True)
class GroupResigned:
    """Every MASTER of the sync group has a successor: let go."""


@dataclass(frozen=True)
class GroupStays:
    """Another MASTER of the sync group stays, so that no other may resign."""

    reason: str


GroupEvent = Union[GroupJoined, GroupLeft, GroupMaster, GroupBackup, GroupFault, GroupResigned, GroupStays]
OperatorEvent = Union[Start, Stop, Resign, PreemptionResumed, Reconfigured]
Event = Union[OperatorEvent, TimerDue, PacketReceived, InterfaceUp, InterfaceDown, GroupEvent]


@dataclass(frozen=True)
class SendAdvert:
    """Send this VRRP message to `destination` from `source`."""

    message: bytes = field(repr=False)
    source: IPAddress
    destination: IPAddress


@dataclass(frozen=True)
class ClaimAddresses:
    """Put these addresses on the interface."""

    addresses: tuple[IPInterface, ...]


@dataclass(frozen=True)
class ReleaseAddresses:
    """Take these addresses off the interface, at once."""

    addresses: tuple[IPInterface, ...]


@dataclass(frozen=True)
class Announce:
    """Tell the segment that these addresses live here (gratuitous ARP, unsolicited neighbour advertisement)."""

    addresses: tuple[IPInterface, ...]


@dataclass(frozen=True)
class StateChanged:
    """The state has changed; `reason` is for people, and carries the comparison that decided."""

    previous: State
    state: State
    reason: str


@dataclass(frozen=True)
class StillMaster:
    """Asked to resign, the router has stayed MASTER: `code` is for programs, `reason` for people."""

    code: str
    reason: str


@dataclass(frozen=True)
class PacketRejected:
    """A packet was dropped and counted under `reason`; nothing else has changed."""

    reason: str
    detail: str
    source: IPAddress


@dataclass(frozen=True)
class Mismatch:
    """An accepted advert differs from what is configured here, counted under `reason`."""

    reason: str
    detail: str
    source: IPAddress


@dataclass(frozen=True)
class NotHeard:
    """Another master goes on though it has lost to this one, whose adverts it does not hear; or no more (`over`)."""

    address: IPAddress
    priority: int
    over: bool = False


Heard = Union[PacketRejected, Mismatch, NotHeard]
Effect = Union[SendAdvert, ClaimAddresses, ReleaseAddresses, Announce, StateChanged, StillMaster, Heard]
Effects = tuple[Effect, ...]
