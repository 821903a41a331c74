# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults, each drawn from the world's chance and laid into its future; each returns when it is over."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from typing import Callable

from vrrp_agent.protocol.settings import Settings

from .node import Node
from .scenario import Scenario, own_address, shared_addresses
from .segment import Pair, Segment
from .world import MILLISECOND_NS, SECOND_NS

PRIORITIES = (1, 50, 100, 100, 100, 101, 150, 200, 254)
Fault = Callable[["Dice", int], int]


class Dice:
    """A scenario, and chance applied to it; durations are drawn in units of the agreement bound."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.world = scenario.world
        self.random = scenario.world.random
        self.bound_ns = max(group.bound_ns for group in scenario.groups)

    def duration_ns(self, longest_bounds: float) -> int:
        """Some time from hardly anything up to so many bounds."""
        return int(self.random.random() * longest_bounds * self.bound_ns) + 1

    def machine(self) -> list[Node]:
        """One machine."""
        return self.random.choice(self.scenario.machines)

    def segment(self) -> Segment:
        """One segment."""
        return self.random.choice(self.scenario.segments)

    def each(self, at_ns: int, action: str, machine: Sequence[Node], *arguments: object) -> None:
        """Have the same happen to every node of a machine."""
        for node in machine:
            self.world.at(at_ns, getattr(node, action), *arguments)


def crash(dice: Dice, at_ns: int) -> int:
    """A process is killed, and mostly started again."""
    return _come_back(dice, at_ns, "crash")


def stop(dice: Dice, at_ns: int) -> int:
    """A process is asked to leave, and mostly started again."""
    return _come_back(dice, at_ns, "stop")


def _come_back(dice: Dice, at_ns: int, action: str) -> int:
    machine, end_ns = dice.machine(), at_ns + dice.duration_ns(2)
    dice.each(at_ns, action, machine)
    if dice.random.random() < 0.8:
        dice.each(end_ns, "start", machine)
        return end_ns
    return at_ns


def pause(dice: Dice, at_ns: int) -> int:
    """A process gets no time for a while, often for longer than a backup waits."""
    duration_ns = dice.duration_ns(2)
    dice.each(at_ns, "pause", dice.machine(), duration_ns, dice.random.random() < 0.3)
    return at_ns + duration_ns


def link_down(dice: Dice, at_ns: int) -> int:
    """A machine loses its link on a segment for a while."""
    node, end_ns = dice.random.choice(dice.machine()), at_ns + dice.duration_ns(2)
    nodes = [other for other in dice.scenario.machines[node.machine] if other.group.segment is node.group.segment]
    dice.each(at_ns, "set_link", nodes, False)
    dice.each(end_ns, "set_link", nodes, True)
    return end_ns


def new_address(dice: Dice, at_ns: int) -> int:
    """A node's own address changes."""
    node = dice.random.choice(dice.machine())
    if node.settings.unicast_peers:
        return at_ns  # the others name it by its address
    host = 20 + 10 * dice.random.randrange(7) + node.machine
    dice.world.at(at_ns, node.readdress, own_address(node.settings.family, host))
    return at_ns


def one_way(dice: Dice, at_ns: int) -> int:
    """One machine does not hear another."""
    one, other = dice.machine()[0].machine, dice.machine()[0].machine
    return _partition(dice, at_ns, [(one, other)], f"lb{other + 1} does not hear lb{one + 1}")


def partition(dice: Dice, at_ns: int) -> int:
    """The machines fall into two parts that do not hear each other."""
    numbers = list(range(len(dice.scenario.machines)))
    dice.random.shuffle(numbers)
    cut = dice.random.randrange(1, len(numbers))
    left, right = sorted(numbers[:cut]), sorted(numbers[cut:])
    pairs = [pair for a in left for b in right for pair in ((a, b), (b, a))]
    names = [" ".join(f"lb{number + 1}" for number in part) for part in (left, right)]
    return _partition(dice, at_ns, pairs, f"split into {names[0]} and {names[1]}")


def _partition(dice: Dice, at_ns: int, pairs: list[Pair], what: str) -> int:
    segment = dice.segment()
    return _for_a_while(dice, segment, at_ns, what, lambda: segment.block(pairs), lambda: segment.unblock(pairs))


def lossy(dice: Dice, at_ns: int) -> int:
    """A segment loses packets."""
    segment, share = dice.segment(), dice.random.choice((0.1, 0.5, 0.9))

    def set_loss(loss: float) -> None:
        segment.loss = loss

    what = f"loses {share:.0%} of all packets"
    return _for_a_while(dice, segment, at_ns, what, lambda: set_loss(share), lambda: set_loss(0.0))


def slow(dice: Dice, at_ns: int) -> int:
    """A segment delays packets by up to more than a backup waits; they overtake each other wildly."""
    segment, delay_ns = dice.segment(), dice.duration_ns(1.5)

    def set_delay(longest_ns: int) -> None:
        segment.delay_ns = longest_ns

    return _for_a_while(
        dice,
        segment,
        at_ns,
        f"delays packets by up to {delay_ns / MILLISECOND_NS:.1f} ms",
        lambda: set_delay(delay_ns),
        lambda: set_delay(segment.normal_delay_ns),
    )


