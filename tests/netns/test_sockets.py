# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Adverts and frames between two nodes, beside a plain packet capture of what is really sent."""

from __future__ import annotations

import contextlib
import errno
import select
import socket
import struct
import time
from collections.abc import Callable, Iterator
from ipaddress import IPv4Address, IPv6Address, ip_address
from types import SimpleNamespace
from unittest.mock import patch

import pytest
from segment import Namespace, Segment, wait_for
from vrrp_agent.linux.errors import KernelError
from vrrp_agent.linux.sockets import (
    GROUPS,
    IPPROTO_VRRP,
    AdvertSocket,
    Datagram,
    FrameSocket,
    GoodbyeBell,
    IPAddress,
    _datagram4,
)

A4, B4 = IPv4Address("10.139.1.11"), IPv4Address("10.139.1.12")
A6, B6 = IPv6Address("fd00:139::11"), IPv6Address("fd00:139::12")
ETH_P_ALL, ETH_P_IP, ETH_P_ARP, ETH_P_IPV6 = 0x0003, 0x0800, 0x0806, 0x86DD
ADVERT = bytes.fromhex("2107780100 01a491 c0000264 0000000000000000")

Open = Callable[..., AdvertSocket]


@pytest.fixture
def opened() -> Iterator[Open]:
    """A factory of advert sockets: opened(node, 4), and opened(node, 4, "eth1") for another interface."""
    with contextlib.ExitStack() as stack:

        def open_in(node: Namespace, family: int, name: str = "eth0") -> AdvertSocket:
            with node.entered():
                advert_socket = AdvertSocket(socket.if_nametoindex(name), name, family)
            stack.callback(advert_socket.close)
            return advert_socket

        yield open_in


@contextlib.contextmanager
def capture(node: Namespace, ethertype: int) -> Iterator[socket.socket]:
    """A packet socket that sees all frames of this type on the node's eth0."""
    with node.entered():
        packets = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ethertype))
        packets.bind(("eth0", ethertype))
    packets.settimeout(5)
    with packets:
        yield packets


def received(advert_socket: AdvertSocket, timeout_s: float = 5.0) -> list[Datagram]:
    """What the socket gets within the time."""
    select.select([advert_socket], [], [], timeout_s)
    return [datagram for datagram, unused_at in advert_socket.receive()]


