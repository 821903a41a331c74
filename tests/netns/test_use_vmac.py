# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""use_vmac on real interfaces: the virtual MAC is the MASTER's alone, and nothing of the host's own comes from it."""

from __future__ import annotations

import json
import socket
import struct
from collections.abc import Callable
from contextlib import ExitStack
from ipaddress import ip_address
from pathlib import Path

import pytest
from capture import Capture, Frame
from peers import VIPS, OurAgent, Wire
from segment import Namespace, Segment, wait_for
from vrrp_agent.protocol.packet import checksum

VMAC, VMAC6 = "00:00:5e:00:01:33", "00:00:5e:00:02:33"
MACVLAN, MACVLAN6 = "vrrp4.51.eth0", "vrrp6.51.eth0"
VIPS_IPV6 = ("fe80::139:1/64", "fd00:139::1/64", "fd00:139::2/128")
IPV4, IPV6 = Wire(3, interval_s=0.2), Wire(3, interval_s=0.2, vips=VIPS_IPV6)
SOON_S = 20.0
MakeSegment = Callable[..., Segment]
Start = Callable[..., OurAgent]


@pytest.fixture
def segment(make_segment: MakeSegment) -> Segment:
    """Two nodes and a client; both nodes filter by the reverse path, as distributions do."""
    made = make_segment("a", "b", "client")
    for label in ("a", "b"):
        for scope in ("all", "default", "eth0"):
            made[label].sysctl(f"net.ipv4.conf.{scope}.rp_filter", 1)
    return made


@pytest.fixture
def start(segment: Segment, tmp_path: Path) -> Start:
    """Starts the agent of a node: start("a", IPV4)."""

    def make(label: str, wire: Wire = IPV4, **more: object) -> OurAgent:
        agent = OurAgent(segment[label], tmp_path / label)
        agent.start(wire, **{"priority": 150 if label == "a" else 100, "use_vmac": True, **more})
        return agent

    return make


def sent_by(segment: Segment, stack: ExitStack, label: str) -> Capture:
    """Everything that a node sends, as its switch port gets it."""
    made = Capture(segment.bridge, f"to-{label}")
    stack.callback(made.close)
    return made


def speaks_for(frames: list[Frame], address: str) -> set[tuple[str, str]]:
    """The MACs that ARP and neighbour discovery have told for an address: as source of the frame, and inside."""
    told = [frame for frame in frames if frame.kind in ("arp", "neighbour") and frame.sender == ip_address(address)]
    return {(frame.source_mac, frame.announced_mac) for frame in told}


def with_mac(frames: list[Frame], mac: str) -> list[Frame]:
    return [frame for frame in frames if frame.source_mac == mac]


def neighbour(client: Namespace, address: str) -> str | None:
    """The MAC that the client has for an address."""
    found = json.loads(client.ip("-j", "neigh", "show", address, "dev", "eth0") or "[]")
    return str(found[0].get("lladdr")) if found else None


def port_of(segment: Segment, mac: str) -> str | None:
    """The switch port behind which a MAC was seen last."""
    output = segment.bridge.run(["bridge", "-json", "fdb", "show", "br", "br0"]).stdout
    return next((str(entry["ifname"]) for entry in json.loads(output) if entry["mac"] == mac), None)


def mac_of(node: Namespace, device: str = "eth0") -> str:
    [link] = json.loads(node.ip("-j", "link", "show", "dev", device))
    return str(link["address"])


def devices(node: Namespace) -> list[str]:
    return [str(link["ifname"]) for link in json.loads(node.ip("-j", "link", "show"))]


def answers(client: Namespace, address: str) -> bool:
    return client.run(["ping", "-c", "1", "-W", "1", address], check=False).returncode == 0


def asks_anew(client: Namespace, address: str) -> bool:
    """Whether an address answers a client that knows nothing of it."""
    client.ip("neigh", "flush", "dev", "eth0")
    return answers(client, address)


def parameters(node: Namespace) -> dict[str, int]:
    """Those of the node's own interface that a virtual MAC changes."""
    keys = ("arp_ignore", "arp_announce")
    with node.entered():
        return {key: int(Path(f"/proc/sys/net/ipv4/conf/eth0/{key}").read_text()) for key in keys}


