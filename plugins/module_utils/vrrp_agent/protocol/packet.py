# Copyright: (c) 2026, duet.ha_pair contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Adverts between their octets and their meaning: version 2 (RFC 3768 5) and version 3 (RFC 9568 5), IPv4 and IPv6."""

from __future__ import annotations

import ipaddress
import struct
from dataclasses import dataclass

from .settings import PRIORITY_LOWEST, IPAddress

PROTOCOL_NUMBER = 112  # RFC 9568 5.1.1.4, 5.1.2.4
TTL = 255  # RFC 9568 5.1.1.3, 5.1.2.3
TYPE_ADVERTISEMENT = 1  # RFC 9568 5.2.2
GROUP_IPV4 = ipaddress.IPv4Address("224.0.0.18")  # RFC 9568 5.1.1.2
GROUP_IPV6 = ipaddress.IPv6Address("ff02::12")  # RFC 9568 5.1.2.2

AUTH_NONE = 0  # RFC 3768 5.3.6
AUTH_PASS = 1  # RFC 2338 5.3.6
AUTH_OCTETS = 8  # RFC 3768 5.3.10: always there in version 2, whatever the type

_HEADER = struct.Struct("!BBBBHH")


class PacketError(Exception):
    """A packet that is dropped; `reason` is its counter (RFC 8347's names, RFC 2787's for version 2).

    `answer` is for the sender of a genuine advert of an unknown time: one of ours lets it prove that it is alive.
    """

    def __init__(self, reason: str, detail: str, answer: bool = False) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail
        self.answer = answer


@dataclass(frozen=True)
class Advert:
    """One advertisement; `interval_cs` in centiseconds, `auth_data` 8 octets in version 2 and none in version 3.

    `signed` tells that a trailer came behind it.
    """

    version: int
    virtual_router_id: int
    priority: int
    interval_cs: int
    addresses: tuple[IPAddress, ...]
    auth_type: int = AUTH_NONE
    auth_data: bytes = b""
    signed: bool = False

    @property
    def is_question(self) -> bool:
        """Whether no master speaks: where adverts are signed, no master has the lowest priority.

        It is what a BACKUP asks for proof of life with, and the last word of a MASTER that yields.
        """
        return self.signed and self.priority == PRIORITY_LOWEST

    def __repr__(self) -> str:
        """Without `auth_data`, which is a secret."""
        addresses = ", ".join(str(address) for address in self.addresses)
        return f"Advert(v{self.version} vrid {self.virtual_router_id} priority {self.priority} [{addresses}])"


def group(family: int) -> IPAddress:
    """The multicast group of all VRRP routers."""
    return GROUP_IPV4 if family == 4 else GROUP_IPV6


def encode(advert: Advert, source: IPAddress, destination: IPAddress, pseudo_header: bool = True) -> bytes:
    """The octets of an advert, checksum included.

    `pseudo_header` matters for version 3 over IPv4 alone: RFC 9568 5.2.8 leaves it out, keepalived and FRR put it in.
    """
    if advert.version == 2:
        auth = advert.auth_data
        last = advert.auth_type << 8 | advert.interval_cs // 100
    else:
        auth = b""
        last = advert.interval_cs
    first = advert.version << 4 | TYPE_ADVERTISEMENT
    body = b"".join(address.packed for address in advert.addresses) + auth
    count = len(advert.addresses)
    header = _HEADER.pack(first, advert.virtual_router_id, advert.priority, count, last, 0)
    message = header + body
    covered = source.version == 6 or (advert.version == 3 and pseudo_header)
    prefix = _pseudo_header(source, destination, len(message)) if covered else b""
    return header[:6] + checksum(prefix + message).to_bytes(2, "big") + body


def message_octets(octets: bytes, family: int) -> int:
    """How long the VRRP message at the start of some octets says it is."""
    count = octets[3] if len(octets) >= _HEADER.size else 0
    auth = AUTH_OCTETS if octets[:1] and octets[0] >> 4 == 2 else 0
    return _HEADER.size + count * (4 if family == 4 else 16) + auth


def append(message: bytes, trailer: bytes, source: IPAddress, destination: IPAddress) -> bytes:
    """A message with an authentication trailer behind it: over IPv6 the checksum covers both, over IPv4 it does not."""
    if source.version == 4:
        return message + trailer
    octets = message[:6] + b"\0\0" + message[8:] + trailer
    covered = _pseudo_header(source, destination, len(octets)) + octets
    return octets[:6] + checksum(covered).to_bytes(2, "big") + octets[8:]


