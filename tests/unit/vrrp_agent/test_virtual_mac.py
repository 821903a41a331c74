# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The virtual MAC, the name of its interface, and an advert that comes from it, octet for octet."""

from __future__ import annotations

from ipaddress import ip_address
from pathlib import Path

import pytest
from vrrp_agent.linux import parameters
from vrrp_agent.linux.interfaces import Link
from vrrp_agent.protocol import packet
from vrrp_agent.protocol.virtual_mac import advert_frame, virtual_interface, virtual_mac
from vrrp_agent.service import virtual_mac as service

ETH0 = Link(index=7, name="eth0", up=True, carrier=True, mac=b"\2" * 6, mtu=1500)


def test_the_mac_of_a_virtual_router() -> None:
    """RFC 9568 7.3."""
    assert virtual_mac(4, 51).hex(":") == "00:00:5e:00:01:33"
    assert virtual_mac(6, 255).hex(":") == "00:00:5e:00:02:ff"


@pytest.mark.parametrize(
    ("parent", "name"),
    [("eth0", "vrrp4.51.eth0"), ("ens160", "vrrp4.51.ens160"), ("enp0s31f6", "vrrp4.51.1631f6")],
)
def test_the_name_of_its_interface(parent: str, name: str) -> None:
    """Linux allows 15 characters; what does not fit is a digest, on every start the same."""
    assert virtual_interface(4, 51, parent) == name
    assert len(virtual_interface(6, 255, parent)) <= 15


def test_two_long_names_that_begin_alike() -> None:
    names = {virtual_interface(4, 51, f"a-long-name-{number}") for number in range(100)}
    assert len(names) == 100


def test_an_advert_over_ipv4() -> None:
    """RFC 9568 7.2, 5.1.1: to the MAC of the group from the virtual one, TTL 255, class CS6."""
    message = bytes.fromhex("310778010064f193c0000264")
    frame = advert_frame(virtual_mac(4, 7), message, ip_address("192.0.2.11"), packet.GROUP_IPV4)
    assert frame[:14].hex() == "01005e00001200005e0001070800"
    assert frame[14:34].hex() == "45c0002000004000ff70d88fc000020be0000012"
    assert packet.checksum(frame[14:34]) == 0
    assert frame[34:] == message


def test_an_advert_over_ipv6() -> None:
    source = ip_address("fe80::11")
    frame = advert_frame(virtual_mac(6, 7), b"\1\2\3\4", source, packet.group(6))
    assert frame[:14].hex() == "33330000001200005e00020786dd"
    assert frame[14:54].hex() == "6c000000000470ff" + source.packed.hex() + packet.group(6).packed.hex()
    assert frame[54:] == b"\1\2\3\4"


def test_a_wireless_interface(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "eth0" / "phy80211").mkdir(parents=True)
    monkeypatch.setattr(parameters, "_CLASS", str(tmp_path))
    with pytest.raises(service.UnfitError, match="eth0 cannot carry a virtual MAC: it is wireless"):
        service._check(ETH0)


def test_parameters_of_a_kernel_without_a_family(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where IPv6 is not compiled in there is nothing to set, and that is no error."""
    monkeypatch.setattr(parameters, "_ROOT", str(tmp_path))
    assert parameters.read(6, "lo", "accept_ra") is None
    parameters.write(6, 1, "accept_ra", 0)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("kind", "alias", "mac", "ours"),
    [
        ("macvlan", "duet.ha_pair vrrp-agent arp_ignore=0", "00005e000133", True),
        ("macvlan", "", "00005e000133", False),
        ("macvlan", "duet.ha_pair vrrp-agent", "020000000001", False),
        ("veth", "duet.ha_pair vrrp-agent", "00005e000133", False),
    ],
)
def test_what_is_ours_to_remove(kind: str, alias: str, mac: str, ours: bool) -> None:
    """Kind, mark and MAC, all three: keepalived's have the same kind and MAC."""
    link = Link(8, "vrrp4.51.eth0", False, False, bytes.fromhex(mac), 1500, kind=kind, alias=alias)
    assert service._is_ours(link) is ours
