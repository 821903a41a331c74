# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A BACKUP's question, a signed advert of priority 1: who answers it, and whom it leaves alone."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address

import pytest
from signed_story import HOUR, SIGNED, UTC, Node, Segment, pair, signed
from story import MS, OURS, US, S, T, heard
from vrrp_agent.protocol import freshness, trailer
from vrrp_agent.protocol.events import Announce, InterfaceUp, PacketReceived, SendAdvert, Start, State, Stop, TimerDue
from vrrp_agent.protocol.freshness import NONCES, PROOFS, Receiver
from vrrp_agent.protocol.master import ANSWERS_A_SECOND
from vrrp_agent.protocol.packet import PacketError
from vrrp_agent.protocol.router import Router
from vrrp_agent.protocol.trailer import Trailer

QUESTION = replace(SIGNED, priority=1)


def question(at_ns: int) -> PacketReceived:
    """Another BACKUP's, in its first words."""
    return signed(QUESTION, now_ns=at_ns, utc_ns=UTC + at_ns - T)


def backup(**changed: object) -> Router:
    router = Router(replace(SIGNED, **changed), lambda: UTC)
    router.handle(InterfaceUp(US), T)
    router.handle(Start(), T)
    return router


def master(**changed: object) -> tuple[Router, int]:
    router = backup(**changed)
    router.handle(TimerDue(), now_ns := router.deadline_ns)
    assert router.state is State.MASTER
    return router, now_ns


@pytest.mark.parametrize("preempt", [True, False])
def test_touches_no_timer_of_a_backup(preempt: bool) -> None:
    router = backup(preempt=preempt, preempt_delay_ms=5000 if preempt else 0)
    before = router.deadline_ns
    assert router.handle(question(T + S), T + S) == ()
    assert (router.deadline_ns, router.master) == (before, None)
    assert router.counters["advertisement_rcvd"] == 1


def test_is_no_successor_of_a_master_that_leaves() -> None:
    router, now_ns = master()
    router.handle(Stop(), now_ns)
    until_ns = router.deadline_ns
    router.handle(question(now_ns), now_ns)
    assert (router.state, router.deadline_ns) == (State.MASTER, until_ns)


def test_unsigned_it_is_a_masters_of_priority_1() -> None:
    """As keepalived may be configured."""
    router = Router(replace(OURS, preempt=False))
    router.handle(InterfaceUp(US), T)
    router.handle(Start(), T)
    router.handle(heard(1), T + S)
    assert router.master is not None
    assert router.deadline_ns == T + S + router.master_down_ns


def test_is_answered_each_time_and_announced_seldom() -> None:
    """Three nodes may ask at once, four times each; an announcement of hundreds of addresses is another thing."""
    router, now_ns = master()
    answers = []
    asking = freshness.Sender()
    for _turn in range(3 * ANSWERS_A_SECOND):
        now_ns += MS
        answers += router.handle(asked(asking, now_ns), now_ns)
    assert len([one for one in answers if isinstance(one, SendAdvert)]) == 3 * ANSWERS_A_SECOND
    assert len([one for one in answers if isinstance(one, Announce)]) == ANSWERS_A_SECOND


def asked(sender: freshness.Sender, now_ns: int) -> PacketReceived:
    """One question of many."""
    one = signed(QUESTION, now_ns=now_ns, utc_ns=UTC + now_ns - T)
    body = one.message[: -trailer.OCTETS]
    sequence = sender.next(now_ns, UTC + now_ns - T, 5 * S, 0)
    [(key_id, key)] = SIGNED.authentication.keys
    return replace(one, message=body + trailer.write(body, one.source, key_id, key, sequence))


def test_the_last_word_of_who_yields_makes_the_winner_announce() -> None:
    """A split heals; the winner speaks first, and has not heard the loser's adverts before its last one."""
    segment = Segment(replace(SIGNED, priority=150), SIGNED)
    high, low = segment.nodes
    segment.cut = True
    segment.run(10 * S)
    segment.cut = False
    announced = []
    handle = high.router.handle
    high.router.handle = lambda event, now_ns: note(announced, handle(event, now_ns))
    segment.run(S)
    assert low.router.state is State.BACKUP
    assert any(isinstance(effect, Announce) for effect in announced)


def note(effects: list[object], new: tuple[object, ...]) -> tuple[object, ...]:
    effects += new
    return new


