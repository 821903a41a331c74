# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Address conflicts: what a frame claims, and when what was seen is a conflict."""

from __future__ import annotations

from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st
from story import MS, S, T
from vrrp_agent.protocol.announce import announcement, probe4, probe6
from vrrp_agent.protocol.conflicts import MACS_MAX, MANY, Claim, Conflicts, claim_in, pace

VIP, OTHER_VIP, VIP6 = (ip_address(text) for text in ("192.0.2.100", "192.0.2.101", "2001:db8::100"))
OWN6, NOBODY6 = ip_address("fe80::1"), ip_address("::")
FOREIGN, ANOTHER = bytes.fromhex("020000000e01"), bytes.fromhex("020000000e02")
ROUND = 2 * S
INTERVAL_CS = 100
LONG_MASTER = T - 60 * S
CLAIM = Claim(VIP.packed, FOREIGN)


def see(conflicts: Conflicts, now_ns: int, claim: Claim = CLAIM) -> bool:
    """Whether this is the sighting that makes a conflict of it; nobody takes the role."""
    found = conflicts.see(claim, INTERVAL_CS, ROUND, now_ns)
    if found is not None:
        found.reported = True
    return found is not None


def reported(conflicts: Conflicts) -> list[tuple[bytes, bytes | None]]:
    return [(conflict.address, conflict.mac) for conflict in conflicts.reported]


# --- frames


@pytest.mark.parametrize(
    ("frame", "claim"),
    [
        (announcement(FOREIGN, VIP), Claim(VIP.packed, FOREIGN)),
        (announcement(FOREIGN, VIP6), Claim(VIP6.packed, FOREIGN)),
        (probe4(FOREIGN, VIP), Claim(VIP.packed, FOREIGN)),
        (probe6(FOREIGN, NOBODY6, VIP6), Claim(VIP6.packed, FOREIGN)),
        # Who asks in its own name speaks for that name.
        (probe6(FOREIGN, OWN6, VIP6), Claim(OWN6.packed, FOREIGN)),
    ],
    ids=["arp", "advertisement", "arp-probe", "dad", "solicitation"],
)
def test_what_a_frame_claims(frame: bytes, claim: Claim) -> None:
    assert claim_in(frame) == claim


def test_a_probe_to_one_host_alone_wants_nothing() -> None:
    """Switches ask by it whether a host still lives (device tracking); who wants an address asks everybody."""
    assert claim_in(b"\x02" + probe4(FOREIGN, VIP)[1:]) is None


def test_an_advertisement_is_of_the_mac_that_its_option_names() -> None:
    """Whoever has sent the frame: a proxy may, for another."""
    frame = announcement(FOREIGN, VIP6)
    assert claim_in(frame[:6] + ANOTHER + frame[12:]) == Claim(VIP6.packed, FOREIGN)


def test_an_advertisement_without_the_option_is_of_its_sender() -> None:
    frame = announcement(FOREIGN, VIP6)
    by_another = frame[:6] + ANOTHER + frame[12:]
    for without in (by_another[:78], by_another[:85], by_another[:78] + b"\x01" + by_another[79:]):
        assert claim_in(without) == Claim(VIP6.packed, ANOTHER)


def test_arp_of_other_hardware_or_protocols_is_none() -> None:
    frame = announcement(FOREIGN, VIP)
    for at in range(14, 20):
        assert claim_in(frame[:at] + bytes([frame[at] ^ 1]) + frame[at + 1 :]) is None


@pytest.mark.parametrize(("at", "octet"), [(20, 17), (54, 134), (54, 137)], ids=["udp", "router-advert", "redirect"])
def test_ipv6_of_other_kinds_is_none(at: int, octet: int) -> None:
    for frame in (announcement(FOREIGN, VIP6), probe6(FOREIGN, NOBODY6, VIP6)):
        assert claim_in(frame[:at] + bytes([octet]) + frame[at + 1 :]) is None


@given(st.binary(max_size=120), st.sampled_from([b"", b"\x08\x06", b"\x86\xdd"]))
def test_any_octets_are_a_claim_or_none(octets: bytes, ethertype: bytes) -> None:
    claim = claim_in(octets[:12] + ethertype + octets[12:])
    assert claim is None or (len(claim.address) in (4, 16) and len(claim.mac) == 6)


# --- time


