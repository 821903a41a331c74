# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Adverts on the wire: reference vectors both ways, and everything that is no advert."""

from __future__ import annotations

import struct
from ipaddress import ip_address

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from vectors import GROUP, NO_AUTH, SOURCE, VECTORS, VIP, Vector
from vrrp_agent.protocol.packet import GROUP_IPV4, GROUP_IPV6, Advert, PacketError, checksum, decode, encode, group

each_vector = pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector.name)


def decoded(vector: Vector, octets: bytes, ttl: int = 255) -> tuple[Advert, bool]:
    return decode(octets, vector.source, vector.destination, ttl, vector.advert.version)


def rejected(octets: bytes, version: int = 3, ttl: int = 255) -> tuple[str, str]:
    with pytest.raises(PacketError) as caught:
        decode(octets, SOURCE, GROUP, ttl, version)
    assert str(caught.value) == f"{caught.value.reason}: {caught.value.detail}"
    return caught.value.reason, caught.value.detail


def v3(**changed: object) -> bytes:
    """A version 3 message with right checksum, whatever its fields say; `tail` follows the header."""
    fields = {"first": 0x31, "vrid": 7, "priority": 120, "count": 1, "interval": 100, "tail": VIP.packed, **changed}
    tail = fields.pop("tail")
    octets = struct.pack("!BBBBHH", *fields.values(), 0) + tail
    return octets[:6] + struct.pack("!H", checksum(octets)) + octets[8:]


@each_vector
def test_vector_is_decoded(vector: Vector) -> None:
    assert decoded(vector, vector.octets) == (vector.advert, vector.pseudo_header)


@each_vector
def test_vector_is_encoded(vector: Vector) -> None:
    assert encode(vector.advert, vector.source, vector.destination, vector.pseudo_header) == vector.octets


@each_vector
def test_every_truncation_and_extension_is_a_length_error(vector: Vector) -> None:
    """RFC 9568 7.1: the packet must be complete; octets behind it are a trailer that we do not know."""
    for length in range(len(vector.octets)):
        with pytest.raises(PacketError, match="packet_length_errors"):
            decoded(vector, vector.octets[:length])
    with pytest.raises(PacketError, match="packet_length_errors"):
        decoded(vector, vector.octets + b"\0")


