# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The trailer's octets, who may have written them, and what each mode makes of that."""

from __future__ import annotations

import hashlib
import timeit
from dataclasses import replace
from ipaddress import ip_address, ip_interface

import pytest
from hypothesis import given
from hypothesis import strategies as st
from signed_story import ENFORCE, EXT_COUNTERS, KEY, OTHER_KEY, SIGNED, SIGNED_V2, SIGNED_V6, UTC, signed
from story import GROUP, HIGHER, MASTER_DOWN, OURS, US, S, T, heard
from vrrp_agent.protocol import packet, trailer
from vrrp_agent.protocol.codec import Codec
from vrrp_agent.protocol.events import InterfaceUp, Mismatch, PacketReceived, PacketRejected, Start
from vrrp_agent.protocol.packet import Advert
from vrrp_agent.protocol.router import Router
from vrrp_agent.protocol.settings import Authentication, Settings

SEQUENCE = 0x6800000080000000
WIRES = {"v3": SIGNED, "v2": SIGNED_V2, "v6": SIGNED_V6}
wires = pytest.mark.parametrize("wire", WIRES.values(), ids=WIRES)


def router(settings: Settings, utc_ns: int = UTC) -> Router:
    """A router in BACKUP since T."""
    made = Router(settings, lambda: utc_ns)
    made.handle(InterfaceUp(US if settings.family == 4 else ip_address("fe80::10")), T)
    made.handle(Start(), T)
    return made


def reason(settings: Settings, event: PacketReceived) -> str | None:
    """Why a fresh router drops a packet; None when it follows it."""
    [*effects] = router(settings).handle(event, T + S)
    rejected = [effect.reason for effect in effects if isinstance(effect, PacketRejected)]
    return rejected[0] if rejected else None


def changed(event: PacketReceived, at: int, bit: int) -> PacketReceived:
    octets = bytearray(event.message)
    octets[at] ^= 1 << bit
    return replace(event, message=bytes(octets))


# --- octets


@pytest.mark.parametrize(
    ("advert", "source", "destination", "code", "checksum"),
    [
        (
            Advert(3, 51, 200, 100, (ip_address("192.0.2.100"),)),
            "198.51.100.10",
            "224.0.0.18",
            "1b84bc4e8e43892dc6d98448f8ee2265",
            "4402",
        ),
        (
            Advert(3, 51, 200, 100, (ip_address("fe80::100"),)),
            "fe80::10",
            "fe80::20",
            "c8c56146ebfd66ee10ec4d8186461b78",
            "a2e9",
        ),
    ],
    ids=["IPv4", "IPv6"],
)
def test_the_drafts_own_examples(advert: Advert, source: str, destination: str, code: str, checksum: str) -> None:
    """draft-cassen-vrrp-auth-hmac, appendix; over IPv4 with the checksum of the message alone."""
    way = (ip_address(source), ip_address(destination))
    message = packet.encode(advert, *way, pseudo_header=False)
    octets = packet.append(message, trailer.write(message, way[0], 1, KEY, SEQUENCE), *way)
    assert octets[-28:].hex() == f"01010000{SEQUENCE:016x}{code}"
    assert octets[6:8].hex() == checksum
    assert packet.decode(octets[:-28], *way, 255, 3, trailer=octets[-28:])[0] == replace(advert, signed=True)


@given(key=st.binary(min_size=32, max_size=64), sequence=st.integers(0, 2**64 - 1), key_id=st.integers(1, 255))
@wires
def test_the_code_is_what_the_draft_says(wire: Settings, key: bytes, sequence: int, key_id: int) -> None:
    """Against RFC 2104 written out, over what the draft lists."""
    event = signed(wire)
    message = event.message[:-28]
    octets = trailer.write(message, event.source, key_id, key, sequence)
    signed_octets = bytes([event.source.version, wire.version, 51, 0]) + event.source.packed.ljust(16, b"\0")
    signed_octets += message[:6] + b"\0\0" + message[8:]
    signed_octets += bytes([1, key_id, 0, 0]) + sequence.to_bytes(8, "big") + bytes(16)
    padded = key.ljust(64, b"\0")
    inner = hashlib.sha256(bytes(octet ^ 0x36 for octet in padded) + signed_octets).digest()
    assert octets[12:] == hashlib.sha256(bytes(octet ^ 0x5C for octet in padded) + inner).digest()[:16]


