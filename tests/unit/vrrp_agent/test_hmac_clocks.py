# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Wall clocks step, nodes restart, somebody plays recordings: one master, and no recording is believed.

Each story stands on docs/security.md. The rule is judged by what a user sees: who is MASTER, and for how long two were.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from signed_story import ENFORCE, HOUR, KEY, OTHER_KEY, SIGNED, SIGNED_V2, SIGNED_V6, UTC, Node, Segment, pair
from story import MS, S, T
from vrrp_agent.protocol import freshness
from vrrp_agent.protocol.events import PacketReceived, Reconfigured, State
from vrrp_agent.protocol.freshness import PROOFS, Receiver, Sender
from vrrp_agent.protocol.packet import PacketError
from vrrp_agent.protocol.settings import Authentication
from vrrp_agent.protocol.trailer import Trailer

STEPS = [3 * HOUR, -3 * HOUR, 100 * 24 * HOUR, -20 * S]
families = pytest.mark.parametrize("wire", [SIGNED, SIGNED_V2, SIGNED_V6], ids=["v3", "v2", "v6"])
steps = pytest.mark.parametrize("step_ns", STEPS, ids=lambda ns: f"{ns / HOUR:+g}h")
nodes = pytest.mark.parametrize("place", [0, 1], ids=["master", "backup"])


def one_master(segment: Segment, node: Node) -> bool:
    return segment.masters == [node]


@families
def test_a_pair_that_signs_has_one_master(wire: object) -> None:
    segment, high, low = pair(wire)
    assert one_master(segment, high)
    assert (low.errors(), high.errors()) == ({}, {})
    assert low.router.master.address == high.address


@families
@steps
@nodes
def test_a_clock_that_steps_is_nobodys_business(wire: object, step_ns: int, place: int) -> None:
    """Neither forward nor back, neither on the MASTER nor on the BACKUP."""
    segment, high, low = pair(wire)
    segment.nodes[place].ahead_ns += step_ns
    segment.run(60 * S)
    assert one_master(segment, high)
    assert (segment.both_ns, low.transitions) == (0, [State.BACKUP])
    assert (low.errors(), high.errors()) == ({}, {})


@steps
@nodes
@pytest.mark.parametrize("restarted", [0, 1], ids=["master-restarts", "backup-restarts"])
def test_a_restart_after_a_step(step_ns: int, place: int, restarted: int) -> None:
    """The two know each other no more: they prove to be alive within the time that a backup waits anyway."""
    segment, high, low = pair()
    segment.nodes[place].ahead_ns += step_ns
    segment.run(30 * S)
    segment.nodes[restarted].crash()
    segment.run(10 * S)
    segment.nodes[restarted].restart()
    segment.run(10 * S)
    assert one_master(segment, high)
    assert segment.both_ns < 200 * MS
    assert low.router.master.address == high.address


@steps
def test_clocks_that_never_agreed(step_ns: int) -> None:
    """The BACKUP takes no role from a MASTER that it cannot date, nor waits a moment longer when that one dies."""
    segment, high, low = pair(ahead=(0, step_ns))
    assert one_master(segment, high)
    assert (segment.both_ns, low.transitions) == (0, [State.BACKUP])
    sent = low.router.counters["advertisement_sent"]
    assert sent == PROOFS
    high.crash()
    segment.run(4 * S)
    assert one_master(segment, low)
    assert low.transitions == [State.BACKUP, State.MASTER]


def test_two_masters_that_cannot_date_each_other() -> None:
    """A split heals between nodes whose clocks differ, and which have never heard each other."""
    segment = Segment(replace(SIGNED, priority=150), SIGNED, ahead=(0, -5 * HOUR))
    segment.cut = True
    segment.run(10 * S)
    assert len(segment.masters) == 2
    segment.cut, segment.both_ns = False, 0
    segment.run(5 * S)
    assert one_master(segment, segment.nodes[0])
    assert segment.both_ns <= S


def test_three_nodes_of_three_times() -> None:
    settings = [replace(SIGNED, priority=priority) for priority in (150, 100, 50)]
    segment = Segment(*settings, ahead=(0, 7 * HOUR, -7 * HOUR))
    segment.run(10 * S)
    assert one_master(segment, segment.nodes[0])
    assert segment.both_ns == 0


