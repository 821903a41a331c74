# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Adverts with an HMAC trailer between two agents: clocks that step, keys that rotate, recordings that are played."""

from __future__ import annotations

import socket
import sys
from pathlib import Path
from typing import Any

import pytest
from peers import OurAgent, Wire
from segment import Segment, wait_for
from vrrp_agent.linux.sockets import AdvertSocket, Datagram

KEY, NEXT_KEY = "00112233" * 8, "44556677" * 16
SOON_S = 20.0
HOUR_S = 3600

# The agent, its wall clock off by the seconds that a file says at that moment.
_SHIFTED = """
import sys, time
now_ns, file = time.time_ns, sys.argv.pop(1)
time.time_ns = lambda: now_ns() + int(float(open(file).read()) * 1e9)
from vrrp_agent.cli import main
sys.exit(main())
"""


class ShiftedAgent(OurAgent):
    """Our agent with a wall clock that the test sets."""

    def set_clock(self, ahead_s: float) -> None:
        """Step its wall clock: to so many seconds ahead of the machine's."""
        file = self.folder / "ahead.new"
        file.write_text(str(ahead_s))
        file.replace(self.folder / "ahead")

    def run_command(self) -> list[str]:
        """The same command through the launcher."""
        arguments = super().run_command()[3:]
        return [sys.executable, "-c", _SHIFTED, str(self.folder / "ahead"), *arguments]


def hmac(mode: str = "enforce", *keys: tuple[int, str]) -> dict[str, Any]:
    """The key `authentication` of an instance."""
    return {"type": "hmac", "mode": mode, "keys": [{"id": number, "key": key} for number, key in keys or ((1, KEY),)]}


WIRES = {
    "v3": (Wire(3, interval_s=0.2), {}),
    "v2": (Wire(2), {}),
    "v6": (Wire(3, interval_s=0.2), {"virtual_addresses": ["fe80::139:1/64", "fd00:139::1/64"]}),
}


@pytest.fixture(params=WIRES)
def wire(request: pytest.FixtureRequest) -> tuple[Wire, dict[str, Any]]:
    """Version, interval and addresses."""
    return WIRES[request.param]


def start(segment: Segment, folder: Path, wire: tuple[Wire, dict[str, Any]], ahead_s: tuple[float, float]) -> Any:
    """Two agents that sign, a of priority 150 and b of 100, each with a clock of its own; settled."""
    agents = []
    for label, priority, ahead in zip("ab", (150, 100), ahead_s):
        agent = ShiftedAgent(segment[label], folder / label)
        agent.set_clock(ahead)
        agent.start(wire[0], priority, **{"authentication": hmac(), **wire[1]})
        agents.append(agent)
        agents[0].wait_for_state("MASTER", SOON_S)
    wait_for(lambda: agents[1].status()["master"], "b hears the master", SOON_S)
    return agents


def transitions(agent: OurAgent) -> int:
    """How often it became MASTER."""
    return int(agent.status()["counters"]["master_transitions"])


def heard(agent: OurAgent) -> int:
    """How many adverts it has accepted."""
    return int(agent.status()["counters"]["advertisement_rcvd"])


def wait_for_more(agent: OurAgent, adverts: int) -> None:
    """Wait until it has accepted some more adverts."""
    before = heard(agent)
    wait_for(lambda: heard(agent) >= before + adverts, f"{adverts} adverts more", 20)


def test_clocks_step_under_a_running_pair(segment: Segment, tmp_path: Path, wire: Any) -> None:
    """Hours forward, days back, on either node: no advert is doubted, nobody changes the role."""
    a, b = start(segment, tmp_path, wire, (0, 0))
    for agent in (a, b):
        for ahead_s in (3 * HOUR_S, -100 * HOUR_S, 0):
            agent.set_clock(ahead_s)
            wait_for_more(b, 2)
    assert (transitions(a), transitions(b)) == (1, 0)
    counters = b.status()["counters"]
    assert [counters[name] for name in ("auth_ext_stale", "auth_ext_replay", "auth_ext_invalid_hmac")] == [0, 0, 0]


