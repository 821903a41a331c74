# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One schedule: a scenario and a plan of faults drawn from a seed, then quiet."""

from __future__ import annotations

import random
from dataclasses import replace

from .agent import Agent
from .faults import ALL, PRIORITIES, Dice, clock_step_ns, priority_for, step_clock
from .hostile import forge
from .recorded import forge_signed
from .scenario import Scenario, own_address, settings
from .segment import Segment
from .world import MILLISECOND_NS, Broken, World

INTERVALS_V3_CS = (1, 2, 5, 10, 25, 50, 60, 100, 100, 100, 150, 300, 1000)
INTERVALS_V2_CS = (100, 100, 200, 300, 1000)
LONGEST_DELAY_NS = 50 * MILLISECOND_NS


def draw(seed: int, signed: bool | None = None) -> Scenario:
    """The scenario of a seed: 2 to 4 machines, one or two virtual routers, mostly our agents.

    A fifth signs; `signed` decides instead. Who does not sign is drawn as if there were no signatures, and who speaks
    by unicast, a sixth of those without keepalived-like peers, as if there were none.
    """
    scenario = Scenario(seed)
    apart = random.Random(f"{seed}-hmac")
    signed = apart.random() < 0.2 if signed is None else signed
    chance = scenario.world.random
    version = chance.choice((2, 3, 3))
    family = 4 if version == 2 else chance.choice((4, 4, 6))
    interval_cs = chance.choice(INTERVALS_V2_CS if version == 2 else INTERVALS_V3_CS)
    # Intervals of reloads are up to four times shorter; a delay near the interval would be a fault of its own.
    delay_ns = min(LONGEST_DELAY_NS, int(interval_cs * 10 * MILLISECOND_NS * chance.choice((0.001, 0.02, 0.1))))
    scenario.segments = [Segment(scenario.world, "eth0", delay_ns)]
    scenario.world.late_ns = chance.choice((0, 0, delay_ns))
    machines = chance.choice((2, 2, 3, 4))
    unicast = random.Random(f"{seed}-unicast").random() < 1 / 6
    addresses = chance.randrange(1, 4)
    password = chance.choice((None, "secret")) if version == 2 else None
    with_peers = chance.random() < 0.3 and not signed
    second = chance.random()
    for number in range(2 if second < 0.2 else 1):
        if number and second < 0.1:
            scenario.segments.append(Segment(scenario.world, "eth1", delay_ns))
        scenario.add_group(number + 1, scenario.segments[-1])
        hosts = chance.sample(range(10, 20), machines)
        for machine in range(machines):
            others = [own_address(family, host) for host in hosts if host != hosts[machine]]
            chosen = settings(
                priority=chance.choice(PRIORITIES) if chance.random() < 0.95 else 255,
                interval_cs=interval_cs,
                version=version,
                family=family,
                preempt=chance.random() < 0.75,
                addresses=addresses,
                virtual_router_id=number + 1,
                extra=("2001:db8:1::1/64",) if chance.random() < 0.2 else (),
                password=password,
                signed=signed,
                unicast_peers=tuple(others) if unicast and not with_peers else (),
            )
            chosen = replace(chosen, priority=priority_for(chosen, chosen.priority))
            if with_peers and machine and chance.random() < 0.6 and chosen.priority != 255:
                peer = scenario.add_peer(chosen, hosts[machine], machine)
                peer.pseudo_header = chance.random() < 0.7
            else:
                scenario.add_agent(chosen, hosts[machine], machine)
    if signed:
        scenario.signed = apart
        for machine in range(machines):
            scenario.world.ahead_ns[machine] = apart.choice((0, clock_step_ns(apart)))
    return scenario


def plan(scenario: Scenario) -> int:
    """Lay the faults of a schedule into the scenario's future; returns when the last one is over."""
    dice = Dice(scenario)
    chance, at_ns = dice.random, scenario.world.now_ns
    end_ns = at_ns
    for segment in scenario.segments:
        segment.duplicates = chance.choice((0.0, 0.0, 0.1))
    for machine in scenario.machines:
        # Equal starts on purpose: boots after a power cut are.
        start_ns = at_ns + chance.choice((0, 0, dice.duration_ns(0.01), dice.duration_ns(1.5)))
        dice.each(start_ns, "start", machine)
        end_ns = max(end_ns, start_ns)
    for _turn in range(chance.choice((0, 1, 1, 2, 2, 3, 5))):
        at_ns += chance.choice((0, dice.duration_ns(0.02), dice.duration_ns(0.5), dice.duration_ns(1.5)))
        end_ns = max(end_ns, chance.choice(ALL)(dice, at_ns))
    _plan_hostile(dice, end_ns)
    if scenario.signed is not None:
        _plan_signed(dice, scenario.signed, end_ns)
    return end_ns


def _plan_hostile(dice: Dice, end_ns: int) -> None:
    """Forged packets at any time, in quiet too: no bound may depend on them."""
    agents = [node for node in dice.scenario.nodes if isinstance(node, Agent)]
    span_ns = end_ns - dice.world.now_ns + 2 * dice.bound_ns
    for _turn in range(dice.random.choice((0, 5, 10))):
        at_ns = dice.world.now_ns + int(dice.random.random() * span_ns)
        dice.world.at(at_ns, _inject, dice.world, dice.random.choice(agents))


def _plan_signed(dice: Dice, chance: random.Random, end_ns: int) -> None:
    """Wall clocks that step and recordings that are played, at any time, in quiet too: no bound may depend on them."""
    agents = [node for node in dice.scenario.nodes if isinstance(node, Agent)]
    begin_ns = dice.world.now_ns
    span_ns = end_ns - begin_ns + 2 * dice.bound_ns
    for _turn in range(chance.choice((0, 1, 2, 5))):
        step_clock(dice, chance, begin_ns + int(chance.random() * span_ns))
    for _turn in range(chance.choice((0, 5, 20))):
        at_ns = begin_ns + int(chance.random() * span_ns)
        dice.world.at(at_ns, _play_recorded, dice.world, chance, chance.choice(agents))


def _play_recorded(world: World, chance: random.Random, agent: Agent) -> None:
    forged = forge_signed(chance, agent) if agent.able else None
    if forged is not None:
        kind, packet = forged
        world.tell(agent.name, f"gets a recorded advert of {packet.source}: {kind}")
        agent.hear_rejected(packet, recorded=kind == "replayed")


def _inject(world: World, agent: Agent) -> None:
    if agent.able:
        kind, forged = forge(world.random, agent)
        world.tell(agent.name, f"gets a forged packet: {kind}")
        agent.hear_rejected(forged)


def play(seed: int, story: bool = False, verbose: bool = False, signed: bool | None = None) -> Scenario:
    """Run a seed's schedule to its end; raises Broken when something did not hold."""
    scenario = draw(seed, signed)
    if story or verbose:
        scenario.world.story = []
        scenario.world.verbose = verbose
    try:
        end_ns = plan(scenario)
        scenario.world.run(end_ns)
        scenario.agree()
    except Broken as broken:
        broken.scenario = scenario
        raise
    return scenario
