# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A MASTER that is not heard says so: another one goes on though it has lost."""

from __future__ import annotations

import pytest
from story import HIGHER, LOWER, MASTER, MASTER_DOWN, MS, S, T, heard, master
from vrrp_agent.protocol.events import NotHeard, TimerDue
from vrrp_agent.protocol.router import Router

# 3 * interval + skew of a rival of priority 50.
DOWN = 3 * S + (256 - 50) * S // 256


def news(router: Router, event: object, now_ns: int) -> list[NotHeard]:
    """What is said of rivals; the router's own adverts go out meanwhile."""
    effects = []
    while router.deadline_ns is not None and router.deadline_ns <= now_ns:
        effects += router.handle(TimerDue(), router.deadline_ns)
    effects += router.handle(event, now_ns)
    return [effect for effect in effects if isinstance(effect, NotHeard)]


def rival(router: Router, *seconds: float, priority: int = 50, source: object = HIGHER) -> list[NotHeard]:
    """What is said while a rival is heard at these times."""
    return [said for at in seconds for said in news(router, heard(priority, source), T + round(at * S))]


def test_a_rival_that_goes_on_does_not_hear_us() -> None:
    """Three of its intervals and its skew: as long as it would wait for an advert of ours."""
    router = master()
    assert rival(router, 0.5, 1.5, 2.5, 3.5) == []
    assert news(router, heard(50), T + S // 2 + DOWN) == []
    assert router.rival.deaf is None
    assert news(router, heard(50), T + S // 2 + DOWN + 1) == [NotHeard(HIGHER, 50)]
    assert (router.rival.deaf.address, router.rival.deaf.heard_ns) == (HIGHER, T + S // 2)
    assert rival(router, 5.5, 6.5, 7.5) == [], "said once"
    assert router.state is MASTER


def test_it_is_over_when_the_rival_is_silent() -> None:
    router = master()
    rival(router, 0, 1, 2, 3, 4)
    assert news(router, TimerDue(), T + 7 * S) == []
    assert news(router, TimerDue(), T + 8 * S) == [NotHeard(HIGHER, 50, over=True)]
    assert router.rival.deaf is None


@pytest.mark.parametrize("priority", [0, 1])
def test_it_is_over_when_the_rival_gives_up(priority: int) -> None:
    """A goodbye, or the last word of a master that yields (priority 1)."""
    router = master()
    rival(router, 0, 1, 2, 3, 4)
    assert rival(router, 4.5, priority=priority) == [NotHeard(HIGHER, 50, over=True)]
    assert router.rival.deaf is None


def test_two_masters_for_a_moment_are_none() -> None:
    """A rival that yields is master again after its down interval at the soonest, and begins anew."""
    router = master()
    for heal in range(10):
        assert rival(router, heal * 3.01) == []
    assert router.rival.deaf is None


def test_questions_and_goodbyes_are_no_rivals() -> None:
    router = master()
    assert rival(router, *range(10), priority=1) == []
    assert rival(router, *range(10, 20), priority=0) == []


def test_another_one_has_to_wait() -> None:
    """One at a time, however many somebody makes up."""
    router = master()
    assert rival(router, 0, 1, 2, 3) == []
    assert rival(router, 3.1, source=LOWER) == []
    assert rival(router, 4) == [NotHeard(HIGHER, 50)]
    assert rival(router, 4.1, priority=1, source=LOWER) == [], "the goodbye of another one ends nothing"
    assert rival(router, 7.5, source=LOWER) == [NotHeard(HIGHER, 50, over=True)]
    assert rival(router, 8.5, 9.5, 10.5, 11.5, source=LOWER) == [NotHeard(LOWER, 50)]


def test_it_ends_with_the_role() -> None:
    router = master()
    rival(router, 0, 1, 2, 3, 4)
    router.handle(heard(200, LOWER), T + 4 * S + MS)
    router.handle(TimerDue(), router.deadline_ns)
    assert router.rival.deaf is None
    assert news(router, TimerDue(), T + 5 * S + 2 * MASTER_DOWN) == []
