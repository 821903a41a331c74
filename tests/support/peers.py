# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Routers to put on a segment: our agent, and the keepalived of a Debian release out of its own root file system."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import as_installed
from segment import Namespace, wait_for
from vrrp_agent import client

VIRTUAL_ROUTER_ID = 51
VIPS = ("10.139.1.1/24", "10.139.1.2/24")
VIPS_IPV6 = ("fe80::139:1/64", "fd00:139::1/64")

# keepalived's interface with the virtual MAC.
_MACVLAN = "vmac0"

_CLI = [sys.executable, "-m", "vrrp_agent.cli"]
as_installed.set_up()

# keepalived sees its own release's files, an empty /run, and the test's folder as /mnt.
_IN_ROOT = """
set -e
mount --make-rprivate /
mount --bind "$2" "$1/mnt"
mount -t tmpfs none "$1/run"
mount -t proc none "$1/proc"
exec chroot "$1" /usr/sbin/keepalived --dont-fork --log-console --log-detail --vrrp --use-file /mnt/keepalived.conf
"""


@dataclass(frozen=True)
class Wire:
    """What both sides must agree on."""

    version: int
    password: str = ""
    interval_s: float = 1.0
    vips: tuple[str, ...] = VIPS
    # The two nodes' own addresses, ours first, where adverts go by unicast.
    unicast: tuple[str, ...] = ()
    use_vmac: bool = False

    def __str__(self) -> str:
        return f"v{self.version} {'PASS' if self.password else 'none'}"


