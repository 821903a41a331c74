# Copyright: (c) 2026, duet.ha_pair contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""The status document as metrics for Prometheus: one function of it, without a clock, a file or a socket.

Labels and, where there is one, the rest of the name are those of the keepalived exporters (`iname`, `intf`, `vrid`;
`vrrp_advertisements_received_total`), so that dashboards move over by another prefix. `instance` would be taken:
Prometheus itself says by it where a sample is from.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping
from typing import Any

from .exposition import Family

STATES = ("INIT", "BACKUP", "MASTER", "FAULT")

# The counters with a name of their own; every other one is an error by its reason.
_COUNTERS = {
    "master_transitions": ("vrrp_become_master_total", "Transitions to MASTER."),
    "advertisement_rcvd": ("vrrp_advertisements_received_total", "Adverts received and accepted."),
    "advertisement_sent": ("vrrp_advertisements_sent_total", "Adverts sent."),
    "priority_zero_pkts_rcvd": ("vrrp_priority_zero_received_total", "Adverts received by which a MASTER resigned."),
    "priority_zero_pkts_sent": ("vrrp_priority_zero_sent_total", "Adverts sent to resign."),
    "conflicting_pkts_rcvd": ("vrrp_conflicting_packets_total", "ARP or ND packets of others with a virtual address."),
}

# Of an instance: name, help, and the value's key in its status; what is null or missing has no sample.
_GAUGES = (
    ("vrrp_priority", "The configured priority.", "priority"),
    ("vrrp_effective_priority", "The priority that is left of it.", "effective_priority"),
    ("vrrp_advert_interval_seconds", "Seconds between two adverts of this node.", "advert_interval"),
)

Document = Mapping[str, Any]


def render(document: Document) -> str:
    """All metrics of a status document, in the text format."""
    families = [*_of_the_agent(document), *_of_interfaces(document), *_of_instances(document["instances"])]
    return "".join(line for family in families for line in family.text())


# --- the agent


def _of_the_agent(document: Document) -> Iterable[Family]:
    info = Family("vrrp_agent_build_info", "gauge", "The agent's version and name, as labels of a 1.")
    info.add({"version": document["version"], "router_id": document["router_id"]}, 1)
    yield info
    yield _single("vrrp_agent_start_time_seconds", "When it began, since the epoch.", _epoch(document["since"]))
    yield _single("vrrp_agent_drained", "Whether the node takes no part until undrain.", document["drained"])
    reload = document["last_reload"]
    text = "Whether the last reload was accepted; 1 also before the first one."
    yield _single("vrrp_config_last_reload_successful", text, reload is None or reload["ok"])
    if reload is not None:
        text = "When the last reload was, since the epoch."
        yield _single("vrrp_config_last_reload_timestamp_seconds", text, _epoch(reload["at"]))
    lost = Family("vrrp_events_lost_total", "counter", "Events that could not be written to the disk.")
    lost.add({}, document["events"]["lost"])
    yield lost


def _single(name: str, text: str, value: float) -> Family:
    family = Family(name, "gauge", text)
    family.add({}, value)
    return family


# --- interfaces


def _of_interfaces(document: Document) -> Iterable[Family]:
    text = "Packets dropped and faults seen by reason (RFC 8347), with those for virtual routers that are not here."
    family = Family("vrrp_interface_errors_total", "counter", text)
    for interface in document["interfaces"]:
        _add_errors(family, {"intf": interface["name"]}, interface["counters"])
    yield family


def _add_errors(family: Family, labels: Mapping[str, object], counters: Mapping[str, int]) -> None:
    for reason, count in counters.items():
        if reason not in _COUNTERS:
            family.add({**labels, "reason": reason}, count)


# --- instances


def _of_instances(instances: Iterable[Document]) -> Iterable[Family]:
    labelled = [
        ({"iname": one["name"], "intf": one["interface"], "vrid": one["virtual_router_id"]}, one) for one in instances
    ]
    families = _Families()
    for labels, instance in labelled:
        _add_state(families, labels, instance)
        _add_counters(families, labels, instance)
        _add_tally(families, labels, instance)
        _add_others(families, labels, instance)
        for check in instance.get("checks") or ():
            _add_check(families, {**labels, "check": check["name"], "type": check["type"]}, check)
    return families.all()