def packet4(payload: bytes, source: str = "10.139.1.11", **fields: int) -> bytes:
    """An Ethernet frame to 224.0.0.18 whose IPv4 header is as wanted, right or wrong."""
    options = bytes(fields.get("options", 0))
    first = 0x40 | fields.get("words", 5 + len(options) // 4)
    total = fields.get("total", 20 + len(options) + len(payload))
    header = struct.pack("!BBHHHBBH", first, 0xC0, total, 0, 0, fields.get("ttl", 255), IPPROTO_VRRP, 0)
    header += socket.inet_aton(source) + GROUPS[4].packed + options
    checksum = sum(struct.unpack(f"!{len(header) // 2}H", header))
    checksum = ~((checksum & 0xFFFF) + (checksum >> 16)) & 0xFFFF
    header = header[:10] + struct.pack("!H", checksum) + header[12:]
    return bytes.fromhex("01005e000012 020000000001 0800") + header + payload


def send_frame(node: Namespace, frame: bytes, name: str = "eth0") -> None:
    """Send a ready frame out of a node's interface."""
    with node.entered():
        frames = FrameSocket()
        frames.send(socket.if_nametoindex(name), frame)
        frames.close()


@pytest.mark.parametrize(("source", "peer"), [(A4, B4), (A6, B6)], ids=["ipv4", "ipv6"])
def test_an_advert_reaches_the_group_and_a_single_peer(
    segment: Segment, opened: Open, source: IPAddress, peer: IPAddress
) -> None:
    ours = opened(segment["a"], source.version)
    theirs = opened(segment["b"], source.version)
    for destination in (None, peer):
        ours.send(ADVERT, source, destination)
        expected = Datagram(ADVERT, source, destination or GROUPS[source.version], ttl=255)
        assert received(theirs) == [expected]


def test_an_advert_on_the_wire_has_the_header_that_vrrp_wants(segment: Segment, opened: Open) -> None:
    with capture(segment["b"], ETH_P_IP) as packets:
        opened(segment["a"], 4).send(ADVERT, A4)
        frame = packets.recv(2048)
        while frame[23] != IPPROTO_VRRP:  # IGMP for the group that the socket has joined
            frame = packets.recv(2048)
    assert frame[:6] == bytes.fromhex("01005e000012")
    assert (frame[14], frame[15], frame[22]) == (0x45, 0xC0, 255)
    assert frame[26:34] == A4.packed + GROUPS[4].packed
    assert frame[34:] == ADVERT


def test_an_ipv6_advert_on_the_wire_has_the_header_that_vrrp_wants(segment: Segment, opened: Open) -> None:
    link_local = IPv6Address(segment["a"].link_local())
    with capture(segment["b"], ETH_P_IPV6) as packets:
        opened(segment["a"], 6).send(ADVERT, link_local)
        frame = packets.recv(2048)
        while frame[20] != IPPROTO_VRRP:  # MLD
            frame = packets.recv(2048)
    assert frame[:6] == bytes.fromhex("333300000012")
    assert struct.unpack_from("!I", frame, 14)[0] >> 20 == 0x6C0  # version 6, traffic class 0xC0
    assert frame[21] == 255
    assert frame[22:54] == link_local.packed + GROUPS[6].packed
    assert frame[54:] == ADVERT  # no byte of it changed: the checksum is the codec's


@pytest.mark.parametrize("family", [4, 6])
def test_our_own_adverts_do_not_come_back(segment: Segment, opened: Open, family: int) -> None:
    source, peer = (A4, B4) if family == 4 else (A6, B6)
    ours, theirs = opened(segment["a"], family), opened(segment["b"], family)
    listener = opened(segment["a"], family)
    ours.send(b"ours", source)
    assert [one.payload for one in received(theirs)] == [b"ours"]
    theirs.send(b"theirs", peer)  # comes after ours, which would be there by now
    for each in (ours, listener):
        assert [one.payload for one in received(each)] == [b"theirs"]


@pytest.mark.parametrize("family", [4, 6])
def test_adverts_of_another_interface_are_not_heard(segment: Segment, opened: Open, family: int) -> None:
    node = segment["b"]
    node.ip("link", "add", "eth1", "type", "veth", "peer", "name", "eth2")
    for name in ("eth1", "eth2"):
        node.ip("link", "set", "dev", name, "up")
    wait_for(lambda: node.operational("eth1") and node.operational("eth2"), "eth1 and eth2 are up")
    elsewhere, here = opened(node, family, "eth1"), opened(node, family)
    if family == 4:  # in a frame of our own: a packet from one of the host's addresses would be dropped as a martian
        send_frame(node, packet4(b"elsewhere", source="10.139.1.77"), "eth2")
    else:
        opened(node, 6, "eth2").send(b"elsewhere", IPv6Address(node.link_local("eth2")))
    assert [one.payload for one in received(elsewhere)] == [b"elsewhere"]
    opened(segment["a"], family).send(b"here", A4 if family == 4 else A6)
    assert [one.payload for one in received(here)] == [b"here"]


@pytest.mark.parametrize(
    ("packet", "expected"),
    [
        (packet4(ADVERT, ttl=64), Datagram(ADVERT, A4, ip_address("224.0.0.18"), 64)),
        (packet4(ADVERT, options=8), Datagram(ADVERT, A4, ip_address("224.0.0.18"), 255)),
        (packet4(ADVERT) + b"padding", Datagram(ADVERT, A4, ip_address("224.0.0.18"), 255)),
        (packet4(b""), Datagram(b"", A4, ip_address("224.0.0.18"), 255)),
    ],
    ids=["TTL as sent", "options are header", "padding is cut", "empty"],
)
def test_the_ip_header_is_taken_off(segment: Segment, opened: Open, packet: bytes, expected: Datagram) -> None:
    theirs = opened(segment["b"], 4)
    send_frame(segment["a"], packet)
    assert received(theirs) == [expected]


@pytest.mark.parametrize(("source", "other"), [(A4, B4), (A6, B6)], ids=["ipv4", "ipv6"])
def test_the_same_octets_again_are_the_same_datagram(
    segment: Segment, opened: Open, source: IPAddress, other: IPAddress
) -> None:
    """Which is quick to see. What differs in anything is another: to whom it was sent, what it says, who sent it."""
    ours, theirs = opened(segment["a"], source.version), opened(segment["b"], source.version)

    def passed(*sent: object) -> Datagram:
        ours.send(*sent)
        [datagram] = received(theirs)
        return datagram

    first = passed(ADVERT, source)
    assert passed(ADVERT, source) is first
    changed = ADVERT[:-1] + b"\1"
    expected = Datagram(changed, source, GROUPS[source.version], 255)
    assert (passed(changed, source), passed(ADVERT, source), passed(ADVERT, source, other).destination) == (
        expected,
        first,
        other,
    )
    with_ttl = packet4(ADVERT, ttl=254)
    if source.version == 4:
        assert passed(ADVERT, source) == first
        send_frame(segment["a"], with_ttl)
        assert [one.ttl for one in received(theirs)] == [254]


@pytest.mark.parametrize(
    "packet",
    [packet4(ADVERT, total=2000), packet4(ADVERT, words=4), packet4(ADVERT, total=12)],
    ids=["longer than it is", "header too short", "shorter than its header"],
)
def test_a_malformed_packet_does_no_harm(segment: Segment, opened: Open, packet: bytes) -> None:
    theirs = opened(segment["b"], 4)
    send_frame(segment["a"], packet)
    send_frame(segment["a"], packet4(b"after"))
    assert [one.payload for one in received(theirs)] == [b"after"]
    assert _datagram4(packet[14:]) is None  # the kernel drops such a packet itself; we do not rely on it


def test_a_packet_that_is_cut_anywhere_is_dropped() -> None:
    packet = packet4(ADVERT)[14:]
    assert _datagram4(packet) == _datagram4(packet + b"padding") == Datagram(ADVERT, A4, ip_address("224.0.0.18"), 255)
    assert [_datagram4(packet[:length]) for length in range(len(packet))] == [None] * len(packet)


@pytest.mark.parametrize("source", [A4, A6], ids=["ipv4", "ipv6"])
def test_a_packet_longer_than_any_advert_is_dropped(segment: Segment, opened: Open, source: IPAddress) -> None:
    ours, theirs = opened(segment["a"], source.version), opened(segment["b"], source.version)
    ours.send(bytes(9000), source)
    ours.send(b"after", source)
    wait_for(lambda: [one.payload for one, unused_at in theirs.receive()] == [b"after"], "the short one alone")


def test_groups_that_others_have_joined_are_not_heard(segment: Segment, opened: Open) -> None:
    ours, theirs = opened(segment["a"], 4), opened(segment["b"], 4)
    with segment["b"].entered(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        membership = socket.inet_aton("224.0.0.99") + B4.packed
        other.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, membership)
        ours.send(b"to others", A4, IPv4Address("224.0.0.99"))
        ours.send(b"to us", A4)
        assert [one.payload for one in received(theirs)] == [b"to us"]


def test_a_flood_is_taken_in_bounded_portions(segment: Segment, opened: Open) -> None:
    theirs = opened(segment["b"], 4)
    ours = opened(segment["a"], 4)
    for number in range(10):
        ours.send(bytes([number]), A4)
    wait_for(lambda: select.select([theirs], [], [], 0)[0], "adverts are there")
    taken = [[one.payload[0] for one, unused_at in theirs.receive(limit=4)] for _turn in range(4)]
    assert taken == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9], []]


