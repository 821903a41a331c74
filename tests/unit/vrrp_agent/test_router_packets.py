# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Packets that are rejected change nothing but a counter; packets that differ are followed, counted and named."""

from __future__ import annotations

import copy
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from story import (
    GROUP,
    HIGHER,
    MASTER_DOWN,
    MS,
    OURS,
    SECOND_VIP,
    US,
    S,
    T,
    backup,
    fault,
    fresh,
    heard,
    master,
    octets,
    sent,
)
from vrrp_agent.protocol import events
from vrrp_agent.protocol.counters import COUNTERS
from vrrp_agent.protocol.events import Mismatch, PacketReceived, PacketRejected, State, TimerDue
from vrrp_agent.protocol.packet import AUTH_PASS, Advert, encode
from vrrp_agent.protocol.router import _TABLE, Router
from vrrp_agent.protocol.settings import Authentication, IPAddress, Settings

V2 = replace(OURS, version=2)
PASS = replace(V2, authentication=Authentication("pass", "s3cret"))
GOOD = octets(replace(OURS, priority=255), HIGHER)


def from_peer(message: bytes, ttl: int = 255, to: IPAddress = GROUP) -> PacketReceived:
    return PacketReceived(message, HIGHER, to, ttl)


def version_2(auth_type: int, auth_data: bytes) -> PacketReceived:
    return from_peer(
        encode(Advert(2, 51, 255, 100, (OURS.virtual_addresses[0].ip,), auth_type, auth_data), HIGHER, GROUP)
    )


REJECTED = {
    "ttl": (OURS, from_peer(GOOD, ttl=64), "ip_ttl_errors", "TTL 64, not 255"),
    "length": (OURS, from_peer(GOOD[:-1]), "packet_length_errors", "11 octets, 12 for 1 addresses"),
    "trailer": (OURS, from_peer(GOOD + bytes(28)), "packet_length_errors", "40 octets, 12 for 1 addresses"),
    "version": (V2, from_peer(GOOD), "version_errors", "version 3, not 2"),
    "type": (OURS, from_peer(b"\x32" + GOOD[1:]), "invalid_type_pkts_rcvd", "type 2"),
    "checksum": (OURS, from_peer(GOOD[:-1] + b"\0"), "checksum_errors", "wrong checksum"),
    "interval": (OURS, heard(255, advert_interval_cs=0), "interval_errors", "interval 0"),
    "addresses": (OURS, heard(255, virtual_addresses=()), "address_list_errors", "no addresses"),
    "auth type": (PASS, version_2(0, bytes(8)), "auth_type_mismatch", "type 0, not 1"),
    "auth type unknown": (V2, version_2(2, bytes(8)), "auth_type_mismatch", "type 2, not 0"),
    "unexpected password": (V2, version_2(1, b"s3cret\0\0"), "auth_type_mismatch", "type 1, not 0"),
    "password": (PASS, version_2(1, b"s3creT\0\0"), "auth_failures", "the password differs"),
    "longer password": (PASS, version_2(1, b"s3cret1\0"), "auth_failures", "the password differs"),
    "destination": (OURS, from_peer(GOOD, to=US), "destination_errors", f"sent to {US}, not to the group"),
    "own source": (OURS, heard(255, US), "own_source_errors", "sent from this node's own address"),
}


def everything_but_counters(router: Router) -> dict[str, object]:
    state = {name: copy.copy(value) for name, value in vars(router).items()}
    state["_codec"] = dict(vars(router._codec))
    del state["counters"], state["_effects"]
    return state


@pytest.mark.parametrize("role", [backup, master], ids=["BACKUP", "MASTER"])
@pytest.mark.parametrize(("settings", "packet", "reason", "detail"), REJECTED.values(), ids=REJECTED)
def test_a_rejected_packet_changes_nothing(
    settings: Settings, packet: PacketReceived, reason: str, detail: str, role: object
) -> None:
    """RFC 9568 7.1, RFC 3768 7.1: discarded; the timers of BACKUP and of MASTER run on."""
    router = role(**vars(settings))
    router.handle(heard(120, settings=settings), T) if role is backup else None
    before, counted = everything_but_counters(router), router.counters.all()
    assert router.handle(packet, T + 500 * MS) == (PacketRejected(reason, detail, packet.source),)
    assert everything_but_counters(router) == before
    assert router.counters.all() == {**counted, reason: counted[reason] + 1}


