# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A new process takes over: no transition, no missed advert, no lost packet; or else the old one goes on."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from ipaddress import IPv4Address
from itertools import pairwise
from pathlib import Path
from typing import Any

import flood
import pytest
from adverts import adverts, heard_from
from group_peers import OurGroup
from peers import VIPS, Keepalived, OurAgent, Wire
from probe import probing
from segment import Namespace, Segment, wait_for

from lab import roots

SLOW, QUICK, FAST = Wire(3), Wire(3, interval_s=0.2), Wire(3, interval_s=0.01)
INTERVALS = [pytest.param(SLOW, id="1s"), pytest.param(FAST, id="10ms", marks=pytest.mark.alone)]
VIP, CONTROL = "10.139.1.1", "10.139.1.13"
KEY = "00112233" * 8
HMAC = {"type": "hmac", "keys": [{"id": 1, "key": KEY}]}
SOON_S = 20.0

# A version of the agent that is the same until it is to take over, and then does what FILE says.
_OTHER_VERSION = """
import os, sys
what = open(sys.argv.pop(1)).read()
if "VRRP_AGENT_TAKE_OVER" in os.environ and what:
    exec(what)
from vrrp_agent.cli import main
sys.exit(main())
"""
_DIES = "raise ImportError('no module named tomorrow')"
_EXITS = "raise SystemExit('not today')"
_HANGS = "from vrrp_agent.service import handover; import time; handover.Predecessor.wait = lambda *_: time.sleep(60)"
# Between the snapshot and the confirmation.
_KILLED = "from vrrp_agent.service import handover; handover.Predecessor.confirm = lambda _: os.kill(os.getpid(), 9)"
_STUCK = "from vrrp_agent.service import handover; import time; handover.Predecessor.confirm = lambda _: time.sleep(60)"
_BUG = "from vrrp_agent.service import handover; handover.restore = lambda *_: [][0]"
_FORMAT = "from vrrp_agent.protocol import snapshot; snapshot.FORMAT = 99"


class Upgradable(OurAgent):
    """Our agent, whose next version is written by the test."""

    def next_version(self, code: str) -> None:
        """What the next process does before anything else."""
        (self.folder / "next").write_text(code)

    def run_command(self) -> list[str]:
        """The same command, by way of the file."""
        self.next_version("")
        return [sys.executable, "-c", _OTHER_VERSION, str(self.folder / "next"), *super().run_command()[3:]]

    def upgrade(self) -> None:
        """Upgrade it, and wait until the process before is no more."""
        before = self.document()["pid"]
        done = self.command("upgrade")
        assert (done.returncode, done.stderr) == (0, "")
        after = self.document()["pid"]
        assert after != before
        if self.process is not None and self.process.pid == before:
            assert self.process.wait(SOON_S) == 0
            self.process = None
        else:
            wait_for(lambda: not Path(f"/proc/{before}").exists(), "the process before has ended", SOON_S)
        assert self.document()["last_upgrade"]["ok"] is True

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the process that is the agent now."""
        os.kill(self.document()["pid"], number)


@pytest.fixture
def segment(make_segment: Any) -> Segment:
    """Two nodes, one that nothing happens to, and a client."""
    made: Segment = make_segment("a", "b", "control", "client")
    return made


Start = Callable[..., Upgradable]


@pytest.fixture
def start(segment: Segment, tmp_path: Path) -> Start:
    """Starts the agent of a node: start("a", QUICK); a is the MASTER by its priority."""

    def make(label: str, wire: Wire = QUICK, **more: Any) -> Upgradable:
        agent = Upgradable(segment[label], tmp_path / label)
        agent.start(wire, priority=150 if label == "a" else 100, **more)
        if label == "a":
            agent.wait_for_state("MASTER", SOON_S)
        else:
            wait_for(lambda: agent.status()["master"], "b hears the master", SOON_S)
        return agent

    return make


def history(agent: OurAgent) -> tuple[object, ...]:
    """What an upgrade leaves as it is."""
    status = agent.status()
    counters = status["counters"]
    return (
        *(status[key] for key in ("state", "since", "last_transition", "discontinuity_datetime")),
        counters["master_transitions"],
    )


@contextmanager
def undisturbed(segment: Segment, master: OurAgent, interval_s: float) -> Iterator[None]:
    """Meanwhile the VIP answers every millisecond, and no advert is so late that a backup would lose patience."""
    client = segment["client"]
    with heard_from(client, master.node.mac(master.device)) as packets, probing(client, VIP, CONTROL) as probe:
        yield
        times = adverts(packets)
        heard_until = len(times) + 2

        def told() -> bool:
            times.extend(adverts(packets))
            return len(times) >= heard_until

        wait_for(told, "two more adverts", 2 * interval_s + SOON_S)
    gap = max(later - earlier for earlier, later in pairwise(times))
    print(f"{len(times)} adverts, the longest gap {gap * 1000:.1f} ms; {probe.report}")
    assert gap < 3 * interval_s + (256 - 100) / 256 * interval_s, gap  # as long as the backup waits
    assert probe.report.lost == 0, probe.report


# --- with nothing lost


@pytest.mark.parametrize("wire", INTERVALS)
def test_a_master_beside_our_own(segment: Segment, start: Start, wire: Wire) -> None:
    """Twice in a row."""
    master, backup = start("a", wire), start("b", wire)
    before = history(master), history(backup)
    with undisturbed(segment, master, wire.interval_s):
        master.upgrade()
        master.upgrade()
        backup.upgrade()
    assert (history(master), history(backup)) == before
    assert master.holds() == list(VIPS)


@pytest.mark.parametrize("wire", INTERVALS)
def test_a_master_beside_keepalived(segment: Segment, start: Start, tmp_path: Path, wire: Wire) -> None:
    """keepalived sees nothing of it."""
    master = start("a", wire)
    theirs = Keepalived(segment["b"], tmp_path / "theirs", roots.ensure("bookworm", ["keepalived"]))
    theirs.start(wire, priority=100)
    before = history(master)
    with undisturbed(segment, master, wire.interval_s):
        master.upgrade()
    assert history(master) == before
    assert "MASTER STATE" not in theirs.log


def test_a_backup_goes_on_waiting(segment: Segment, start: Start) -> None:
    """It knows its master and the master's interval, and takes over when that one is silent."""
    master, backup = start("a", Wire(3, interval_s=2)), start("b", Wire(3, interval_s=1))
    before, heard = history(backup), backup.status()["master"]["last_heard"]
    master.kill()
    backup.upgrade()
    assert history(backup) == before
    assert backup.status()["master"]["last_heard"] == heard
    status = backup.wait_for_state("MASTER", SOON_S)
    assert status["last_transition"]["reason"].startswith("no advert from 10.139.1.11 for 7.2")