@pytest.mark.parametrize("source", [A4, A6], ids=["ipv4", "ipv6"])
def test_when_each_packet_came(segment: Segment, opened: Open, source: IPAddress) -> None:
    """Not when it was read; and up to when all was read, which is the last one's time while more may be there."""
    ours, theirs = opened(segment["a"], source.version), opened(segment["b"], source.version)
    between = [time.monotonic_ns()]
    for number in range(3):
        ours.send(bytes([number]), source)
        time.sleep(0.1)
        between.append(time.monotonic_ns())
    came = theirs.receive(limit=2)
    assert theirs.read_until_ns == came[-1][1]
    came += theirs.receive()
    assert [one.payload for one, unused_at in came] == [b"\0", b"\1", b"\2"]
    times_ns = [at_ns for unused, at_ns in came]
    assert all(before < at_ns < after for before, at_ns, after in zip(between, times_ns, between[1:]))
    assert theirs.read_until_ns > between[-1]


@pytest.mark.parametrize("source", [A4, A6], ids=["ipv4", "ipv6"])
def test_a_bell_rings_for_goodbyes_alone(segment: Segment, opened: Open, source: IPAddress) -> None:
    """Whatever else comes, too short a message too; and who hears adverts gets them all the same."""
    ours, theirs = opened(segment["a"], source.version), opened(segment["b"], source.version)
    with segment["b"].entered():
        bell = GoodbyeBell(socket.if_nametoindex("eth0"), "eth0", source.version)
    with contextlib.closing(bell):
        others = [bytes([0x31, 0, priority, 0]) for priority in (1, 100, 255)]
        for message in (b"", b"\x31", b"\x31\0", *others, b"\x31\7\0\1"):
            assert select.select([bell], [], [], 0)[0] == []
            ours.send(message, source)
        assert select.select([bell], [], [], 5)[0] == [bell]
        assert [one.payload for one, unused_at in theirs.receive()][-4:] == [*others, b"\x31\7\0\1"]


