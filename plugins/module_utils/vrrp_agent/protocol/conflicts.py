# Copyright: (c) 2026, duet.ha_pair contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Address conflicts: which other host was seen with an address of a MASTER, and when that is worth a word.

Another router may have the address too for a moment, and rightly so: in a handover, or until a split that has healed is
settled by the next advert. A conflict is what lasts longer. Nothing here touches the state machine: ARP is anybody's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from .timers import CENTISECOND_NS, SECOND_NS

_ARP, _IPV6 = 0x0806, 0x86DD
_ARP_OF_IPV4 = bytes.fromhex("000108000604")
_ICMPV6 = 58
_NEIGHBOR_SOLICITATION, _NEIGHBOR_ADVERTISEMENT = 135, 136
_TARGET_LINK_LAYER_ADDRESS = b"\x02\x01"

# How often an address is asked for, and how many frames a second that may be for all addresses of a node.
PROBE_NS = 2 * SECOND_NS
PROBES_A_SECOND = 100
_TICK_LEAST_NS = SECOND_NS // 10
# How much longer than the protocol needs two masters may be seen.
_MARGIN_NS = SECOND_NS // 2
# A successor is seen before its advert is heard, with which the role goes: what lasts is told so much later.
HANDOVER_NS = 3 * SECOND_NS // 10
# A killed master's kernel keeps the addresses for three intervals, or this long, and is up to a second late.
_LIFETIME_LEAST_NS = 2 * SECOND_NS
# MAC addresses that are told apart for one address; what more there is stands together as MANY.
MACS_MAX = 4
MANY = None


class Claim(NamedTuple):
    """A frame that says, or asks to be the one to say, that an address (4 or 16 octets) is at a MAC."""

    address: bytes
    mac: bytes


class Pace(NamedTuple):
    """How the probes of a round are spread: `batch` of them at every tick."""

    round_ns: int
    tick_ns: int
    batch: int


@dataclass
class Conflict:
    """A host that was seen with an address, and it `lasts`; `reported`: this node is MASTER still, HANDOVER_NS later.

    `mac` is MANY for too many to tell.
    """

    address: bytes
    mac: bytes | None
    first_ns: int
    last_ns: int
    lasts: bool = False
    reported: bool = False


class Conflicts:
    """What was seen of others while a virtual router is MASTER; made anew with each change of its state."""

    def __init__(self, since_ns: int) -> None:
        self._since_ns = since_ns
        # By address and MAC: a few for each address, however many make themselves up.
        self._seen: dict[bytes, dict[bytes | None, Conflict]] = {}

    def age_ns(self, now_ns: int) -> int:
        """How long it has been watched: since the virtual router's last transition."""
        return now_ns - self._since_ns

    @property
    def reported(self) -> list[Conflict]:
        """The conflicts, in a stable order."""
        found = [seen for of_address in self._seen.values() for seen in of_address.values() if seen.reported]
        return sorted(found, key=lambda seen: (seen.address, seen.mac or b""))

    def see(self, claim: Claim, interval_cs: int, round_ns: int, now_ns: int) -> Conflict | None:
        """Note a claim by another host; what lasts from now on, once: a conflict, unless the role is being handed over.

        Two masters on a connected segment are one within `interval_cs`: what is seen for longer is a conflict, and
        what was not seen for more than a round was over, and is something new.
        """
        if now_ns - self._since_ns < _left_behind_ns(interval_cs):
            return None
        of_address = self._seen.setdefault(claim.address, {})
        mac = claim.mac if claim.mac in of_address or len(of_address) < MACS_MAX else MANY
        seen = of_address.get(mac)
        if seen is None or (not seen.lasts and now_ns - seen.last_ns > round_ns + _MARGIN_NS):
            seen = of_address[mac] = Conflict(claim.address, mac, now_ns, now_ns)
        seen.last_ns = now_ns
        if seen.lasts or now_ns - seen.first_ns < interval_cs * CENTISECOND_NS + _MARGIN_NS:
            return None
        seen.lasts = True
        return seen

    def expire(self, round_ns: int, now_ns: int) -> list[Conflict]:
        """Forget what was not seen for three rounds; the conflicts that have ended by that."""
        old = [
            seen
            for of_address in self._seen.values()
            for seen in of_address.values()
            if now_ns - seen.last_ns > 3 * round_ns
        ]
        for seen in old:
            del self._seen[seen.address][seen.mac]
        return [seen for seen in old if seen.reported]


def _left_behind_ns(interval_cs: int) -> int:
    """How long after a takeover the kernel of a killed master may still have the addresses."""
    silence_ns = 3 * interval_cs * CENTISECOND_NS
    return max(_LIFETIME_LEAST_NS, silence_ns) + SECOND_NS - silence_ns


def pace(count: int) -> Pace:
    """Every address once in two seconds, one by one, a hundred a second at most; `count` is 1 at least."""
    round_ns = max(PROBE_NS, count * SECOND_NS // PROBES_A_SECOND)
    batch = -(-count * _TICK_LEAST_NS // round_ns)
    return Pace(round_ns, round_ns * batch // count, batch)


def claim_in(frame: bytes) -> Claim | None:
    """The claim in an Ethernet frame, if it is one."""
    ethertype = int.from_bytes(frame[12:14], "big")
    if ethertype == _ARP and len(frame) >= 42:
        return _claim4(frame)
    if ethertype == _IPV6 and len(frame) >= 78:
        return _claim6(frame)
    return None


def _claim4(frame: bytes) -> Claim | None:
    sender_mac, sender, target = frame[22:28], frame[28:32], frame[38:42]
    if frame[14:20] != _ARP_OF_IPV4:
        return None
    if any(sender):
        return Claim(sender, sender_mac)
    # RFC 5227 2.1.1: a probe, of one who wants the address. To one host alone it asks only whether that still lives.
    return Claim(target, sender_mac) if frame[0] & 1 else None


def _claim6(frame: bytes) -> Claim | None:
    source, target, option = frame[22:38], frame[62:78], frame[78:86]
    if frame[20] != _ICMPV6:
        return None
    if frame[54] == _NEIGHBOR_ADVERTISEMENT:
        has_mac = len(option) == 8 and option[:2] == _TARGET_LINK_LAYER_ADDRESS
        return Claim(target, option[2:] if has_mac else frame[6:12])
    if frame[54] != _NEIGHBOR_SOLICITATION:
        return None
    # RFC 4862 5.4.3: from nobody, of one who wants the target; otherwise it speaks for its source.
    return Claim(source if any(source) else target, frame[6:12])
