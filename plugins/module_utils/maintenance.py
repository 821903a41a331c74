# Copyright: (c) 2026, duet.ha_pair contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""What switchover, drain and undrain have done, or would do, as modules return it. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from .vrrp_agent.client import ControlError

# What to do about a refusal, by its code.
HINT = {"no_successor": ". See whether the other host's agent runs and hears this one; or set force: true"}

Instance = Mapping[str, Any]


def result_of(answer: Mapping[str, Any]) -> dict[str, Any]:
    """The module's result from the agent's answer."""
    before, after = answer["before"], answer["after"]
    return {
        "changed": answer["changed"],
        "message": answer["message"],
        "before": before["instances"],
        "after": after["instances"],
        "duration_s": answer["duration_s"],
        "diff": {"before": _text(before), "after": _text(after)},
    }


def predict_switchover(status: Mapping[str, Any], name: str) -> dict[str, Any]:
    """What a switchover of an instance would do."""
    found = {instance["name"]: instance for instance in status["instances"]}
    if name not in found:
        raise ControlError("unknown_instance", f"no instance is called {name}; there are: {', '.join(found)}")
    group = found[name]["sync_group"]
    members = [one for one in found.values() if one["name"] == name or (group and one["sync_group"] == group)]
    if found[name]["state"] != "MASTER":
        return _prediction(f"{name}: nothing to do: {found[name]['state']}", status, members, None)
    return _prediction(f"{name}: would give the role away", status, members, "BACKUP")


def predict_drain(status: Mapping[str, Any], drained: bool) -> dict[str, Any]:
    """What a drain would do, or the end of one."""
    if status["drained"] == drained:
        return _prediction("already drained" if drained else "not drained", status, status["instances"], None)
    message, state = ("would drain", "INIT") if drained else ("would take part again", "BACKUP")
    return _prediction(message, status, status["instances"], state, drained)


def _prediction(
    message: str,
    status: Mapping[str, Any],
    instances: Iterable[Instance],
    state: str | None,
    drained: bool | None = None,
) -> dict[str, Any]:
    """The result if all the instances came into a state; None for no change."""
    roles = {one["name"]: {"state": one["state"], "master": (one["master"] or {}).get("address")} for one in instances}
    before = {"drained": status["drained"], "instances": roles}
    after = before
    if state is not None:
        came = {name: {"state": state, "master": None} for name in roles}
        after = {"drained": status["drained"] if drained is None else drained, "instances": came}
    changed = state is not None
    return result_of({"changed": changed, "message": message, "before": before, "after": after, "duration_s": 0.0})


def _text(picture: Mapping[str, Any]) -> str:
    return json.dumps(picture, indent=2) + "\n"
