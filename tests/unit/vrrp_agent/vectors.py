# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The reference vectors of keepalived 2.2.7: octets, what they mean, how they are sent, and their checksum's style."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address

from vrrp_agent.protocol.packet import Advert
from vrrp_agent.protocol.settings import IPAddress

SOURCE = ip_address("192.0.2.11")
GROUP = ip_address("224.0.0.18")
VIP = ip_address("192.0.2.100")
SECOND_VIP = ip_address("192.0.2.101")
NO_AUTH = bytes(8)


@dataclass(frozen=True)
class Vector:
    """One message on the wire; `pseudo_header` says what its checksum covers."""

    name: str
    octets: bytes
    advert: Advert
    pseudo_header: bool
    source: IPAddress = SOURCE
    destination: IPAddress = GROUP


def _vector(name: str, text: str, pseudo_header: bool, advert: Advert, **way: str) -> Vector:
    addresses = {key: ip_address(value) for key, value in way.items()}
    return Vector(name, bytes.fromhex(text), advert, pseudo_header, **addresses)


def _v2(priority: int = 120, auth_type: int = 0, auth_data: bytes = NO_AUTH) -> Advert:
    return Advert(2, 7, priority, 100, (VIP,), auth_type, auth_data)


def _v3(interval_cs: int = 100) -> Advert:
    return Advert(3, 7, 120, interval_cs, (VIP,))


VECTORS = (
    _vector("v2-none", "21077801 0001a491 c0000264 0000000000000000", False, _v2()),
    _vector("v2-none-stop", "21070001 00011c92 c0000264 0000000000000000", False, _v2(priority=0)),
    _vector("v2-pass", "21077801 010111fc c0000264 6162636465666768", False, _v2(120, 1, b"abcdefgh")),
    _vector(
        "v2-pass-two-addresses",
        "21339602 0101fe9b c0000264 c0000265 6162630000000000",
        False,
        Advert(2, 51, 150, 100, (VIP, SECOND_VIP), 1, b"abc\0\0\0\0\0"),
    ),
    _vector("v3-pseudo-header", "31077801 0064f193 c0000264", True, _v3()),
    _vector("v3-message-only", "31077801 0064942e c0000264", False, _v3()),
    _vector("v3-quarter-second", "31077801 0019f1de c0000264", True, _v3(25)),
    _vector("v3-unicast", "31077801 00640f99 c0000264", True, _v3(), destination="192.0.2.13"),
    _vector(
        "v3-ipv6",
        "31077802 0064e6d1 fe800000000000000000000000000100 20010db8000000000000000000000100",
        True,
        Advert(3, 7, 120, 100, (ip_address("fe80::100"), ip_address("2001:db8::100"))),
        source="fe80::b467:84ff:fe40:bb0",
        destination="ff02::12",
    ),
)
