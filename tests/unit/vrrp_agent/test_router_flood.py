# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A MASTER under a flood of losing adverts does not flood; one that gives up says goodbye where it still can."""

from __future__ import annotations

from collections import Counter

import pytest
from story import FAULT, MASTER, MS, VIP, S, T, heard, master, sent
from vrrp_agent.protocol.events import (
    Announce,
    Effects,
    InterfaceDown,
    ReleaseAddresses,
    SendAdvert,
    StateChanged,
    TimerDue,
)
from vrrp_agent.protocol.master import ANSWERS_A_SECOND


def kinds(effects: Effects) -> Counter[type]:
    return Counter(type(effect) for effect in effects)


@pytest.mark.parametrize("priority", [0, 50])
def test_a_flood_of_losing_adverts_does_not_become_one_of_ours(priority: int) -> None:
    """2,000 adverts a second for 3 s: at most ten answers in each, and the adverts and repeats that are due anyway."""
    router = master()
    seen: Counter[type] = Counter()
    flood = heard(priority)
    for turn in range(6000):
        now_ns = T + turn * MS // 2
        while router.deadline_ns <= now_ns:
            seen += kinds(router.handle(TimerDue(), router.deadline_ns))
        seen += kinds(router.handle(flood, now_ns))
    assert seen[SendAdvert] <= 3 * ANSWERS_A_SECOND + 4
    assert seen[Announce] <= 3 * (ANSWERS_A_SECOND + 3)
    assert router.state is MASTER


def test_adverts_go_out_on_time_in_a_flood() -> None:
    """Those that are answered move the next one; those that are not do not."""
    router = master()
    for _turn in range(ANSWERS_A_SECOND):
        assert router.handle(heard(50), T + MS) == (sent(), Announce((VIP,)))
    for turn in range(2, 900):
        assert router.handle(heard(50), T + turn * MS) == ()
        if router.deadline_ns <= T + turn * MS:
            assert kinds(router.handle(TimerDue(), T + turn * MS)) == {Announce: 1}
    due = [effect for effect in router.handle(TimerDue(), T + S + MS) if isinstance(effect, SendAdvert)]
    assert due == [sent()]


def test_what_is_held_back_in_a_flood_follows() -> None:
    """Whoever was told the wrong place by the last of the losers learns the right one within a second."""
    router = master()
    for turn in range(ANSWERS_A_SECOND + 1):
        router.handle(heard(50), T + turn * MS)
    announced = []
    while router.deadline_ns < T + 7 * S:
        now_ns = router.deadline_ns
        if Announce((VIP,)) in router.handle(TimerDue(), now_ns):
            announced.append((now_ns - T) // MS)
    assert announced == [109, 1000, 1009, 5009]


def test_the_next_second_is_answered_at_once_again() -> None:
    router = master()
    for _turn in range(ANSWERS_A_SECOND + 5):
        router.handle(heard(50), T + MS)
    assert router.handle(heard(50), T + S)[-2:] == ()
    assert router.handle(heard(50), T + S + MS)[-2:] == (sent(), Announce((VIP,)))


def test_a_master_that_can_still_send_says_goodbye() -> None:
    """RFC 9568 has no such state; as at a shutdown (6.4.3) the backup need not wait three intervals."""
    router = master()
    reason = "add 192.0.2.100/24 to eth0: Operation not permitted"
    assert router.handle(InterfaceDown(reason, can_send=True), T + MS) == (
        sent(priority=0),
        ReleaseAddresses((VIP,)),
        StateChanged(MASTER, FAULT, reason),
    )
    assert router.counters["priority_zero_pkts_sent"] == 1


def test_a_master_that_cannot_send_does_not_try() -> None:
    router = master()
    assert router.handle(InterfaceDown("eth0 is down"), T + MS) == (
        ReleaseAddresses((VIP,)),
        StateChanged(MASTER, FAULT, "eth0 is down"),
    )