@pytest.mark.parametrize(
    "more",
    [{"authentication": HMAC}, {"use_vmac": True}, {"virtual_addresses": ["fe80::139:1/64", "fd00:139::1/64"]}],
    ids=["hmac", "vmac", "ipv6"],
)
def test_kinds(segment: Segment, start: Start, more: dict[str, Any]) -> None:
    """What signs goes on with its sequence, the interface with the virtual MAC stays, IPv6 as IPv4."""
    wire = Wire(3, interval_s=0.2, use_vmac="use_vmac" in more, vips=tuple(more.get("virtual_addresses", VIPS)))
    master, backup = start("a", wire, **more), start("b", wire, **more)
    before, dropped = (history(master), history(backup)), rejected(backup)
    links = master.node.ip("-o", "link", "show")
    for agent in (master, backup, master):
        agent.upgrade()
    heard = backup.status()["counters"]["advertisement_rcvd"]
    wait_for(lambda: backup.status()["counters"]["advertisement_rcvd"] > heard + 5, "b hears a", SOON_S)
    assert (history(master), history(backup)) == before
    assert rejected(backup) == dropped
    assert master.holds() == list(master.vips)
    assert master.node.ip("-o", "link", "show") == links
    master.signal(signal.SIGTERM)
    backup.wait_for_state("MASTER", SOON_S)
    wait_for(lambda: not processes(master.node), "a has left", SOON_S)
    assert master.holds() == []
    assert not master.node.has("vrrp4.51.eth0")


def rejected(agent: OurAgent) -> dict[str, int]:
    """What was dropped for its signature."""
    return {name: count for name, count in agent.status()["counters"].items() if name.startswith("auth")}


class UpgradableGroup(OurGroup, Upgradable):
    """A sync group whose agent is upgraded."""


