# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""FRRouting's vrrpd as a router on a segment: the Debian package in its own root, with zebra beside it.

vrrpd keeps the VIPs on a macvlan with the virtual MAC for good, and has zebra hold that link down while it is BACKUP.
"""

from __future__ import annotations

from peers import VIRTUAL_ROUTER_ID, Keepalived, Wire
from segment import wait_for

MACVLAN = "vrrp4"
MAC = f"00:00:5e:00:01:{VIRTUAL_ROUTER_ID:02x}"

# Both see their release's files, an empty /run, and the test's folder as /mnt.
_IN_ROOT = """
set -e
mount --make-rprivate /
mount --bind "$2" "$1/mnt"
mount -t tmpfs none "$1/run"
mount -t proc none "$1/proc"
mkdir --mode=777 "$1/run/frr"
options="-u frr -g frr --log stdout --vty_socket /run/frr -z /run/frr/zserv.api"
chroot "$1" /usr/lib/frr/zebra $options -f /mnt/zebra.conf -i /run/frr/zebra.pid &
while ! [ -S "$1/run/frr/zserv.api" ]; do sleep 0.1; done
exec chroot "$1" /usr/lib/frr/vrrpd $options -f /mnt/vrrpd.conf -i /run/frr/vrrpd.pid
"""


class Frr(Keepalived):
    """vrrpd and its zebra; stopping or killing it is vrrpd's alone, zebra ends with the namespace."""

    def start(self, wire: Wire, priority: int, preempt: bool = True) -> None:
        """Make the macvlan, write the configuration, start both, and wait until vrrpd takes part."""
        self._make_macvlan(wire)
        self.write(wire, priority, preempt)
        self.launch(["unshare", "--mount", "sh", "-c", _IN_ROOT, "sh", str(self.root), str(self.folder)])
        wait_for(lambda: "-> Backup" in self.log or "-> Master" in self.log, "vrrpd runs", 10)

    def write(self, wire: Wire, priority: int, preempt: bool = True) -> None:
        """Write its configuration."""
        router = f" vrrp {VIRTUAL_ROUTER_ID}"
        lines = ["interface eth0", f"{router} version {wire.version}", f"{router} priority {priority}"]
        lines += [f"{router} advertisement-interval {wire.interval_s * 1000:.0f}"]
        lines += [f"{router} ip {vip.partition('/')[0]}" for vip in wire.vips]
        lines += [] if preempt else [f"no{router} preempt"]
        (self.folder / "vrrpd.conf").write_text("\n".join(lines) + "\n")
        (self.folder / "zebra.conf").write_text("log stdout\n")

    def holds(self) -> list[str]:
        """Every VIP while the macvlan passes packets; before the first election it does, and that is nothing yet."""
        elected = "Backup -> Master" in self.log
        return list(self.vips) if elected and self.node.operational(MACVLAN) else []

    def _make_macvlan(self, wire: Wire) -> None:
        self.node.ip("link", "add", MACVLAN, "link", "eth0", "address", MAC, "type", "macvlan", "mode", "bridge")
        for vip in wire.vips:
            self.node.ip("address", "add", vip, "dev", MACVLAN)
        self.node.ip("link", "set", MACVLAN, "up")
