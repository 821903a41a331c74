# Copyright: (c) 2026, duet.ha_pair contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""A deployment on its way from host to host: who comes when, and does the pair work so far? Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from .live import Instance, Report, Reports, verify
from .problem import Problem, merge

# Host -> the instances in which it cannot understand those that have been deployed, until it is deployed as well.
Pending = Mapping[str, Collection[str]]


def waves(groups: Mapping[str, str], masters: Collection[str], idle: Collection[str] = ()) -> list[list[str]]:
    """Who is deployed at the same time: one host of each group, its lowest priority first and its MASTERs last.

    `groups` is host -> group, in the inventory's order, where the first of a group is its preferred MASTER. A group
    whose hosts all are `idle`, which is without an agent that runs, has nobody who must go on serving: it comes up at
    once, and its first election is the last one.
    """
    result: list[list[str]] = []
    for group in dict.fromkeys(groups.values()):
        hosts = [host for host in reversed(groups) if groups[host] == group]
        hosts.sort(key=lambda host: host in masters)
        turns = [hosts[::-1]] if all(host in idle for host in hosts) else [[host] for host in hosts]
        result += [[] for _turn in turns[len(result) :]]
        for wave, turn in zip(result, turns):
            wave += turn
    return result


def verify_so_far(
    reports: Reports, absent: Sequence[str], pending: Pending, before: Reports
) -> tuple[list[Problem], list[Problem], list[str]]:
    """What keeps the group from working, what the rest of the deployment may mend, and what could not be judged.

    A pending host may have no agent yet, or troubles of its own. An instance that did not work `before` the deployment
    does not stop it half-way: the host that comes next may be the one to blame.
    """
    if not pending:
        return verify(reports, absent), [], []
    done = {host: report for host, report in reports.items() if host not in pending}
    quiet = {host: report for host, report in done.items() if not report.get("running")}
    silent = [host for host in pending if host in reports and not reports[host].get("running")]
    notes = [f"{host}: no agent answers there" for host in silent]
    found = verify(quiet, [*absent, *pending])
    for name in dict.fromkeys(instance["name"] for report in done.values() for instance in _instances(report)):
        strangers = [host for host in pending if host not in silent and not _known(name, host, reports, pending)]
        notes += [f"{host}: instance {name} is not judged there before it has the change" for host in strangers]
        seen = dict(_of_one(name, reports, [*silent, *strangers], bool(strangers)))
        found += verify(seen, [*absent, *quiet, *strangers])
    merged = merge(found)
    ill = {problem.instance for problem in verify(before, absent)} - {""}
    mine = [problem for problem in merged if set(problem.hosts) - set(pending) and problem.instance not in ill]
    return mine, [problem for problem in merged if problem not in mine], notes


def _known(name: str, host: str, reports: Reports, pending: Pending) -> bool:
    """Whether a pending host runs the instance, and understands the others."""
    return name not in pending[host] and any(one["name"] == name for one in _instances(reports.get(host, {})))


def _of_one(name: str, reports: Reports, left_out: Collection[str], apart: bool) -> Iterator[tuple[str, Report]]:
    """The reports with one instance only; where two must be MASTER for now they see each other's conflict."""
    for host, report in reports.items():
        if host not in left_out and report.get("running"):
            instances = [dict(one) for one in _instances(report) if one["name"] == name]
            if apart:
                instances = [{**one, "conflicts": [], "not_heard_by": None} for one in instances]
            yield host, {**report, "instances": instances}


def _instances(report: Mapping[str, Any]) -> Sequence[Instance]:
    return report.get("instances") or []