def test_the_client_never_learns_another_mac(segment: Segment, start: Start) -> None:
    """Failover and back: it is the switch that learns, not the client."""
    client = segment["client"]
    a = start("a")
    a.wait_for_state("MASTER", SOON_S)
    b = start("b")
    wait_for(lambda: b.status()["master"], "b hears a", SOON_S)
    moves = (
        (lambda: None, a, "a"),
        (a.stop, b, "b"),
        (lambda: a.start(IPV4, priority=150, use_vmac=True), a, "a"),
        (a.kill, b, "b"),
    )
    for move, master, label in moves:
        move()
        status = master.wait_for_state("MASTER", SOON_S)
        assert (status["virtual_mac"], status["virtual_mac_interface"]) == (VMAC, MACVLAN)
        assert status["addresses_present"] == list(VIPS)
        wait_for(lambda label=label: port_of(segment, VMAC) == f"to-{label}", "the switch has learned", SOON_S)
        assert neighbour(client, "10.139.1.1") in (None, VMAC)
        assert answers(client, "10.139.1.1")
        assert neighbour(client, "10.139.1.1") == VMAC
        assert asks_anew(client, "10.139.1.1")
        assert neighbour(client, "10.139.1.1") == VMAC


def test_who_speaks_with_which_mac(segment: Segment, start: Start) -> None:
    """Adverts and ARP for VIPs with the virtual MAC, all else with the host's; a BACKUP has no virtual MAC at all."""
    client, own = segment["client"], mac_of(segment["a"])
    with ExitStack() as stack:
        from_a, from_b = (sent_by(segment, stack, label) for label in ("a", "b"))
        a = start("a")
        a.wait_for_state("MASTER", SOON_S)
        b = start("b")
        wait_for(lambda: b.status()["counters"]["advertisement_rcvd"] >= 3, "b hears a", SOON_S)
        for address in ("10.139.1.1", "10.139.1.2", "10.139.1.11", "10.139.1.12"):
            assert asks_anew(client, address)
        # Whoever speaks from a VIP asks for a neighbour in the name of the host's own address.
        segment["a"].ip("neigh", "flush", "dev", "eth0")
        segment["a"].run(["ping", "-c", "1", "-W", "1", "-I", "10.139.1.1", "10.139.1.13"])
        assert asks_anew(segment["a"], "10.139.1.13")

        frames = from_a.frames()
        adverts = [frame for frame in frames if frame.kind == "vrrp"]
        assert len(adverts) >= 3
        assert {(frame.source_mac, str(frame.sender)) for frame in adverts} == {(VMAC, "10.139.1.11")}
        for vip in ("10.139.1.1", "10.139.1.2"):
            assert speaks_for(frames, vip) == {(VMAC, VMAC)}
        assert speaks_for(frames, "10.139.1.11") == {(own, own)}
        assert {frame.kind for frame in with_mac(frames, VMAC)} == {"vrrp", "arp"}
        assert with_mac(from_b.frames(), VMAC) == []


def test_who_yields_says_so_with_its_own_mac(segment: Segment, start: Start) -> None:
    """Or else the switch would look for the virtual MAC where it was, and clients would lose packets."""
    with ExitStack() as stack:
        from_b = sent_by(segment, stack, "b")
        b = start("b")
        b.wait_for_state("MASTER", SOON_S)
        start("a").wait_for_state("MASTER", SOON_S)
        b.wait_for_state("BACKUP", SOON_S)
        adverts = [frame.source_mac for frame in from_b.frames() if frame.kind == "vrrp"]
        assert len(adverts) >= 2
        assert (adverts[0], adverts[-1]) == (VMAC, mac_of(segment["b"]))
    assert port_of(segment, VMAC) == "to-a"


def test_ipv6(segment: Segment, start: Start) -> None:
    """The other prefix, the same rules; a VIP that is link-local answers too."""
    client = segment["client"]
    with ExitStack() as stack:
        from_a, from_b = (sent_by(segment, stack, label) for label in ("a", "b"))
        a = start("a", IPV6)
        a.wait_for_state("MASTER", SOON_S)
        b = start("b", IPV6)
        wait_for(lambda: b.status()["counters"]["advertisement_rcvd"] >= 3, "b hears a", SOON_S)
        assert asks_anew(client, "fd00:139::1")
        assert neighbour(client, "fd00:139::1") == VMAC6
        assert asks_anew(client, "fe80::139:1%eth0")
        assert asks_anew(client, "fd00:139::11")
        frames = from_a.frames()
        assert {frame.source_mac for frame in frames if frame.kind == "vrrp"} == {VMAC6}
        for vip in ("fe80::139:1", "fd00:139::1", "fd00:139::2"):
            assert speaks_for(frames, vip) == {(VMAC6, VMAC6)}
        own = mac_of(segment["a"])
        assert speaks_for(frames, "fd00:139::11") == {(own, own)}
        assert with_mac(from_b.frames(), VMAC6) == []
        a.kill()
        b.wait_for_state("MASTER", SOON_S)
        assert answers(client, "fd00:139::1")
        assert neighbour(client, "fd00:139::1") == VMAC6


