# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the simulation has found in Router, each as short as it can be told."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address

from vrrp_agent.protocol import events, packet
from vrrp_agent.protocol.events import Effect, PacketReceived, SendAdvert, State
from vrrp_agent.protocol.router import Router
from vrrp_agent.protocol.settings import IPAddress, Settings

from .rfc import interval_cs_of, priority_of
from .scenario import settings
from .world import SECOND_NS

US = ip_address("192.0.2.10")
PEER = ip_address("192.0.2.11")


def started(ours: Settings, source: IPAddress = US) -> Router:
    """A router on an interface that is up, started at 0."""
    router = Router(ours)
    router.handle(events.InterfaceUp(source), 0)
    router.handle(events.Start(), 0)
    return router


def master(ours: Settings, source: IPAddress = US) -> Router:
    """A router that has become master because it hears nobody."""
    router = started(ours, source)
    router.handle(events.TimerDue(), router.deadline_ns or 0)
    assert router.state is State.MASTER
    return router


def heard(theirs: Settings) -> PacketReceived:
    """The peer's advert."""
    addresses = tuple(address.ip for address in theirs.virtual_addresses)
    advert = packet.Advert(3, theirs.virtual_router_id, theirs.priority, theirs.advert_interval_cs, addresses)
    return PacketReceived(packet.encode(advert, PEER, packet.GROUP_IPV4), PEER, packet.GROUP_IPV4, packet.TTL)


def adverts(effects: tuple[Effect, ...]) -> list[SendAdvert]:
    """What is sent."""
    return [effect for effect in effects if isinstance(effect, SendAdvert)]


def test_the_winner_of_a_healed_split_learns_that_there_was_one() -> None:
    """Seed 23: the winner was heard first, so the loser went silently, and clients kept the loser's MAC."""
    loser, winner = master(settings(priority=100)), master(settings(priority=150), PEER)
    (last,) = adverts(loser.handle(heard(settings(priority=150)), 4 * SECOND_NS))
    assert loser.state is State.MASTER  # its addresses answer until the winner's do
    answer = winner.handle(PacketReceived(last.message, US, last.destination, packet.TTL), 4 * SECOND_NS)
    assert events.Announce(winner.settings.addresses) in answer
    assert adverts(answer)


def test_the_last_advert_beats_nobody() -> None:
    """Seed 20984: a winner whose priority was lowered at that moment yielded to the loser's last advert: no master."""
    (last,) = adverts(master(settings(priority=200)).handle(heard(settings(priority=201)), 4 * SECOND_NS))
    assert priority_of(last.message) == 1


def test_who_has_overslept_says_so() -> None:
    """Seed 28360: two masters that did not hear each other; one slept, and clients kept its MAC when it woke."""
    effects = master(settings(priority=100)).handle(events.TimerDue(), 60 * SECOND_NS)
    assert [priority_of(one.message) for one in adverts(effects)] == [1]


def test_the_last_advert_carries_the_winners_interval() -> None:
    """Seed 15062: a third router heard it after the winner's, and three of the loser's intervals were too short."""
    loser = master(settings(priority=100, interval_cs=1))
    (last,) = adverts(loser.handle(heard(settings(priority=150, interval_cs=400)), SECOND_NS // 20))
    assert interval_cs_of(last.message) == 400


def test_a_reloaded_interval_counts_while_a_lower_master_is_discarded() -> None:
    """Seed 12488: a backup that was about to preempt waited by its interval of before the reload."""
    ours = settings(priority=150, interval_cs=400)
    router = started(ours)
    router.handle(heard(settings(priority=100)), 1)
    router.handle(events.Reconfigured(replace(ours, advert_interval_cs=100)), 2)
    assert router.deadline_ns == router.master_down_ns == 3 * SECOND_NS + 106 * SECOND_NS // 256
