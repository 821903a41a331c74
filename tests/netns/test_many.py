# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Many virtual routers, all BACKUP, read their adverts now and then: nobody can tell, but by the work that it saves."""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Iterator, Sequence
from datetime import datetime
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from peers import OurAgent, Wire
from segment import Segment, wait_for
from vrrp_agent.linux.sockets import AdvertSocket
from vrrp_agent.protocol import packet

NUMBERS = range(1, 41)
# Adverts each second: a BACKUP of priority 100 waits for 3.6 s, and for 0.6 s after a goodbye.
DOWN_S, SKEW_S = 3 + 156 / 256, 156 / 256
SPEAKER = ip_address("10.139.1.11")
SOON_S = 20.0
# More than a second of silence about changes, after which adverts are left to gather.
QUIET_S = 1.5


def as_seconds(iso_time: str) -> float:
    """The wall clock's time of a moment in a status."""
    return datetime.fromisoformat(iso_time.replace("Z", "+00:00")).timestamp()


class Speaker:
    """Node a as the master of all, by hand."""

    def __init__(self, segment: Segment) -> None:
        with segment["a"].entered():
            self._socket = AdvertSocket(socket.if_nametoindex("eth0"), "eth0", 4)

    def say(self, number: int, priority: int = 200) -> None:
        """Send one virtual router's advert."""
        advert = packet.Advert(3, number, priority, 100, (ip_address(f"10.139.{number}.1"),))
        self._socket.send(packet.encode(advert, SPEAKER, packet.GROUP_IPV4, pseudo_header=True), SPEAKER)

    def keep_saying(self, seconds: float, every_s: float, numbers: Sequence[int] = NUMBERS) -> int:
        """Send adverts of all of these, one after the other; how many."""
        said, end_s = 0, time.monotonic() + seconds
        while time.monotonic() < end_s:
            self.say(numbers[said % len(numbers)])
            said += 1
            time.sleep(every_s)
        return said

    def close(self) -> None:
        """Say no more."""
        self._socket.close()


@pytest.fixture
def speaker(segment: Segment) -> Iterator[Speaker]:
    """Who speaks as node a."""
    one = Speaker(segment)
    yield one
    one.close()


@pytest.fixture
def backup(segment: Segment, tmp_path: Path, speaker: Speaker) -> Many:
    """The agent of node b, which follows the speaker and rests."""
    agent = Many(segment["b"], tmp_path / "b")
    agent.start(Wire(3, interval_s=1.0), priority=100)
    speaker.keep_saying(QUIET_S, 0.01)
    assert all(one["master"]["address"] == str(SPEAKER) for one in agent.instances())
    return agent


class Many(OurAgent):
    """An agent with as many virtual routers as there are numbers."""

    def write(self, wire: Wire, priority: int, **more: Any) -> None:
        """One instance for each."""
        super().write(wire, priority, **more)
        self.rewrite_instances(
            lambda instances: [
                {
                    **instances[0],
                    "name": f"web{number}",
                    "virtual_router_id": number,
                    "virtual_addresses": [f"10.139.{number}.1/24"],
                }
                for number in NUMBERS
            ]
        )

    def instances(self) -> list[dict[str, Any]]:
        """The status of each."""
        return list(self.document()["instances"])

    def received(self) -> list[int]:
        """How many adverts each has heard."""
        return [one["counters"]["advertisement_rcvd"] for one in self.instances()]

    def wakings(self) -> int:
        """How often the process has gone to sleep so far."""
        assert self.process is not None
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        [switches] = re.findall(r"^voluntary_ctxt_switches:\s+(\d+)$", status, re.MULTILINE)
        return int(switches)

    def _answers(self) -> bool:
        try:
            return len(self.instances()) == len(NUMBERS)
        except Exception:
            return False


def test_it_does_not_wake_for_each(backup: Many, speaker: Speaker) -> None:
    before, heard = backup.wakings(), sum(backup.received())
    said = speaker.keep_saying(2, 0.005)
    wakings = backup.wakings() - before
    assert sum(backup.received()) == heard + said
    assert wakings < said / 3


def test_the_status_knows_of_every_one(backup: Many, speaker: Speaker) -> None:
    """Whoever asks is told what has come until now."""
    for _turn in range(5):
        before = backup.received()
        for number in NUMBERS[:5]:
            speaker.say(number)
        assert backup.received() == [*(count + 1 for count in before[:5]), *before[5:]]


def test_silence_is_noticed_in_time_and_not_before(backup: Many, speaker: Speaker) -> None:
    last_s = {}
    for number in NUMBERS:
        last_s[f"web{number}"] = time.time()
        speaker.say(number)
        time.sleep(0.02)
    wait_for(lambda: {one["state"] for one in backup.instances()} == {"MASTER"}, "b is MASTER of all", SOON_S)
    for one in backup.instances():
        assert one["last_transition"]["reason"].startswith("no advert from 10.139.1.11 for 3.6")
        assert as_seconds(one["since"]) - last_s[one["name"]] > DOWN_S - 0.001  # milliseconds are cut off


def test_a_goodbye_is_heard_before_its_time_is_over(backup: Many, speaker: Speaker) -> None:
    """Skew_Time counts from when it came; and where one has the role, the others are as awake as ever."""
    asleep = backup.wakings()
    speaker.say(NUMBERS[0], priority=0)
    said_s = time.monotonic()
    told = speaker.keep_saying(SKEW_S / 2, 0.01, NUMBERS[1:])
    assert backup.wakings() - asleep > told / 2
    wait_for(lambda: backup.instances()[0]["state"] == "MASTER", "the first is MASTER", SOON_S)
    assert time.monotonic() - said_s > SKEW_S
    assert backup.instances()[0]["last_transition"]["reason"] == "10.139.1.11 resigned (priority 0)"
    before = backup.wakings()
    said = speaker.keep_saying(1, 0.02)
    assert backup.wakings() - before > said / 2