@pytest.mark.parametrize("step_s", [-3600, 3600])
def test_a_wall_clock_that_steps_moves_no_packet_out_of_its_order(segment: Segment, opened: Open, step_s: int) -> None:
    """By so much it has stepped since the packets came; nothing is taken for read that is not."""
    ours, theirs = opened(segment["a"], 4), opened(segment["b"], 4)
    theirs.receive()
    earliest_ns = theirs.read_until_ns
    for _packet in range(2):
        ours.send(ADVERT, A4)
    time.sleep(0.1)
    sent_ns, wall_ns = time.monotonic_ns(), time.time_ns() + step_s * 1_000_000_000
    with patch.object(time, "time_ns", lambda: wall_ns):
        [(unused, at_ns)] = theirs.receive(limit=1)
        assert earliest_ns <= at_ns <= time.monotonic_ns()
        assert theirs.read_until_ns < sent_ns
        assert len(theirs.receive()) == 1
        assert theirs.read_until_ns > sent_ns


@pytest.mark.parametrize(("errors", "heard"), [(1, 1), (2, 0)])
def test_an_error_of_the_interface_hides_no_packet(
    segment: Segment, opened: Open, monkeypatch: pytest.MonkeyPatch, errors: int, heard: int
) -> None:
    """It is told once, before what has come; a second one at once is as if nothing were there."""
    ours, theirs = opened(segment["a"], 4), opened(segment["b"], 4)
    ours.send(ADVERT, A4)
    wait_for(lambda: select.select([theirs], [], [], 0)[0], "an advert is there")
    real, left = theirs._socket, [OSError(errno.ENETDOWN, "Network is down")] * errors

    def recvmsg(*sizes: int) -> object:
        if left:
            raise left.pop()
        return real.recvmsg(*sizes)

    monkeypatch.setattr(theirs, "_socket", SimpleNamespace(recvmsg=recvmsg))
    assert len(theirs.receive()) == heard
    monkeypatch.undo()
    assert len(theirs.receive()) == 1 - heard


def test_a_foreign_source_is_refused_with_a_clear_error(segment: Segment, opened: Open) -> None:
    with pytest.raises(KernelError) as caught:
        opened(segment["a"], 4).send(ADVERT, IPv4Address("10.139.1.99"))
    assert caught.value.op == "send an advert from 10.139.1.99 to 224.0.0.18 on eth0"
    assert caught.value.errno in (errno.EINVAL, errno.ENETUNREACH)


def test_a_socket_on_an_interface_that_is_not_there_says_so(netns: Callable[[str], Namespace]) -> None:
    with netns("lone").entered(), pytest.raises(KernelError, match="^open a VRRP socket on eth7: No such device$"):
        AdvertSocket(7, "eth7", 4)


def test_sending_on_a_link_that_is_down_is_an_error(segment: Segment, opened: Open) -> None:
    ours = opened(segment["a"], 4)
    segment["a"].ip("link", "set", "dev", "eth0", "down")
    with pytest.raises(KernelError, match="on eth0: Network is (down|unreachable)"):
        ours.send(ADVERT, A4)


def test_a_frame_goes_out_as_it_is(segment: Segment) -> None:
    frame = bytes.fromhex("ffffffffffff 020000000001 0806") + bytes(46)
    with capture(segment["b"], ETH_P_ARP) as packets:
        send_frame(segment["a"], frame)
        assert packets.recv(2048) == frame


def test_a_frame_to_an_interface_that_is_not_there_is_an_error(netns: Callable[[str], Namespace]) -> None:
    with netns("lone").entered(), pytest.raises(KernelError, match="^send a frame on interface 4711: "):
        FrameSocket().send(4711, bytes(60))
