# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Network namespaces joined to one bridge: hosts with a switch between them, without the hosts.

Every namespace is called duet-<pid of the test run>-<number>-<label>, so that runs side by side do not meet and what a
killed run has left can be told from what a living one is using.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import itertools
import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

NETNS_DIR = Path("/run/netns")
CLEANING = Path("/run/lock/duet-netns")
OWNED = re.compile(r"duet-(\d+)-\d+-")
CLONE_NEWNET = 0x40000000

_numbers = itertools.count()
_libc = ctypes.CDLL(None, use_errno=True)


def wait_for(condition: Callable[[], Any], what: str, timeout_s: float = 15.0) -> Any:
    """The first true value of `condition`; an error that names `what` once the time is up."""
    deadline = time.monotonic() + timeout_s
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() >= deadline:
            raise AssertionError(f"{what}: not within {timeout_s} s")
        time.sleep(0.01)


class Namespace:
    """One network namespace, with the processes started in it; lo is up."""

    def __init__(self, label: str) -> None:
        self.label = label
        self.name = f"duet-{os.getpid()}-{next(_numbers)}-{label}"
        _ip("netns", "add", self.name)
        self.ip("link", "set", "lo", "up")

    def ip(self, *arguments: str) -> str:
        """Run the ip command on this namespace; its output."""
        return _ip("-n", self.name, *arguments)

    def run(
        self, command: Sequence[str], check: bool = True, timeout_s: float = 30
    ) -> subprocess.CompletedProcess[str]:
        """Run a command inside to its end."""
        with self.entered():
            return subprocess.run(command, check=check, timeout=timeout_s, capture_output=True, text=True)

    def popen(self, command: Sequence[str], **options: Any) -> subprocess.Popen[Any]:
        """Start a process that is inside from its first moment; what still runs at the end is killed."""
        with self.entered():
            return subprocess.Popen(command, **options)

    @contextlib.contextmanager
    def entered(self) -> Iterator[None]:
        """Let the calling thread be inside; sockets that it opens there stay in this namespace for good."""
        with open("/proc/thread-self/ns/net") as home, open(NETNS_DIR / self.name) as inside:
            _set_namespace(inside.fileno())
            try:
                yield
            finally:
                _set_namespace(home.fileno())

    def sysctl(self, key: str, value: object) -> None:
        """Set a kernel parameter of this namespace, such as net.ipv4.ip_forward."""
        with self.entered():
            Path("/proc/sys", *key.split(".")).write_text(str(value))

    def addresses(self, device: str = "eth0", link_local: bool = False) -> list[str]:
        """The IPv4 and IPv6 addresses of a device with their prefixes, link-local ones only on demand."""
        found = [one for one in self._addresses(device) if link_local or one["scope"] != "link"]
        return [f"{one['local']}/{one['prefixlen']}" for one in found]

    def all_addresses(self) -> list[str]:
        """The addresses of all devices with their prefixes."""
        links = json.loads(self.ip("-j", "address", "show"))
        return [f"{one['local']}/{one['prefixlen']}" for link in links for one in link.get("addr_info", ())]

    def has(self, device: str) -> bool:
        """Whether there is a device of this name."""
        return any(link["ifname"] == device for link in json.loads(self.ip("-j", "link", "show")))

    def link_local(self, device: str = "eth0") -> str:
        """The IPv6 link-local address of a device."""
        return next(str(one["local"]) for one in self._addresses(device) if one["scope"] == "link")

    def mac(self, device: str = "eth0") -> str:
        """The MAC address of a device."""
        [link] = json.loads(self.ip("-j", "link", "show", "dev", device))
        return str(link["address"])

    def operational(self, device: str) -> bool:
        """Whether the kernel reports the device as able to pass packets."""
        [link] = json.loads(self.ip("-j", "link", "show", "dev", device))
        return bool(link["operstate"] == "UP")

    def remove(self) -> None:
        """Kill what runs inside and remove the namespace."""
        _remove_namespace(self.name)

    def _addresses(self, device: str) -> list[dict[str, Any]]:
        [link] = json.loads(self.ip("-j", "address", "show", "dev", device))
        return list(link["addr_info"])


