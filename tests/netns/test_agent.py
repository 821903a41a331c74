# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole agent on real interfaces: two of them, a switch, and somebody who breaks things."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from peers import VIPS, OurAgent, Wire
from segment import Segment, wait_for

WIRE = Wire(3, interval_s=0.2)
PASS = Wire(2, "s3cretpw")
SOON_S = 20.0


@pytest.fixture
def master(segment: Segment, tmp_path: Path) -> OurAgent:
    """The agent of node a, MASTER by priority."""
    agent = OurAgent(segment["a"], tmp_path / "a")
    agent.start(WIRE, priority=150)
    agent.wait_for_state("MASTER", SOON_S)
    return agent


@pytest.fixture
def backup(segment: Segment, tmp_path: Path, master: OurAgent) -> OurAgent:
    """The agent of node b, which has heard the MASTER."""
    agent = OurAgent(segment["b"], tmp_path / "b")
    agent.start(WIRE, priority=100)
    wait_for(lambda: agent.status()["master"], "b hears the master", SOON_S)
    return agent


def test_cut_and_plugged(segment: Segment, master: OurAgent, backup: OurAgent) -> None:
    """The MASTER loses its carrier: it lets go at once, the other takes over, and gives the role back."""
    segment.cut(master.node)
    assert master.wait_for_state("FAULT", SOON_S)["fault"] == "eth0 has no carrier"
    assert master.holds() == []
    status = backup.wait_for_state("MASTER", SOON_S)
    assert status["last_transition"]["reason"].startswith("no advert from 10.139.1.11 for 0.7")
    assert status["new_master_reason"] == "no_response"
    segment.plug(master.node)
    master.wait_until_master(SOON_S)
    backup.wait_for_state("BACKUP", SOON_S)
    assert backup.holds() == []


def test_exactly_one_holds(master: OurAgent, backup: OurAgent) -> None:
    """The BACKUP holds nothing, and knows who is master."""
    assert master.holds() == list(VIPS)
    assert backup.holds() == []
    assert backup.status()["master"]["address"] == "10.139.1.11"
    assert backup.status()["master"]["priority"] == 150


def test_stopped(master: OurAgent, backup: OurAgent) -> None:
    """A graceful stop says goodbye, so that the other need not wait three intervals."""
    master.stop()
    assert master.holds() == []
    status = backup.wait_for_state("MASTER", SOON_S)
    assert status["last_transition"]["reason"] == "10.139.1.11 resigned (priority 0)"


def test_killed(master: OurAgent, backup: OurAgent) -> None:
    """Nobody is left to clean up, and yet the VIPs go by themselves."""
    master.kill()
    backup.wait_for_state("MASTER", SOON_S)
    master.wait_until_backup(SOON_S)


def test_frozen(master: OurAgent, backup: OurAgent) -> None:
    """A frozen MASTER loses its VIPs, and on waking takes nothing back but by election."""
    assert master.process is not None
    master.process.send_signal(signal.SIGSTOP)
    backup.wait_for_state("MASTER", SOON_S)
    master.wait_until_backup(SOON_S)
    master.process.send_signal(signal.SIGCONT)
    wait_for(lambda: "longer than a backup waits" in master.log, "a knows that it slept", SOON_S)
    master.wait_for_state("MASTER", SOON_S)
    backup.wait_for_state("BACKUP", SOON_S)


def test_address_deleted_by_hand(segment: Segment, master: OurAgent) -> None:
    """Somebody removes a VIP: it is back, without a transition."""
    before = master.status()["since"]
    segment["a"].ip("address", "del", VIPS[0], "dev", "eth0")
    wait_for(lambda: sorted(master.holds()) == sorted(VIPS), "the VIP is back", SOON_S)
    assert master.status()["since"] == before
    assert f"removed by somebody else, restored: {VIPS[0]}" in master.log


def test_reload_keeps_the_role(master: OurAgent, backup: OurAgent) -> None:
    """A VIP more and another interval: same MASTER, same moment of its election."""
    before = master.status()["since"]
    more = "10.139.1.3/24"
    master.rewrite(virtual_addresses=[*VIPS, more], advert_interval=0.1)
    assert master.command("reload").returncode == 0
    assert master.status()["addresses_present"] == [*VIPS, more]
    assert more in master.node.addresses()
    master.rewrite(virtual_addresses=list(VIPS))
    assert master.command("reload").returncode == 0
    assert more not in master.node.addresses()
    assert master.status()["since"] == before
    assert backup.status()["state"] == "BACKUP"


