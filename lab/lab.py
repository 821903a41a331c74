# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A whole lab: made, kept, broken on purpose and removed."""

from __future__ import annotations

import contextlib
import fcntl
import json
import socket
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from . import cgroup, network, roots
from . import plan as plans
from .errors import LabError
from .hosts import Host
from .plan import HostPlan, LabPlan
from .shell import run, try_run, wait_until

RUN = Path("/run/duet-lab")
DISKS = Path("/var/lib/duet-lab")
PROC = Path("/proc/sys")
# What labs need of the machine's kernel, at least: it passes packets on, and a host's systemd has some eight inotify
# instances, of which the usual 128 are for sixteen hosts; the next one may not boot.
KERNEL = {"net/ipv4/ip_forward": 1, "fs/inotify/max_user_instances": 2048}


class Lab:
    """A lab by its name; making the object makes nothing.

    Its record is /run/duet-lab/NAME/lab.json, written first and removed last, so that `down` finds all there is.
    """

    def __init__(self, name: str) -> None:
        plans.check_name(name, 20)
        self.name = name
        self.directory = RUN / name
        self._disks = DISKS / name

    @property
    def plan(self) -> LabPlan:
        """What the lab was made of; LabError if there is no such lab."""
        try:
            document = json.loads((self.directory / "lab.json").read_text())
        except FileNotFoundError as error:
            mend = f"python3 -m lab up {self.name} --host lb1 --host lb2"
            raise LabError(f"there is no lab {self.name!r}: {mend}") from error
        return LabPlan.from_document(document)

    @property
    def hosts(self) -> dict[str, Host]:
        """The lab's hosts by name, in their order."""
        return {host.name: self._host(self.plan, host) for host in self.plan.hosts}

    def host(self, name: str) -> Host:
        """Return one host; LabError if the lab has none of that name."""
        if name not in self.hosts:
            raise LabError(f"lab {self.name} has no host {name!r}: it has {', '.join(self.hosts)}")
        return self.hosts[name]

    # Making and removing

    def up(self, hosts: Sequence[str], suites: Sequence[str] = ()) -> None:
        """Make the lab, or mend it: dead hosts are booted, cut ports plugged in; what runs is kept."""
        wanted = plans.plan_hosts(hosts, suites)
        for suite in sorted({host.suite for host in wanted}):
            roots.ensure(suite)
        with _lock():
            lab = self._recorded(wanted) or self._claim(wanted)
            if not network.whole(lab):
                self._remove(lab)
                self._write_record(lab)
                network.up(lab)
            _set_up_kernel()
            self._boot_missing(lab)
            network.heal(lab)
        self.wait_ready()

    def down(self) -> None:
        """Remove everything that the lab made, also when half of it is gone already."""
        with _lock():
            try:
                lab = self.plan
            except LabError:
                lab = LabPlan(self.name, 0)  # what carries the lab's name is its own without a record, too
            self._remove(lab)
            if not names():
                _restore_kernel()
                with contextlib.suppress(OSError):  # it is not there, or a file system of its own
                    DISKS.rmdir()

    def wait_ready(self, timeout_s: float = 30) -> None:
        """Return when every running host has booted and answers on its ssh port."""
        for host in self.hosts.values():
            if host.supervisor():
                what = f"boot of {host.plan.name} (see {host.console})"
                wait_until(what, partial(_ssh_answers, host.address), timeout_s)
                # Its exit code tells of failed units, which are no reason not to use the host.
                try_run(*host.enter("systemctl", "is-system-running", "--wait"))

    # Faults

    def cut(self, host: str) -> None:
        """Take the host's switch port down: it loses its carrier, the others hear nothing more."""
        network.set_port(self.plan, self.host(host).plan.name, "down")

    def plug(self, host: str) -> None:
        """Take the host's switch port up again."""
        network.set_port(self.plan, self.host(host).plan.name, "up")

    def kill(self, host: str) -> None:
        """Cut the host's power."""
        self.host(host).kill()
        self._forget_connection(self.host(host))

    def boot(self, host: str) -> None:
        """Boot a host again on its disk and wait for its ssh."""
        self.host(host).boot()
        self.wait_ready()

    def block(self, source: str, destination: str, vrrp: bool = False) -> None:
        """Drop what goes from one station to another, or VRRP alone; the other way stays open."""
        network.block(self.plan, self._port(source), self._port(destination), vrrp)

    def unblock(self, source: str, destination: str) -> None:
        """Undo `block`; no error if nothing was blocked."""
        network.unblock(self.plan, self._port(source), self._port(destination))

    def unblock_all(self) -> None:
        """Undo every `block`."""
        network.unblock_all(self.plan)

    # Commands

    def exec_command(self, host: str, *command: str) -> list[str]:
        """Return the command line that runs a command on a host without the network."""
        return self.host(host).enter(*command)

    def exec(self, host: str, *command: str) -> str:
        """Run a command on a host without the network; return its stdout."""
        return run(*self.exec_command(host, *command))

    def ssh_command(self, host: str, *command: str) -> list[str]:
        """Return the ssh command line into a host."""
        options = [word for option in plans.ssh_options(str(self.directory)) for word in ("-o", option)]
        return ["ssh", *options, "-i", str(self.directory / "key"), f"root@{self.host(host).address}", *command]

    def ssh(self, host: str, *command: str) -> str:
        """Run a command on a host over ssh; return its stdout."""
        return run(*self.ssh_command(host, *command))

    def client_command(self, *command: str) -> list[str]:
        """Return the command line that runs a command in the client's network namespace, in the lab's cgroup."""
        group = cgroup.make(self.name, "client")
        join = f'echo $$ > {group}/cgroup.procs; exec "$@"'
        return ["nsenter", f"--net=/run/netns/{self.plan.client}", "sh", "-c", join, "sh", *command]

    def client(self, *command: str) -> str:
        """Run a command in the client's network namespace; return its stdout."""
        return run(*self.client_command(*command))

    # Inventory

    @property
    def inventory_file(self) -> Path:
        """The inventory that says how to reach the hosts."""
        return self.directory / "inventory.yml"

    # Inside

    def _recorded(self, wanted: tuple[HostPlan, ...]) -> LabPlan | None:
        try:
            lab = self.plan
        except LabError:
            return None
        if lab.hosts != wanted:
            has = ", ".join(f"{host.name} ({host.suite})" for host in lab.hosts)
            raise LabError(f"lab {self.name} is there with other hosts, {has}: python3 -m lab down {self.name}")
        return lab

    def _claim(self, wanted: tuple[HostPlan, ...]) -> LabPlan:
        taken = {Lab(name).plan.number for name in recorded_names()}
        taken |= {int(link[4:]) for link in network.links() if link[:4] == "duet" and link[4:].isdigit()}
        lab = LabPlan(self.name, 0)
        self._remove(lab)  # leftovers of that name without a record
        return replace(lab, number=plans.claim(taken, network.routes()), hosts=wanted)

    def _write_record(self, lab: LabPlan) -> None:
        (self.directory / "ssh").mkdir(parents=True, mode=0o700)
        self.directory.chmod(0o700)
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", f"lab {self.name}", "-f", str(self.directory / "key"))
        self.inventory_file.write_text(plans.inventory(lab, str(self.directory)))
        record = self.directory / "lab.json.new"
        record.write_text(json.dumps(lab.to_document(), indent=1))
        record.rename(self.directory / "lab.json")

    def _boot_missing(self, lab: LabPlan) -> None:
        key = (self.directory / "key.pub").read_text()
        for planned in lab.hosts:
            host = self._host(lab, planned)
            if not host.supervisor():
                host.format(plans.host_files(lab, planned, key, _resolv_conf()))
                host.boot()

    def _remove(self, lab: LabPlan) -> None:
        for planned in lab.hosts:
            self._forget_connection(self._host(lab, planned))
        cgroup.kill(self.name)
        network.down(lab)
        for directory in (self._disks, self.directory):
            run("rm", "-rf", "--one-file-system", str(directory))

    def _forget_connection(self, host: Host) -> None:
        """End the shared ssh connection, which would wait for an answer from a host that is gone."""
        socket_file = self.directory / "ssh" / host.address
        if socket_file.exists():
            try_run("ssh", "-o", f"ControlPath={socket_file}", "-O", "exit", host.address)

    def _host(self, lab: LabPlan, planned: HostPlan) -> Host:
        return Host(lab, planned, self.directory / planned.name, self._disks / planned.name)

    def _port(self, station: str) -> str:
        return station if station in plans.PORTS else self.host(station).plan.name


