# Copyright: (c) 2026, duet.ha_pair contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Events as people read them: a line each, and a mail of several. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

_KNOWN = ("seq", "at", "event", "instance", "interface", "virtual_router_id")
_NAMED_MAX = 5


def line(event: dict[str, Any]) -> str:
    """An event for people, as the log has it; a check may tell what a stranger has answered."""
    place = f" {event['interface']}/{event['virtual_router_id']}" if event.get("interface") else ""
    what = _transition(event) if event["event"] == "transition" else _other(event)
    text = f"{event['at']} {event['instance']}{place}: {what}" if event.get("instance") else f"{event['at']} {what}"
    return "".join(letter if letter.isprintable() else "?" for letter in text)


def _transition(event: dict[str, Any]) -> str:
    return f"{event.get('from')} -> {event.get('to')}: {event.get('reason')}"


def _other(event: dict[str, Any]) -> str:
    """Its name, and what it tells: yes and no are said in words."""
    fields = {key: value for key, value in event.items() if key not in _KNOWN and value not in (None, "")}
    words = {True: "yes", False: "no"}
    told = ", ".join(f"{key} {words[value] if isinstance(value, bool) else value}" for key, value in fields.items())
    return f"{event['event']}: {told}" if told else str(event["event"])


def subject(router_id: str, events: Sequence[dict[str, Any]]) -> str:
    """The subject of a mail: the node, and what every instance has come to in the end."""
    last = {event.get("instance"): _headline(event) for event in events}
    names = list(last.values())
    more = f" and {len(names) - _NAMED_MAX} more" if len(names) > _NAMED_MAX else ""
    return f"[{router_id}] {', '.join(names[:_NAMED_MAX])}{more}"


def body(router_id: str, events: Sequence[dict[str, Any]]) -> str:
    """The text of a mail: every event."""
    return "\n".join([f"{router_id}:", "", *map(line, events), "", "What is live now: vrrp-agent status", ""])


def _headline(event: dict[str, Any]) -> str:
    what = event.get("to") if event["event"] == "transition" else _short(event)
    return f"{event['instance']} {what}" if event.get("instance") else str(what)


def _short(event: dict[str, Any]) -> str:
    if event["event"] == "check":
        return f"check {event.get('check')} {'healthy' if event.get('healthy') else 'failing'}"
    return f"{event['event']} over" if event.get("over") else str(event["event"])
