# Copyright: (c) 2026, duet.ha_pair contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""The status document as text for people. Pure: the time, the width and whether there are colours are arguments.

Nothing is cut off: where a table does not fit, the last column is wrapped, and on a narrow terminal each instance is a
paragraph.
"""

from __future__ import annotations

import datetime
import textwrap
from collections.abc import Iterator, Sequence
from typing import Any

_HEADING = ("INSTANCE", "INTERFACE/VRID", "STATE", "SINCE", "PRIORITY", "MASTER", "ADDRESSES HERE", "CHECKS", "WHY")
_STATE, _CHECKS, _WHY = _HEADING.index("STATE"), _HEADING.index("CHECKS"), _HEADING.index("WHY")
_WHY_MIN_WIDTH = 24
_UNITS = ((86400, "d"), (3600, "h"), (60, "m"), (1, "s"))
_COLOURS = {"MASTER": "32", "BACKUP": "36", "FAULT": "1;31", "INIT": "33"}

Row = Sequence[str]


class Style:
    """Colours, or none."""

    def __init__(self, coloured: bool = False) -> None:
        self._coloured = coloured

    def state(self, text: str) -> str:
        """A state, perhaps padded, in its colour."""
        return self._paint(text, _COLOURS.get(text.strip(), ""))

    def heading(self, text: str) -> str:
        """What stands above or before values."""
        return self._paint(text, "1")

    def warning(self, text: str) -> str:
        """What somebody has to look at."""
        return self._paint(text, "33")

    def _paint(self, text: str, code: str) -> str:
        return f"\033[{code}m{text}\033[0m" if self._coloured and code else text


def table(document: dict[str, Any], now_s: float, width: int | None = None, style: Style | None = None) -> str:
    """The instances as a table, and below it what somebody has to look at; `width` is None where any is right."""
    style = style or Style()
    rows = [_row(instance, document, now_s) for instance in document["instances"]]
    if any(row[_CHECKS] for row in rows):
        heading: Row = _HEADING
    else:
        heading, rows = _without_checks(_HEADING), [_without_checks(row) for row in rows]
    lines = [*_notes(document, style), *_lines(heading, rows, width, style)]
    for warning in _warnings(document, now_s):
        lines += [style.warning(line) for line in _wrapped(f"WARNING {warning}", width)]
    return "\n".join(lines) + "\n"


def _notes(document: dict[str, Any], style: Style) -> Iterator[str]:
    if document.get("drained"):
        yield style.warning("DRAINED: this node takes no part until `vrrp-agent undrain`")
        yield ""


# --- an instance


def _row(instance: dict[str, Any], document: dict[str, Any], now_s: float) -> Row:
    master = instance["master"]
    cells = (
        instance["name"],
        f"{instance['interface']}/{instance['virtual_router_id']}",
        instance["state"],
        _age(instance.get("since"), now_s),
        _priority(instance),
        master["address"] if master else "-",
        " ".join(instance["addresses_present"]) or "-",
        healthy_checks(instance.get("checks") or ()),
        _why(instance, "drained" if document.get("drained") else "-"),
    )
    return [_printable(cell) for cell in cells]


def _priority(instance: dict[str, Any]) -> str:
    """What is left of it, where it is not what is configured."""
    effective, configured = instance["effective_priority"], instance.get("priority")
    return str(effective) if configured in (None, effective) else f"{effective} of {configured}"


def healthy_checks(checks: Sequence[dict[str, Any]]) -> str:
    """How many of the checks are healthy, and which have failed."""
    healthy = sum(check["healthy"] is True for check in checks)
    failed = [check["name"] for check in checks if check["healthy"] is False]
    if not checks:
        return ""
    return f"{healthy}/{len(checks)} ok" + (f", not {' '.join(failed)}" if failed else "")


def _why(instance: dict[str, Any], nothing_yet: str) -> str:
    """Why it is in its state: a fault may have become another one since it began."""
    last, fault = instance["last_transition"], instance.get("fault")
    if fault:
        return str(fault)
    return str(last["reason"]) if last else nothing_yet


def _age(since: str | None, now_s: float) -> str:
    """How long ago, in the two largest units: 3m12s."""
    if not since:
        return "-"
    began = datetime.datetime.fromisoformat(since.replace("Z", "+00:00"))
    left = max(0, int(now_s - began.timestamp()))
    parts: list[str] = []
    for seconds, unit in _UNITS:
        count, left = divmod(left, seconds)
        if count or parts:
            parts.append(f"{count}{unit}")
    return "".join(parts[:2]) or "0s"


def _printable(text: str) -> str:
    """What a checked service has answered may hold anything, a terminal's commands too."""
    return "".join(character if character.isprintable() else "?" for character in text)


