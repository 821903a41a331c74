# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sync groups in the configuration: what is accepted, and each refusal with its place and its mend."""

from __future__ import annotations

from typing import Any

import pytest
from vrrp_agent import config
from vrrp_agent.protocol.sync_config import SyncGroup

EDGE = {"name": "edge", "instances": ["outside", "inside"]}


def instance(number: int, name: str, **changed: Any) -> dict[str, Any]:
    address = f"10.139.{number}.1/24"
    return {
        "name": name,
        "interface": f"eth{number}",
        "virtual_router_id": 51,
        "virtual_addresses": [address],
        **changed,
    }


def problems(groups: object, **inside: Any) -> list[str]:
    """What is wrong with these groups over outside, inside (changed) and spare."""
    names = ("outside", "inside", "spare")
    instances = [instance(number, name, **(inside if number == 1 else {})) for number, name in enumerate(names)]
    found = config.validate({"router_id": "lb1", "instances": instances, "sync_groups": groups})
    return [str(problem) for problem in found]


def test_accepted() -> None:
    document = {"router_id": "lb1", "instances": [instance(0, "outside"), instance(1, "inside")]}
    assert config.parse(document).sync_groups == ()
    found = config.parse({**document, "sync_groups": [EDGE]}).sync_groups
    assert found == (SyncGroup("edge", ("outside", "inside")),)
    assert problems([]) == []


@pytest.mark.parametrize(
    ("group", "expected"),
    [
        ({"name": "edge"}, ["sync_groups[0].instances: is missing"]),
        ({"instances": ["outside", "inside"]}, ["sync_groups[0].name: is missing"]),
        ({**EDGE, "name": "a b"}, ["sync_groups[0].name: \"a b\" is not a name of letters, digits, '_', '.' and '-'"]),
        ({**EDGE, "member": 1}, ["sync_groups[0].member: unknown key; known here: instances, name"]),
        ({**EDGE, "instances": "outside"}, ['sync_groups[0].instances: "outside" is not a list']),
        ({**EDGE, "instances": [51, 52]}, ["sync_groups[0].instances: 51 is not the name of an instance"]),
        ({**EDGE, "instances": ["outside"] * 2}, ["sync_groups[0].instances: outside stands twice"]),
        (
            {**EDGE, "instances": ["outside"]},
            ["sync_groups[0].instances: a sync group needs two instances at least, here are 1; add one, or remove it"],
        ),
        (
            {**EDGE, "instances": ["outside", "insde"]},
            ["sync_groups[0].instances: no instance is called insde; did you mean inside?"],
        ),
        (
            {**EDGE, "instances": ["outside", "x"]},
            ["sync_groups[0].instances: no instance is called x; there are: inside, outside, spare"],
        ),
        ("edge", ["sync_groups[0]: must be an object with keys and values"]),
    ],
)
def test_refused(group: object, expected: list[str]) -> None:
    assert problems([group])[: len(expected)] == expected


def test_one_group_an_instance() -> None:
    other = {"name": "core", "instances": ["inside", "spare"]}
    assert problems([EDGE, other]) == [
        "sync_groups[1].instances: inside is already in sync group edge; an instance can move with one group only"
    ]


def test_one_name_a_group() -> None:
    found = problems([EDGE, {**EDGE, "instances": ["spare", "inside"]}])
    assert found[0] == "sync_groups[1].name: 'edge' is already used by another sync group"


def test_members_that_cannot_move_as_one() -> None:
    """One would win its election, and wait for ever for the other that has lost it."""
    assert problems([EDGE], priority=150) == [
        "sync_groups[0].instances: priority differs: outside has 100, inside has 150;"
        " give the instances of a sync group the same priority"
    ]
    assert problems([EDGE], preempt=False) == [
        "sync_groups[0].instances: preempt differs: outside has true, inside has false;"
        " give the instances of a sync group the same preempt"
    ]


def test_the_address_owner_waits_for_nobody() -> None:
    assert problems([EDGE], priority=255)[1:] == [
        "sync_groups[0].instances: inside has priority 255, and an address owner waits for no other; set 254 or less"
    ]


def test_a_last_resort_would_move_alone() -> None:
    check = {"type": "tcp", "port": 80}
    why = "inside has last_resort: true, and would lose its role alone; remove it in a sync group"
    assert problems([EDGE], last_resort=True, checks=[check]) == [f"sync_groups[0].instances: {why}"]


def test_a_wrong_instance_is_no_missing_one() -> None:
    assert problems([EDGE], priority=300) == ["instances[1].priority: 300 is not in 1..255"]