class Segment:
    """Nodes on one bridge; each has eth0 with 10.139.1.(11, 12, ...)/24 and fd00:139::(11, 12, ...)/64.

    With `links=2` there is a second bridge: eth1 with 10.139.2.(11, 12, ...)/24 and fd00:139:2::(11, 12, ...)/64.

    IPv6 addresses are usable at once: the nodes do no duplicate address detection.
    """

    def __init__(self, labels: Sequence[str], links: int = 1) -> None:
        self.links = links
        self.bridge = Namespace("bridge")
        self.nodes: dict[str, Namespace] = {}
        try:
            for link in range(links):
                self._make_bridge(f"br{link}")
            for host, label in enumerate(labels, start=11):
                self.nodes[label] = Namespace(label)
                for link in range(links):
                    self._join(self.nodes[label], host, link)
            for node in self.nodes.values():
                for link in range(links):
                    self._wait_until_up(node, f"eth{link}")
        except BaseException:
            self.remove()
            raise

    def __getitem__(self, label: str) -> Namespace:
        return self.nodes[label]

    def join(self, node: Namespace, host: int) -> None:
        """Give a node that has lost its eth0 another one, with the addresses of this number."""
        self._join(node, host, 0)
        self._wait_until_up(node, "eth0")

    def cut(self, node: Namespace, device: str = "eth0") -> None:
        """Take the node's switch port down; the node sees its carrier go."""
        self.bridge.ip("link", "set", "dev", _port(node, device), "down")

    def plug(self, node: Namespace, device: str = "eth0") -> None:
        """Take the node's switch port up again, and wait until it passes packets."""
        self.bridge.ip("link", "set", "dev", _port(node, device), "up")
        self._wait_until_up(node, device)

    def block(self, sender: Namespace, receiver: Namespace, match: str = "", device: str = "eth0") -> None:
        """Drop what `sender` sends to `receiver`, and that way only; `match` narrows it: "ip protocol 112"."""
        chain, ports = _chain(sender, receiver), (_port(sender, device), _port(receiver, device))
        self._nft(
            f"add table bridge faults; add chain bridge faults {chain} {{ type filter hook forward priority 0; }}; "
            f"add rule bridge faults {chain} iifname {ports[0]} oifname {ports[1]} {match} drop"
        )

    def unblock(self, sender: Namespace, receiver: Namespace) -> None:
        """Undo block()."""
        self._nft(f"flush chain bridge faults {_chain(sender, receiver)}")

    def remove(self) -> None:
        """Remove the nodes, then the bridge."""
        for namespace in (*self.nodes.values(), self.bridge):
            namespace.remove()

    def _make_bridge(self, name: str) -> None:
        options = ("stp_state", "0", "forward_delay", "0", "mcast_snooping", "0")
        self.bridge.ip("link", "add", name, "type", "bridge", *options)
        self.bridge.ip("link", "set", name, "up")
        for family in ("arptables", "iptables", "ip6tables"):  # there only while br_netfilter is loaded
            with contextlib.suppress(FileNotFoundError):
                self.bridge.sysctl(f"net.bridge.bridge-nf-call-{family}", 0)

    def _join(self, node: Namespace, host: int, link: int) -> None:
        device, network = f"eth{link}", "fd00:139:" if link == 0 else f"fd00:139:{link + 1}:"
        for scope in ("all", "default"):
            node.sysctl(f"net.ipv6.conf.{scope}.accept_dad", 0)
        # A namespace begins as the machine is: a node that forwards would carry to the new MASTER what a client still
        # sends to the old one.
        node.sysctl("net.ipv4.ip_forward", 0)
        port = _port(node, device)
        node.ip("link", "add", device, "type", "veth", "peer", "name", port, "netns", self.bridge.name)
        self.bridge.ip("link", "set", "dev", port, "master", f"br{link}", "up")
        node.ip("link", "set", device, "up")
        node.ip("address", "add", f"10.139.{link + 1}.{host}/24", "dev", device)
        node.ip("address", "add", f"{network}:{host}/64", "dev", device, "nodad")

    def _wait_until_up(self, node: Namespace, device: str) -> None:
        # Both ends: a link that was just down gets its queue back only with the kernel's next round of link events.
        wait_for(lambda: node.operational(device), f"{node.name}: {device} is up")
        wait_for(lambda: self.bridge.operational(_port(node, device)), f"{_port(node, device)} is up")

    def _nft(self, commands: str) -> None:
        self.bridge.run(["nft", commands])


def remove_leftovers() -> None:
    """Remove the namespaces of earlier runs whose process is no more; one of the runs that begin at once does it."""
    with open(CLEANING, "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for name in sorted(os.listdir(NETNS_DIR)) if NETNS_DIR.is_dir() else []:
            owner = OWNED.match(name)
            if owner and not Path("/proc", owner[1]).exists():
                _remove_namespace(name)


def _remove_namespace(name: str) -> None:
    for pid in _ip("netns", "pids", name).split():
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(pid), signal.SIGKILL)
    _ip("netns", "delete", name)


def _port(node: Namespace, device: str = "eth0") -> str:
    return f"to-{node.label}" if device == "eth0" else f"to-{node.label}-{device[3:]}"


def _chain(sender: Namespace, receiver: Namespace) -> str:
    return f"{sender.label}_to_{receiver.label}"


def enter_namespace(path: str) -> None:
    """Let the calling thread be in a network namespace for good."""
    with open(path) as inside:
        _set_namespace(inside.fileno())


def _set_namespace(descriptor: int) -> None:
    """os.setns, which Python has from 3.12 on."""
    if _libc.setns(descriptor, CLONE_NEWNET) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def _ip(*arguments: str) -> str:
    done = subprocess.run(["ip", *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"ip {' '.join(arguments)}: {done.stderr.strip()}")
    return done.stdout