def test_a_sync_group(make_segment: Any, tmp_path: Path) -> None:
    """It stays one, MASTER and BACKUP."""
    segment = make_segment("a", "b", links=2)
    groups = [UpgradableGroup(segment[label], tmp_path / label) for label in ("a", "b")]
    for group, priority in zip(groups, (150, 100)):
        group.start(QUICK, priority=priority)
        group.wait_for_state("MASTER" if priority == 150 else "BACKUP", SOON_S)
    wait_for(lambda: all(one["master"] for one in groups[1].instances().values()), "b hears a", SOON_S)
    before = [{name: one["since"] for name, one in group.instances().items()} for group in groups]
    for group in groups:
        group.upgrade()
    time.sleep(1)  # whoever were to move would have
    assert [{name: one["since"] for name, one in group.instances().items()} for group in groups] == before
    assert [group.status()["state"] for group in groups] == ["MASTER", "BACKUP"]
    groups[0].node.ip("link", "set", "eth1", "down")
    wait_for(lambda: groups[1].status()["state"] == "MASTER", "the group moves as one", SOON_S)


def test_another_configuration(segment: Segment, start: Start) -> None:
    """The file has changed too: applied as a difference, as by a reload; what it has no longer leaves before."""
    agent = start("a")
    other = {"name": "api", "virtual_router_id": 52, "virtual_addresses": ["10.139.1.5/24"]}
    agent.rewrite_instances(lambda found: [*found, {**found[0], **other}])
    assert agent.command("reload").returncode == 0
    wait_for(lambda: "10.139.1.5/24" in agent.node.addresses(), "api is MASTER", SOON_S)
    before = agent.document()["instances"][0]["since"]
    third = {"name": "db", "virtual_router_id": 53, "virtual_addresses": ["10.139.1.6/24"]}
    changed = {"virtual_addresses": [VIPS[0], "10.139.1.7/24"], "priority": 120}
    agent.rewrite_instances(lambda found: [{**found[0], **changed}, {**found[0], **third}])
    agent.upgrade()
    document = agent.document()
    assert [(one["name"], one["priority"]) for one in document["instances"]] == [("web", 120), ("db", 150)]
    assert document["instances"][0]["since"] == before
    assert document["config_digest"] != ""
    wait_for(lambda: "10.139.1.6/24" in agent.node.addresses(), "db is MASTER", SOON_S)
    present = agent.node.addresses()
    assert {VIPS[0], "10.139.1.7/24"} <= set(present)
    assert not {VIPS[1], "10.139.1.5/24"} & set(present)
    assert "api eth0/52: MASTER -> INIT: stopped: nobody has taken over" in agent.log


def test_the_successor_is_a_whole_agent(segment: Segment, start: Start, tmp_path: Path) -> None:
    """It is the one that the socket, the signals and the name belong to; its log is the log; a reload works."""
    agent = start("a")
    agent.upgrade()
    assert stat.S_ISSOCK(os.stat(agent.folder / "control.sock").st_mode)
    assert sorted(path.name for path in agent.folder.glob("control.sock*")) == ["control.sock"]
    second = OurAgent(segment["a"], tmp_path / "second")
    second.write(QUICK, priority=200)
    assert "another vrrp-agent is running on this host" in second.refused("run")[1]
    agent.rewrite(priority=140)
    agent.signal(signal.SIGHUP)
    wait_for(lambda: agent.status()["priority"] == 140, "it reloads by signal", SOON_S)
    assert "took over 1 instances" in agent.log
    agent.signal(signal.SIGTERM)
    agent.wait_until_backup(SOON_S)
    assert "MASTER -> INIT: stopped" in agent.log
    wait_for(lambda: not (agent.folder / "control.sock").exists(), "the socket is gone", SOON_S)


