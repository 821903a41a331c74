# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Adverts more often than the kernel's lifetimes can follow: the VIPs go before a backup claims them all the same."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from peers import VIPS, OurAgent, Wire
from segment import Segment, wait_for
from timeline import Timeline

QUICK = Wire(3, interval_s=0.1)
VMAC = Wire(3, interval_s=0.1, use_vmac=True)
HALF = Wire(3, interval_s=0.5)
SLOW = Wire(3)
SOON_S = 20.0
# A busy machine's delay; the kernel's own lifetime would take some 1.5 s more.
LATE_S = 0.3


@pytest.fixture
def pair(segment: Segment, tmp_path: Path) -> tuple[OurAgent, OurAgent]:
    """Two agents, not yet started."""
    return OurAgent(segment["a"], tmp_path / "a"), OurAgent(segment["b"], tmp_path / "b")


def start(pair: tuple[OurAgent, OurAgent], wire: Wire) -> None:
    """The first is MASTER, and the second knows it."""
    for agent, priority in zip(pair, (150, 100)):
        agent.start(wire, priority=priority)
        wait_for(lambda agent=agent: agent.status()["master"], "there is a master", SOON_S)
    pair[0].wait_for_state("MASTER", SOON_S)


def reapers(agent: OurAgent) -> list[int]:
    """The processes of its own that an agent has."""
    assert agent.process is not None
    return children(agent.process.pid)


def children(pid: int) -> list[int]:
    """The processes that a process has started and that run."""
    words = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(word) for word in words if b"reaper.py" in Path(f"/proc/{word}/cmdline").read_bytes()]


def watch(agent: OurAgent) -> Timeline:
    """The VIPs on its node."""
    return Timeline(f"/run/netns/{agent.node.name}", VIPS)


@pytest.fixture
def watched(pair: tuple[OurAgent, OurAgent]) -> Iterator[tuple[Timeline, Timeline]]:
    """The VIPs on both nodes."""
    with closing(watch(pair[0])) as first, closing(watch(pair[1])) as second:
        yield first, second


def gone_in_time(watched: tuple[Timeline, Timeline], at_s: float) -> bool:
    """Whether the VIPs went from the first node before they came to the second."""
    wait_for(lambda: watched[1].whole_after(at_s) < float("inf"), "the peer has claimed them", SOON_S)
    wait_for(lambda: watched[0].gone_after(at_s) < float("inf"), "the VIPs are gone", SOON_S)
    return watched[0].gone_after(at_s) < watched[1].whole_after(at_s) + LATE_S


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP], ids=["killed", "frozen"])
@pytest.mark.parametrize("wire", [QUICK, VMAC], ids=["", "vmac"])
def test_gone_before_the_peer_claims(
    pair: tuple[OurAgent, OurAgent], watched: tuple[Timeline, Timeline], wire: Wire, number: int
) -> None:
    start(pair, wire)
    [reaper] = reapers(pair[0])
    assert pair[0].process is not None
    at_s = time.monotonic()
    pair[0].process.send_signal(number)
    assert gone_in_time(watched, at_s)
    if number == signal.SIGKILL:
        wait_for(lambda: not os.path.exists(f"/proc/{reaper}"), "its reaper has ended", SOON_S)
        assert "web eth0/51: addresses taken off: the agent has ended" in pair[0].log
    else:
        assert "web eth0/51: addresses taken off: nobody has renewed them in time" in pair[0].log
        pair[0].process.send_signal(signal.SIGCONT)
        pair[0].wait_for_state("MASTER", SOON_S)
        assert reapers(pair[0]) == [reaper]


def test_what_can_be_resumed_is_left_till_its_time_is_up(
    pair: tuple[OurAgent, OurAgent], watched: tuple[Timeline, Timeline]
) -> None:
    """An agent that is started again at once goes on as MASTER, and is not robbed by the reaper of its earlier life."""
    start(pair, HALF)
    assert len(reapers(pair[0])) == 1 and pair[0].process is not None
    at_s = time.monotonic()
    pair[0].process.kill()
    pair[0].process.wait()
    wait_for(lambda: watched[0].gone_after(at_s) < float("inf"), "their time is up", SOON_S)
    # Three intervals and the skew after the last renewal, which was an interval before the kill at most.
    assert watched[0].missing_after(at_s) > at_s + 2 * HALF.interval_s


def test_a_reaper_that_was_killed_comes_back(
    pair: tuple[OurAgent, OurAgent], watched: tuple[Timeline, Timeline]
) -> None:
    start(pair, QUICK)
    [first] = reapers(pair[0])
    os.kill(first, signal.SIGKILL)
    wait_for(lambda: reapers(pair[0]) not in ([], [first]), "another one", 2 * SOON_S)
    assert "trying again" in pair[0].log
    at_s = time.monotonic()
    pair[0].kill()
    assert gone_in_time(watched, at_s)


def test_an_orderly_end_leaves_none(pair: tuple[OurAgent, OurAgent], watched: tuple[Timeline, Timeline]) -> None:
    """Told to end along with the agent, as systemd does, it waits for the agent's end."""
    start(pair, QUICK)
    [reaper] = reapers(pair[0])
    os.kill(reaper, signal.SIGTERM)
    pair[0].stop()
    wait_for(lambda: not os.path.exists(f"/proc/{reaper}"), "it has ended", SOON_S)
    assert "taken off" not in pair[0].log


def test_an_upgrade_takes_it_along(pair: tuple[OurAgent, OurAgent], watched: tuple[Timeline, Timeline]) -> None:
    """The reaper of the process before takes nothing from the new one, which gets its own."""
    start(pair, QUICK)
    [before] = reapers(pair[0])
    at_s = time.monotonic()
    done = pair[0].command("upgrade")
    assert done.returncode == 0, done.stderr
    wait_for(lambda: not os.path.exists(f"/proc/{before}"), "the reaper of the process before has ended", SOON_S)
    pid = pair[0].document()["pid"]
    wait_for(lambda: children(pid), "the new process has its own", SOON_S)
    assert watched[0].missing_after(at_s) == float("inf")
    killed_s = time.monotonic()
    os.kill(pid, signal.SIGKILL)
    assert gone_in_time(watched, killed_s)


def test_none_where_the_kernel_is_fast_enough(pair: tuple[OurAgent, OurAgent]) -> None:
    start(pair, SLOW)
    assert reapers(pair[0]) == []