def test_reload_moves_the_role(master: OurAgent, backup: OurAgent) -> None:
    """A lower priority in the file hands the role over; the other way round it comes back."""
    master.rewrite(priority=50)
    assert master.command("reload").returncode == 0
    status = backup.wait_for_state("MASTER", SOON_S)
    assert status["last_transition"]["reason"] == "10.139.1.11 has the lower priority: 50 < 100"
    master.wait_for_state("BACKUP", SOON_S)
    master.rewrite(priority=150)
    assert master.command("reload").returncode == 0
    master.wait_for_state("MASTER", SOON_S)


def test_reload_refused(master: OurAgent) -> None:
    """A typo changes nothing, says where and why, and stays visible."""
    before = master.status()
    master.rewrite(prioritee=150)
    done = master.command("reload")
    assert done.returncode == 2
    assert "instances[0].prioritee: unknown key; did you mean priority?" in done.stderr
    document = json.loads(master.command("status", "--json").stdout)
    assert document["last_reload"]["ok"] is False
    assert "prioritee" in document["last_reload"]["error"]
    assert document["instances"][0]["since"] == before["since"]
    assert master.holds() == list(VIPS)


def test_reload_by_signal(master: OurAgent) -> None:
    """SIGHUP does what the command does."""
    assert master.process is not None
    master.rewrite(priority=120)
    master.process.send_signal(signal.SIGHUP)
    wait_for(lambda: master.status()["priority"] == 120, "the new priority", SOON_S)


def test_instance_added_and_removed(master: OurAgent) -> None:
    """An instance that is no longer declared lets go of its addresses; a new one is elected beside the others."""
    other = {"name": "api", "virtual_router_id": 52, "virtual_addresses": ["10.139.1.5/24"]}
    master.rewrite_instances(lambda instances: [*instances, {**instances[0], **other}])
    assert master.command("reload").returncode == 0
    wait_for(lambda: "10.139.1.5/24" in master.node.addresses(), "the new instance holds its VIP", SOON_S)
    master.rewrite_instances(lambda instances: instances[:1])
    assert master.command("reload").returncode == 0
    wait_for(lambda: "10.139.1.5/24" not in master.node.addresses(), "the VIP is gone", SOON_S)
    assert master.holds() == list(VIPS)


def test_leftovers_are_removed(segment: Segment, tmp_path: Path) -> None:
    """What a killed life held is gone before the next life answers, also what is no longer configured."""
    master = OurAgent(segment["a"], tmp_path / "a")
    master.start(Wire(3, interval_s=1), priority=150)  # so slow that no reaper is faster than the next life
    master.wait_for_state("MASTER", 10)
    master.kill()
    assert master.holds() == list(VIPS)
    again = OurAgent(segment["a"], tmp_path / "again")
    again.start(WIRE, priority=150, virtual_addresses=["10.139.1.7/24"])
    assert again.holds() == []
    assert f"removing {VIPS[0]}, left by an earlier life" in again.log


def test_addresses_of_others_stay(segment: Segment, tmp_path: Path) -> None:
    """A permanent address is not ours to remove, even where it is a VIP of ours."""
    segment["a"].ip("address", "add", VIPS[0], "dev", "eth0")
    agent = OurAgent(segment["a"], tmp_path / "a")
    agent.start(Wire(3, interval_s=10), priority=100)
    assert agent.holds() == [VIPS[0]]


def test_interface_missing_then_made(segment: Segment, tmp_path: Path) -> None:
    """An interface that is not there is a FAULT that says so, until it appears."""
    node = segment["a"]
    agent = OurAgent(node, tmp_path / "a")
    agent.start(WIRE, priority=150, interface="late0")
    assert agent.status()["fault"] == "no interface late0 on this host"
    node.ip("link", "add", "late0", "type", "veth", "peer", "late1")
    node.ip("link", "set", "late1", "up")
    node.ip("link", "set", "late0", "up")
    wait_for(lambda: "no IPv4 address" in str(agent.status()["fault"]), "the next thing that is missing", SOON_S)
    node.ip("address", "add", "10.139.2.11/24", "dev", "late0")
    agent.wait_for_state("MASTER", SOON_S)
    node.ip("link", "del", "late0")
    assert agent.wait_for_state("FAULT", SOON_S)["fault"] == "no interface late0 on this host"


