# Copyright: (c) 2026, duet.ha_pair contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Judges what the agents report: has one node settled, and does the whole group work?

Pure: a report is what vrrp_info found on one host, an instance is one entry of its `instances`.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from .conflicts import deaf_masters, foreign_owners, seen_by
from .problem import Problem

Report = Mapping[str, Any]
Reports = Mapping[str, Report]
Instance = Mapping[str, Any]


def unsettled(status: Mapping[str, Any]) -> list[str]:
    """Why a node has not settled yet, one line for each instance that still waits; empty when it has.

    A drained node takes no part, and waits for nothing.
    """
    if status.get("drained"):
        return []
    reasons = ((instance["name"], _waits_for(instance)) for instance in status["instances"])
    return [f"instance {name}: {reason}" for name, reason in reasons if reason]


def faults(status: Mapping[str, Any]) -> list[str]:
    """The instances in FAULT and why: to wait any longer would not help them."""
    found = (instance for instance in status["instances"] if instance["state"] == "FAULT")
    return [f"instance {instance['name']}: FAULT: {instance.get('fault') or 'no reason given'}" for instance in found]


def failing_checks(report: Report) -> list[str]:
    """The checks of the service that have failed on a host, whatever follows from it, a line each."""
    return [
        f"instance {instance['name']}: check {check['name']} has failed since {check['since']}: {check['detail']}"
        for instance in report.get("instances") or []
        for check in instance.get("checks") or []
        if check["healthy"] is False
    ]


def verify(reports: Reports, absent: Sequence[str] = ()) -> list[Problem]:
    """Everything that keeps a group from being one MASTER an instance that holds its addresses, heard by all others.

    `absent` are the group's hosts that nobody has asked: one of them may be the MASTER that the others hear.
    """
    problems = [Problem((host,), _silence(report)) for host, report in reports.items() if not report.get("running")]
    running = {
        host: {**report, "instances": _staying(report)} for host, report in reports.items() if report.get("running")
    }
    absent = [*absent, *(host for host in reports if host not in running)]
    idle = {host: running.pop(host) for host in list(running) if running[host].get("drained")}
    problems += _verify_drained(idle)
    if idle and not running and not absent:
        problems.append(Problem(tuple(idle), "all hosts are drained: nobody is MASTER; run undrain.yml for one"))
    for name in dict.fromkeys(instance["name"] for report in running.values() for instance in report["instances"]):
        problems += _verify_instance(name, running, absent)
    return problems


def summary(reports: Reports) -> dict[str, dict[str, str]]:
    """Instance -> host -> state: the whole picture in a few words."""
    result: dict[str, dict[str, str]] = {}
    for host, report in reports.items():
        for instance in report.get("instances") or []:
            result.setdefault(instance["name"], {})[host] = instance["state"]
    return result


def _silence(report: Report) -> str:
    """Why a host gave no answer, and what to do."""
    if report.get("unreachable"):
        return "could not be reached; see whether it is up, and its network"
    return f"{report.get('reason') or 'the agent is not running'}; run site.yml for this host"


def _staying(report: Report) -> list[Instance]:
    """The instances that are configured: who is no longer may answer for a moment, until its successor does."""
    return [instance for instance in report["instances"] if not instance.get("leaving")]


def _waits_for(instance: Instance) -> str:
    state, master = instance["state"], instance.get("master")
    if instance.get("leaving"):
        return "no longer configured, and waits for its successor"
    if state == "MASTER":
        return ""
    if state == "FAULT":
        return f"FAULT: {instance.get('fault') or 'no reason given'}"
    if state == "INIT" and instance.get("fault"):
        return f"INIT: {instance['fault']}"
    if state != "BACKUP" or not master:
        return f"{state}, has heard no MASTER yet"
    preempts = instance["preempt"] and not instance.get("switched_over")
    if preempts and master["priority"] < instance["effective_priority"]:
        return (
            f"BACKUP, about to take over from {master['address']}"
            f" (priority {master['priority']}, ours {instance['effective_priority']})"
        )
    return ""


