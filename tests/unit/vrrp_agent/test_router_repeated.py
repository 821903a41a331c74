# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An advert that repeats the last one is not parsed again: that is quick, and is to be seen nowhere else."""

from __future__ import annotations

from dataclasses import replace
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st
from signed_story import pair
from story import GROUP, HIGHER, LOWER, OURS, SECOND_VIP, US, S, T, backup, heard, octets
from vrrp_agent.protocol import packet
from vrrp_agent.protocol.events import Event, GroupJoined, InterfaceUp, PacketReceived, Reconfigured, TimerDue

GOOD = heard(150)
OTHERS = replace(OURS, virtual_addresses=(SECOND_VIP,))
EVENTS: dict[str, Event] = {
    "good": GOOD,
    "the same from somebody else": replace(GOOD, source=LOWER),
    "the same in the other style": PacketReceived(
        octets(replace(OURS, priority=150), HIGHER, False), HIGHER, GROUP, 255
    ),
    "the same from beyond a router": replace(GOOD, ttl=254),
    "the same by unicast": replace(GOOD, destination=US),
    "lower": heard(50, LOWER),
    "damaged": replace(GOOD, message=GOOD.message[:-1] + b"\0"),
    "a goodbye": heard(0),
    "different": heard(150, virtual_addresses=(SECOND_VIP,), advert_interval_cs=200),
    "our own address": InterfaceUp(HIGHER),
    "our address": InterfaceUp(US),
    "other addresses": Reconfigured(OTHERS),
    "our addresses": Reconfigured(OURS),
    "unicast": Reconfigured(replace(OURS, unicast_peers=(LOWER,))),
    "time": TimerDue(),
}


@given(
    names=st.lists(st.sampled_from(sorted(EVENTS)), max_size=12).map(
        lambda names: [name for name in names for unused in "12"]
    )
)
def test_nothing_but_the_time_tells(names: list[str]) -> None:
    quick, slow = backup(), backup()
    for turn, name in enumerate(names):
        now_ns = T + turn * S // 3
        slow._codec._last = None
        assert quick.handle(EVENTS[name], now_ns) == slow.handle(EVENTS[name], now_ns)
        assert (quick.counters, quick.state, quick.deadline_ns) == (slow.counters, slow.state, slow.deadline_ns)


@given(
    names=st.lists(st.sampled_from(sorted(EVENTS)), max_size=12).map(
        lambda names: ["good", "good", *(name for name in names for unused in "12"), "good", "good"]
    )
)
def test_what_is_only_heard_again_is_as_if_it_had_been_handled(names: list[str]) -> None:
    quick, slow = backup(), backup()
    for turn, name in enumerate(names):
        event, now_ns = EVENTS[name], T + turn * S // 3
        wanted = slow.handle(event, now_ns)
        assert (() if quick.hear_again(event, now_ns) else quick.handle(event, now_ns)) == wanted
        assert (quick.counters, quick.state, quick.deadline_ns) == (slow.counters, slow.state, slow.deadline_ns)
        assert (quick.master, quick._waiting_since_ns) == (slow.master, slow._waiting_since_ns)


def test_who_has_just_followed_an_advert_only_hears_it_again() -> None:
    router = backup()
    assert not router.hear_again(GOOD, T)
    router.handle(GOOD, T)
    assert router.hear_again(GOOD, T + S)
    assert router.hear_again(GOOD, T + 2 * S)


def test_an_equal_one_takes_its_place() -> None:
    """Whoever remembers them by their octets has forgotten the first one."""
    router, again = backup(), replace(GOOD)
    router.handle(GOOD, T)
    assert not router.hear_again(again, T + S)
    router.handle(again, T + S)
    assert router.hear_again(again, T + 2 * S)


@pytest.mark.parametrize("what", [heard(0), GroupJoined(), Reconfigured(OURS), InterfaceUp(US), TimerDue()], ids=repr)
def test_after_anything_else_it_is_judged_anew(what: Event) -> None:
    router = backup()
    router.handle(GOOD, T)
    router.handle(what, T + 1)
    assert not router.hear_again(GOOD, T + 2)


@pytest.mark.parametrize("one", ["lower", "a goodbye", "different"])
def test_what_is_to_be_thought_about_is_never_only_heard(one: str) -> None:
    router = backup()
    for turn in range(3):
        assert not router.hear_again(EVENTS[one], T + turn * S)
        router.handle(EVENTS[one], T + turn * S)


def test_what_is_rejected_in_between_changes_nothing() -> None:
    router = backup()
    router.handle(GOOD, T)
    router.handle(EVENTS["damaged"], T + 1)
    assert router.hear_again(GOOD, T + 2)


def test_in_a_sync_group_the_group_has_its_say_each_time() -> None:
    router = backup()
    router.handle(GroupJoined(), T)
    for turn in range(3):
        router.handle(GOOD, T + turn * S)
        assert not router.hear_again(GOOD, T + turn * S)


def test_is_parsed_once() -> None:
    router = backup()
    with patch.object(packet, "decode", wraps=packet.decode) as decode:
        for turn in range(5):
            router.handle(GOOD, T + turn * S)
    assert decode.call_count == 1
    assert router.counters["advertisement_rcvd"] == 5


def test_a_signed_one_is_judged_each_time() -> None:
    segment, high, low = pair()
    last = [one for one in segment.recording if one.source == high.address][-1]
    low.handle(last)
    assert low.errors() == {"auth_ext_replay": 1}
