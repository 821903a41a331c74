# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Routers with a sync group over two segments: our agent, and keepalived with a vrrp_sync_group."""

from __future__ import annotations

import json
from typing import Any

from peers import Keepalived, OurAgent, Peer, Wire
from segment import wait_for
from vrrp_agent import client

# Instance -> interface, virtual router id, virtual address.
MEMBERS = {"outside": ("eth0", 51, "10.139.1.1/24"), "inside": ("eth1", 52, "10.139.2.1/24")}
GROUP_VIPS = tuple(vip for interface, number, vip in MEMBERS.values())


class _Group(Peer):
    """Holds an address on each segment, or none."""

    def holds(self) -> list[str]:
        """Which of the VIPs are on its interfaces."""
        return [vip for interface, number, vip in MEMBERS.values() if vip in self.node.addresses(interface)]


class OurGroup(_Group, OurAgent):
    """Our agent with two instances in a sync group."""

    def write(self, wire: Wire, priority: int, **more: Any) -> None:
        """Write its configuration; `sync_groups=[]` for none."""
        self.vips = GROUP_VIPS
        groups = more.pop("sync_groups", [{"name": "edge", "instances": list(MEMBERS)}])
        instances = [
            {
                "name": name,
                "interface": interface,
                "virtual_router_id": number,
                "version": wire.version,
                "advert_interval": wire.interval_s,
                "priority": priority,
                "virtual_addresses": [vip],
                **more,
            }
            for name, (interface, number, vip) in MEMBERS.items()
        ]
        document = {"router_id": self.node.label, "instances": instances, "sync_groups": groups}
        self.config.write_text(json.dumps(document))

    def instances(self) -> dict[str, dict[str, Any]]:
        """The status of each instance by its name."""
        return {instance["name"]: instance for instance in client.status(str(self.folder))["instances"]}

    def groups(self) -> list[dict[str, Any]]:
        """The status of the sync groups."""
        return list(client.status(str(self.folder))["sync_groups"])

    def status(self) -> dict[str, Any]:
        """The status of its sync group."""
        [group] = self.groups()
        return group

    def _answers(self) -> bool:
        try:
            return bool(self.instances())
        except client.ControlError:
            return False


class KeepalivedGroup(_Group, Keepalived):
    """keepalived with two instances in a vrrp_sync_group."""

    def write(self, wire: Wire, priority: int, preempt: bool = True) -> None:
        """Write its configuration."""
        self.vips = GROUP_VIPS
        text = f"global_defs {{\nrouter_id keepalived\nvrrp_version {wire.version}\n}}\n"
        text += "vrrp_sync_group edge {\ngroup {\n" + "\n".join(MEMBERS) + "\n}\n}\n"
        for name, (interface, number, vip) in MEMBERS.items():
            text += (
                f"vrrp_instance {name} {{\ninterface {interface}\nstate BACKUP\nvirtual_router_id {number}\n"
                f"priority {priority}\nadvert_int {wire.interval_s:g}\nvirtual_ipaddress {{\n{vip}\n}}\n}}\n"
            )
        (self.folder / "keepalived.conf").write_text(text)


def wait_until_moved(new: Peer, old: Peer, timeout_s: float) -> None:
    """Wait until one holds every VIP and the other none."""
    wait_for(
        lambda: new.holds() == list(GROUP_VIPS) and not old.holds(),
        f"{new.node.label} holds {GROUP_VIPS}, {old.node.label} none",
        timeout_s,
    )
