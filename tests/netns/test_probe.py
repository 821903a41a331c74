# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The prober itself: it sees what is lost, and tells its own troubles apart."""

from __future__ import annotations

import signal
import time
from typing import Any

import pytest
from probe import names_by_mac, probing
from segment import Namespace, Segment

TARGETS = {"ipv4": ("10.139.1.11", "10.139.1.13"), "ipv6": ("fd00:139::11", "fd00:139::13")}
targets = pytest.mark.parametrize(("target", "control"), TARGETS.values(), ids=TARGETS)
LOST_S = 0.1


@pytest.fixture
def crowd(make_segment: Any) -> Segment:
    """Two nodes, one that nothing happens to, and a client."""
    made: Segment = make_segment("a", "b", "control", "client")
    return made


def cut_off(segment: Segment, client: Namespace, node: Namespace) -> float:
    """Let nothing of a node reach the client for a moment; how long that was at least, in s."""
    segment.block(node, client)
    began_s = time.monotonic()
    time.sleep(LOST_S)
    lasted_s = time.monotonic() - began_s
    segment.unblock(node, client)
    return lasted_s


@targets
def test_a_loss(crowd: Segment, target: str, control: str) -> None:
    """What is cut off is lost, the time of it is told, and who answered."""
    client, names = crowd["client"], names_by_mac(crowd)
    with probing(client, target, control, names) as probe:
        lasted_s = cut_off(crowd, client, crowd["a"])
    report = probe.report
    assert report.lost + report.excused + report.unsent >= lasted_s * 1000 - 2, report
    assert report.lost and report.longest_silence_ms > 0, report
    assert [turn.node for turn in report.turns] == ["a"]


@targets
def test_a_move_without_a_loss(crowd: Segment, target: str, control: str) -> None:
    """An address on two nodes, whose MACs the client is told one after the other: two turns, nothing lost."""
    client, names = crowd["client"], names_by_mac(crowd)
    with probing(client, target, control, names) as probe:
        ip = ("-6",) if ":" in target else ("-4",)
        client.ip(*ip, "neigh", "replace", target, "lladdr", crowd["a"].mac(), "dev", "eth0")
        prefix = f"{target}/64" if ":" in target else f"{target}/24"
        crowd["b"].ip("address", "add", prefix, "dev", "eth0", *(["nodad"] if ":" in target else []))
        client.ip(*ip, "neigh", "replace", target, "lladdr", crowd["b"].mac(), "dev", "eth0")
        time.sleep(0.05)
    assert [turn.node for turn in probe.report.turns] == ["a", "b"], probe.report
    assert probe.report.lost == 0, probe.report


def test_what_its_twin_loses_too_is_no_loss(crowd: Segment) -> None:
    rule = "add chain bridge hiccup c { type filter hook forward priority 0; }; "
    rule += "add rule bridge hiccup c oifname to-client drop"
    with probing(crowd["client"], *TARGETS["ipv4"]) as probe:
        crowd.bridge.run(["nft", f"add table bridge hiccup; {rule}"])
        time.sleep(LOST_S)
        crowd.bridge.run(["nft", "delete table bridge hiccup"])
    report = probe.report
    assert report.excused + report.unsent >= LOST_S * 1000 - 2, report
    assert report.lost <= 2, report  # at either end one of the two may be on its way


def test_a_frozen_prober_has_lost_nothing(crowd: Segment) -> None:
    with probing(crowd["client"], *TARGETS["ipv4"]) as probe:
        process = probe._process
        assert process is not None
        time.sleep(0.05)
        process.send_signal(signal.SIGSTOP)
        time.sleep(LOST_S)
        process.send_signal(signal.SIGCONT)
        time.sleep(0.05)
    report = probe.report
    assert (report.lost, report.longest_silence_ms < LOST_S * 1000 / 2) == (0, True), report
    assert report.unsent >= LOST_S * 1000 - 2, report
