# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A lab's wires: the switch, the client, the link to the main namespace, and the one way out."""

from __future__ import annotations

import json
from pathlib import Path

from .plan import CLIENT, CONTROLLER, LabPlan
from .shell import run, try_run

# What hosts may reach outside: package mirrors and name servers. Nothing else leaves, and no lab reaches another.
RULES = """
table inet {table} {{
  chain forward {{
    type filter hook forward priority filter; policy accept;
    oifname "{link}" ct state established,related accept
    oifname "{link}" drop
    iifname != "{link}" accept
    oifname "duet*" drop
    ip saddr {subnet} tcp dport {{ 53, 80, 443 }} accept
    ip saddr {subnet} udp dport 53 accept
    drop
  }}
  chain postrouting {{
    type nat hook postrouting priority srcnat; policy accept;
    ip saddr {subnet} oifname != "duet*" masquerade
  }}
}}
"""
# The switch can drop what goes from one port to another, one way.
SWITCH_RULES = """
table bridge lab {
  set blocked { type ifname . ifname; }
  set blocked_vrrp { type ifname . ifname; }
  chain forward {
    type filter hook forward priority 0; policy accept;
    iifname . oifname @blocked drop
    iifname . oifname @blocked_vrrp ip protocol 112 drop
    iifname . oifname @blocked_vrrp ip6 nexthdr 112 drop
  }
}
"""
_SETS = ("blocked", "blocked_vrrp")


def routes() -> list[str]:
    """Return the destinations of the main namespace's IPv4 routes."""
    listing = run("ip", "-4", "-j", "route", "show", "table", "all", "type", "unicast")
    return [route["dst"] for route in json.loads(listing)]


def links() -> set[str]:
    """Return the names of the main namespace's interfaces."""
    return {entry.name for entry in Path("/sys/class/net").iterdir()}


def up(lab: LabPlan) -> None:
    """Make a lab's network where nothing of it exists."""
    for namespace in (lab.switch, lab.client):
        run("ip", "netns", "add", namespace)
        run("ip", "-n", namespace, "link", "set", "dev", "lo", "up")
    in_switch = ("ip", "-n", lab.switch)
    run(*in_switch, "link", "add", "name", "bridge", "type", "bridge", "stp_state", "0", "forward_delay", "0")
    _bridged_frames_stay_bridged(lab)
    run(*in_switch, "link", "set", "dev", "bridge", "up")
    run("ip", "netns", "exec", lab.switch, "nft", "-f", "-", stdin=SWITCH_RULES)
    run("ip", "link", "add", "name", lab.link, "type", "veth", "peer", "name", "controller", "netns", lab.switch)
    run(*in_switch, "link", "add", "name", "client", "type", "veth", "peer", "name", "eth0", "netns", lab.client)
    for port in ("controller", "client"):
        attach(lab, port)
    _address(("ip",), lab, lab.link, CONTROLLER)
    _address(("ip", "-n", lab.client), lab, "eth0", CLIENT)
    run("ip", "-n", lab.client, "route", "add", "default", "via", lab.subnet.address(CONTROLLER))
    run("nft", "-f", "-", stdin=RULES.format(table=lab.table, link=lab.link, subnet=lab.subnet.ipv4))


def down(lab: LabPlan) -> None:
    """Remove what there is of a lab's network."""
    try_run("nft", "delete", "table", "inet", lab.table)
    try_run("ip", "link", "delete", "dev", lab.link)
    for namespace in (lab.client, lab.switch):
        try_run("ip", "netns", "delete", namespace)


def whole(lab: LabPlan) -> bool:
    """Whether everything that `up` makes is there."""
    parts = (has_port(lab, "client"), has_port(lab, "controller"), Path(f"/run/netns/{lab.client}").exists())
    return all(parts) and lab.link in links() and try_run("nft", "list", "table", "inet", lab.table)


def attach(lab: LabPlan, port: str) -> None:
    """Plug an interface of the switch's namespace into the bridge and bring it up."""
    run("ip", "-n", lab.switch, "link", "set", "dev", port, "master", "bridge", "up")


def detach(lab: LabPlan, port: str) -> None:
    """Remove a port with its wire, if it is there."""
    try_run("ip", "-n", lab.switch, "link", "delete", "dev", port)


def has_port(lab: LabPlan, port: str) -> bool:
    """Whether the switch's namespace has an interface of that name."""
    return try_run("ip", "-n", lab.switch, "link", "show", "dev", port)


def set_port(lab: LabPlan, port: str, state: str) -> None:
    """Set a port "up" or "down"; the host at its other end sees its carrier come and go."""
    run("ip", "-n", lab.switch, "link", "set", "dev", port, state)


def block(lab: LabPlan, source: str, destination: str, vrrp: bool = False) -> None:
    """Drop every frame that goes from one port to another, or VRRP alone; the other way stays open."""
    _blocked(lab, "add", source, destination, "blocked_vrrp" if vrrp else "blocked")


def unblock(lab: LabPlan, source: str, destination: str) -> None:
    """Let frames pass again; no error if they already do."""
    for name in _SETS:
        _blocked(lab, "add", source, destination, name)
        _blocked(lab, "delete", source, destination, name)


def unblock_all(lab: LabPlan) -> None:
    """Let all frames pass again."""
    for name in _SETS:
        # A lab of an earlier version has one set.
        try_run("ip", "netns", "exec", lab.switch, "nft", "flush", "set", "bridge", "lab", name)


def heal(lab: LabPlan) -> None:
    """Undo every cut and every block."""
    unblock_all(lab)
    for host in lab.hosts:
        set_port(lab, host.name, "up")


def _blocked(lab: LabPlan, action: str, source: str, destination: str, name: str) -> None:
    element = f'{{ "{source}" . "{destination}" }}'
    run("ip", "netns", "exec", lab.switch, "nft", action, "element", "bridge", "lab", name, element)


def _address(ip: tuple[str, ...], lab: LabPlan, link: str, station: int) -> None:
    run(*ip, "link", "set", "dev", link, "up")
    run(*ip, "address", "add", f"{lab.subnet.address(station)}/24", "dev", link)
    # No duplicate address detection: the address is usable at once.
    run(*ip, "address", "add", f"{lab.subnet.address6(station)}/64", "dev", link, "nodad")


def _bridged_frames_stay_bridged(lab: LabPlan) -> None:
    """Keep the machine's iptables, if br_netfilter is loaded, away from frames that the switch only passes on."""
    script = "for f in /proc/sys/net/bridge/bridge-nf-call-*; do [ ! -e $f ] || echo 0 > $f; done"
    run("nsenter", f"--net=/run/netns/{lab.switch}", "sh", "-c", script)