def test_a_conflict_is_what_lasts() -> None:
    """Two masters may be one until the next advert, an interval later; half a second more is none of the protocol's."""
    conflicts = Conflicts(LONG_MASTER)
    assert not see(conflicts, T)
    assert not see(conflicts, T + S + 499 * MS)
    assert reported(conflicts) == []
    assert see(conflicts, T + S + 500 * MS)
    assert reported(conflicts) == [(VIP.packed, FOREIGN)]
    assert not see(conflicts, T + 4 * S), "told once"
    [conflict] = conflicts.reported
    assert (conflict.first_ns, conflict.last_ns) == (T, T + 4 * S)


def test_a_silent_owner_is_found_by_two_probes() -> None:
    conflicts = Conflicts(LONG_MASTER)
    assert not see(conflicts, T)
    assert see(conflicts, T + ROUND)


@pytest.mark.parametrize(("interval_cs", "grace_ms"), [(1, 2970), (20, 2400), (100, 1000), (4095, 1000)])
def test_after_a_takeover_the_old_master_may_answer_for_a_while(interval_cs: int, grace_ms: int) -> None:
    """A killed agent's kernel keeps the addresses for whole seconds: for longer than a short timer runs."""
    conflicts = Conflicts(T)
    for at in range(0, grace_ms, 100):
        assert conflicts.see(CLAIM, interval_cs, ROUND, T + at * MS) is None
    begins = T + grace_ms * MS
    lasts = interval_cs * 10 * MS + S // 2
    found = [conflicts.see(CLAIM, interval_cs, ROUND, begins + at) for at in range(0, lasts + 1, lasts // 20)]
    assert [at for at, conflict in enumerate(found) if conflict] == [20]


def test_what_was_over_begins_anew() -> None:
    """Seen at one heal and at another one, and not between: nobody's conflict."""
    conflicts = Conflicts(LONG_MASTER)
    for heal in range(5):
        assert not see(conflicts, T + heal * 2501 * MS)


def test_it_ends_when_nothing_was_seen_for_three_rounds() -> None:
    conflicts = Conflicts(LONG_MASTER)
    see(conflicts, T)
    see(conflicts, T + 2 * S)
    assert conflicts.expire(ROUND, T + 8 * S) == []
    [ended] = conflicts.expire(ROUND, T + 8 * S + 1)
    assert (ended.address, ended.mac) == CLAIM
    assert conflicts.reported == []
    assert not see(conflicts, T + 9 * S)


def test_what_was_never_a_conflict_ends_silently() -> None:
    conflicts = Conflicts(LONG_MASTER)
    see(conflicts, T)
    assert conflicts.expire(ROUND, T + 7 * S) == []
    assert not see(conflicts, T + 7 * S)


def test_one_for_each_address_and_mac() -> None:
    conflicts = Conflicts(LONG_MASTER)
    claims = [Claim(vip.packed, mac) for vip in (VIP, OTHER_VIP) for mac in (FOREIGN, ANOTHER)]
    assert [see(conflicts, T + at, claim) for at in (0, 2 * S) for claim in claims] == [False] * 4 + [True] * 4
    assert reported(conflicts) == claims


def test_of_made_up_macs_there_is_an_end() -> None:
    """Some are told apart, the others stand together: a flood fills no memory, and hides no conflict."""
    conflicts = Conflicts(LONG_MASTER)
    for number in range(10_000):
        see(conflicts, T + number * MS, Claim(VIP.packed, number.to_bytes(6, "big")))
    assert reported(conflicts) == [(VIP.packed, MANY)]
    assert sum(map(len, conflicts._seen.values())) == MACS_MAX + 1
    assert len(conflicts.expire(ROUND, T + 60 * S)) == 1
    assert sum(map(len, conflicts._seen.values())) == 0


# --- how often is asked


@pytest.mark.parametrize(
    ("count", "round_s", "tick_ms", "batch"), [(1, 2, 2000, 1), (20, 2, 100, 1), (200, 2, 100, 10), (1000, 10, 100, 10)]
)
def test_the_pace(count: int, round_s: int, tick_ms: int, batch: int) -> None:
    assert pace(count) == (round_s * S, tick_ms * MS, batch)


@given(st.integers(1, 100_000))
def test_the_pace_of_any_number(count: int) -> None:
    """A hundred probes a second at most, ten ticks a second at most, and everybody's turn once a round."""
    found = pace(count)
    assert found.round_ns >= 2 * S
    assert found.tick_ns >= 100 * MS
    assert found.batch <= 10
    ticks = -(-count // found.batch)
    assert abs(ticks * found.tick_ns - found.round_ns) <= found.tick_ns