def test_the_sequence_never_goes_back() -> None:
    """Draft: strictly growing; here whatever the wall clock does, and whatever is echoed."""
    segment, high, low = pair()
    for step_ns in STEPS:
        high.ahead_ns += step_ns
        segment.run(20 * S)
    sequences = [int.from_bytes(one.message[-24:-16], "big") for one in segment.recording if one.source == high.address]
    assert len(sequences) > 80
    assert all(later >> 16 > earlier >> 16 for earlier, later in zip(sequences, sequences[1:]))


@given(moments=st.lists(st.tuples(st.integers(0, 200 * S), st.integers(0, 2**62), st.integers(0, 0xFFFF)), min_size=2))
def test_no_clock_makes_a_sequence_go_back(moments: list[tuple[int, int, int]]) -> None:
    sender, now_ns, sequences = Sender(), T, []
    for passed_ns, utc_ns, echo in moments:
        now_ns += passed_ns
        sequences.append(sender.next(now_ns, utc_ns, 5 * S, echo))
        assert sequences[-1] & 0xFFFF == echo
    for earlier, later in zip(sequences, sequences[1:]):
        assert 0 < (later - earlier) % 2**64 < 2**63


def test_after_a_pause_the_wall_clock_is_asked_again() -> None:
    """Booted in 1970, a BACKUP for long, and by now told the time: whoever hears it first can date it."""
    sender = Sender()
    assert sender.next(T, 0, 5 * S, 0) >> 32 == 0
    assert sender.next(T + S, UTC, 5 * S, 0) >> 32 == 1
    assert sender.next(T + 6 * S, UTC, 5 * S, 0) >> 32 == 6, "as long as a pause may be"
    assert sender.next(T + 60 * S, UTC, 5 * S, 0) >> 32 == UTC // S
    assert sender.next(T + 120 * S, 0, 5 * S, 0) >> 32 == UTC // S + 60


# --- recordings


def play(node: Node, packet: PacketReceived) -> None:
    before = (node.router.state, node.router.master, node.router._timer_ns, node.router.counters["advertisement_rcvd"])
    node.handle(packet)
    after = (node.router.state, node.router.master, node.router._timer_ns, node.router.counters["advertisement_rcvd"])
    assert after == before