def names() -> list[str]:
    """Return the names of all labs of which anything is there."""
    disks = {entry.name for entry in DISKS.iterdir()} if DISKS.is_dir() else set()
    return sorted({*recorded_names(), *cgroup.labs(), *disks})


def recorded_names() -> list[str]:
    """Return the names of all labs that have a record."""
    return sorted(path.parent.name for path in RUN.glob("*/lab.json"))


@contextlib.contextmanager
def _lock() -> Iterator[None]:
    """Let one process at a time make or remove labs: their numbers and the kernel are shared."""
    RUN.mkdir(mode=0o755, exist_ok=True)
    with open(RUN / ".lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _set_up_kernel() -> None:
    """Have the machine's kernel allow what labs need, and remember what it did before."""
    for name, least in KERNEL.items():
        setting, before = PROC / name, RUN / f".{Path(name).name}"
        if not before.exists():
            before.write_text(setting.read_text())
        if int(setting.read_text()) < least:
            setting.write_text(str(least))


def _restore_kernel() -> None:
    """Leave the kernel as the first lab found it."""
    for name in KERNEL:
        setting, before = PROC / name, RUN / f".{Path(name).name}"
        if before.exists():
            setting.write_text(before.read_text())
            before.unlink()


def _resolv_conf() -> str:
    """Return name servers that hosts can reach: a stub on the machine's loopback is none."""
    stub, real = Path("/etc/resolv.conf"), Path("/run/systemd/resolve/resolv.conf")
    text = stub.read_text()
    return real.read_text() if "nameserver 127." in text and real.exists() else text


def _ssh_answers(address: str) -> bool:
    try:
        with socket.create_connection((address, 22), timeout=1) as connection:
            return connection.recv(4) == b"SSH-"
    except OSError:
        return False
