# Copyright: (c) 2026, duet.ha_pair contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""What vrrp_info found on several hosts, as a table for a terminal. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from .vrrp_agent.status_table import healthy_checks

HEADING = ("INSTANCE", "HOST", "STATE", "PRIORITY", "ADDRESSES HERE", "SINCE", "CHECKS", "WHY")
_CHECKS = HEADING.index("CHECKS")


def lines(reports: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """The heading, and a line for each instance on each host, instance by instance."""
    names = dict.fromkeys(one["name"] for report in reports.values() for one in report.get("instances") or [])
    rows = [HEADING]
    rows += [row for name in names for host, report in reports.items() for row in _rows(name, host, report)]
    rows += [
        ("-", host, *["-"] * (len(HEADING) - 3), _silence(report))
        for host, report in reports.items()
        if _silent(report)
    ]
    if all(row[_CHECKS] in ("", "-") for row in rows[1:]):
        rows = [row[:_CHECKS] + row[_CHECKS + 1 :] for row in rows]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows]


def _rows(name: str, host: str, report: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    for one in report.get("instances") or []:
        if one["name"] == name:
            addresses = ", ".join(one["addresses_present"]) or "none"
            priority, effective = str(one["priority"]), one["effective_priority"]
            shown = priority if one["priority"] == effective else f"{effective} (of {priority})"
            why = one.get("fault") or (one.get("last_transition") or {}).get("reason") or ""
            since, checks = one["since"].partition(".")[0] + "Z", healthy_checks(one.get("checks") or ())
            yield name, host, one["state"], shown, addresses, since, checks, why


def _silent(report: Mapping[str, Any]) -> bool:
    return not report.get("running")


def _silence(report: Mapping[str, Any]) -> str:
    if report.get("unreachable"):
        return "could not be reached"
    return str(report.get("reason") or "did not answer")
