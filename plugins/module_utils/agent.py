# Copyright: (c) 2026, duet.ha_pair contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Asks the node's agent, with patience: until it has settled, or for a given time."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Any

from .live import failing_checks, faults, unsettled
from .vrrp_agent import client

_POLL_S = 0.1
# A BACKUP takes over after three intervals and a skew of less than one.
_INTERVALS_TO_SETTLE = 4

# Within this time the agent has noticed that another host's address is gone.
_LOOKS_AGAIN_S = 12.0

# An agent that is being started, and one on a host that is busy.
_PASSING = ("not_running", "timeout")

Ask = Callable[[], dict[str, Any]]


def ask() -> dict[str, Any]:
    """The agent's status document; raises ControlError with words for a node that has no agent."""
    try:
        return client.status()
    except client.ControlError as error:
        if error.code == "not_running" and not os.path.lexists("/usr/bin/vrrp-agent"):
            raise client.ControlError("not_installed", "the agent is not installed") from error
        raise


def report(wait_s: float = 0.0) -> dict[str, Any]:
    """What vrrp_info returns: what the agent says, once its node has settled, or why it says nothing."""
    began_s = time.monotonic()
    try:
        status = ask() if wait_s <= 0 else _once_settled(wait_s)
    except client.ControlError as error:
        told: dict[str, Any] = {"running": False, "reason": error.message, "code": error.code, "settled": False}
        told.update(waiting_for=[], failing_checks=[], instances=[])
    else:
        waiting = unsettled(status)
        told = {"running": True, "settled": not waiting, "waiting_for": waiting}
        told.update(drained=status.get("drained", False), failing_checks=failing_checks(status))
        told.update(instances=status["instances"], status=status)
    return {**told, "waited": round(time.monotonic() - began_s, 1)}


def _once_settled(wait_s: float) -> dict[str, Any]:
    """The status of the settled node; a conflict that is over is none."""
    status, waiting = wait_until_settled(wait_s)
    return status if waiting else wait_until_uncontested(wait_s)


def ask_patiently(
    timeout_s: float,
    ask: Ask = ask,
    clock: Callable[[], float] = time.monotonic,
) -> dict[str, Any]:
    """The status of an agent that may be slow to answer; raises ControlError as `ask` does.

    One that hangs is ended by its watchdog within this time, and its next life answers.
    """
    deadline_s = clock() + timeout_s
    while True:
        try:
            return ask()
        except client.ControlError as error:
            if error.code != "timeout" or clock() >= deadline_s:
                raise


def wait_until_settled(
    timeout_s: float,
    ask: Ask = ask,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> tuple[dict[str, Any], list[str]]:
    """The last status, and why the node has not settled; empty when it has.

    The time is extended by what the protocol needs at the slowest instance's interval. A FAULT ends the wait at once.
    Raises ControlError when the agent does not answer in that time.
    """
    started_s, deadline_s = clock(), timeout_s
    while True:
        try:
            status = ask()
            deadline_s = timeout_s + _INTERVALS_TO_SETTLE * _slowest_interval_s(status)
            waiting = unsettled(status)
            if not waiting or faults(status) or clock() - started_s >= deadline_s:
                return status, waiting
        except client.ControlError as error:
            if error.code not in _PASSING or clock() - started_s >= deadline_s:
                raise
        sleep(_POLL_S)


def wait_until_uncontested(
    timeout_s: float,
    ask: Ask = ask,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> dict[str, Any]:
    """The first status in which no MASTER sees its addresses on another host, or the last one in that time.

    Who has just lost its role is seen until the agent has looked again. Raises ControlError as `ask` does.
    """
    deadline_s = clock() + min(timeout_s, _LOOKS_AGAIN_S)
    while True:
        status = ask()
        contested = [one for one in status["instances"] if one["state"] == "MASTER" and one.get("conflicts")]
        if not contested or clock() >= deadline_s:
            return status
        sleep(_POLL_S)


def _slowest_interval_s(status: dict[str, Any]) -> float:
    return max((float(instance["advert_interval"]) for instance in status["instances"]), default=0.0)