def _verify_instance(name: str, reports: Reports, absent: Sequence[str]) -> Iterator[Problem]:
    instances = [(host, instance) for host, report in reports.items() for instance in report["instances"]]
    found = {host: instance for host, instance in instances if instance["name"] == name}
    for host in reports:
        if host not in found:
            reason = f"not configured here, but on {', '.join(found)}; run site.yml for this host"
            yield Problem((host,), reason, instance=name)
    masters = [host for host, instance in found.items() if instance["state"] == "MASTER"]
    if len(masters) == 1:
        yield from _verify_master(name, masters[0], found[masters[0]])
        yield from _verify_backups(name, masters[0], found)
    elif masters:
        yield _two_masters(name, masters, found, reports)
    elif not absent or any(_waits_for(instance) for instance in found.values()):
        yield _no_master(name, found)
    yield from foreign_owners(name, masters, reports)
    yield from deaf_masters(name, found)


def _verify_drained(reports: Reports) -> Iterator[Problem]:
    """A drained host takes no part, and holds nothing."""
    for host, report in reports.items():
        for instance in report["instances"]:
            kept = _declared(instance) & _ips(instance["addresses_present"])
            if instance["state"] != "INIT" or kept:
                reason = f"drained, but {instance['state']} with {_texts(kept)}; see journalctl -u vrrp-agent"
                yield Problem((host,), reason, instance=instance["name"])


def _two_masters(name: str, masters: list[str], found: Mapping[str, Instance], reports: Reports) -> Problem:
    holders = "; ".join(f"{host} holds {_texts(found[host]['addresses_present'])}" for host in masters)
    seen = [line for host in masters for line in seen_by(host, name, masters, found, reports)]
    passes = f" They see each other otherwise: {'; '.join(seen)}." if seen else ""
    return Problem(
        tuple(masters),
        f"{len(masters)} hosts are MASTER ({holders}): they do not hear each other.{passes} Let protocol 112 to"
        " 224.0.0.18 (ff02::12) pass between them: the hosts' firewalls, the switch's multicast snooping; and compare"
        " version, virtual_router_id and authentication",
        instance=name,
    )


def _no_master(name: str, found: Mapping[str, Instance]) -> Problem:
    states = "; ".join(f"{host} is {_waits_for(instance) or instance['state']}" for host, instance in found.items())
    return Problem(tuple(found), f"nobody is MASTER: {states}", instance=name)


def _verify_master(name: str, host: str, instance: Instance) -> Iterator[Problem]:
    missing = _declared(instance) - _ips(instance["addresses_present"])
    if missing:
        reason = (
            f"MASTER, but {_texts(missing)} is not on {instance['interface']}: something removed it, or the agent"
            " could not add it; see journalctl -u vrrp-agent"
        )
        yield Problem((host,), reason, instance=name)


def _verify_backups(name: str, master: str, found: Mapping[str, Instance]) -> Iterator[Problem]:
    """Everybody else holds nothing and hears this master."""
    for host, instance in found.items():
        if host == master:
            continue
        kept = _declared(instance) & _ips(instance["addresses_present"])
        if kept:
            reason = f"{instance['state']}, but {_texts(kept)} is on {instance['interface']}, as on the MASTER {master}"
            yield Problem((host,), f"{reason}; somebody added it by hand: remove it", instance=name)
        waits = _waits_for(instance)
        if waits:
            yield Problem((host,), f"not settled: {waits}", instance=name)
        elif instance["master"]["address"] != found[master].get("source_address"):
            reason = (
                f"hears the master {instance['master']['address']}, but {master} sends from"
                f" {found[master].get('source_address')}: a stranger uses virtual_router_id"
                f" {instance['virtual_router_id']} on this network; choose another"
            )
            yield Problem((host,), reason, instance=name)


def _declared(instance: Instance) -> set[str]:
    return _ips(instance["virtual_addresses"]) | _ips(instance["extra_addresses"])


def _ips(addresses: Any) -> set[str]:
    """Addresses without their prefixes, in one spelling."""
    return {str(ipaddress.ip_interface(address).ip) for address in addresses}


def _texts(addresses: Any) -> str:
    return ", ".join(sorted(addresses)) or "no address"
