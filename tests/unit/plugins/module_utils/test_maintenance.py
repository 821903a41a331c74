# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the modules for maintenance return, and what they predict."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.duet.ha_pair.plugins.module_utils.maintenance import (
    predict_drain,
    predict_switchover,
    result_of,
)
from ansible_collections.duet.ha_pair.plugins.module_utils.vrrp_agent.client import ControlError


def an_instance(name: str, state: str = "MASTER", group: str | None = None) -> dict[str, Any]:
    return {"name": name, "state": state, "sync_group": group, "master": {"address": "192.0.2.1"}}


def status(*instances: dict[str, Any], drained: bool = False) -> dict[str, Any]:
    return {"drained": drained, "instances": list(instances)}


def test_an_answer_becomes_a_result_with_a_diff() -> None:
    before = {"drained": False, "instances": {"web": {"state": "MASTER", "master": "192.0.2.1"}}}
    after = {"drained": True, "instances": {"web": {"state": "INIT", "master": None}}}
    answer = {"changed": True, "message": "drained", "before": before, "after": after, "duration_s": 0.5}
    result = result_of(answer)
    assert (result["before"], result["after"]) == (before["instances"], after["instances"])
    assert (json.loads(result["diff"]["before"]), json.loads(result["diff"]["after"])) == (before, after)


def test_a_switchover_is_predicted_for_the_whole_sync_group() -> None:
    live = status(an_instance("web", group="edge"), an_instance("inside", group="edge"), an_instance("other"))
    result = predict_switchover(live, "web")
    assert (result["changed"], sorted(result["after"])) == (True, ["inside", "web"])
    assert result["after"]["inside"] == {"state": "BACKUP", "master": None}


def test_instances_without_a_group_are_not_one() -> None:
    assert list(predict_switchover(status(an_instance("web"), an_instance("other")), "web")["after"]) == ["web"]


def test_nothing_to_switch_over() -> None:
    result = predict_switchover(status(an_instance("web", "BACKUP")), "web")
    assert (result["changed"], result["message"]) == (False, "web: nothing to do: BACKUP")
    assert result["diff"]["before"] == result["diff"]["after"]


def test_an_instance_that_there_is_not() -> None:
    with pytest.raises(ControlError, match="no instance is called wep; there are: web"):
        predict_switchover(status(an_instance("web")), "wep")


@pytest.mark.parametrize(
    ("is_drained", "wanted", "changed", "state", "message"),
    [
        (False, True, True, "INIT", "would drain"),
        (True, False, True, "BACKUP", "would take part again"),
        (True, True, False, "MASTER", "already drained"),
        (False, False, False, "MASTER", "not drained"),
    ],
)
def test_a_drain_is_predicted(is_drained: bool, wanted: bool, changed: bool, state: str, message: str) -> None:
    result = predict_drain(status(an_instance("web"), drained=is_drained), wanted)
    assert (result["changed"], result["after"]["web"]["state"], result["message"]) == (changed, state, message)
    assert json.loads(result["diff"]["after"])["drained"] is wanted