def advertise_a_prefix(router: Namespace, prefix: str) -> None:
    """A router advertisement (RFC 4861 4.2) that lets hosts make addresses of a /64 and take this default route."""
    source, group = ip_address(router.link_local()).packed, ip_address("ff02::1").packed
    option = struct.pack("!BBBBIII", 3, 4, 64, 0xC0, 3600, 3600, 0) + ip_address(prefix).packed
    parts = [struct.pack("!BBH", 134, 0, 0), struct.pack("!BBHII", 64, 0, 1800, 0, 0), option]
    length = sum(map(len, parts))
    parts[0] = struct.pack("!BBH", 134, 0, checksum(source + group + struct.pack("!II", length, 58) + b"".join(parts)))
    ip = struct.pack("!IHBB", 6 << 28, length, 58, 255) + source + group
    ethernet = bytes.fromhex("333300000001" + mac_of(router).replace(":", "") + "86dd")
    with router.entered(), socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as sender:
        sender.bind(("eth0", 0))
        sender.send(ethernet + ip + b"".join(parts))


def test_it_makes_no_addresses_of_its_own(segment: Segment, start: Start) -> None:
    """A router advertisement is for the host's interface; on the macvlan it would draw the host's traffic there."""
    node = segment["a"]
    a = start("a", IPV6)
    a.wait_for_state("MASTER", SOON_S)
    advertise_a_prefix(segment["client"], "fd00:bad::")
    wait_for(lambda: any(one.startswith("fd00:bad:") for one in node.addresses()), "eth0 has taken it", SOON_S)
    assert sorted(node.addresses(MACVLAN6, link_local=True)) == sorted(VIPS_IPV6)
    routes = node.ip("-6", "route", "show", "dev", MACVLAN6)
    assert {line.split()[0] for line in routes.splitlines()} == {"fe80::/64"}


def test_nothing_is_left_after_a_stop(segment: Segment, start: Start) -> None:
    node = segment["a"]
    before, parameters_before = devices(node), parameters(node)
    a = start("a")
    a.wait_for_state("MASTER", SOON_S)
    assert parameters(node) == {"arp_ignore": 1, "arp_announce": 2}
    a.stop()
    assert (devices(node), parameters(node)) == (before, parameters_before)


def test_what_a_killed_life_has_left_is_removed(segment: Segment, start: Start) -> None:
    """Its addresses go by themselves, its interface and what it changed by the next life."""
    node = segment["a"]
    before, parameters_before = devices(node), parameters(node)
    node.ip("link", "add", "vrrp4.52.eth0", "link", "eth0", "address", "00:00:5e:00:01:34", "type", "macvlan")
    a = start("a")
    a.wait_for_state("MASTER", SOON_S)
    a.kill()
    assert MACVLAN in devices(node)
    wait_for(lambda: node.addresses(MACVLAN) == [], "the kernel removes the VIPs", SOON_S)
    assert not asks_anew(segment["client"], "10.139.1.1")
    a.start(IPV4, priority=150)
    assert f"removing {MACVLAN}, left by an earlier life" in a.log
    assert devices(node) == [*before, "vrrp4.52.eth0"]
    assert parameters(node) == parameters_before


def test_two_masters_hear_each_other(segment: Segment, start: Start) -> None:
    """Both have the virtual MAC, and yet the better one's adverts reach the other when the split heals."""
    a_node, b_node = segment["a"], segment["b"]
    segment.block(a_node, b_node)
    segment.block(b_node, a_node)
    a, b = start("a"), start("b")
    for agent in (a, b):
        agent.wait_for_state("MASTER", SOON_S)
    segment.unblock(a_node, b_node)
    segment.unblock(b_node, a_node)
    b.wait_for_state("BACKUP", SOON_S)
    wait_for(lambda: port_of(segment, VMAC) == "to-a", "the switch has learned", SOON_S)
    assert answers(segment["client"], "10.139.1.1")
    assert a.status()["state"] == "MASTER"