def test_keeps_no_other_backup_from_asking() -> None:
    """The second BACKUP's clock is right, so that the third could date it, while nobody can date the MASTER."""
    segment = Segment(replace(SIGNED, priority=200), ahead=(HOUR,))
    segment.run(10 * S)
    for host, priority in ((20, 100), (21, 150)):
        node = Node(segment, replace(SIGNED, priority=priority), host)
        segment.nodes.append(node)
        node.restart()
    segment.run(20 * S)
    assert segment.masters == segment.nodes[:1]
    assert segment.both_ns == 0


def test_that_one_is_heard_says_nothing_about_another() -> None:
    """A MASTER that is dated, and a better one that is not, when a split heals: the second is asked at once."""
    segment = Segment(replace(SIGNED, priority=200), replace(SIGNED, priority=150), SIGNED, ahead=(HOUR, 0, 0))
    first, second, third = segment.nodes
    first.crash()
    segment.run(10 * S)
    assert segment.masters == [second]
    segment.cut = True
    first.restart()
    segment.run(4 * S)
    segment.cut = False
    segment.run(1100 * MS)
    assert segment.masters == [first]
    assert third.router.master.address == first.address


def test_one_backup_has_nothing_to_ask_another() -> None:
    """It is the MASTER that is to be proven; questions about questions would be many."""
    router = backup()
    late = signed(QUESTION, utc_ns=UTC + HOUR)
    router.handle(late, T)
    assert router.counters["auth_ext_stale"] == 1
    assert router.counters["advertisement_sent"] == 0
    router, now_ns = master()
    router.handle(late, now_ns)
    assert router.counters["advertisement_sent"] == 2


def test_an_advert_delivered_twice_is_not_answered() -> None:
    """Nor one that was overtaken, though both echo the BACKUP's question."""
    segment, high, low = pair(ahead=(HOUR, 0))
    segment.run(5 * S)
    sent = low.router.counters["advertisement_sent"]
    assert sent == PROOFS
    for one in [one for one in segment.recording if one.source == high.address]:
        low.handle(one)
    assert low.router.counters["advertisement_sent"] == sent


# --- the receiver alone

FAR = UTC + HOUR


class Listener:
    """A receiver that hears one sender of another time."""

    def __init__(self) -> None:
        self.receiver, self.late_ns = Receiver(), 0

    def say(self, *nonces: int) -> None:
        for nonce in nonces:
            self.receiver.note_sent(nonce)

    def hear(self, echo: int, at_ns: int) -> str:
        read = Trailer(1, 1, 0, freshness._sequence(FAR + at_ns) | echo, b"\0" * 16)
        try:
            self.receiver.judge(ip_address("192.0.2.11"), read, T + at_ns, UTC, S)
        except PacketError as error:
            return "answered" if error.answer else "dropped"
        return "believed"


def test_an_echo_counts_once_and_never_an_earlier_one() -> None:
    listener = Listener()
    listener.say(1, 2, 3, 4, 5)
    assert listener.hear(2, MS) == "answered"
    assert [listener.hear(echo, 2 * MS) for echo in (2, 1, 2)] == ["dropped"] * 3
    assert [listener.hear(echo, echo * MS) for echo in (3, 4)] == ["answered"] * 2
    assert listener.hear(3, 5 * MS) == "dropped"
    assert listener.hear(5, 6 * MS) == "believed"


def test_an_echo_of_long_ago_counts_for_nothing() -> None:
    listener = Listener()
    listener.say(*range(1, NONCES + 2))
    listener.hear(0, 0)  # asked: from now on by echoes only
    assert listener.hear(1, MS) == "dropped"
    assert listener.hear(2, 2 * MS) == "answered"


def test_who_is_heard_is_asked_again_after_two_intervals() -> None:
    """Its sequence has gone back: a recording, or a restart with another clock."""
    listener = Listener()
    receiver, address = listener.receiver, ip_address("192.0.2.11")
    receiver.judge(address, Trailer(1, 1, 0, freshness._sequence(UTC), b"\0" * 16), T, UTC, S)

    def answer(after_ns: int) -> bool:
        with pytest.raises(PacketError) as caught:
            receiver.judge(address, Trailer(1, 1, 0, freshness._sequence(UTC - HOUR), b"\0" * 16), T + after_ns, UTC, S)
        return caught.value.answer

    assert [answer(after_ns) for after_ns in (0, 2 * S, 2 * S + 1)] == [False, False, True]
    assert [answer(2 * S + 1 + after_ns) for after_ns in (S // 8 - 1, S // 8)] == [False, True]