def _for_a_while(
    dice: Dice, segment: Segment, at_ns: int, what: str, begin: Callable[[], None], end: Callable[[], None]
) -> int:
    groups = [group for group in dice.scenario.groups if group.segment is segment]
    end_ns = at_ns + dice.duration_ns(2)

    def change(action: Callable[[], None], step: int, text: str) -> None:
        dice.world.tell(segment.name, text)
        action()
        for group in groups:
            group.disturb(step)

    dice.world.at(at_ns, change, begin, 1, what)
    dice.world.at(end_ns, change, end, -1, f"no longer {what}")
    return end_ns


def reload(dice: Dice, at_ns: int) -> int:
    """One node gets new settings, in ways in which the nodes may differ for ever."""
    node = dice.random.choice(dice.machine())
    may_differ = node.settings.version == 3 or all(other.is_ours for other in node.group.nodes)

    def apply() -> None:
        node.reload(_changed(dice, node.settings, with_interval=may_differ, owner=node.is_ours))

    dice.world.at(at_ns, apply)
    return at_ns


def _changed(dice: Dice, settings: Settings, with_interval: bool, owner: bool) -> Settings:
    if settings.priority == 255 and settings.preempt and not owner:
        return settings
    if dice.random.random() < 0.7:
        priorities = (*PRIORITIES, 255) if owner else PRIORITIES
        settings = replace(settings, priority=priority_for(settings, dice.random.choice(priorities)))
    if dice.random.random() < 0.3:
        settings = replace(settings, preempt=not settings.preempt)
    if with_interval and dice.random.random() < 0.3:
        settings = replace(settings, advert_interval_cs=_other_interval_cs(dice, settings))
    return settings


def priority_for(settings: Settings, priority: int) -> int:
    """As near as the configuration allows: where adverts are signed, 1 is no master's."""
    return max(priority, settings.priority_min)


def _other_interval_cs(dice: Dice, settings: Settings) -> int:
    """Up to four times longer or shorter, in the version's unit and range."""
    unit_cs, longest_cs = (100, 25_500) if settings.version == 2 else (1, 4095)
    wanted_cs = settings.advert_interval_cs * dice.random.choice((0.25, 0.5, 2.0, 4.0))
    return min(longest_cs, max(unit_cs, int(wanted_cs) // unit_cs * unit_cs))


def roll_out(dice: Dice, at_ns: int) -> int:
    """Every node of a virtual router gets another interval or list of addresses, one after the other.

    A keepalived-like peer drops the adverts of who differs: until the last node has it, two masters are its way.
    """
    group = dice.random.choice(dice.scenario.groups)
    first = group.nodes[0].settings
    family, count = first.family, dice.random.randrange(1, 4)
    interval_cs = _other_interval_cs(dice, first) if dice.random.random() < 0.5 else None
    step_ns = dice.duration_ns(0.7)

    def apply(node: Node) -> None:
        addresses = shared_addresses(family, count, group.virtual_router_id)
        new = replace(node.settings, virtual_addresses=addresses)
        node.reload(new if interval_cs is None else replace(new, advert_interval_cs=interval_cs))

    nodes = list(group.nodes)
    dice.random.shuffle(nodes)
    dice.world.at(at_ns, group.disturb, 1)
    for number, node in enumerate(nodes):
        dice.world.at(at_ns + number * step_ns, apply, node)
    end_ns = at_ns + len(nodes) * step_ns
    for node in nodes:  # again, where another roll-out has come in between
        dice.world.at(end_ns, apply, node)
    dice.world.at(end_ns, group.disturb, -1)
    return end_ns


def step_clock(dice: Dice, chance: random.Random, at_ns: int) -> None:
    """A machine's wall clock steps, by milliseconds to days; what runs on it is not to notice."""
    machine, step_ns = chance.choice(dice.scenario.machines)[0].machine, clock_step_ns(chance)

    def apply() -> None:
        dice.world.tell(f"lb{machine + 1}", f"wall clock steps by {step_ns / SECOND_NS:+.4f} s")
        dice.world.ahead_ns[machine] = dice.world.ahead_ns.get(machine, 0) + step_ns

    dice.world.at(at_ns, apply)


def clock_step_ns(chance: random.Random) -> int:
    """Milliseconds to days, forward or back; all orders of magnitude alike."""
    return int(chance.choice((-1, 1)) * 10 ** chance.uniform(-3, 6) * SECOND_NS)


ALL: tuple[Fault, ...] = (
    crash,
    crash,
    stop,
    pause,
    pause,
    pause,
    link_down,
    new_address,
    one_way,
    partition,
    partition,
    lossy,
    slow,
    reload,
    reload,
    reload,
    roll_out,
)
