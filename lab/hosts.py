# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One host: a disk that is an overlay on a shared root, and systemd-nspawn that boots it on the lab's switch."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

from . import cgroup, network, roots
from .errors import LabError
from .plan import HostPlan, LabPlan
from .shell import Process, children, run, wait_until

# Runs in the switch's network namespace and a mount namespace of its own, so that the overlay mount is gone with
# the host. $1 cgroup, $2 record file, $3 shared root, $4 disk; the rest is systemd-nspawn's command line.
STARTER = """
set -e
echo $$ > "$1/cgroup.procs"
# Hosts see one plain cgroup2 tree, whatever the machine itself has.
if [ "$(stat -f -c %T /sys/fs/cgroup)" != cgroup2fs ]; then
  umount -R /sys/fs/cgroup
  mount -t cgroup2 none /sys/fs/cgroup
fi
# `volatile` spares all syncing. It leaves this mark, which only a crash of the whole machine could make true.
rm -rf "$4/work/work/incompat"
mount -t overlay -o "volatile,lowerdir=$3,upperdir=$4/upper,workdir=$4/work" overlay "$4/root"
cat /proc/$$/stat > "$2.new"
mv "$2.new" "$2"
shift 4
exec "$@"
"""
ENVIRONMENT = ("HOME=/root", "LANG=C.UTF-8", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")


class Host:
    """A host of a lab; `record` is the file that says which process runs it, `disk` what outlives a power cut."""

    def __init__(self, lab: LabPlan, plan: HostPlan, record: Path, disk: Path) -> None:
        self.plan = plan
        self._lab = lab
        self._record = record
        self._disk = disk

    @property
    def address(self) -> str:
        """The host's own IPv4 address."""
        return self._lab.subnet.address(self.plan.station)

    def format(self, files: Mapping[str, str]) -> None:
        """Give the host an empty disk with these files on it, unless it has one."""
        if (self._disk / "work").is_dir():
            return
        upper = self._disk / "upper"
        (upper / "root/.ssh").mkdir(parents=True, mode=0o700)
        (upper / "root").chmod(0o700)
        for path, text in files.items():
            target = upper / path.lstrip("/")
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text)
        (self._disk / "root").mkdir()
        (self._disk / "work").mkdir()  # last: it marks the disk as complete

    def boot(self) -> None:
        """Start the host and plug it into the switch; returns before it has booted."""
        if self.supervisor():
            return
        self._record.unlink(missing_ok=True)
        network.detach(self._lab, self.plan.name)
        group = cgroup.make(self._lab.name, self.plan.name)
        root = roots.ensure(self.plan.suite)
        starter = ["sh", "-c", STARTER, "sh", str(group), str(self._record), str(root), str(self._disk)]
        namespaces = ["nsenter", f"--net=/run/netns/{self._lab.switch}", "unshare", "--mount"]
        with open(self.console, "ab") as console:
            subprocess.run(
                ["setsid", "--fork", *namespaces, *starter, *self._nspawn()],
                stdin=subprocess.DEVNULL, stdout=console, stderr=console, check=True,
            )  # fmt: skip
        wait_until(f"{self.plan.name} on the switch ({self.console} may say why)", self._plugged, timeout_s=10)
        network.attach(self._lab, self.plan.name)

    def kill(self) -> None:
        """Cut the power: everything on the host ends at once, its disk stays as it is."""
        supervisor = self.supervisor()
        leader = self.leader()
        for process in (leader, supervisor):
            if process:
                process.kill()
        network.detach(self._lab, self.plan.name)
        wait_until(f"end of {self.plan.name}", lambda: not (supervisor and supervisor.alive()), timeout_s=10)
        cgroup.kill(self._lab.name, self.plan.name)
        self._record.unlink(missing_ok=True)

    def supervisor(self) -> Process | None:
        """Return the host's systemd-nspawn if it runs."""
        try:
            process = Process.from_stat(self._record.read_text())
        except FileNotFoundError:
            return None
        return process if process.alive() else None

    def leader(self) -> Process | None:
        """Return the host's process 1 if it runs: the supervisor's child in a pid namespace of its own."""
        supervisor = self.supervisor()
        own = os.stat("/proc/self/ns/pid").st_ino
        for pid in children(supervisor.pid) if supervisor else []:
            try:
                if os.stat(f"/proc/{pid}/ns/pid").st_ino != own:
                    return Process.of(pid)
            except FileNotFoundError:
                continue
        return None

    def enter(self, *command: str) -> list[str]:
        """Return the command line that runs a command on the host as root, without the network."""
        leader = self.leader()
        if not leader:
            raise LabError(f"{self.plan.name} is not running: boot it")
        environment = [*ENVIRONMENT, f"TERM={os.environ.get('TERM', 'dumb')}"]
        namespaces = ["nsenter", "-t", str(leader.pid), "-m", "-u", "-i", "-n", "-p", "-C"]
        # The machine has one clock, for all hosts and everybody else: nobody sets it from in here.
        privileges = ["setpriv", "--bounding-set=-sys_time"]
        return [*namespaces, *privileges, "env", "-i", *environment, *command]

    @property
    def console(self) -> Path:
        """What the host printed while booting."""
        return self._record.with_suffix(".console")

    def erase(self) -> None:
        """Throw the disk of a host that does not run away."""
        run("rm", "-rf", "--one-file-system", str(self._disk))

    def _nspawn(self) -> list[str]:
        return [
            "systemd-nspawn", "--quiet", "--boot", f"--directory={self._disk}/root", f"--machine={self.plan.name}",
            "--register=no", "--keep-unit", "--link-journal=no", "--resolv-conf=off", "--timezone=off",
            # The interface is eth0 inside and a port with the host's name on the switch.
            f"--network-veth-extra={self.plan.name}:eth0",
            # Locked memory is what a real-time service of a real host may have.
            "--capability=CAP_IPC_LOCK",
        ]  # fmt: skip

    def _plugged(self) -> bool:
        if self._record.exists() and not self.supervisor():
            raise LabError(f"{self.plan.name} did not start: see {self.console}")
        return network.has_port(self._lab, self.plan.name) and self.leader() is not None