class Peer:
    """A router's process in a namespace; its log is a file in its folder."""

    def __init__(self, node: Namespace, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        self.node = node
        self.folder = folder
        self.process: subprocess.Popen[bytes] | None = None
        self.vips = VIPS
        self.device = "eth0"  # where its VIPs are

    def launch(self, command: list[str]) -> None:
        """Start the process with its output in the log."""
        with open(self.folder / "log", "ab") as log:
            self.process = self.node.popen(command, stdout=log, stderr=log)

    def stop(self) -> None:
        """Ask it to leave in good order, and wait until it has."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """Kill it: nothing of its own cleans up."""
        self._end(signal.SIGKILL)

    @property
    def log(self) -> str:
        """Everything it has logged."""
        return (self.folder / "log").read_text()

    def holds(self) -> list[str]:
        """Which of the VIPs are on its interface."""
        if not self.node.has(self.device):
            return []
        present = self.node.addresses(self.device, link_local=True)
        return [vip for vip in self.vips if vip in present]

    def wait_until_master(self, timeout_s: float) -> None:
        """Wait until it holds every VIP."""
        wait_for(lambda: self.holds() == list(self.vips), f"{self.node.label} holds {self.vips}", timeout_s)

    def wait_until_backup(self, timeout_s: float) -> None:
        """Wait until it holds no VIP."""
        wait_for(lambda: not self.holds(), f"{self.node.label} holds none of {self.vips}", timeout_s)

    def _end(self, number: signal.Signals) -> None:
        if self.process is not None:
            self.process.send_signal(number)
            self.process.wait(10)
            self.process = None


class OurAgent(Peer):
    """Our agent, from the checkout."""

    @property
    def config(self) -> Path:
        """Its configuration file."""
        return self.folder / "config.json"

    def start(self, wire: Wire, priority: int, **more: Any) -> None:
        """Write its configuration, start it, and wait until it answers."""
        self.write(wire, priority, **more)
        self.launch(self.run_command())
        wait_for(self._answers, "the agent answers", 30)

    def write(self, wire: Wire, priority: int, **more: Any) -> None:
        """Write a configuration with one instance."""
        self.vips = wire.vips
        instance = {
            "name": "web",
            "interface": "eth0",
            "virtual_router_id": VIRTUAL_ROUTER_ID,
            "version": wire.version,
            "advert_interval": wire.interval_s,
            "priority": priority,
            "virtual_addresses": list(wire.vips),
            **({"authentication": {"type": "pass", "password": wire.password}} if wire.password else {}),
            **({"use_vmac": True} if wire.use_vmac else {}),
            **({"source_address": wire.unicast[0], "unicast_peers": [wire.unicast[1]]} if wire.unicast else {}),
            **more,
        }
        self.device = f"vrrp{6 if ':' in wire.vips[0] else 4}.{VIRTUAL_ROUTER_ID}.eth0" if wire.use_vmac else "eth0"
        self.config.write_text(json.dumps({"router_id": self.node.label, "instances": [instance]}))

    def rewrite(self, **changed: Any) -> None:
        """Change keys of the only instance in the file."""
        self.rewrite_instances(lambda instances: [{**instances[0], **changed}])

    def rewrite_instances(self, change: Callable[[list[Any]], list[Any]]) -> None:
        """Change the file's list of instances."""
        document = json.loads(self.config.read_text())
        self.config.write_text(json.dumps({**document, "instances": change(document["instances"])}))

    def run_command(self) -> list[str]:
        """The command that runs it."""
        return [*_CLI, "run", "--config", str(self.config), "--runtime-dir", str(self.folder)]

    def refused(self, command: str) -> tuple[int, str]:
        """Exit code and errors of a `run` or `check` that ends by itself."""
        options = ["--runtime-dir", str(self.folder)] if command == "run" else []
        process = self.node.popen(
            [*_CLI, command, "--config", str(self.config), *options],
            stderr=subprocess.PIPE,
            text=True,
        )
        errors = process.communicate(timeout=30)[1]
        return process.returncode, errors

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a command of its command line that talks to it."""
        command = [*_CLI, *arguments, "--runtime-dir", str(self.folder)]
        return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)

    def document(self) -> dict[str, Any]:
        """Its whole status document."""
        return client.status(str(self.folder))

    def status(self) -> dict[str, Any]:
        """The status of its only instance."""
        [instance] = self.document()["instances"]
        return dict(instance)

    def wait_for_state(self, state: str, timeout_s: float) -> dict[str, Any]:
        """Wait until it is in a state; its status then."""
        wait_for(lambda: self.status()["state"] == state, f"{self.node.label} is {state}", timeout_s)
        return self.status()

    def _answers(self) -> bool:
        try:
            return bool(self.status())
        except client.ControlError:
            return False


class Keepalived(Peer):
    """keepalived as a Debian release has it."""

    def __init__(self, node: Namespace, folder: Path, root: Path) -> None:
        super().__init__(node, folder)
        self.root = root

    def start(self, wire: Wire, priority: int, preempt: bool = True) -> None:
        """Write its configuration, start it, and wait until it is BACKUP."""
        self.write(wire, priority, preempt)
        earlier = self._times_backup()
        self.launch(self.run_command())
        wait_for(lambda: self._times_backup() > earlier, "keepalived runs", 10)

    def _times_backup(self) -> int:
        """How often it has become BACKUP, in all its lives."""
        log = self.folder / "log"
        return log.read_text().count("Entering BACKUP STATE") if log.exists() else 0

    def write(self, wire: Wire, priority: int, preempt: bool = True) -> None:
        """Write its configuration."""
        self.vips = wire.vips
        self.device = _MACVLAN if wire.use_vmac else "eth0"
        (self.folder / "keepalived.conf").write_text(_keepalived_conf(wire, priority, preempt))

    def run_command(self) -> list[str]:
        """The command that runs it, in a mount namespace of its own."""
        return ["unshare", "--mount", "sh", "-c", _IN_ROOT, "sh", str(self.root), str(self.folder)]

    def reload(self) -> None:
        """Have it read its configuration again."""
        assert self.process is not None
        self.process.send_signal(signal.SIGHUP)

    def kill(self) -> None:
        """Kill all its processes: a child that sees its parent die would leave in good order."""
        assert self.process is not None
        pid = self.process.pid
        self.process.send_signal(signal.SIGSTOP)
        for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
            os.kill(int(child), signal.SIGKILL)
        super().kill()


def _keepalived_conf(wire: Wire, priority: int, preempt: bool) -> str:
    authentication = f"authentication {{\nauth_type PASS\nauth_pass {wire.password}\n}}" if wire.password else ""
    addresses = "\n".join(wire.vips)
    unicast = f"unicast_src_ip {wire.unicast[1]}\nunicast_peer {{\n{wire.unicast[0]}\n}}" if wire.unicast else ""
    return f"""
global_defs {{
    router_id keepalived
    vrrp_version {wire.version}
}}
vrrp_instance web {{
    interface eth0
    state BACKUP
    virtual_router_id {VIRTUAL_ROUTER_ID}
    priority {priority}
    advert_int {wire.interval_s:g}
    {"" if preempt else "nopreempt"}
    {f"use_vmac {_MACVLAN}" if wire.use_vmac else ""}
    {authentication}
    {unicast}
    virtual_ipaddress {{
        {addresses}
    }}
}}
"""
