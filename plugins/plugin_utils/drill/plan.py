# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a fire drill will do to a group, with the words that announce it, or why it will not. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from ipaddress import ip_interface
from typing import Any

from .bounds import down_s, overlap_s, settles_s

Instance = Mapping[str, Any]
Reports = Mapping[str, Mapping[str, Any]]

# What each fault does to HOST; whether it is planned (nothing may be lost), and only for a lab.
FAULTS: dict[str, tuple[str, bool, bool]] = {
    "switchover": ("{host} gives its role away, and gets it back", True, False),
    "stop": ("the agent on {host} is stopped as for maintenance, and started again", True, False),
    "kill": ("the agent on {host} is killed (SIGKILL), and systemd starts it again", False, False),
    "freeze": ("the agent on {host} is frozen (SIGSTOP), and goes on later", False, True),
    "cut": ("{host} is cut off from the network, and connected again", False, True),
}
DEFAULT = ("switchover", "stop")


def plan(
    reports: Reports, faults: Sequence[str] = DEFAULT, host: str = "", lab: bool = False, cut: bool = False
) -> dict[str, Any]:
    """What is to be done, and the problems that keep it from being begun.

    `reports` are the results of vrrp_info of every host of the group; `cut` says whether commands to cut a host off are
    given.
    """
    problems = [*_problems_of_hosts(reports), *_problems_of_faults(faults, lab, cut)]
    instances = {name: _by_host(name, reports) for name in _names(reports)}
    masters = {name: master for name, hosts in instances.items() if (master := _master(hosts))}
    host = host or next(iter(masters.values()), "")
    if host not in reports:
        problems.append(f"{host or 'no host'} is to fail, but the group has {', '.join(reports)}; set drill_host")
    if problems:
        return {"problems": problems, "faults": []}
    bounds = {name: _bound(name, host, hosts, masters[name]) for name, hosts in instances.items()}
    return {
        "problems": [],
        "host": host,
        "hosts": list(reports),
        "others": [name for name in reports if name != host],
        "masters": masters,
        "roles": [name for name, master in masters.items() if master == host],
        "addresses": _addresses(instances),
        "targets": [address for address in _addresses(instances) if not ip_interface(address).ip.is_link_local],
        "instances": {name: _addresses({name: hosts}) for name, hosts in instances.items()},
        "down_s": max((bound["down_s"] for bound in bounds.values()), default=0.0),
        "settles_s": settles_s(one for hosts in instances.values() for one in hosts.values()),
        "faults": [_fault(name, host, bounds) for name in faults],
    }


def _problems_of_hosts(reports: Reports) -> Iterator[str]:
    if len(reports) < 2:
        yield "a drill needs two hosts at least: nobody could take over"
    for host, report in reports.items():
        if not report.get("running"):
            reason = report.get("reason") or "could not be reached"
            yield f"{host}: {reason}; see that it works first (site.yml, status.yml)"
        elif report.get("drained"):
            yield f"{host} is drained and takes no part; undrain it first (undrain.yml)"
    if not any(report.get("instances") for report in reports.values()):
        yield "there is no instance on any host; run site.yml first"


def _problems_of_faults(faults: Sequence[str], lab: bool, cut: bool) -> Iterator[str]:
    if not faults:
        yield f"drill_faults is empty; choose among {', '.join(FAULTS)}"
    if len(set(faults)) < len(faults):
        yield "drill_faults: each fault once"
    for name in dict.fromkeys(faults):
        if name not in FAULTS:
            yield f"drill_faults: there is no fault {name}; choose among {', '.join(FAULTS)}"
            continue
        if FAULTS[name][2] and not lab:
            yield f"drill_faults: {name} is for a lab, not for a pair that serves; set drill_lab: true where it is one"
        if name == "cut" and not cut:
            yield "drill_faults: cut needs drill_cut_command and drill_plug_command, which the controller runs"


def _names(reports: Reports) -> list[str]:
    return list(dict.fromkeys(one["name"] for report in reports.values() for one in report.get("instances") or []))


def _by_host(name: str, reports: Reports) -> dict[str, Instance]:
    found = ((host, one) for host, report in reports.items() for one in report.get("instances") or [])
    return {host: one for host, one in found if one["name"] == name}


def _master(hosts: Mapping[str, Instance]) -> str | None:
    return next((host for host, one in hosts.items() if one["state"] == "MASTER"), None)


def _addresses(instances: Mapping[str, Mapping[str, Instance]]) -> list[str]:
    """Every address once, without its prefix."""
    declared = (one for hosts in instances.values() for one in hosts.values())
    texts = (text for one in declared for text in [*one["virtual_addresses"], *one["extra_addresses"]])
    return list(dict.fromkeys(str(ip_interface(text).ip) for text in texts))


def _bound(name: str, host: str, hosts: Mapping[str, Instance], master: str) -> dict[str, Any]:
    """What an instance may cost when the host fails: nothing where it has no role to lose."""
    others = [one for other, one in hosts.items() if other != master]
    waits_s = down_s(hosts[master], others)
    if master != host or waits_s is None:
        return {"instance": name, "moves": False, "down_s": 0.0, "overlap_s": 0.0, "words": "it has not this role"}
    interval_s, best = float(hosts[master]["advert_interval"]), max(int(one["effective_priority"]) for one in others)
    unit = "1 s" if hosts[master]["version"] == 2 else f"{interval_s:g} s"
    words = f"3 x {interval_s:g} s + (256 - {best}) / 256 x {unit} = {waits_s:.2f} s"
    overlap = overlap_s(hosts[master], waits_s)
    return {"instance": name, "moves": True, "down_s": waits_s, "overlap_s": overlap, "words": words}


def _fault(name: str, host: str, bounds: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    what, planned, unused_lab = FAULTS[name]
    longest_s = max(bound["down_s"] for bound in bounds.values())
    cost = "no packet may be lost" if planned or not longest_s else f"at most {longest_s:.2f} s without an answer"
    return {
        "name": name,
        "host": host,
        "planned": planned,
        "what": what.format(host=host),
        "announcement": f"{what.format(host=host)}; {cost}",
        "bounds": {key: {**bound, "lossless": planned or not bound["moves"]} for key, bound in bounds.items()},
    }