class _Families:
    """Families by name: a metric's samples of all instances stand together."""

    def __init__(self) -> None:
        self._families: dict[str, Family] = {}

    def gauge(self, name: str, text: str) -> Family:
        """The family of this name."""
        return self._family(name, "gauge", text)

    def counter(self, name: str, text: str) -> Family:
        """The family of this name."""
        return self._family(name, "counter", text)

    def histogram(self, name: str, text: str) -> Family:
        """The family of this name."""
        return self._family(name, "histogram", text)

    def all(self) -> Iterable[Family]:
        """All of them, in the order in which they were asked for."""
        return self._families.values()

    def _family(self, name: str, kind: str, text: str) -> Family:
        if name not in self._families:
            self._families[name] = Family(name, kind, text)
        return self._families[name]


def _add_state(families: _Families, labels: Mapping[str, object], instance: Document) -> None:
    state = families.gauge("vrrp_state", "1 for the state that it is in, 0 for the others.")
    for name in STATES:
        state.add({**labels, "state": name}, instance["state"] == name)
    since = families.gauge("vrrp_state_changed_timestamp_seconds", "When its state has changed, since the epoch.")
    since.add(labels, _epoch(instance["since"]))
    for name, text, key in _GAUGES:
        families.gauge(name, text).add(labels, instance[key])
    wanted = len(instance["virtual_addresses"]) + len(instance["extra_addresses"])
    families.gauge("vrrp_addresses", "How many addresses it has as MASTER.").add(labels, wanted)
    present = len(instance["addresses_present"])
    families.gauge("vrrp_addresses_present", "How many of them the kernel has now.").add(labels, present)


def _add_counters(families: _Families, labels: Mapping[str, object], instance: Document) -> None:
    for key, (name, text) in _COUNTERS.items():
        families.counter(name, text).add(labels, instance["counters"].get(key))
    text = "Packets dropped and faults seen by reason (RFC 8347)."
    _add_errors(families.counter("vrrp_errors_total", text), labels, instance["counters"])


def _add_tally(families: _Families, labels: Mapping[str, object], instance: Document) -> None:
    text = "Transitions; the reason is RFC 8347's new-master-reason."
    transitions = families.counter("vrrp_transitions_total", text)
    for one in instance["transitions"]:
        transitions.add({**labels, "from": one["from"], "to": one["to"], "reason": one["reason"]}, one["count"])
    late = instance["timer_lateness_s"]
    text = "How long after its time a timer of this instance has fired: adverts, and a backup's patience."
    histogram = families.histogram("vrrp_timer_lateness_seconds", text)
    histogram.add_histogram(labels, late["le"], late["counts"], late["sum"])


def _add_others(families: _Families, labels: Mapping[str, object], instance: Document) -> None:
    master = instance["master"]
    if master is not None:
        families.gauge("vrrp_master_priority", "The MASTER's priority.").add(labels, master["priority"])
        if master["last_heard"] is not None:
            text = "When a BACKUP has last heard the MASTER, since the epoch."
            families.gauge("vrrp_master_heard_timestamp_seconds", text).add(labels, _epoch(master["last_heard"]))
    text = "How many others have one of its addresses."
    families.gauge("vrrp_conflicts", text).add(labels, len(instance["conflicts"]))
    text = "Whether another MASTER goes on and does not hear this node."
    families.gauge("vrrp_not_heard_by", text).add(labels, instance["not_heard_by"] is not None)
    up = families.gauge("vrrp_tracked_interface_up", "Whether a tracked interface is fit.")
    for tracked in instance["track_interfaces"]:
        up.add({**labels, "tracked": tracked["name"]}, tracked["fault"] is None)


def _add_check(families: _Families, labels: Mapping[str, object], check: Document) -> None:
    """A check whose result is not known yet has no sample of it."""
    families.gauge("vrrp_check_healthy", "Whether a check holds its service for well.").add(labels, check["healthy"])
    duration_ms = check["duration_ms"]
    text = "How long its last run took."
    duration_s = None if duration_ms is None else duration_ms / 1000
    families.gauge("vrrp_check_duration_seconds", text).add(labels, duration_s)
    if check["last_run"] is not None:
        text = "When it has last run, since the epoch."
        families.gauge("vrrp_check_last_run_timestamp_seconds", text).add(labels, _epoch(check["last_run"]))


def _epoch(iso_time: str) -> float:
    """Seconds since the epoch of a time as the status document has it."""
    return datetime.datetime.fromisoformat(iso_time.replace("Z", "+00:00")).timestamp()