@settings(max_examples=60)
@given(data=st.data())
def test_no_recording_is_believed_by_who_heard_it(data: st.DataObject) -> None:
    """Whenever it is played, whatever the listener's clock says by then, and whether the sender lives or not."""
    segment, high, low = pair()
    low.handle(Reconfigured(low.settings))
    dead = data.draw(st.booleans())
    if dead:
        high.crash()
    segment.run(data.draw(st.integers(0, 30 * S)))
    recorded = [one for one in segment.recording if one.source == high.address]
    low.ahead_ns = data.draw(st.sampled_from([0, -10 * S, *STEPS]))
    for packet in data.draw(st.lists(st.sampled_from(recorded), max_size=20)):
        play(low, packet)
        segment.now_ns += data.draw(st.integers(0, S // 100))
    segment.run(5 * S)
    assert one_master(segment, low if dead else high)


@given(place=st.integers(0, 40), late_ns=st.integers(6 * S, HOUR))
@settings(max_examples=40)
def test_no_recording_is_believed_after_a_restart(place: int, late_ns: int) -> None:
    """An empty memory, and a whole recording played at its own pace: the window holds, and there is no proof in it."""
    segment, high, low = pair()
    segment.run(40 * S)
    recorded = [one for one in segment.recording if one.source == high.address][place:]
    high.crash()
    low.crash()
    segment.now_ns += late_ns
    low.restart()
    restarted_ns = segment.now_ns
    while segment.now_ns < restarted_ns + 5 * S and recorded:
        play(low, recorded.pop(0)) if not low.is_master else low.handle(recorded.pop(0))
        segment.run(S)
    segment.run(5 * S)
    assert low.transitions[-2:] == [State.BACKUP, State.MASTER]
    assert low.errors().keys() == {"auth_ext_stale"}


def test_a_recording_of_proofs_proves_nothing() -> None:
    """What once convinced a node echoes what that node said then."""
    segment, high, low = pair(ahead=(0, 5 * HOUR))
    recorded = [one for one in segment.recording if one.source == high.address]
    assert len(recorded) > PROOFS
    high.crash()
    low.crash()
    low.restart()
    for packet in recorded:
        play(low, packet)
        segment.now_ns += 10 * MS
    segment.run(5 * S)
    assert one_master(segment, low)


def test_recordings_do_not_keep_the_living_from_proving() -> None:
    """The recording is thrown in before every advert of the living sender."""
    segment, high, low = pair(ahead=(0, 5 * HOUR))
    recorded = [one for one in segment.recording if one.source == high.address]
    low.crash()
    segment.run(S)
    low.restart()
    for turn in range(30):
        low.handle(recorded[turn % len(recorded)])
        segment.run(100 * MS)
    assert one_master(segment, high)
    assert low.router.master.address == high.address


def test_a_flood_of_recordings_is_answered_seldom() -> None:
    segment, high, low = pair()
    recorded = segment.recording[0]
    low.crash()
    segment.run(10 * S)
    high.crash()
    low.restart()
    sent = low.router.counters["advertisement_sent"]
    for _turn in range(1000):
        low.handle(recorded)
        segment.now_ns += MS
    assert low.router.counters["advertisement_sent"] - sent <= 8
    assert low.errors() == {"auth_ext_stale": 1000}


def test_who_is_alive_and_known_is_not_asked() -> None:
    segment, high, low = pair()
    sent = low.router.counters["advertisement_sent"]
    for packet in segment.recording:
        low.handle(packet)
    assert low.router.counters["advertisement_sent"] == sent


def test_an_advert_held_back_is_too_old() -> None:
    """Somebody cuts the line and delivers later what the listener has never heard: as late as the window, no later."""
    segment, high, low = pair()
    segment.cut = True
    segment.run(S)
    held_back = segment.recording[-1]
    high.crash()
    segment.now_ns += 5500 * MS
    low.handle(held_back)
    assert low.errors() == {"auth_ext_stale": 1}


# --- the receiver alone


UNIT = S // 65536 + 1  # the least that a sequence tells apart


def trailer(at_ns: int, counter: int = 0) -> Trailer:
    return Trailer(1, 1, 0, freshness._sequence(at_ns) | counter, b"\0" * 16)


@pytest.mark.parametrize(
    ("interval_ns", "off_ns", "fresh"),
    [
        (S, 5 * S, True),
        (S, -5 * S, True),
        (S, 5 * S + UNIT, False),
        (S, -5 * S - UNIT, False),
        (10 * S, 30 * S, True),
        (10 * S, 30 * S + UNIT, False),
        (10 * MS, 5 * S, True),
    ],
)
def test_the_window(interval_ns: int, off_ns: int, fresh: bool) -> None:
    """max(3 * interval, 5 s)."""
    receiver = Receiver()
    try:
        ahead_ns = receiver.judge("a", trailer(UTC + off_ns), T, UTC, interval_ns)
    except PacketError as error:
        assert not fresh
        assert (error.reason, error.answer) == ("auth_ext_stale", True)
    else:
        assert fresh
        assert abs(ahead_ns - off_ns) < MS


@pytest.mark.parametrize(
    ("off_ns", "fresh"), [(6 * S, True), (-6 * S, True), (6 * S + UNIT, False), (-6 * S - UNIT, False)]
)
def test_the_window_of_one_that_is_followed(off_ns: int, fresh: bool) -> None:
    """By the time since it was last heard, whatever our clock says; in 5000 s a clock may drift by one."""
    receiver, passed_ns = Receiver(), 5000 * S
    receiver.judge("a", trailer(UTC), T, UTC, S)
    later = trailer(UTC + passed_ns + off_ns)
    if fresh:
        receiver.judge("a", later, T + passed_ns, UTC + HOUR * 24, S)
    else:
        with pytest.raises(PacketError, match="clock"):
            receiver.judge("a", later, T + passed_ns, UTC + HOUR * 24, S)


@pytest.mark.parametrize(
    ("earlier", "later", "between"),
    [(5, 5, 0), (2**64 - 1, 0, 1), (0, 2**64 - 1, -1), (1, 2**63, 2**63 - 1), (0, 2**63, -(2**63))],
)
def test_serial_number_arithmetic(earlier: int, later: int, between: int) -> None:
    """RFC 1982, over all 64 bits: what is half of them away counts as earlier."""
    assert freshness._between(earlier, later) == between


def test_2106() -> None:
    """The field of seconds wraps: who is followed is fresh, and a recording of before the wrap is a replay."""
    receiver, wrap_ns = Receiver(), (1 << 32) * S
    receiver.judge("a", trailer(wrap_ns - S), T, wrap_ns - S, S)
    assert receiver.judge("a", trailer(wrap_ns + S), T + 2 * S, wrap_ns, S) == S
    with pytest.raises(PacketError) as caught:
        receiver.judge("a", trailer(wrap_ns - S), T + 3 * S, wrap_ns + S, S)
    assert caught.value.reason == "auth_ext_replay"


def test_proofs_must_be_in_a_row_in_time_and_each_of_its_own() -> None:
    receiver = Receiver()
    far = UTC + HOUR

    def judge(after_ns: int, at_ns: int, counter: int) -> str:
        if counter not in receiver._nonces:
            receiver.note_sent(counter)
        try:
            receiver.judge("a", trailer(at_ns, counter), T + after_ns, UTC, S)
        except PacketError as error:
            return error.reason
        return "fresh"

    assert {judge(turn * S, far + turn * S, 7) for turn in range(10)} == {"auth_ext_stale"}  # one echo, many times
    assert [judge(turn * S, far + turn * S, turn) for turn in (20, 21)] == ["auth_ext_stale"] * 2
    assert judge(23 * S, far + 24 * S, 23) == "auth_ext_stale"  # a second late: not of the same row
    assert [judge(turn * S, far + (turn + 1) * S, turn) for turn in (24, 25)] == ["auth_ext_stale"] * 2
    assert judge(26 * S, far + 27 * S, 26) == "fresh"


def test_a_clock_that_is_half_a_window_off_is_told() -> None:
    segment, high, low = pair(ahead=(0, 4 * S))
    assert one_master(segment, high)
    assert low.router.counters["auth_clock_skew"] > 5
    assert low.errors() == {}


# --- keys and modes on a living pair


def reload(node: Node, authentication: Authentication) -> None:
    node.settings = replace(node.settings, authentication=authentication)
    node.handle(Reconfigured(node.settings))


def roll_out() -> Iterator[tuple[int, Authentication]]:
    """Node by node: first everybody accepts, then everybody signs, then everybody demands it."""
    for mode in ("receive-only", "permissive", "enforce"):
        for place in (1, 0):
            yield place, replace(ENFORCE, mode=mode)
    # A new key is known everywhere, then it signs, then the old one goes.
    for keys in (((1, KEY), (2, OTHER_KEY)), ((2, OTHER_KEY), (1, KEY)), ((2, OTHER_KEY),)):
        for place in (1, 0):
            yield place, replace(ENFORCE, keys=keys)


@families
@pytest.mark.parametrize("ahead_ns", [0, 3 * HOUR], ids=["agree", "3h"])
def test_a_roll_out_and_a_rotation_drop_nothing(wire: object, ahead_ns: int) -> None:
    """But where the clocks differ, what the proof takes when the mode becomes enforce."""
    segment, high, low = pair(replace(wire, authentication=Authentication()), ahead=(0, ahead_ns))
    for place, authentication in roll_out():
        reload(segment.nodes[place], authentication)
        segment.run(5 * S)
        assert one_master(segment, high)
    assert (segment.both_ns, low.transitions) == (0, [State.BACKUP])
    assert segment.recording[-1].message[-27] == 2
    drops = {"packet_length_errors": 0, "auth_ext_unknown_key": 0, "auth_ext_invalid_hmac": 0}
    assert {name: low.router.counters[name] for name in drops} == drops
