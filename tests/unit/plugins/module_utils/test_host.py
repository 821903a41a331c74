# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host brings along is read as it is: interfaces, keepalived, adverts of others."""

from __future__ import annotations

import json
from ipaddress import ip_address, ip_interface
from pathlib import Path

import pytest
from ansible_collections.duet.ha_pair.plugins.module_utils.host import interfaces, keepalived
from ansible_collections.duet.ha_pair.plugins.module_utils.listen import read
from ansible_collections.duet.ha_pair.plugins.module_utils.vrrp_agent.linux.sockets import Datagram
from ansible_collections.duet.ha_pair.plugins.module_utils.vrrp_agent.protocol import packet

SHOWN = [
    {"ifname": "lo", "flags": ["LOOPBACK", "UP", "LOWER_UP"], "addr_info": [{"local": "127.0.0.1", "prefixlen": 8}]},
    {
        "ifname": "eth0",
        "flags": ["BROADCAST", "UP", "LOWER_UP"],
        "addr_info": [{"local": "192.0.2.11", "prefixlen": 24}, {"local": "fe80::1", "prefixlen": 64}],
    },
    {"ifname": "eth1", "flags": ["BROADCAST"]},
    {"ifname": "veth1", "master": "br0", "flags": ["UP", "LOWER_UP"], "addr_info": []},
]


def test_interfaces_but_for_loopback_and_the_ports_of_others(tmp_path: Path) -> None:
    for name, off in (("eth0", "0"), ("eth1", "1")):
        (tmp_path / "proc/sys/net/ipv6/conf" / name).mkdir(parents=True)
        (tmp_path / "proc/sys/net/ipv6/conf" / name / "disable_ipv6").write_text(f"{off}\n")
    assert interfaces(json.dumps(SHOWN), str(tmp_path)) == {
        "eth0": {"addresses": ["192.0.2.11/24", "fe80::1/64"], "up": True, "ipv6": True},
        "eth1": {"addresses": [], "up": False, "ipv6": False},
    }
    assert interfaces("", str(tmp_path)) == {}


@pytest.mark.parametrize(("netns", "running"), [("net:[1]", True), ("net:[2]", False)])
def test_a_keepalived_in_this_network_and_its_ids(tmp_path: Path, netns: str, running: bool) -> None:
    for process, link in (("self", "net:[1]"), ("7", netns)):
        (tmp_path / "proc" / process / "ns").mkdir(parents=True)
        (tmp_path / "proc" / process / "ns/net").symlink_to(link)
        (tmp_path / "proc" / process / "comm").write_text("keepalived\n")
    folder = tmp_path / "etc/keepalived/conf.d"
    folder.mkdir(parents=True)
    (folder.parent / "keepalived.conf").write_text(
        "vrrp_instance a {\n  virtual_router_id 51\n#  virtual_router_id 9\n"
    )
    (folder / "b.conf").write_text("\tvirtual_router_id 52 # db\n")
    assert keepalived(str(tmp_path)) == {"running": running, "virtual_router_ids": [51, 52]}


def test_no_keepalived_at_all(tmp_path: Path) -> None:
    assert keepalived(str(tmp_path)) == {"running": False, "virtual_router_ids": []}


SOURCE, GROUP = ip_address("192.0.2.77"), packet.GROUP_IPV4


def datagram(octets: bytes, ttl: int = 255) -> Datagram:
    """A packet from the stranger to the group."""
    return Datagram(octets, SOURCE, GROUP, ttl)


def advert(version: int) -> bytes:
    """The octets of a stranger's advert."""
    made = packet.Advert(version, 51, 200, 100, (ip_interface("192.0.2.70").ip,), 0, bytes(8) if version == 2 else b"")
    return packet.encode(made, SOURCE, GROUP)


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize("trailer", [b"", bytes(28)])
def test_adverts_of_both_versions_signed_or_not(version: int, trailer: bytes) -> None:
    assert read(datagram(advert(version) + trailer, ttl=64), "eth0") == {
        "interface": "eth0",
        "source": "192.0.2.77",
        "destination": "224.0.0.18",
        "version": version,
        "virtual_router_id": 51,
        "priority": 200,
        "addresses": ["192.0.2.70"],
    }


@pytest.mark.parametrize(
    "octets", [b"", b"\x31", b"\x41" + bytes(11), bytes(200), advert(3)[:-1], advert(3)[:-1] + b"x"]
)
def test_what_is_no_advert_is_nothing(octets: bytes) -> None:
    assert read(datagram(octets), "eth0") is None