@pytest.mark.parametrize("router", [fresh(), fault()], ids=["INIT", "FAULT"])
def test_nobody_is_heard_where_nothing_is_decided(router: Router) -> None:
    before = router.counters.all()
    assert router.handle(heard(255), T + S) == ()
    assert router.handle(from_peer(b""), T + S) == ()
    assert router.counters.all() == before


def test_the_right_password_is_followed() -> None:
    """RFC 2338 5.3.10: NUL padded to 8 octets."""
    router = backup(**vars(PASS))
    assert router.handle(version_2(AUTH_PASS, b"s3cret\0\0"), T + S) == ()
    assert router.deadline_ns == T + S + MASTER_DOWN


def test_authentication_data_without_authentication_is_ignored() -> None:
    """RFC 3768 5.3.6, 5.3.10: zero on transmission, ignored on reception."""
    router = backup(version=2)
    assert router.handle(version_2(0, b"whatever"), T + S) == ()
    assert router.deadline_ns == T + S + MASTER_DOWN


def test_another_list_of_addresses_is_followed_and_named() -> None:
    """RFC 9568 7.1: log, do not drop: an address added on one node first must not make a second master."""
    router = backup()
    theirs = heard(150, virtual_addresses=(*OURS.virtual_addresses, SECOND_VIP))
    mismatch = Mismatch("address_list_errors", "another list of virtual addresses", HIGHER)
    assert router.handle(theirs, T + S) == (mismatch,)
    assert router.deadline_ns == T + S + MASTER_DOWN
    assert router.counters["address_list_errors"] == router.counters["advertisement_rcvd"] == 1


def test_the_order_of_the_addresses_is_no_difference() -> None:
    both = (*OURS.virtual_addresses, SECOND_VIP)
    router = backup(virtual_addresses=both)
    assert router.handle(heard(150, virtual_addresses=both[::-1]), T + S) == ()


def test_answers_in_the_style_of_the_peers_checksum() -> None:
    """RFC 9568 5.2.8: a peer that follows it by the letter would reject every one of our adverts."""
    router = master()
    plain = from_peer(octets(replace(OURS, priority=99), HIGHER, pseudo_header=False))
    assert router.handle(plain, T + MS)[0] == sent(pseudo_header=False)
    assert router.handle(TimerDue(), T + 2 * S)[-1] == sent(pseudo_header=False)
    assert router.handle(heard(99), T + 2 * S + MS)[0] == sent()


@pytest.mark.parametrize("checksum", ["with_pseudo_header", "without_pseudo_header"])
@pytest.mark.parametrize("theirs", [True, False])
def test_a_style_of_checksum_that_is_configured_stays(checksum: str, theirs: bool) -> None:
    """Both styles are read all the same."""
    router = master(checksum=checksum)
    peer = from_peer(octets(replace(OURS, priority=99), HIGHER, pseudo_header=theirs))
    assert router.handle(peer, T + MS)[0] == sent(pseudo_header=checksum == "with_pseudo_header")
    assert router.counters["checksum_errors"] == 0


def test_version_2_has_no_style_to_follow() -> None:
    router = master(version=2)
    router.handle(heard(99, settings=V2), T + MS)
    router.handle(events.Reconfigured(OURS), T + 2 * MS)
    assert router.handle(TimerDue(), T + S + 2 * MS)[-1] == sent()


def test_every_pair_of_state_and_event_is_written_out() -> None:
    assert set(_TABLE) == {(state, event) for state in State for event in events.Event.__args__}


@given(message=st.binary(max_size=64), ttl=st.sampled_from([255, 64]), version=st.sampled_from([2, 3]))
def test_no_octets_from_the_network_are_an_exception(message: bytes, ttl: int, version: int) -> None:
    for router in (backup(version=version), master(version=version)):
        router.handle(from_peer(message, ttl), T + MS)


def test_counters() -> None:
    """RFC 8347's names, every one from the start."""
    router = master()
    assert tuple(router.counters.all()) == COUNTERS
    seen = {name: count for name, count in router.counters.items() if count}
    assert seen == {"master_transitions": 1, "advertisement_sent": 7}
    router.handle(heard(0), T + MS)
    assert router.counters["advertisement_rcvd"] == router.counters["priority_zero_pkts_rcvd"] == 1