def test_only_one_agent(segment: Segment, master: OurAgent, tmp_path: Path) -> None:
    """A second agent beside a running one would fight over its addresses: refused, nothing touched."""
    second = OurAgent(segment["a"], tmp_path / "second")
    second.write(WIRE, priority=200)
    code, errors = second.refused("run")
    assert code == 1
    assert "another vrrp-agent is running on this host" in errors
    assert master.holds() == list(VIPS)


def test_bad_configuration(segment: Segment, tmp_path: Path) -> None:
    """A configuration that is refused starts nothing: exit code 2, the path and the mend."""
    agent = OurAgent(segment["a"], tmp_path / "a")
    agent.write(WIRE, priority=300)
    for command in ("run", "check"):
        code, errors = agent.refused(command)
        assert code == 2
        assert "instances[0].priority: 300 is not in 1..255" in errors


def test_password_shows_nowhere(segment: Segment, tmp_path: Path) -> None:
    """Not in the log, the status, the process list; and the socket is for the agent's own user and group."""
    agent = OurAgent(segment["a"], tmp_path / "a")
    agent.start(PASS, priority=150)
    agent.wait_for_state("MASTER", SOON_S)
    agent.rewrite(authentication={"type": "pass", "password": "s3cretpw-too-long"})
    refused = agent.command("reload")
    assert refused.returncode == 2
    assert agent.process is not None
    seen = agent.log + refused.stderr + agent.command("status", "--json").stdout
    seen += Path(f"/proc/{agent.process.pid}/cmdline").read_text()
    assert "s3cret" not in seen
    assert stat.S_IMODE(os.stat(tmp_path / "a" / "control.sock").st_mode) == 0o660


