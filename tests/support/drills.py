# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A fire drill that was never run, for tests: reports of a pair, what a fault left in samples, the whole of it."""

from __future__ import annotations

from typing import Any

VIP = "192.0.2.10"


def instance(state: str, priority: int, **changes: Any) -> dict[str, Any]:
    """What a host reports of the instance web."""
    return {
        "name": "web",
        "state": state,
        "version": 3,
        "priority": priority,
        "effective_priority": priority,
        "advert_interval": 1.0,
        "preempt_delay": 0,
        "startup_delay": 0,
        "virtual_addresses": [f"{VIP}/24"],
        "extra_addresses": [],
        **changes,
    }


def report(*instances: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """What vrrp_info says of a host."""
    return {"running": True, "drained": False, "instances": list(instances), **changes}


def pair(**changes: Any) -> dict[str, Any]:
    """A healthy pair; changes go to both hosts' instance."""
    return {
        "lb1": report(instance("MASTER", 150, **changes)),
        "lb2": report(instance("BACKUP", 100, **changes)),
    }


def gap(after: float | None, *lost_at: float, before: float | None, error: str = "no answer in time") -> dict[str, Any]:
    """Lost probes between two answered ones."""
    lost = list(lost_at)
    return {"after": after, "before": before, "lost": len(lost), "lost_at": lost, "errors": {error: len(lost)}}


def series(*gaps: dict[str, Any], kind: str = "icmp", **changes: Any) -> dict[str, Any]:
    """What vrrp_probe says of 1000 probes."""
    lost = sum(one["lost"] for one in gaps)
    return {
        "target": VIP,
        "type": kind,
        "sent": 1000,
        "answered": 1000 - lost,
        "from": 98.0,
        "to": 110.5,
        "gaps": list(gaps),
        "turns": [],
        "silences": [],
        "pauses": [],
        **changes,
    }


def record(name: str, *found: dict[str, Any], outcome: str = "made", why: str = "") -> dict[str, Any]:
    """A fault made at 100 s, mended at 106 s, over at 110 s."""
    return {
        "name": name,
        "outcome": outcome,
        "why": why,
        "series": list(found),
        "broke": [100.0, 100.5],
        "mended": [106.0, 106.5],
        "whole": 110.0,
    }


def watched(lb1: list[list[Any]], lb2: list[list[Any]], journal: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    """What vrrp_watch says of both hosts."""
    return {
        "lb1": {"held": {VIP: lb1}, "journal": journal or []},
        "lb2": {"held": {VIP: lb2}, "journal": []},
    }


def drill(plan: dict[str, Any], *records: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """All that a drill has written down, of which those faults were planned."""
    names = [one["name"] for one in records]
    return {
        "group": "ha_pair",
        "plan": {**plan, "faults": [fault for fault in plan["faults"] if fault["name"] in names]},
        "records": list(records),
        "began": 90.0,
        "allowance_s": 0.25,
        "questions": {"types": ["icmp"], "interval": 0.01, "timeout": 0.5},
        "client": "localhost",
        "clocks": {name: {"offset": 0.0, "uncertainty": 0.01} for name in ("lb1", "lb2", "localhost")},
        "watched": watched([[50.0, 103.0], [108.0, None]], [[103.6, 108.001]]),
        **changes,
    }