# --- the layout


def _without_checks(row: Row) -> Row:
    return [cell for column, cell in enumerate(row) if column != _CHECKS]


def _lines(heading: Row, rows: Sequence[Row], width: int | None, style: Style) -> Iterator[str]:
    widths = [max(len(row[column]) for row in (heading, *rows)) for column in range(len(heading))]
    left_for_why = None if width is None else width - sum(widths[:-1]) - 2 * (len(widths) - 1)
    if left_for_why is not None and left_for_why < min(_WHY_MIN_WIDTH, widths[-1]):
        yield from _paragraphs(heading, rows, width or 0, style)
        return
    yield style.heading("  ".join(cell.ljust(size) for cell, size in zip(heading, widths)).rstrip())
    for row in rows:
        before = "  ".join(_cell(row, column, widths, style) for column in range(len(row) - 1))
        first, *more = _wrapped(row[-1], left_for_why)
        yield f"{before}  {first}".rstrip()
        yield from (" " * (sum(widths[:-1]) + 2 * (len(widths) - 1)) + line for line in more)


def _cell(row: Row, column: int, widths: Sequence[int], style: Style) -> str:
    text = row[column].ljust(widths[column])
    return style.state(text) if column == _STATE else text


def _paragraphs(heading: Row, rows: Sequence[Row], width: int, style: Style) -> Iterator[str]:
    """For each instance its name and state, and a line for each other thing that there is to say."""
    for number, row in enumerate(rows):
        if number:
            yield ""
        yield f"{style.heading(row[0])} {row[1]} {style.state(row[_STATE])}"
        for title, cell in list(zip(heading, row))[_STATE + 1 :]:
            if cell not in ("", "-"):
                yield from _wrapped(f"{title.lower()}: {cell}", width, "  ")


def _wrapped(text: str, width: int | None, indent: str = "") -> list[str]:
    if width is None:
        return [f"{indent}{text}"]
    return textwrap.wrap(text, max(width, 8), initial_indent=indent, subsequent_indent=indent * 2) or [""]


# --- below the table


def _warnings(document: dict[str, Any], now_s: float) -> Iterator[str]:
    """What somebody has to look at; an agent of an earlier version says nothing of it."""
    for instance in document["instances"]:
        name = instance["name"]
        for check in instance.get("checks") or ():
            if check["healthy"] is False:
                since = _age(check["since"], now_s)
                yield _printable(f"{name}: check {check['name']} has failed for {since}: {check['detail']}")
        if instance.get("last_resort") and instance["state"] == "MASTER":
            yield f"{name}: MASTER as the last resort: this node is sick, and no healthy one takes the role"
        for one in instance.get("conflicts", ()):
            who = f"{one['mac']} has" if one["mac"] else "more MACs have"
            yield f"{name}: {who} {one['address']}, since {one['since']}"
        deaf = instance.get("not_heard_by")
        if deaf:
            what = f"{deaf['address']} (priority {deaf['priority']}) is MASTER too, and does not hear this node"
            yield f"{name}: {what}, since {deaf['since']}"
    reload = document.get("last_reload")
    if reload and not reload["ok"]:
        yield _printable(f"the last reload was refused, the configuration before is at work: {reload['error']}")
    yield from map(_printable, _untold(document))


def _untold(document: dict[str, Any]) -> Iterator[str]:
    """Who is not told what happens, and why."""
    for hook in document.get("notify") or ():
        if hook["last"] and hook["last"]["result"] == "failed":
            what = f"{hook['command'][0]} for {hook['last']['name']} {hook['last']['state']}"
            yield f"notify: {what}: {hook['last']['problem']}"
    mail = document.get("mail")
    receivers = [("mail", mail)] if mail else []
    for name, one in [*receivers, *((f"webhook {one['host']}", one) for one in document.get("webhooks") or ())]:
        if one["problem"]:
            yield f"{name}: {one['problem']}; {one['waiting']} events wait"
    events = document.get("events")
    if events and events["error"]:
        yield f"events are not written: {events['error']}"
