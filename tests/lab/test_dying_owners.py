# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A MASTER that dies badly on a real host, as the role installs it: its VIPs never outlive it."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from timeline import Timeline

from lab import Lab
from lab.cgroup import mount_point
from lab.controller import Controller
from lab.shell import wait_until

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="makes network namespaces and hosts: needs root")

UNIT = "vrrp-agent.service"
DROP_IN = "/run/systemd/system/vrrp-agent.service.d"
# The kernel's lifetime at 1 s adverts, and the second that it may look later.
GONE_S = 4.0
AFTER_THE_CLAIM_S = 1.0
# At fast adverts, on a machine that other scenarios keep busy; the kernel's own lifetime would take 1.7 s.
FAST_S = 0.3
SETTLED_S = 60.0

PLAYBOOK = "- hosts: ha_pair\n  gather_facts: false\n  serial: 1\n  roles: [duet.ha_pair.vrrp]\n"
INVENTORY = """
ha_pair:
  hosts: {lb1: , lb2: }
  vars:
    vrrp_instances:
      - {name: web, virtual_router_id: 51, virtual_addresses: [%s]}
"""
# A bug that shows when a file is there, in the place of the launcher.
LAUNCHER = """
import os, sys
sys.path.insert(0, "/usr/lib/vrrp-agent/current")
from vrrp_agent import cli
from vrrp_agent.service.deadline import Deadline
due = Deadline.due
def broken(self, at_ns):
    if os.path.exists("/etc/bug"):
        raise ZeroDivisionError("a bug of the test")
    due(self, at_ns)
Deadline.due = broken
raise SystemExit(cli.main())
"""

FASTER = """
import json, sys
with open(sys.argv[1], "r+") as file:
    document = json.load(file)
    document["instances"][0]["advert_interval"] = 0.1
    file.seek(0)
    file.truncate()
    json.dump(document, file)
"""


@dataclass
class Pair:
    """Two hosts, lb1 MASTER by priority, and when the VIPs were on which."""

    lab: Lab
    vips: list[str]

    def follow(self, host: str) -> Timeline:
        """The VIPs on a host from now on."""
        leader = self.lab.host(host).leader()
        assert leader is not None
        return Timeline(f"/proc/{leader.pid}/ns/net", self.vips)

    def run(self, script: str, host: str = "lb1") -> str:
        """Run a script on a host; its output."""
        return self.lab.exec(host, "sh", "-c", script)

    def status(self, host: str = "lb1") -> dict[str, Any]:
        """What an agent says of its instance; nothing if there is no answer."""
        answer = self.run("vrrp-agent status --json 2>/dev/null || echo '{}'", host)
        [instance] = json.loads(answer).get("instances", [{}])
        return dict(instance)

    def kill(self) -> float:
        """Kill the agent of lb1; the moment after."""
        self.run(f"systemctl kill --signal=KILL --kill-who=main {UNIT}")
        return time.monotonic()

    def settled(self) -> bool:
        """Whether lb1 is MASTER with all VIPs, and lb2 BACKUP with none."""
        first, second = self.status("lb1"), self.status("lb2")
        return (
            (first.get("state"), second.get("state")) == ("MASTER", "BACKUP")
            and first["addresses_present"] == self.vips
            and second["addresses_present"] == []
        )

    def journal(self) -> str:
        """What was logged on lb1 since it booted."""
        return self.run(f"journalctl --boot --unit {UNIT} --output cat --no-pager")


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """A pair for the whole file."""
    folder = tmp_path_factory.mktemp("pair")
    lab = Lab(f"dies{os.getpid()}")
    try:
        lab.up(["lb1", "lb2"], ["lb2:trixie"])
        vips = [f"{lab.plan.subnet.address(number)}/24" for number in (1, 2)]
        (folder / "inventory.yml").write_text(INVENTORY % ", ".join(vips))
        (folder / "playbook.yml").write_text(PLAYBOOK)
        Controller([lab.inventory_file, folder / "inventory.yml"]).playbook(str(folder / "playbook.yml"))
        yield Pair(lab, vips)
    finally:
        lab.down()