@wires
def test_what_the_checksum_covers(wire: Settings) -> None:
    """Over IPv6 the trailer too, over IPv4 not; version 2 keeps its eight octets, and they are zero."""
    event = signed(wire)
    unsigned = packet.encode(
        Advert(
            wire.version,
            51,
            100,
            100,
            tuple(address.ip for address in wire.virtual_addresses),
            auth_data=bytes(8) if wire.version == 2 else b"",
        ),
        event.source,
        event.destination,
    )
    assert len(event.message) == len(unsigned) + 28
    assert (event.message[:-28] == unsigned) is (wire.family == 4)
    assert reason(wire, event) is None


@wires
def test_by_unicast_every_peer_gets_the_same_trailer_and_a_checksum_of_its_own(wire: Settings) -> None:
    """One sequence for all: each of them may have heard the other's copy."""
    prefix = "192.0.2." if wire.family == 4 else "fe80::"
    source, *peers = (ip_address(f"{prefix}{host}") for host in (11, 10, 12))
    settings = replace(wire, unicast_peers=tuple(peers), source_address=source)
    adverts = Codec(settings, lambda: UTC).compose(100, 100, source, T)
    assert [advert.destination for advert in adverts] == peers
    assert len({advert.message[-28:] for advert in adverts}) == 1
    for advert in adverts:
        listener = Codec(replace(wire, unicast_peers=(source,)), lambda: UTC)
        event = PacketReceived(advert.message, source, advert.destination, 255)
        assert listener.judge(event, advert.destination, T, False).priority == 100


# --- nothing but the whole, from us


@wires
@given(data=st.data())
def test_no_bit_may_change(wire: Settings, data: st.DataObject) -> None:
    """Not one, wherever it is; a checksum mended for it does not help."""
    event = signed(wire)
    at = data.draw(st.integers(0, len(event.message) - 1))
    spoiled = changed(event, at, data.draw(st.integers(0, 7)))
    assert reason(wire, spoiled)
    body, rest = spoiled.message[:-28], spoiled.message[-28:]
    if at > 7:
        blank = body[:6] + b"\0\0" + body[8:]
        mended = blank[:6] + packet.checksum(blank).to_bytes(2, "big") + blank[8:]
        mended = packet.append(mended, rest, event.source, event.destination)
        assert reason(wire, replace(spoiled, message=mended)) in EXT_COUNTERS


@wires
@given(data=st.data())
def test_nothing_may_be_missing_or_moved(wire: Settings, data: st.DataObject) -> None:
    event = signed(wire)
    length = len(event.message)
    assert reason(wire, replace(event, message=event.message[: data.draw(st.integers(2, length - 1))]))
    order = data.draw(st.permutations(range(length)))
    moved = bytes(event.message[at] for at in order)
    assert moved == event.message or reason(wire, replace(event, message=moved))
    assert reason(wire, replace(event, message=event.message + data.draw(st.binary(min_size=1, max_size=60))))


@wires
@given(junk=st.binary(max_size=120))
def test_no_octets_make_it_fail(wire: Settings, junk: bytes) -> None:
    source = ip_address("fe80::99") if wire.family == 6 else HIGHER
    start = bytes([wire.version << 4 | 1, 51])
    assert reason(wire, PacketReceived(start + junk, source, packet.group(wire.family), 255))


@pytest.mark.parametrize(
    ("how", "why", "detail"),
    [
        ({"message": heard(150).message}, "auth_ext_missing", "not signed"),
        ({"source": ip_address("192.0.2.77")}, "auth_ext_invalid_hmac", "not signed with our key 1"),
    ],
)
def test_dropped(how: dict[str, object], why: str, detail: str) -> None:
    event = replace(signed(), **how)
    if "source" in how:  # the pseudo-header of the checksum would tell as well
        message = packet.encode(Advert(3, 51, 100, 100, (OURS.virtual_addresses[0].ip,)), event.source, GROUP)
        event = replace(event, message=message + event.message[-28:])
    listener = router(SIGNED)
    assert listener.handle(event, T + S) == (PacketRejected(why, detail, event.source),)
    assert listener.counters[why] == 1
    assert listener.deadline_ns == T + MASTER_DOWN


