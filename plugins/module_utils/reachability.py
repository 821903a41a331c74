# Copyright: (c) 2026, duet.ha_pair contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Judges whether the virtual addresses answer whoever has asked them. Pure.

A report is what vrrp_info found on one host; answers are what vrrp_probe found, as asker -> its series.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from .problem import Problem, merge

Reports = Mapping[str, Mapping[str, Any]]
Answers = Mapping[str, Sequence[Mapping[str, Any]]]

_MENDS = {
    "icmp": "a firewall drops ICMP echo, or the way there is not right (a route, an old ARP entry)",
    "http": "nothing serves it there, a firewall drops it, or the way there is not right (a route, an old ARP entry)",
}
_MENDS["tcp"] = _MENDS["http"]


def addresses(reports: Reports) -> list[str]:
    """What a client can ask: every address that is on the one MASTER of its instance, but for link-local ones."""
    return list(_owners(reports))


def silent(reports: Reports, answers: Answers) -> list[Problem]:
    """The addresses that did not answer everybody who asked; one answer of several is enough."""
    owners = _owners(reports)
    found = [
        _problem(asker, series, *owners[series["target"]])
        for asker, asked in answers.items()
        for series in asked
        if series["target"] in owners and series["sent"] and not series["answered"]
    ]
    return merge(found)


def _owners(reports: Reports) -> dict[str, tuple[str, str]]:
    """Address -> its instance and MASTER; where there is not one MASTER, that is what has to be said."""
    found: dict[str, tuple[str, str]] = {}
    names = dict.fromkeys(one["name"] for report in reports.values() for one in report.get("instances") or [])
    for name in names:
        masters = [(host, instance) for host, instance in _instances(name, reports) if instance["state"] == "MASTER"]
        if len(masters) == 1:
            host, instance = masters[0]
            held = (ipaddress.ip_interface(text).ip for text in instance["addresses_present"])
            found.update({str(address): (name, host) for address in held if not address.is_link_local})
    return found


def _instances(name: str, reports: Reports) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for host, report in reports.items():
        yield from ((host, one) for one in report.get("instances") or [] if one["name"] == name)


def _problem(asker: str, series: Mapping[str, Any], name: str, master: str) -> Problem:
    errors = dict.fromkeys(error for gap in series["gaps"] for error in gap["errors"])
    reason = (
        f"{series['target']}, which is on {master}, gave no answer to {series['type']}"
        f" ({', '.join(errors) or 'none in time'}): {_MENDS[series['type']]}; see {master}"
    )
    return Problem((asker,), reason, instance=name)