@each_vector
def test_every_single_bit_flip_is_noticed(vector: Vector) -> None:
    """RFC 1071: one flipped bit always changes the sum, so nothing of it can pass for the same advert, or another."""
    for bit in range(8 * len(vector.octets)):
        damaged = bytearray(vector.octets)
        damaged[bit // 8] ^= 0x80 >> bit % 8
        with pytest.raises(PacketError):
            decoded(vector, bytes(damaged))


@each_vector
def test_the_style_of_the_checksum_is_told(vector: Vector) -> None:
    """RFC 9568 5.2.8: over IPv4 without a pseudo-header, yet most implementations send one: both are accepted."""
    other = encode(vector.advert, vector.source, vector.destination, not vector.pseudo_header)
    if vector.advert.version == 3 and vector.source.version == 4:
        assert decoded(vector, other) == (vector.advert, not vector.pseudo_header)
    else:
        assert other == vector.octets  # version 2 never has one, IPv6 always


def test_version_2_has_no_pseudo_header() -> None:
    """RFC 3768 5.3.8: the message alone; the other style is a wrong checksum."""
    vector = VECTORS[0]
    pseudo_header = vector.source.packed + vector.destination.packed + struct.pack("!HH", 112, len(vector.octets))
    other = checksum(pseudo_header + vector.octets[:6] + b"\0\0" + vector.octets[8:])
    octets = vector.octets[:6] + struct.pack("!H", other) + vector.octets[8:]
    assert rejected(octets, version=2) == ("checksum_errors", "wrong checksum")


def test_ipv6_needs_the_pseudo_header() -> None:
    """RFC 9568 5.2.8: over IPv6 the pseudo-header is no choice."""
    vector = VECTORS[-1]
    message_only = checksum(vector.octets[:6] + b"\0\0" + vector.octets[8:])
    with pytest.raises(PacketError, match="checksum_errors"):
        decoded(vector, vector.octets[:6] + struct.pack("!H", message_only) + vector.octets[8:])


@pytest.mark.parametrize("ttl", [0, 1, 64, 254])
def test_a_ttl_other_than_255_came_through_a_router(ttl: int) -> None:
    """RFC 9568 5.1.1.3: such a packet is discarded."""
    assert rejected(v3(), ttl=ttl) == ("ip_ttl_errors", f"TTL {ttl}, not 255")


@pytest.mark.parametrize(
    ("octets", "expected"),
    [
        (v3(first=0x21), ("version_errors", "version 2, not 3")),  # RFC 9568 5.2.1, 7.1
        (v3(first=0x41), ("version_errors", "version 4, not 3")),
        (v3(first=0x30), ("invalid_type_pkts_rcvd", "type 0")),  # RFC 9568 5.2.2: unknown types are discarded
        (v3(first=0x32), ("invalid_type_pkts_rcvd", "type 2")),
        (v3(count=0, tail=b""), ("address_list_errors", "no addresses")),  # RFC 9568 5.2.5, erratum 8299
        (v3(count=2), ("packet_length_errors", "12 octets, 16 for 2 addresses")),
        (v3(count=255), ("packet_length_errors", "12 octets, 1028 for 255 addresses")),
        (v3(interval=0), ("interval_errors", "interval 0")),  # RFC 9568 7.1, erratum 8301
        (v3(interval=0xF000), ("interval_errors", "interval 0")),  # the reserved bits are no part of it
        (b"", ("packet_length_errors", "0 octets hold no VRRP header")),
        (b"\x31\x07\x78\x01\x00\x64\xf1", ("packet_length_errors", "7 octets hold no VRRP header")),
        (v3()[:-1] + b"\0", ("checksum_errors", "wrong checksum")),
    ],
)
def test_rejected_with_reason(octets: bytes, expected: tuple[str, str]) -> None:
    assert rejected(octets) == expected


def test_version_2_is_rejected_where_version_3_is_expected_and_the_other_way_round() -> None:
    """Each virtual router speaks one version; RFC 9568 8.4.2's dual mode is not offered."""
    for vector in VECTORS:
        expected = 5 - vector.advert.version
        assert rejected(vector.octets, expected)[0] == "version_errors"


@pytest.mark.parametrize(("interval", "reason"), [(0x0000, "interval_errors"), (0x0100, "interval_errors")])
def test_version_2_interval_0(interval: int, reason: str) -> None:
    octets = v3(first=0x21, interval=interval, tail=VIP.packed + NO_AUTH)
    assert rejected(octets, version=2)[0] == reason


def test_reserved_bits_are_ignored() -> None:
    """RFC 9568 5.2.6: zero on transmission, ignored on reception."""
    assert decode(v3(interval=0xF064), SOURCE, GROUP, 255, 3)[0].interval_cs == 100


@pytest.mark.parametrize("interval_cs", [1, 25, 100, 4095])
def test_version_3_interval_is_12_bits_of_centiseconds(interval_cs: int) -> None:
    """RFC 9568 5.2.7"""
    octets = encode(Advert(3, 7, 120, interval_cs, (VIP,)), SOURCE, GROUP)
    assert octets[4:6] == struct.pack("!H", interval_cs)
    assert decode(octets, SOURCE, GROUP, 255, 3)[0].interval_cs == interval_cs


@pytest.mark.parametrize("seconds", [1, 3, 255])
def test_version_2_interval_is_one_octet_of_seconds(seconds: int) -> None:
    """RFC 3768 5.3.7"""
    octets = encode(Advert(2, 7, 120, seconds * 100, (VIP,), 0, NO_AUTH), SOURCE, GROUP)
    assert octets[4:6] == bytes([0, seconds])
    assert decode(octets, SOURCE, GROUP, 255, 2)[0].interval_cs == seconds * 100


def test_the_unknown_authentication_type_is_for_the_router_to_judge() -> None:
    """RFC 3768 7.1 checks it after the packet itself."""
    octets = v3(first=0x21, interval=0x0201, tail=VIP.packed + NO_AUTH)
    assert decode(octets, SOURCE, GROUP, 255, 2)[0].auth_type == 2


def test_groups() -> None:
    """RFC 9568 5.1.1.2, 5.1.2.2"""
    assert (group(4), group(6)) == (GROUP_IPV4, GROUP_IPV6)
    assert (str(GROUP_IPV4), str(GROUP_IPV6)) == ("224.0.0.18", "ff02::12")


def test_repr_of_an_advert() -> None:
    assert repr(VECTORS[2].advert) == "Advert(v2 vrid 7 priority 120 [192.0.2.100])"


@pytest.mark.parametrize(
    ("octets", "expected"),
    [
        (b"", 0xFFFF),
        (b"\xff\xff", 0),
        (b"\x00\x01", 0xFFFE),
        (b"\x80", 0x7FFF),
        (b"\xff\xff" * 40_000, 0),
        (b"\xff\xff\xff\xff\x00\x01", 0xFFFE),
    ],
)
def test_internet_checksum(octets: bytes, expected: int) -> None:
    """RFC 1071 1: ones' complement of the ones' complement sum; an odd last octet is padded."""
    assert checksum(octets) == expected


ipv4 = st.ip_addresses(v=4)
ipv6 = st.ip_addresses(v=6)
octet = st.integers(0, 255)


@given(octets=st.binary(max_size=80), ttl=octet, version=st.sampled_from([2, 3]), source=ipv4 | ipv6)
@example(octets=b"\x31" + bytes(7), ttl=255, version=3, source=SOURCE)
@example(octets=b"\x31\x01" + bytes(4) + b"\xce\xfe", ttl=255, version=3, source=SOURCE)
def test_any_octets_are_an_advert_or_a_packet_error(octets: bytes, ttl: int, version: int, source: object) -> None:
    try:
        decode(octets, source, group(source.version), ttl, version)
    except PacketError:
        pass


@given(
    version=st.sampled_from([2, 3]),
    vrid=st.integers(1, 255),
    priority=octet,
    interval=st.integers(1, 255),
    addresses=st.lists(ipv4, min_size=1, max_size=255) | st.lists(ipv6, min_size=1, max_size=77),
    auth=st.tuples(octet, st.binary(min_size=8, max_size=8)),
    pseudo_header=st.booleans(),
)
def test_what_is_encoded_is_decoded(version, vrid, priority, interval, addresses, auth, pseudo_header) -> None:
    family = addresses[0].version
    version = version if family == 4 else 3
    source = ip_address("192.0.2.11" if family == 4 else "fe80::1")
    unit, last = (100, auth) if version == 2 else (16, (0, b""))
    advert = Advert(version, vrid, priority, interval * unit, tuple(addresses), *last)
    octets = encode(advert, source, group(family), pseudo_header)
    assert decode(octets, source, group(family), 255, version)[0] == advert
