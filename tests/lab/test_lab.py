# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's promises on real hosts: it is kept, mended and removed whole, and its faults are what they say."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from lab import Lab, LabError
from lab.cgroup import labs as labs_with_processes
from lab.shell import try_run, wait_until

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="makes network namespaces and hosts: needs root")


@pytest.fixture(scope="module")
def name() -> str:
    """Return a name that no lab of a person or of another run has."""
    return f"test{os.getpid()}"


@pytest.fixture(scope="module")
def lab(name: str) -> Iterator[Lab]:
    """Make a lab of two hosts for the whole file."""
    made = Lab(name)
    try:
        made.up(["lb1", "lb2"])
        yield made
    finally:
        made.down()


def answers(lab: Lab, source: str, destination: str) -> bool:
    """Whether a ping from one host comes back from another."""
    return try_run(*lab.exec_command(source, "ping", "-c1", "-W1", lab.host(destination).address))


def echoes_heard(lab: Lab, host: str) -> int:
    """Return how many pings have reached a host, answered or not."""
    names, values = [line.split() for line in lab.exec(host, "grep", "^Icmp:", "/proc/net/snmp").splitlines()]
    return int(values[names.index("InEchos")])


def carrier(lab: Lab, host: str) -> str:
    """Return what a host's own kernel says about its wire."""
    return lab.exec(host, "cat", "/sys/class/net/eth0/carrier").strip()


def remains(name: str) -> list[str]:
    """Return what is there that carries a lab's name."""
    paths = [Path("/run/duet-lab", name), Path("/var/lib/duet-lab", name)]
    found = [str(path) for path in [*paths, *Path("/run/netns").glob(f"duet-{name}-*")] if path.exists()]
    table = subprocess.run(["nft", "list", "table", "inet", f"duet-{name}"], capture_output=True, check=False)
    return found + [f"cgroup {name}"] * (name in labs_with_processes()) + ["nft table"] * (table.returncode == 0)


def test_a_host_is_a_booted_system_with_its_name_and_the_outside_is_shut(lab: Lab) -> None:
    assert lab.ssh("lb1", "hostname; ps -o comm= 1").split() == ["lb1", "systemd"]
    rules = subprocess.run(
        ["nft", "list", "table", "inet", f"duet-{lab.name}"], capture_output=True, text=True, check=False
    )
    assert "tcp dport { 53, 80, 443 } accept" in rules.stdout
    assert rules.stdout.split("chain postrouting")[0].rstrip(" }\n\t").endswith("drop")


def test_a_healthy_lab_is_kept(lab: Lab) -> None:
    before = [host.leader() for host in lab.hosts.values()]
    lab.up(["lb1", "lb2"])
    assert [host.leader() for host in lab.hosts.values()] == before


def test_other_hosts_than_those_it_has_are_refused(lab: Lab) -> None:
    with pytest.raises(LabError, match="is there with other hosts"):
        lab.up(["lb1", "lb2", "lb3"])


def test_a_power_cut_takes_the_host_and_leaves_its_disk(lab: Lab) -> None:
    lab.exec("lb1", "touch", "/root/kept")
    before = lab.host("lb1").leader()
    lab.kill("lb1")
    assert before is not None and not before.alive()
    assert not answers(lab, "lb2", "lb1")
    lab.boot("lb1")
    assert lab.ssh("lb1", "ls /root").split() == ["kept"]


def test_a_cut_port_is_a_lost_carrier_until_it_is_plugged_in(lab: Lab) -> None:
    lab.cut("lb1")
    wait_until("carrier to go", lambda: carrier(lab, "lb1") == "0", 5)
    assert not answers(lab, "lb2", "lb1")
    lab.plug("lb1")
    wait_until("an answer", lambda: answers(lab, "lb2", "lb1"), 5)


def test_a_block_drops_one_way_only(lab: Lab) -> None:
    assert answers(lab, "lb2", "lb1")  # also: each knows the other's hardware address
    lab.block("lb1", "lb2")
    heard = echoes_heard(lab, "lb1")
    assert not answers(lab, "lb2", "lb1")
    assert echoes_heard(lab, "lb1") > heard
    lab.unblock("lb1", "lb2")
    assert answers(lab, "lb2", "lb1")


def test_a_block_of_vrrp_lets_the_rest_pass(lab: Lab) -> None:
    lab.block("lb1", "lb2", vrrp=True)
    assert answers(lab, "lb2", "lb1")
    lab.unblock("lb1", "lb2")


def test_up_mends_what_is_cut_blocked_and_dead(lab: Lab) -> None:
    lab.kill("lb2")
    lab.cut("lb1")
    lab.block("client", "lb1")
    lab.up(["lb1", "lb2"])
    lab.client("ping", "-c1", "-W2", lab.host("lb1").address)
    assert answers(lab, "lb1", "lb2")


def test_two_labs_at_once_get_networks_of_their_own(lab: Lab, name: str) -> None:
    others = [Lab(f"{name}-a"), Lab(f"{name}-b")]
    try:
        with ThreadPoolExecutor() as pool:
            list(pool.map(lambda other: other.up(["lb1"]), others))
        assert len({lab.plan.number, *(other.plan.number for other in others)}) == 3
        assert not try_run(*others[0].exec_command("lb1", "ping", "-c1", "-W1", others[1].host("lb1").address))
    finally:
        for other in others:
            other.down()
    assert [remains(other.name) for other in others] == [[], []]
    assert lab.host("lb1").leader()


@pytest.mark.parametrize("loss", ["network", "record", "supervisor", "disk"])
def test_down_removes_all_when_half_is_gone(name: str, loss: str) -> None:
    half = Lab(f"{name}-half")
    half.up(["lb1"])
    if loss == "network":
        subprocess.run(["ip", "netns", "delete", half.plan.client], check=True)
        subprocess.run(["nft", "delete", "table", "inet", half.plan.table], check=True)
    elif loss == "record":
        shutil.rmtree(half.directory)
    elif loss == "supervisor":
        supervisor = half.host("lb1").supervisor()
        assert supervisor is not None
        supervisor.kill()
    else:
        shutil.rmtree(Path("/var/lib/duet-lab", half.name), ignore_errors=True)
    half.down()
    assert remains(half.name) == []


def test_an_interrupted_up_is_mended_by_the_next(name: str) -> None:
    half = Lab(f"{name}-half")
    try:
        half.up(["lb1"])
        subprocess.run(["ip", "netns", "delete", half.plan.switch], check=True)
        half.up(["lb1"])
        assert half.ssh("lb1", "hostname").strip() == "lb1"
    finally:
        half.down()
    assert remains(half.name) == []