def test_systemd_is_told(segment: Segment, start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """sd_notify(3): the main process names its successor, and only then the successor speaks."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        manager.settimeout(SOON_S)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        monkeypatch.setenv("WATCHDOG_USEC", "2000000")
        agent = start("a")
        old = agent.document()["pid"]
        agent.upgrade()
        new = agent.document()["pid"]
        told = []
        while (new, "WATCHDOG=1") not in told:
            text, ancillary, unused_flags, unused_sender = manager.recvmsg(4096, 64)
            told += [(int.from_bytes(ancillary[0][2][:4], sys.byteorder), line) for line in text.decode().split("\n")]
    place = told.index((old, f"MAINPID={new}"))
    assert [pid for pid, line in told[:place]] == [old] * place
    after = [line for pid, line in told[place + 1 :] if pid == new]
    assert after[:2] == ["READY=1", "STATUS=MASTER of 1 of 1 instances"]
    assert all(pid == new for pid, line in told[place + 1 :])


def test_in_a_flood(segment: Segment, start: Start) -> None:
    """Wrong adverts come in thousands a second, before, meanwhile and after."""
    master, backup = start("a", SLOW), start("b", SLOW)
    before = history(master), history(backup)
    wrong = flood.frame(b"\x31\x33" + bytes(18), IPv4Address("10.139.1.13"))
    told = {"interface": "eth0", "rate": 20_000, "seconds": 4, "frames": [wrong.hex()]}
    program = [sys.executable, flood.__file__]
    stranger = segment["control"].popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert stranger.stdin is not None
    stranger.stdin.write(json.dumps(told))
    stranger.stdin.close()
    wait_for(lambda: sum(backup.status()["counters"].values()) > 1000, "the flood is there", SOON_S)
    master.upgrade()
    backup.upgrade()
    stranger.wait(SOON_S)
    assert (history(master), history(backup)) == before
    assert master.holds() == list(VIPS)


# --- with a successor that is no good


@pytest.mark.parametrize(
    ("code", "told"),
    [
        (_DIES, "the new agent: ImportError: no module named tomorrow"),
        (_EXITS, "the new agent: not today"),
        (_BUG, "the new agent: IndexError: list index out of range"),
        (_FORMAT, "the new agent: cannot start: the running agent's snapshot has format 1, ours 99: restart it"),
        (_KILLED, "it did not take over"),
        (_STUCK, "it did not take over: timed out"),
    ],
    ids=["dies", "exits", "bug", "format", "killed", "stuck"],
)
def test_the_old_one_goes_on(segment: Segment, start: Start, code: str, told: str) -> None:
    """At 1 s adverts not one is missed, nothing is lost, and the error says why, for as long as it is the last one."""
    master, backup = start("a", SLOW), start("b", SLOW)
    before, pid = (history(master), history(backup)), master.document()["pid"]
    master.next_version(code)
    with undisturbed(segment, master, 1.0):
        done = master.command("upgrade")
    assert (done.returncode, done.stderr) == (1, f"vrrp-agent: {told}\n")
    assert (history(master), history(backup)) == before
    document = master.document()
    assert document["pid"] == pid
    assert (document["last_upgrade"]["ok"], document["last_upgrade"]["error"]) == (False, told)
    assert f"upgrade failed, nothing has changed: {told}" in master.log
    assert processes(master.node) == [pid]
    assert sorted(path.name for path in master.folder.glob("control.sock*"))[:1] == ["control.sock"]
    master.next_version("")
    master.upgrade()
    assert history(master) == before[0]


def processes(node: Namespace) -> list[int]:
    """The processes in a namespace."""
    return sorted(int(pid) for pid in subprocess.check_output(["ip", "netns", "pids", node.name]).split())


def test_a_configuration_that_is_refused(start: Start) -> None:
    """The old one keeps what it has, and says where the mistake is."""
    agent = start("a")
    agent.rewrite(prioritee=1)
    done = agent.command("upgrade")
    assert done.returncode == 1
    assert done.stderr.endswith("instances[0].prioritee: unknown key; did you mean priority?\n")
    assert agent.status()["priority"] == 150


def test_one_that_never_is_ready(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is given up when its time is over; an agent that is stopped meanwhile waits for nobody."""
    agent = start("a")
    agent.next_version(_HANGS)
    asking = subprocess.Popen(
        [sys.executable, "-m", "vrrp_agent.cli", "upgrade", "--runtime-dir", str(agent.folder)],
        stderr=subprocess.PIPE,
        text=True,
    )
    wait_for(lambda: len(processes(agent.node)) == 2, "the successor has started", SOON_S)
    agent.stop()
    assert agent.holds() == []
    asking.communicate(timeout=SOON_S)
    assert asking.returncode == 1
    assert processes(agent.node) == []


def test_a_reload_waits_for_the_upgrade(start: Start) -> None:
    """Both read the configuration: one after the other."""
    agent = start("a")
    agent.next_version("import time; time.sleep(0.5); raise ImportError('late')")
    asking = subprocess.Popen(
        [sys.executable, "-m", "vrrp_agent.cli", "upgrade", "--runtime-dir", str(agent.folder)],
        stderr=subprocess.PIPE,
        text=True,
    )
    wait_for(lambda: len(processes(agent.node)) == 2, "the successor has started", SOON_S)
    agent.rewrite(priority=140)
    assert agent.command("reload").returncode == 0
    assert "late" in asking.communicate(timeout=SOON_S)[1]
    assert agent.status()["priority"] == 140
    assert json.loads(agent.command("status", "--json").stdout)["last_reload"]["ok"]