def test_without_an_agent(tmp_path: Path) -> None:
    """The commands say what is wrong when nothing runs."""
    command = [sys.executable, "-m", "vrrp_agent.cli", "status", "--runtime-dir", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "the agent is not running" in done.stderr


def test_a_stranger_cannot_keep_it_from_starting(segment: Segment, tmp_path: Path) -> None:
    """Any user may hold the name that keeps a second agent away; it counts only from root or the agent's own user."""
    code = "import socket, time; s = socket.socket(1); s.bind('\\0duet.ha_pair/vrrp-agent'); s.listen(); "
    code += "print(1, flush=True); time.sleep(60)"
    command = ["setpriv", "--reuid=65534", "--clear-groups", "/usr/bin/python3", "-c", code]
    stranger = segment["a"].popen(command, stdout=subprocess.PIPE)
    assert stranger.stdout is not None and stranger.stdout.readline()
    agent = OurAgent(segment["a"], tmp_path / "a")
    agent.start(WIRE, priority=150)
    assert "held by somebody without privileges" in agent.log
    agent.wait_for_state("MASTER", SOON_S)


def test_addresses_refused(segment: Segment, tmp_path: Path) -> None:
    """A MASTER that the kernel gives no addresses is no MASTER: it says so, and lets the other have the role."""
    for label, priority in (("a", 150), ("b", 100)):
        agent = OurAgent(segment[label], tmp_path / label)
        # IPv6 is off on node a's interface, so that the kernel refuses the address that moves along.
        segment[label].sysctl("net.ipv6.conf.eth0.disable_ipv6", 1 if label == "a" else 0)
        agent.start(WIRE, priority=priority, extra_addresses=["fd00:139::1/64"])
        if label == "a":
            refused = agent.wait_for_state("FAULT", SOON_S)
            assert refused["fault"].startswith("add fd00:139::1/64 to eth0: ")
            assert agent.holds() == []
            first = agent
    agent.wait_for_state("MASTER", SOON_S)
    # Node a tries again after 5 s, and says goodbye before the other has let go.
    wait_for(lambda: first.status()["counters"]["priority_zero_pkts_sent"] == 2, "the try", 15)
    wait_for(lambda: agent.status()["counters"]["priority_zero_pkts_rcvd"] == 1, "the goodbye", SOON_S)
    assert first.log.count("-> MASTER") == 2
    assert (agent.status()["state"], agent.log.count("MASTER ->")) == ("MASTER", 0)


def test_stopping_keeps_answering(master: OurAgent, backup: OurAgent) -> None:
    """A stopped MASTER holds its VIPs until the other does: at no moment are they nowhere."""
    assert master.process is not None
    master.process.terminate()
    while master.process.poll() is None:
        # In this order: what is not here any more must be there by then.
        ours, theirs = master.holds(), backup.holds()
        assert theirs or ours == list(VIPS), "the VIPs are nowhere"
    assert backup.holds() == list(VIPS)
    assert master.holds() == []
    assert "stopped: 10.139.1.12 has taken over" in master.log


def test_stopping_alone(master: OurAgent) -> None:
    """Without a successor it waits no longer than one would have needed, and then lets go."""
    master.stop()
    assert master.holds() == []
    assert "stopped: nobody has taken over" in master.log


def test_reload_to_a_longer_interval_keeps_the_addresses(master: OurAgent) -> None:
    """The kernel's lifetime follows the interval: nothing expires between two adverts that are far apart."""
    master.rewrite(advert_interval=30)
    assert master.command("reload").returncode == 0
    [link] = json.loads(master.node.ip("-j", "address", "show", "dev", "eth0"))
    lifetimes = [one["valid_life_time"] for one in link["addr_info"] if f"{one['local']}/{one['prefixlen']}" in VIPS]
    assert min(lifetimes) > 80


def test_counters_by_interface(segment: Segment, master: OurAgent, backup: OurAgent) -> None:
    """What came for another virtual router is counted where it came in, beside what the routers there have counted."""
    stranger = (
        "import socket; s = socket.socket(2, 3, 112); s.setsockopt(0, 33, 255); s.sendto({!r}, ('10.139.1.11', 0))"
    )
    for message in (bytes([0x31, 99, 100, 0, 0, 100, 0, 0]), b"1"):
        segment["b"].run([sys.executable, "-c", stranger.format(message)])

    def counted() -> bool:
        document = json.loads(master.command("status", "--json").stdout)
        [eth0] = document["interfaces"]
        counters = eth0["counters"]
        assert eth0["name"] == "eth0"
        return (counters["vrid_errors"], counters["packet_length_errors"]) == (1, 1) and counters[
            "advertisement_sent"
        ] > 0

    wait_for(counted, "both are counted", SOON_S)
    assert master.status()["counters"]["packet_length_errors"] == 0


def test_the_address_owner(segment: Segment, tmp_path: Path) -> None:
    """RFC 9568 6.1: the owner is master at once; and its address stays the node's own, whatever comes."""
    own = "10.139.1.11/24"
    agent = OurAgent(segment["a"], tmp_path / "a")
    agent.start(WIRE, priority=255, virtual_addresses=[own])
    status = agent.wait_for_state("MASTER", SOON_S)
    assert status["last_transition"]["reason"] == "started as address owner (priority 255)"
    assert status["source_address"] == "10.139.1.11"
    [link] = json.loads(segment["a"].ip("-j", "address", "show", "dev", "eth0"))
    assert [one for one in link["addr_info"] if one["local"] == "10.139.1.11" and one.get("dynamic")] == []
    other = OurAgent(segment["b"], tmp_path / "b")
    other.start(WIRE, priority=254, virtual_addresses=[own])
    wait_for(lambda: other.status()["master"], "b hears the owner", SOON_S)
    agent.stop()
    assert own in segment["a"].addresses()


def test_the_owners_priority_without_the_address(segment: Segment, tmp_path: Path) -> None:
    """The mistake is told with its mend, and mended by a reload."""
    agent = OurAgent(segment["a"], tmp_path / "a")
    agent.start(WIRE, priority=255)
    fault = agent.status()["fault"]
    assert fault.startswith(
        "priority 255 is the address owner's, but 10.139.1.1/24, 10.139.1.2/24 is not this node's own"
    )
    assert "lower the priority to 254 or less" in fault
    agent.rewrite(priority=254)
    assert agent.command("reload").returncode == 0
    agent.wait_for_state("MASTER", SOON_S)


def test_an_address_moves_to_another_instance(master: OurAgent) -> None:
    """One that is no longer configured answers a moment longer, and does not take its address from the new holder."""
    moving = "10.139.1.5/24"
    other = {"name": "api", "virtual_router_id": 52, "virtual_addresses": [moving]}
    master.rewrite_instances(lambda instances: [*instances, {**instances[0], **other}])
    assert master.command("reload").returncode == 0
    wait_for(lambda: moving in master.node.addresses(), "the other instance holds its VIP", SOON_S)
    master.rewrite_instances(lambda instances: [{**instances[0], "virtual_addresses": [*VIPS, moving]}])
    assert master.command("reload").returncode == 0
    assert [found["leaving"] for found in json.loads(master.command("status", "--json").stdout)["instances"]] == [
        False,
        True,
    ]
    wait_for(lambda: "MASTER -> INIT: stopped: nobody has taken over" in master.log, "api has left", SOON_S)
    assert moving in master.node.addresses()
    assert "removed by somebody else" not in master.log