@pytest.mark.parametrize("wire", [WIRES["v3"], WIRES["v6"]], ids=["v3", "v6"])
@pytest.mark.parametrize("ahead_s", [3 * HOUR_S, -3 * HOUR_S])
def test_a_backup_that_starts_with_another_time(segment: Segment, tmp_path: Path, wire: Any, ahead_s: int) -> None:
    """The two prove to be alive before the newcomer's timer has run out: it never becomes MASTER, and says why."""
    a, b = start(segment, tmp_path, wire, (0, ahead_s))
    wait_for_more(b, 3)
    assert (transitions(a), transitions(b)) == (1, 0)
    assert "auth_clock_skew: its clock is " in b.log
    # And the other way round: the MASTER comes back with a clock that has stepped in the meantime.
    a.kill()
    b.wait_for_state("MASTER", 2 * SOON_S)
    a.set_clock(-5 * HOUR_S)
    a.launch(a.run_command())
    wait_for(lambda: "-> MASTER" in a.log.rpartition("ready:")[2], "a is MASTER again", 3 * SOON_S)
    b.wait_for_state("BACKUP", SOON_S)


def test_a_roll_out_and_a_rotation(segment: Segment, tmp_path: Path) -> None:
    """From unsigned to enforced, and from one key to the next, by reloads: b never sees a reason to take over."""
    a, b = start(segment, tmp_path, (Wire(3, interval_s=0.2), {"authentication": {"type": "none"}}), (0, 0))
    steps = [hmac("receive-only"), hmac("permissive"), hmac()]
    old, new = (1, KEY), (2, NEXT_KEY)
    steps += [hmac("enforce", *keys) for keys in ((old, new), (new, old), (new,))]
    for authentication in steps:
        for agent in (b, a):
            agent.rewrite(authentication=authentication)
            assert agent.command("reload").returncode == 0
            wait_for_more(b, 2)
    assert (transitions(a), transitions(b)) == (1, 0)
    counters = b.status()["counters"]
    assert [counters[name] for name in ("packet_length_errors", "auth_ext_unknown_key", "auth_ext_stale")] == [0, 0, 0]


def test_wrong_keys_make_two_masters_that_say_why(segment: Segment, tmp_path: Path) -> None:
    """What no protocol can heal; and no key shows in a log, a status or a process list."""
    a, b = start(segment, tmp_path, (Wire(3, interval_s=0.2), {}), (0, 0))
    b.rewrite(authentication=hmac("enforce", (1, NEXT_KEY)))
    assert b.command("reload").returncode == 0
    b.wait_for_state("MASTER", SOON_S)
    assert "auth_ext_invalid_hmac: not signed with our key 1" in b.log
    b.rewrite(authentication=hmac("enforce", (1, KEY + "x")))
    refused = b.command("reload")
    assert refused.returncode == 2 and "authentication.keys[0].key: must be a text of hexadecimal" in refused.stderr
    b.rewrite(authentication=hmac())
    assert b.command("reload").returncode == 0
    b.wait_for_state("BACKUP", SOON_S)
    assert b.process is not None
    told = a.log + b.log + refused.stderr + b.command("status", "--json").stdout
    told += Path(f"/proc/{b.process.pid}/cmdline").read_text()
    assert KEY not in told and NEXT_KEY not in told


def test_a_recording_wins_nothing(segment: Segment, tmp_path: Path) -> None:
    """Somebody has recorded the MASTER, which dies, and plays the recording to the other, also after a restart."""
    a, b = start(segment, tmp_path, (Wire(3, interval_s=0.2), {}), (0, 0))
    recording = record(segment, 20)
    a.kill()
    assert {one.source for one in recording} == {recording[0].source}
    play(segment, recording)
    b.wait_for_state("MASTER", SOON_S)
    b.kill()
    wait_for(lambda: not b.holds(), "the VIPs have run out", SOON_S)
    b.set_clock(60)  # a minute later
    b.start(Wire(3, interval_s=0.2), 100, authentication=hmac())
    play(segment, recording)
    b.wait_for_state("MASTER", SOON_S)
    assert "auth_ext_replay: its sequence does not grow" in b.log
    assert "auth_ext_stale: its time is 6" in b.log


def record(segment: Segment, count: int) -> list[Datagram]:
    """Adverts as node b's interface hears them."""
    with segment["b"].entered():
        listener = AdvertSocket(socket.if_nametoindex("eth0"), "eth0", 4)
        recorded: list[Datagram] = []

        def enough() -> bool:
            recorded.extend(datagram for datagram, unused_at in listener.receive())
            return len(recorded) >= count

        try:
            wait_for(enough, "a recording", 20)
        finally:
            listener.close()
    return recorded


def play(segment: Segment, recording: list[Datagram]) -> None:
    """Send it from node a, with the source that it had."""
    with segment["a"].entered():
        sender = AdvertSocket(socket.if_nametoindex("eth0"), "eth0", 4)
        try:
            for one in recording:
                sender.send(one.payload, one.source)
        finally:
            sender.close()