@pytest.fixture
def pair(deployed: Pair) -> Pair:
    """The pair, settled."""
    wait_until("lb1 MASTER, lb2 BACKUP", deployed.settled, SETTLED_S, every_s=0.2)
    return deployed


@pytest.fixture
def lb1(pair: Pair) -> Iterator[Timeline]:
    """The VIPs on lb1."""
    timeline = pair.follow("lb1")
    yield timeline
    timeline.close()


@pytest.fixture
def lb2(pair: Pair) -> Iterator[Timeline]:
    """The VIPs on lb2."""
    timeline = pair.follow("lb2")
    yield timeline
    timeline.close()


def went_by_itself(lb1: Timeline, lb2: Timeline, began_s: float) -> None:
    """lb1 has let go in time, and lb2 has taken over."""
    wait_until("lb2 has the VIPs", lambda: lb2.whole_after(began_s) < float("inf"), 15)
    wait_until("lb1 has none", lambda: not lb1.present(), 5)
    assert lb1.gone_after(began_s) - began_s < GONE_S
    assert lb1.gone_after(began_s) - lb2.whole_after(began_s) < AFTER_THE_CLAIM_S


def test_killed_again_and_again(pair: Pair, lb1: Timeline, lb2: Timeline) -> None:
    """systemd starts it, and it never gets far; when that ends, it comes back by election."""
    began_s = pair.kill()
    pair.run(f"timeout 8 sh -c 'while :; do systemctl kill -s KILL --kill-who=main {UNIT} 2>/dev/null; done' || :")
    went_by_itself(lb1, lb2, began_s)
    wait_until("lb1 is MASTER again", pair.settled, SETTLED_S, every_s=0.2)


def test_killed_and_never_started_again(pair: Pair, lb1: Timeline, lb2: Timeline) -> None:
    pair.run(f"mkdir -p {DROP_IN}; printf '[Service]\\nRestart=no\\n' > {DROP_IN}/no.conf; systemctl daemon-reload")
    try:
        went_by_itself(lb1, lb2, pair.kill())
        assert pair.run(f"systemctl is-active {UNIT} || :").strip() == "failed"
    finally:
        pair.run(f"rm -r {DROP_IN}; systemctl daemon-reload; systemctl start {UNIT}")


@pytest.fixture
def at_fast_adverts(pair: Pair) -> Iterator[None]:
    """Ten adverts a second, for which the kernel's lifetimes are too long."""
    config = "/etc/vrrp-agent/config.json"
    for host in ("lb1", "lb2"):
        pair.run(f"cp -p {config} {config}.before; python3 - {config} <<'END'\n{FASTER}END\nvrrp-agent reload", host)
    wait_until("lb1 has a reaper", lambda: pair.run("pgrep -u vrrp-agent -f reaper.py || :").strip(), 5)
    before = pair.status()["counters"]["advertisement_sent"]
    many = before + 20  # by then it has started, too
    wait_until("adverts", lambda: pair.status()["counters"]["advertisement_sent"] > many, 30, every_s=0.2)
    yield
    for host in ("lb1", "lb2"):
        pair.run(f"mv {config}.before {config}; vrrp-agent reload || :", host)


@pytest.mark.usefixtures("at_fast_adverts")
def test_killed_at_fast_adverts(pair: Pair, lb1: Timeline, lb2: Timeline) -> None:
    """Under the unit, too, the VIPs are gone before the other node claims them; nothing is left behind."""
    began_s = pair.kill()
    wait_until("lb2 has the VIPs", lambda: lb2.whole_after(began_s) < float("inf"), 15)
    wait_until("lb1 has none", lambda: lb1.gone_after(began_s) < float("inf"), 5)
    assert lb1.gone_after(began_s) < lb2.whole_after(began_s) + FAST_S
    assert "addresses taken off: the agent has ended" in pair.journal()
    wait_until("lb1 is MASTER again", pair.settled, SETTLED_S, every_s=0.2)
    assert len(pair.run("pgrep -u vrrp-agent -f reaper.py").split()) == 1