def test_the_interface_comes_and_goes(segment: Segment, start: Start) -> None:
    """No carrier, another MTU, the macvlan deleted by hand, the interface itself deleted and made again."""
    node, client = segment["a"], segment["client"]
    a = start("a")
    a.wait_for_state("MASTER", SOON_S)
    segment.cut(node)
    a.wait_for_state("FAULT", SOON_S)
    assert node.addresses(MACVLAN) == []
    segment.plug(node)
    a.wait_for_state("MASTER", SOON_S)
    for mtu in (1400, 1500):
        node.ip("link", "set", "eth0", "mtu", str(mtu))
        wait_for(lambda mtu=mtu: f"mtu {mtu} " in node.ip("link", "show", MACVLAN), "the MTU follows", SOON_S)
    node.ip("link", "set", MACVLAN, "down")
    wait_for(lambda: answers(client, "10.139.1.1"), "it is up again", SOON_S)
    node.ip("link", "del", MACVLAN)
    wait_for(
        lambda: MACVLAN in devices(node) and a.status()["addresses_present"] == list(VIPS), "it is made again", SOON_S
    )
    assert asks_anew(client, "10.139.1.1")
    node.ip("link", "del", "eth0")
    assert a.wait_for_state("FAULT", SOON_S)["fault"] == "no interface eth0 on this host"
    assert MACVLAN not in devices(node)
    segment.join(node, 11)
    a.wait_for_state("MASTER", SOON_S)
    assert asks_anew(client, "10.139.1.1")
    assert neighbour(client, "10.139.1.1") == VMAC


def test_a_reload_takes_the_virtual_mac_and_gives_it_back(segment: Segment, start: Start) -> None:
    """The role stays; clients learn the other MAC by the announcement."""
    client = segment["client"]
    a = start("a", use_vmac=False)
    since = a.wait_for_state("MASTER", SOON_S)["since"]
    assert answers(client, "10.139.1.1")
    assert neighbour(client, "10.139.1.1") == mac_of(segment["a"])
    for use_vmac, mac in ((True, VMAC), (False, mac_of(segment["a"]))):
        a.rewrite(use_vmac=use_vmac)
        assert a.command("reload").returncode == 0
        wait_for(lambda mac=mac: neighbour(client, "10.139.1.1") == mac, f"the client has {mac}", SOON_S)
        assert answers(client, "10.139.1.1")
        assert a.status()["since"] == since
        assert (MACVLAN in devices(segment["a"])) is use_vmac
    assert "removed by somebody else" not in a.log


def test_two_instances_share_what_they_change(segment: Segment, start: Start) -> None:
    """The interface gets its parameters back with the last of them."""
    node = segment["a"]
    a = start("a")
    other = {"name": "api", "virtual_router_id": 52, "virtual_addresses": ["10.139.1.5/24"]}
    a.rewrite_instances(lambda instances: [*instances, {**instances[0], **other}])
    assert a.command("reload").returncode == 0
    wait_for(lambda: asks_anew(segment["client"], "10.139.1.5"), "both hold their VIPs", SOON_S)
    assert neighbour(segment["client"], "10.139.1.5") == "00:00:5e:00:01:34"
    a.rewrite_instances(lambda instances: instances[:1])
    assert a.command("reload").returncode == 0
    wait_for(lambda: "vrrp4.52.eth0" not in devices(node), "the other is gone", SOON_S)
    assert parameters(node) == {"arp_ignore": 1, "arp_announce": 2}
    a.rewrite_instances(lambda instances: [])
    assert a.command("reload").returncode == 0
    wait_for(lambda: parameters(node) == {"arp_ignore": 0, "arp_announce": 0}, "as before", SOON_S)


def test_an_interface_that_cannot_carry_one(segment: Segment, start: Start) -> None:
    """A FAULT says why, and nothing was changed; once it is mended the router takes part."""
    node = segment["a"]
    node.ip("link", "add", "mv0", "link", "eth0", "type", "macvlan", "mode", "bridge")
    node.ip("link", "set", "mv0", "up")
    node.ip("address", "add", "10.139.1.21/24", "dev", "mv0")
    a = start("a", interface="mv0")
    assert a.status()["fault"].startswith("mv0 cannot carry a virtual MAC: it is a macvlan itself")
    assert parameters(node) == {"arp_ignore": 0, "arp_announce": 0}
    a.stop()
    node.ip("tuntap", "add", "tun0", "mode", "tun")
    a.start(IPV4, 150, interface="tun0", use_vmac=True)
    assert a.status()["fault"].startswith("tun0 cannot carry a virtual MAC: it is no Ethernet interface")
    a.stop()
    node.ip("link", "add", MACVLAN, "type", "veth")
    a.start(IPV4, 150, use_vmac=True)
    assert a.status()["fault"].startswith(f"{MACVLAN} is there already and not ours")
    a.stop()
    assert MACVLAN in devices(node)
    a.start(IPV4, 150, use_vmac=True)
    node.ip("link", "del", MACVLAN)
    a.wait_for_state("MASTER", SOON_S)
    a.stop()
    node.sysctl("net.ipv4.conf.all.arp_filter", 1)
    a.start(IPV4, 150, use_vmac=True)
    assert "net.ipv4.conf.all.arp_filter" in a.status()["fault"]
