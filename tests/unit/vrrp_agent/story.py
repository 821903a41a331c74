# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The words in which the tests of the router tell its life: an invented clock, a segment of three nodes, an address.

`US` is the router under test: priority 100, 1 s. `LOWER` and `HIGHER` are its neighbours' addresses.
"""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address, ip_interface

from vrrp_agent.protocol import packet, timers
from vrrp_agent.protocol.events import (
    Effects,
    InterfaceDown,
    InterfaceUp,
    PacketReceived,
    ReleaseAddresses,
    SendAdvert,
    Start,
    State,
    StateChanged,
    TimerDue,
)
from vrrp_agent.protocol.router import Router
from vrrp_agent.protocol.settings import Authentication, IPAddress, Settings

MS = 1_000_000
S = 1_000 * MS
T = 1_000_000 * S  # the clock when a story begins: nothing may depend on its zero

INIT, BACKUP, MASTER, FAULT = State.INIT, State.BACKUP, State.MASTER, State.FAULT

LOWER, US, HIGHER = (ip_address(f"192.0.2.{host}") for host in (9, 10, 11))
GROUP = packet.GROUP_IPV4
VIP = ip_interface("192.0.2.100/24")
SECOND_VIP = ip_interface("192.0.2.101/24")
EXTRA = ip_interface("2001:db8::100/64")

SKEW = 609_375_000  # of priority 100 at 1 s, in both versions
MASTER_DOWN = 3 * S + SKEW

OURS = Settings(
    virtual_router_id=51,
    version=3,
    priority=100,
    advert_interval_cs=100,
    preempt=True,
    virtual_addresses=(VIP,),
    extra_addresses=(),
    authentication=Authentication(),
    source_address=None,
    unicast_peers=(),
    unicast_min_ttl=255,
    preempt_delay_ms=0,
    startup_delay_ms=0,
    checksum="auto",
    last_resort=False,
)


def octets(settings: Settings, source: IPAddress, pseudo_header: bool = True) -> bytes:
    """The message that a router of these settings sends."""
    auth = settings.authentication
    return packet.encode(
        packet.Advert(
            settings.version,
            settings.virtual_router_id,
            settings.priority,
            settings.advert_interval_cs,
            tuple(address.ip for address in settings.virtual_addresses),
            int(auth.type == "pass"),
            auth.password.encode().ljust(8, b"\0") if settings.version == 2 else b"",
        ),
        source,
        GROUP,
        pseudo_header,
    )


def heard(priority: int, source: IPAddress = HIGHER, settings: Settings = OURS, **changed: object) -> PacketReceived:
    """A neighbour's advert, of our own settings but for its priority and what is `changed`."""
    theirs = replace(settings, priority=priority, **changed)
    return PacketReceived(octets(theirs, source), source, GROUP, 255)


def sent(
    settings: Settings = OURS, source: IPAddress = US, pseudo_header: bool = True, **changed: object
) -> SendAdvert:
    """The advert that we send, with what is `changed` in it (`priority=0` to resign)."""
    return SendAdvert(octets(replace(settings, **changed), source, pseudo_header), source, GROUP)


def fresh(**settings: object) -> Router:
    """A router in INIT on an interface that is up."""
    router = Router(replace(OURS, **settings))
    assert router.handle(InterfaceUp(US), T - S) == ()
    return router


def backup(**settings: object) -> Router:
    """A router that went BACKUP at T."""
    router = fresh(**settings)
    assert router.handle(Start(), T) == (StateChanged(INIT, BACKUP, "started"),)
    return router


def master(**settings: object) -> Router:
    """A router that sent an advert as MASTER at T, its announcements over."""
    router = fresh(**settings)
    interval = timers.interval_ns(router.settings.advert_interval_cs)
    waits = 0 if router.settings.priority == 255 else router.master_down_ns
    router.handle(Start(), T - waits - (5 * S // interval + 1) * interval)
    while router.deadline_ns <= T:
        router.handle(TimerDue(), router.deadline_ns)
    assert (router.state, router.deadline_ns) == (MASTER, T + interval)
    return router


def fault(reason: str = "eth0 is down", **settings: object) -> Router:
    """A router that fell into FAULT at T."""
    router = backup(**settings)
    assert router.handle(InterfaceDown(reason), T) == (StateChanged(BACKUP, FAULT, reason),)
    return router


def yields(reason: str, *addresses: object) -> Effects:
    """What a MASTER does who goes BACKUP: it lets go of the addresses first."""
    return (ReleaseAddresses(addresses or (VIP,)), StateChanged(MASTER, BACKUP, reason))
