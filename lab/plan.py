# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a lab is made of, as plain values: names, addresses and files, without touching the machine."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass, field

from .errors import LabError

LAST_SUBNET = 254
FIRST_HOST = 11  # .1 to .9 of a lab's subnet stay free as virtual addresses
CLIENT = 100
CONTROLLER = 254
PORTS = ("client", "controller")  # names on the switch that no host may have


@dataclass(frozen=True)
class Subnet:
    """The addresses of lab number N: 10.139.N.0/24 and fd00:139:N::/64."""

    number: int

    @property
    def ipv4(self) -> ipaddress.IPv4Network:
        """The IPv4 network."""
        return ipaddress.IPv4Network(f"10.139.{self.number}.0/24")

    def address(self, station: int) -> str:
        """Return a station's IPv4 address; station 1 to 9 are the VIPs."""
        return str(self.ipv4[station])

    def address6(self, station: int) -> str:
        """Return a station's IPv6 address, its last group reading like the IPv4 one's last byte."""
        return f"fd00:139:{self.number}::{station}"


@dataclass(frozen=True)
class HostPlan:
    """A host before it is made; `station` is the last byte of its address."""

    name: str
    suite: str
    station: int


@dataclass(frozen=True)
class LabPlan:
    """A whole lab; `number` chooses its subnet."""

    name: str
    number: int
    hosts: tuple[HostPlan, ...] = field(default_factory=tuple)

    @property
    def subnet(self) -> Subnet:
        """The lab's addresses."""
        return Subnet(self.number)

    @property
    def link(self) -> str:
        """The main namespace's interface into the lab."""
        return f"duet{self.number}"

    @property
    def switch(self) -> str:
        """The network namespace of the bridge."""
        return f"duet-{self.name}-switch"

    @property
    def client(self) -> str:
        """The network namespace of the client."""
        return f"duet-{self.name}-client"

    @property
    def table(self) -> str:
        """The main namespace's nft table."""
        return f"duet-{self.name}"

    def to_document(self) -> dict[str, object]:
        """Return what `from_document` reads back."""
        return asdict(self)

    @classmethod
    def from_document(cls, document: dict[str, object]) -> LabPlan:
        """Read a recorded lab."""
        hosts: Sequence[dict[str, object]] = document["hosts"]  # type: ignore[assignment]
        return cls(str(document["name"]), int(str(document["number"])), tuple(HostPlan(**host) for host in hosts))  # type: ignore[arg-type]


def plan_hosts(names: Sequence[str], suites: Sequence[str]) -> tuple[HostPlan, ...]:
    """Number the hosts from .11 on; `suites` holds a release for all and HOST:RELEASE exceptions."""
    special = dict(entry.split(":", 1) for entry in suites if ":" in entry)
    common = [entry for entry in suites if ":" not in entry]
    if len(common) > 1 or len(set(names)) != len(names) or not names:
        raise LabError("a lab needs hosts of different names, and at most one release for all of them")
    if unknown := set(special) - set(names):
        raise LabError(f"a release is given for {', '.join(sorted(unknown))}, which is no host of the lab")
    for name in names:
        check_name(name, 12)
    default = common[0] if common else "bookworm"
    return tuple(HostPlan(name, special.get(name, default), FIRST_HOST + at) for at, name in enumerate(names))


def check_name(name: str, longest: int) -> None:
    """Refuse a name that would not do as host name, interface and directory."""
    if not re.fullmatch(r"[a-z][a-z0-9-]*", name) or len(name) > longest or name in PORTS or name == "bridge":
        raise LabError(f"name {name!r}: take at most {longest} of a-z, 0-9, -, and none of {', '.join(PORTS)}, bridge")


def claim(taken: Collection[int], routes: Sequence[str]) -> int:
    """Return the lowest free lab number: no lab has it and no route of the machine overlaps its subnet."""
    networks = [ipaddress.IPv4Network(route, strict=False) for route in routes if route != "default"]
    for number in range(1, LAST_SUBNET + 1):
        ipv4 = Subnet(number).ipv4
        if number not in taken and not any(ipv4.overlaps(network) for network in networks):
            return number
    raise LabError("no subnet 10.139.N.0/24 is free: see `ip route` and `python3 -m lab list`")


def host_files(lab: LabPlan, host: HostPlan, authorized_key: str, resolv_conf: str) -> dict[str, str]:
    """Return what lies on a host's disk before its first boot: path -> text."""
    names = "".join(f"{lab.subnet.address(other.station)} {other.name}\n" for other in lab.hosts)
    network = (
        "[Match]\nName=eth0\n\n[Network]\nIPv6AcceptRA=no\n"
        f"Address={lab.subnet.address(host.station)}/24\n"
        f"Address={lab.subnet.address6(host.station)}/64\n"
        f"Gateway={lab.subnet.address(CONTROLLER)}\n"
    )
    return {
        "/etc/hostname": f"{host.name}\n",
        # Without the host's own name in it every fact gathering waits for a resolver.
        "/etc/hosts": f"127.0.0.1 localhost\n::1 localhost\n{names}",
        "/etc/machine-id": "",  # systemd makes one at the first boot and keeps it
        "/etc/resolv.conf": resolv_conf,
        "/etc/systemd/network/10-eth0.network": network,
        "/root/.ssh/authorized_keys": authorized_key,
    }


def inventory(lab: LabPlan, directory: str) -> str:
    """Render how to reach the hosts; it is given to Ansible beside the user's own inventory (several -i)."""
    hosts = "".join(f"    {host.name}: {{ansible_host: {lab.subnet.address(host.station)}}}\n" for host in lab.hosts)
    options = " ".join(f"-o {option}" for option in ssh_options(directory))
    return (
        f"# The hosts of lab {lab.name}, written by `python3 -m lab`.\n"
        "duet_lab:\n"
        f"  hosts:\n{hosts}"
        "  vars:\n"
        # For inventories of tests, whose VIPs must be in whichever subnet the lab got.
        f"    lab_prefix: {lab.subnet.address(0).rpartition('.')[0]}\n"
        "    ansible_user: root\n"
        f"    ansible_ssh_private_key_file: {directory}/key\n"
        f"    ansible_ssh_common_args: {options}\n"
        f"    ansible_control_path: {directory}/ssh/%h\n"
        "    ansible_pipelining: true\n"
        "    ansible_python_interpreter: /usr/bin/python3\n"
    )


def ssh_options(directory: str) -> tuple[str, ...]:
    """Return the -o options of every ssh into the lab.

    A lab's hosts are new each time at the same addresses, so their keys are neither checked nor kept; the
    connection is shared under the lab's own directory, so that it never outlives the lab.
    """
    return (
        "BatchMode=yes",
        "StrictHostKeyChecking=no",
        "UserKnownHostsFile=/dev/null",
        "LogLevel=ERROR",
        "ConnectTimeout=5",
        "ServerAliveInterval=2",
        "ServerAliveCountMax=3",
        "ControlMaster=auto",
        "ControlPersist=60s",
        f"ControlPath={directory}/ssh/%h",
    )
