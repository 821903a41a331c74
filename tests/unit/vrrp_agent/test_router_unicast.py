# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Unicast: to each peer by itself, from peers alone."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address

import pytest
from story import (
    BACKUP,
    GROUP,
    HIGHER,
    LOWER,
    MASTER,
    MASTER_DOWN,
    MS,
    OURS,
    US,
    VIP,
    S,
    T,
    backup,
    master,
    yields,
)
from vrrp_agent.protocol import packet
from vrrp_agent.protocol.events import (
    Announce,
    ClaimAddresses,
    PacketReceived,
    PacketRejected,
    Reconfigured,
    SendAdvert,
    StateChanged,
    Stop,
    TimerDue,
)
from vrrp_agent.protocol.settings import IPAddress, Settings

PEERS = (LOWER, HIGHER)
UNICAST = replace(OURS, unicast_peers=PEERS)
STRANGER = ip_address("192.0.2.66")


def octets(
    priority: int, source: IPAddress, destination: IPAddress, pseudo_header: bool = True, interval_cs: int = 100
) -> bytes:
    addresses = tuple(address.ip for address in OURS.virtual_addresses)
    return packet.encode(packet.Advert(3, 51, priority, interval_cs, addresses), source, destination, pseudo_header)


def heard(
    priority: int, source: IPAddress = HIGHER, to: IPAddress = US, ttl: int = 255, pseudo_header: bool = True
) -> PacketReceived:
    return PacketReceived(octets(priority, source, to, pseudo_header), source, to, ttl)


def sent(priority: int = 100, plain: tuple[IPAddress, ...] = (), interval_cs: int = 100) -> tuple[SendAdvert, ...]:
    """One advert to each peer, each with its own checksum."""
    return tuple(SendAdvert(octets(priority, US, peer, peer not in plain, interval_cs), US, peer) for peer in PEERS)


def test_a_life_by_unicast() -> None:
    router = backup(**vars(UNICAST))
    assert router.handle(heard(150), T + S) == ()
    assert router.deadline_ns == T + S + MASTER_DOWN
    due = T + S + MASTER_DOWN
    assert router.handle(TimerDue(), due) == (
        StateChanged(BACKUP, MASTER, f"no advert from {HIGHER} for 3.61 s"),
        ClaimAddresses((VIP,)),
        Announce((VIP,)),
        *sent(),
    )
    assert router.handle(heard(150), due + MS) == sent(1)
    assert router.handle(TimerDue(), due + 201 * MS) == (
        *sent(1),
        *yields(f"{HIGHER} has the higher priority: 150 > 100"),
    )


def test_a_stop_is_told_to_each_peer() -> None:
    assert master(**vars(UNICAST)).handle(Stop(), T + MS) == sent(0)


def test_one_advert_counts_once() -> None:
    """RFC 8347 advertisement-sent counts adverts, not the copies of one."""
    router = master(**vars(UNICAST))
    before = router.counters["advertisement_sent"]
    router.handle(TimerDue(), T + S)
    assert router.counters["advertisement_sent"] == before + 1


@pytest.mark.parametrize("role", [backup, master], ids=["BACKUP", "MASTER"])
@pytest.mark.parametrize(
    ("settings", "event", "reason", "detail"),
    [
        (UNICAST, heard(255, STRANGER), "source_errors", "not one of unicast_peers"),
        (UNICAST, heard(255, to=GROUP), "destination_errors", "sent to the group, not by unicast"),
        (UNICAST, heard(255, ttl=254), "ip_ttl_errors", "TTL 254, not 255"),
        (replace(UNICAST, unicast_min_ttl=64), heard(255, ttl=63), "ip_ttl_errors", "TTL 63 < 64"),
        (OURS, heard(255), "destination_errors", f"sent to {US}, not to the group"),
    ],
)
def test_what_is_dropped(settings: Settings, event: PacketReceived, reason: str, detail: str, role: object) -> None:
    router = role(**vars(settings))
    deadline_ns = router.deadline_ns
    assert router.handle(event, T + MS) == (PacketRejected(reason, detail, event.source),)
    assert (router.counters[reason], router.deadline_ns) == (1, deadline_ns)


def test_a_lower_hop_limit_where_it_is_configured() -> None:
    """keepalived sends IPv6 unicast with the kernel's hop limit of 64."""
    router = backup(**vars(replace(UNICAST, unicast_min_ttl=64)))
    assert router.handle(heard(150, ttl=64), T + S) == ()
    assert router.deadline_ns == T + S + MASTER_DOWN


def test_each_peer_is_answered_in_its_own_style_of_checksum() -> None:
    router = master(**vars(UNICAST))
    router.handle(heard(50, LOWER, pseudo_header=False), T + MS)
    assert router.handle(TimerDue(), T + S + MS)[-2:] == sent(plain=(LOWER,))
    router.handle(heard(50, HIGHER), T + S + 2 * MS)
    assert router.handle(TimerDue(), T + 2 * S + 2 * MS)[-2:] == sent(plain=(LOWER,))
    router.handle(heard(50, LOWER), T + 2 * S + 3 * MS)
    assert router.handle(TimerDue(), T + 3 * S + 3 * MS)[-2:] == sent()


def test_from_multicast_to_unicast_by_reload() -> None:
    router = master()
    assert router.handle(Reconfigured(UNICAST), T + MS) == sent()
