# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""IPv6 on real interfaces, addresses of the other family that move along, and what clients learn of both."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from pathlib import Path

import pytest
from peers import VIPS, OurAgent, Wire
from segment import Namespace, Segment, wait_for

VIPS_IPV6 = ("fe80::139:1/64", "fd00:139::1/64", "fd00:139::2/128")
IPV6 = Wire(3, interval_s=0.2, vips=VIPS_IPV6)
SOON_S = 20.0
MakeSegment = Callable[..., Segment]


@pytest.fixture
def segment(make_segment: MakeSegment) -> Segment:
    """Two nodes and a client."""
    return make_segment("a", "b", "client")


def agents(segment: Segment, folder: Path, wire: Wire, **more: object) -> tuple[OurAgent, OurAgent]:
    """The MASTER on node a, and the BACKUP on node b that has heard it."""
    master, backup = OurAgent(segment["a"], folder / "a"), OurAgent(segment["b"], folder / "b")
    master.start(wire, priority=150, **more)
    master.wait_for_state("MASTER", SOON_S)
    backup.start(wire, priority=100, **more)
    wait_for(lambda: backup.status()["master"], "b hears the master", SOON_S)
    return master, backup


def neighbour(client: Namespace, address: str) -> dict[str, object]:
    """What the client's kernel knows of a neighbour."""
    found = json.loads(client.ip("-j", "neigh", "show", address, "dev", "eth0") or "[]")
    return dict(found[0]) if found else {}


def mac(node: Namespace) -> str:
    [link] = json.loads(node.ip("-j", "link", "show", "dev", "eth0"))
    return str(link["address"])


def reach(client: Namespace, address: str) -> None:
    client.run(["ping", "-c", "1", "-W", "2", address])


def test_ipv6_fails_over_and_back(segment: Segment, tmp_path: Path) -> None:
    """VIPs of /64 and /128 from link-local to ff02::12; the client learns the new place by the announcement alone."""
    own = segment["a"].link_local()
    master, backup = agents(segment, tmp_path, IPV6)
    assert backup.status()["master"]["address"] == own
    assert sorted(master.holds()) == sorted(VIPS_IPV6)
    assert backup.holds() == []
    segment["client"].ip("route", "add", "fd00:139::2/128", "dev", "eth0")
    for address in ("fd00:139::1", "fd00:139::2"):
        reach(segment["client"], address)
        assert neighbour(segment["client"], address)["lladdr"] == mac(segment["a"])

    master.stop()
    assert master.holds() == []
    status = backup.wait_for_state("MASTER", SOON_S)
    assert status["last_transition"]["reason"] == f"{own} resigned (priority 0)"
    assert status["addresses_present"] == list(VIPS_IPV6)
    for address in ("fd00:139::1", "fd00:139::2"):
        wait_for(
            lambda at=address: neighbour(segment["client"], at)["lladdr"] == mac(segment["b"]), "the new MAC", SOON_S
        )
        reach(segment["client"], address)

    master.start(IPV6, priority=150)
    master.wait_until_master(SOON_S)
    backup.wait_until_backup(SOON_S)


def test_ipv6_killed(segment: Segment, tmp_path: Path) -> None:
    """The dead man's switch holds for IPv6, too."""
    master, backup = agents(segment, tmp_path, IPV6)
    master.kill()
    backup.wait_for_state("MASTER", SOON_S)
    master.wait_until_backup(SOON_S)


@pytest.mark.parametrize(
    ("wire", "extra"),
    [
        (Wire(2), ["fd00:139::1/64", "10.139.7.1/24"]),
        (Wire(3, interval_s=0.2), ["fd00:139::1/64", "fd00:139::2/128", "10.139.7.1/24"]),
        (IPV6, ["10.139.1.1/24", "10.139.7.1/32", "fd00:139::7/64"]),
    ],
    ids=["v2", "v3", "v3-ipv6"],
)
def test_addresses_of_any_family_move_along(segment: Segment, tmp_path: Path, wire: Wire, extra: list[str]) -> None:
    """Not advertised, and so no difference to the peer; there with the role, and gone with it."""
    master, backup = agents(segment, tmp_path, wire, extra_addresses=extra)
    assert set(extra) <= set(segment["a"].addresses())
    assert not set(extra) & set(segment["b"].addresses())
    reach(segment["client"], extra[0].partition("/")[0])
    master.stop()
    assert not set(extra) & set(segment["a"].addresses())
    status = backup.wait_for_state("MASTER", SOON_S)
    assert status["addresses_present"] == [*wire.vips, *extra]
    assert status["counters"]["address_list_errors"] == 0
    reach(segment["client"], extra[0].partition("/")[0])


@pytest.mark.parametrize("forwarding", [0, 1])
def test_the_router_flag_tells_whether_the_interface_forwards(
    segment: Segment, tmp_path: Path, forwarding: int
) -> None:
    """RFC 9568 6.4.2: the Router flag is set in the neighbour advertisement of a router, and of nobody else."""
    segment["a"].sysctl("net.ipv6.conf.eth0.forwarding", forwarding)
    with segment["client"].entered():
        heard = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x86DD))
        heard.bind(("eth0", 0x86DD))
        heard.settimeout(SOON_S)
    agent = OurAgent(segment["a"], tmp_path / "a")
    agent.start(IPV6, priority=150)
    target = socket.inet_pton(socket.AF_INET6, "fd00:139::1")
    with heard:
        while True:
            frame = heard.recv(2048)
            if frame[20] == 58 and frame[54] == 136 and frame[62:78] == target:
                break
    assert frame[58] >> 4 == (0xA if forwarding else 0x2)


def test_adverts_to_anybody_but_the_group_are_dropped(segment: Segment, tmp_path: Path) -> None:
    """A perfect advert to our own address, TTL 255: counted, and no word of it believed."""
    agent = OurAgent(segment["a"], tmp_path / "a")
    agent.start(Wire(3, interval_s=0.2), priority=100)
    agent.wait_for_state("MASTER", SOON_S)
    # Version 3, VRID 51, priority 254, without a pseudo-header.
    advert = bytes.fromhex("3133fe020014") + b"\0\0" + b"".join(socket.inet_aton(vip.partition("/")[0]) for vip in VIPS)
    total = sum(int.from_bytes(advert[at : at + 2], "big") for at in range(0, len(advert), 2))
    total = ~((total & 0xFFFF) + (total >> 16)) & 0xFFFF
    advert = advert[:6] + total.to_bytes(2, "big") + advert[8:]
    with segment["b"].entered():
        stranger = socket.socket(socket.AF_INET, socket.SOCK_RAW, 112)
    with stranger:
        stranger.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, 255)
        stranger.sendto(advert, ("10.139.1.11", 0))
    wait_for(lambda: agent.status()["counters"]["destination_errors"] == 1, "it is counted", SOON_S)
    assert agent.status()["state"] == "MASTER"
    assert "destination_errors: sent to 10.139.1.11, not to the group" in agent.log