@pytest.mark.parametrize("path", ["/usr/lib/vrrp-agent", "/usr/bin/vrrp-agent"])
def test_killed_with_its_files_deleted(pair: Pair, lb1: Timeline, lb2: Timeline, path: str) -> None:
    """Without its package it says so once and stays down; without its launcher systemd tries on, and finds it again."""
    pair.run(f"mv {path} {path}.away")
    try:
        went_by_itself(lb1, lb2, pair.kill())
        if path == "/usr/lib/vrrp-agent":
            wait_until("an end", lambda: pair.run(f"systemctl is-active {UNIT} || :").strip() == "failed", 10)
            [line] = [line for line in pair.journal().splitlines() if "missing or damaged" in line]
            assert line.startswith("/usr/lib/vrrp-agent/current is missing or damaged")
    finally:
        pair.run(f"mv {path}.away {path}")
        if path == "/usr/lib/vrrp-agent":
            pair.run(f"systemctl start {UNIT}")


def test_hung(pair: Pair, lb1: Timeline, lb2: Timeline) -> None:
    """Its VIPs are gone before or soon after the claim; the watchdog ends it; its next life takes part by election."""
    pair.run(f"systemctl kill --signal=STOP --kill-who=main {UNIT}")
    went_by_itself(lb1, lb2, time.monotonic())
    wait_until("the watchdog", lambda: "Watchdog timeout" in pair.journal(), 30)
    wait_until("lb1 is MASTER again", pair.settled, SETTLED_S, every_s=0.2)


def test_the_host_is_paused(pair: Pair, lb1: Timeline, lb2: Timeline) -> None:
    """As a virtual machine is: nothing runs but the kernel. On waking it claims nothing, and is elected again."""
    freezer = mount_point() / "duet-lab" / pair.lab.name / "lb1" / "cgroup.freeze"
    freezer.write_text("1")
    try:
        went_by_itself(lb1, lb2, time.monotonic())
    finally:
        freezer.write_text("0")
    wait_until("it knows", lambda: "longer than a backup waits" in pair.journal(), 10)
    wait_until("lb1 is MASTER again", pair.settled, SETTLED_S, every_s=0.2)
    [*_earlier, let_go, elected] = [line for line in pair.journal().splitlines() if " -> " in line]
    assert "MASTER -> BACKUP: " in let_go and "longer than a backup waits" in let_go
    assert "BACKUP -> MASTER: " in elected and "has the lower priority" in elected


def test_power_cut_and_boot(pair: Pair, lb2: Timeline) -> None:
    """The VIPs are on no host that is not elected, from the first moment of its boot."""
    pair.lab.kill("lb1")
    began_s = time.monotonic()
    wait_until("lb2 has the VIPs", lambda: lb2.whole_after(began_s) < float("inf"), 15)
    pair.lab.host("lb1").boot()
    timeline = pair.follow("lb1")
    try:
        assert not timeline.present()
        pair.lab.wait_ready()
        wait_until("lb1 is MASTER again", pair.settled, SETTLED_S, every_s=0.2)
        elected_s = timeline.whole_after(began_s)
        assert lb2.gone_after(elected_s) - elected_s < AFTER_THE_CLAIM_S
        assert "INIT -> BACKUP: started" in pair.journal()
    finally:
        timeline.close()