def decode(
    message: bytes,
    source: IPAddress,
    destination: IPAddress,
    ttl: int,
    version: int,
    min_ttl: int = TTL,
    trailer: bytes = b"",
) -> tuple[Advert, bool]:
    """The advert in a VRRP message, and whether its checksum covers a pseudo-header; raises PacketError.

    `version` is the one configured here; `trailer` came behind the message. The checks are those of RFC 9568 7.1 in its
    order; what concerns the configuration (authentication, interval, address list) is the virtual router's to judge.
    """
    if ttl < min_ttl:
        raise PacketError("ip_ttl_errors", f"TTL {ttl}, not {TTL}" if min_ttl == TTL else f"TTL {ttl} < {min_ttl}")
    if len(message) < _HEADER.size:
        raise PacketError("packet_length_errors", f"{len(message)} octets hold no VRRP header")
    first, virtual_router_id, priority, count, last, unused_checksum = _HEADER.unpack_from(message)
    if first >> 4 != version:
        raise PacketError("version_errors", f"version {first >> 4}, not {version}")
    if first & 0xF != TYPE_ADVERTISEMENT:
        raise PacketError("invalid_type_pkts_rcvd", f"type {first & 0xF}")
    end = _HEADER.size + count * (4 if source.version == 4 else 16)
    expected = end + (AUTH_OCTETS if version == 2 else 0)
    # Exact, not at least: octets behind the message are an authentication trailer that we do not know, or nonsense.
    if len(message) != expected:
        raise PacketError("packet_length_errors", f"{len(message)} octets, {expected} for {count} addresses")
    pseudo_header = _verify_checksum(message, trailer, source, destination, version)
    # RFC 9568 5.2.5, erratum 8299: an advert without addresses is dropped.
    if count == 0:
        raise PacketError("address_list_errors", "no addresses")
    interval_cs = (last & 0xFF) * 100 if version == 2 else last & 0xFFF
    # RFC 9568 7.1, erratum 8301: interval 0 is dropped.
    if interval_cs == 0:
        raise PacketError("interval_errors", "interval 0")
    addresses = _addresses(message[_HEADER.size : end], source.version)
    auth_type = last >> 8 if version == 2 else AUTH_NONE
    values = (version, virtual_router_id, priority, interval_cs, addresses, auth_type, message[end:], bool(trailer))
    return Advert(*values), pseudo_header


def checksum(octets: bytes) -> int:
    """The Internet checksum (RFC 1071): 0 when the octets carry their own, correct one."""
    if len(octets) % 2:
        octets += b"\0"
    total: int = sum(struct.unpack(f"!{len(octets) // 2}H", octets))
    total = (total & 0xFFFF) + (total >> 16)
    total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def _verify_checksum(message: bytes, trailer: bytes, source: IPAddress, destination: IPAddress, version: int) -> bool:
    """Whether the checksum covers a pseudo-header; raises PacketError when it is wrong in every allowed style."""
    message = message if source.version == 4 else message + trailer  # see append()
    if version == 3:
        if checksum(_pseudo_header(source, destination, len(message)) + message) == 0:
            return True
        if source.version == 6:
            raise PacketError("checksum_errors", "wrong checksum")
    # RFC 3768 5.3.8, RFC 9568 5.2.8: over IPv4 the message alone.
    if checksum(message) != 0:
        raise PacketError("checksum_errors", "wrong checksum")
    return False


def _pseudo_header(source: IPAddress, destination: IPAddress, length: int) -> bytes:
    if source.version == 4:
        return source.packed + destination.packed + struct.pack("!BBH", 0, PROTOCOL_NUMBER, length)
    # RFC 8200 8.1
    return source.packed + destination.packed + struct.pack("!II", length, PROTOCOL_NUMBER)


def _addresses(octets: bytes, family: int) -> tuple[IPAddress, ...]:
    if family == 4:
        return tuple(ipaddress.IPv4Address(octets[at : at + 4]) for at in range(0, len(octets), 4))
    return tuple(ipaddress.IPv6Address(octets[at : at + 16]) for at in range(0, len(octets), 16))