@pytest.mark.parametrize(("at", "bit"), [(0, 1), (2, 0), (3, 7)])
def test_another_type_of_trailer(at: int, bit: int) -> None:
    """Somebody speaks a later draft."""
    assert reason(SIGNED, changed(signed(), at - 28, bit)) == "auth_ext_malformed"


def test_a_key_that_nobody_gave_us() -> None:
    theirs = replace(SIGNED, authentication=Authentication("hmac", keys=((9, KEY),)))
    assert reason(SIGNED, signed(theirs)) == "auth_ext_unknown_key"
    same_id = replace(SIGNED, authentication=Authentication("hmac", keys=((1, OTHER_KEY),)))
    assert reason(SIGNED, signed(same_id)) == "auth_ext_invalid_hmac"


def test_another_virtual_router_with_the_same_key() -> None:
    """The interface's other instances, the other family, the other version: a trailer is for one alone."""
    other = replace(signed(replace(SIGNED, virtual_router_id=52)))
    message = bytearray(other.message)
    message[1] = 51
    message[6:8] = packet.encode(Advert(3, 51, 100, 100, (OURS.virtual_addresses[0].ip,)), HIGHER, GROUP)[6:8]
    assert reason(SIGNED, replace(other, message=bytes(message))) == "auth_ext_invalid_hmac"


def test_a_trailer_where_none_is_configured() -> None:
    """The draft: a node without HMAC drops it, by its length."""
    assert reason(OURS, signed()) == "packet_length_errors"


def test_our_own_advert_comes_back() -> None:
    assert reason(SIGNED, signed(source=US)) == "own_source_errors"


# --- keys and modes


def test_the_first_key_signs_and_each_is_accepted() -> None:
    both = replace(SIGNED, authentication=Authentication("hmac", keys=((7, OTHER_KEY), (1, KEY))))
    assert signed(both).message[-27] == 7
    assert reason(both, signed(both)) is None
    assert reason(both, signed(SIGNED)) is None


MODES = {mode: replace(SIGNED, authentication=replace(ENFORCE, mode=mode)) for mode in ("permissive", "receive-only")}
modes = pytest.mark.parametrize("settings", MODES.values(), ids=MODES)


@modes
def test_while_keys_are_rolled_out_everybody_is_heard_and_who_would_be_dropped_is_told(settings: Settings) -> None:
    listener = router(settings)
    remark = Mismatch("auth_ext_missing", "not signed; mode enforce would drop it", HIGHER)
    assert listener.handle(heard(150), T + S) == (remark,)
    assert listener.deadline_ns == T + S + MASTER_DOWN
    stale = signed(utc_ns=UTC + 7200 * S)
    [remark] = listener.handle(stale, T + 2 * S)
    assert (remark.reason, remark.detail) == (
        "auth_ext_stale",
        "its time is 7200.0 s ahead of our clock; mode enforce would drop it",
    )
    assert listener.deadline_ns == T + 2 * S + MASTER_DOWN
    assert reason(settings, signed()) is None


@modes
def test_a_wrong_signature_is_dropped_in_every_mode(settings: Settings) -> None:
    assert reason(settings, changed(signed(), -1, 0)) == "auth_ext_invalid_hmac"


def test_who_signs() -> None:
    assert len(signed(MODES["permissive"]).message) == 40
    assert signed(MODES["receive-only"]).message == signed(OURS).message


def test_without_a_wall_clock_there_is_no_hmac() -> None:
    made = Router(replace(SIGNED, priority=255))
    made.handle(InterfaceUp(US), T)
    with pytest.raises(RuntimeError, match="needs a wall clock"):
        made.handle(Start(), T)


def test_it_is_fast() -> None:
    """A few microseconds each; the bound leaves room for a machine that does ten other things."""
    event = signed()
    message, octets = event.message[:-28], event.message[-28:]

    def best(work: object) -> float:
        return min(timeit.repeat(work, number=500, repeat=7)) / 500 * 1e6

    assert best(lambda: trailer.write(message, HIGHER, 1, KEY, SEQUENCE)) < 50
    assert best(lambda: trailer.genuine(message, HIGHER, KEY, octets)) < 50


def test_two_addresses_more_would_not_fit_over_ipv6() -> None:
    addresses = (ip_interface("fe80::100"), *(ip_interface(f"2001:db8::{host:x}") for host in range(1, 75)))
    assert len(signed(replace(SIGNED_V6, virtual_addresses=addresses)).message) <= 1280 - 40