def test_a_bug(pair: Pair, lb1: Timeline, lb2: Timeline) -> None:
    """Its traceback is in the journal, the VIPs are let go, and systemd starts it again."""
    command = "/usr/bin/python3 -I /etc/broken.py run --config /etc/vrrp-agent/config.json"
    drop_in = f"[Service]\\nExecStart=\\nExecStart={command}\\n"

    pair.run(f"cat > /etc/broken.py <<'END'\n{LAUNCHER}\nEND")
    pair.run(f"mkdir -p {DROP_IN}; printf '{drop_in}' > {DROP_IN}/bug.conf; systemctl daemon-reload")
    try:
        pair.run(f"systemctl restart {UNIT}")
        wait_until("lb1 is MASTER again", pair.settled, SETTLED_S, every_s=0.2)
        began_s = time.monotonic()
        pair.run("touch /etc/bug")
        wait_until("lb1 has none", lambda: lb1.gone_after(began_s) < float("inf"), 10)
        wait_until("lb2 has the VIPs", lambda: lb2.whole_after(began_s) < float("inf"), 15)
        pair.run("rm /etc/bug")
        wait_until("lb1 is MASTER again", pair.settled, SETTLED_S, every_s=0.2)
        assert "ZeroDivisionError: a bug of the test" in pair.journal()
        assert "Scheduled restart job" in pair.journal()
    finally:
        pair.run(f"rm -rf {DROP_IN} /etc/bug /etc/broken.py; systemctl daemon-reload; systemctl restart {UNIT}")


# NetworkManager takes the interface over from networkd, with the host's own address as its connection's.
NETWORK_MANAGER = """
export DEBIAN_FRONTEND=noninteractive
apt-get update -q && apt-get install -y -q --no-install-recommends network-manager || exit 1
own=$(ip -4 -o address show dev eth0 permanent | awk '{print $4}')
systemctl stop systemd-networkd.socket systemd-networkd
nmcli connection add type ethernet con-name uplink ifname eth0 \\
  ipv4.method manual ipv4.addresses "$own" ipv6.method link-local
"""


@pytest.fixture
def undisturbed(pair: Pair, lb1: Timeline, lb2: Timeline) -> Iterator[None]:
    """Whatever is taken away is back at once, and no role moves."""
    before = [pair.status(host)["since"] for host in ("lb1", "lb2")]
    began_s = time.monotonic()
    yield
    wait_until("the VIPs are there", lambda: lb1.changes[-1][1] == len(pair.vips), 5)
    absences = [
        later_s - at_s for (at_s, count), (later_s, _after) in zip(lb1.changes, lb1.changes[1:])
        if at_s > began_s and count < len(pair.vips)
    ]  # fmt: skip
    print(pair.journal()[-1500:])
    print(f"{len(absences)} absences, the longest {max(absences, default=0.0) * 1000:.1f} ms")
    assert max(absences, default=0.0) < 0.5  # 100 ms, were the machine ours alone
    assert [pair.status(host)["since"] for host in ("lb1", "lb2")] == before
    assert not lb2.present()


@pytest.mark.parametrize("command", ["systemctl restart systemd-networkd", "networkctl reconfigure eth0"])
@pytest.mark.usefixtures("undisturbed")
def test_networkd_configures_anew(pair: Pair, lb1: Timeline, command: str) -> None:
    seen = len(lb1.changes)
    pair.run(command)
    wait_until("networkd is done", lambda: "configured" in pair.run("networkctl status eth0 --no-pager"), 10)
    wait_until("the agent has renewed its addresses", lambda: len(lb1.changes) > seen, 10)


@pytest.mark.usefixtures("undisturbed")
def test_networkmanager_takes_the_interface_over(pair: Pair, lb1: Timeline) -> None:
    """The last test: lb1 stays NetworkManager's."""
    pair.run(NETWORK_MANAGER)
    for command in ("nmcli connection up uplink", "nmcli device reapply eth0", "systemctl restart NetworkManager"):
        seen = len(lb1.changes)
        pair.run(command)
        wait_until("it is connected", lambda: ":connected" in pair.run("nmcli -t -f DEVICE,STATE device"), 10)
        wait_until("the agent has renewed its addresses", lambda at=seen: len(lb1.changes) > at + 4, 10)
