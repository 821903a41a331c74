# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fixture library itself: a segment passes packets, and its faults are what they are called."""

from __future__ import annotations

import os
import socket
import subprocess
import sys

from segment import Namespace, Segment, remove_leftovers, wait_for


def reaches(source: Namespace, target: str) -> bool:
    """Whether a connection request gets its refusal: nothing listens there, and ping is not on every machine."""
    try:
        with source.entered(), socket.create_connection((target, 9), timeout=0.5):
            return True
    except ConnectionRefusedError:
        return True
    except OSError:
        return False


def test_nodes_reach_each_other_over_both_families(segment: Segment) -> None:
    assert segment["a"].addresses() == ["10.139.1.11/24", "fd00:139::11/64"]
    assert reaches(segment["a"], "10.139.1.12")
    assert reaches(segment["b"], "fd00:139::11")


def test_a_cut_node_loses_its_carrier_and_gets_it_back(segment: Segment) -> None:
    node = segment["a"]
    segment.cut(node)
    wait_for(lambda: not node.operational("eth0"), "carrier lost")
    assert not reaches(node, "10.139.1.12")
    segment.plug(node)
    wait_for(lambda: reaches(node, "10.139.1.12"), "reached again")  # ARP repeats its request once a second


def test_a_block_drops_one_direction_only_and_only_what_it_names(segment: Segment) -> None:
    a, b = segment["a"], segment["b"]
    segment.block(a, b, "tcp flags == syn")
    assert not reaches(a, "10.139.1.12")
    assert reaches(b, "10.139.1.11")
    segment.unblock(a, b)
    assert reaches(a, "10.139.1.12")


def test_a_process_is_inside_from_its_first_moment() -> None:
    # Else a namespace that is removed at once does not find it, and it lives on.
    namespace = Namespace("lone")
    process = namespace.popen(["sleep", "60"])
    inside = os.stat(f"/run/netns/{namespace.name}").st_ino
    found = os.stat(f"/proc/{process.pid}/ns/net").st_ino
    namespace.remove()
    assert found == inside
    process.wait(timeout=5)


def test_a_removed_namespace_takes_its_processes_along() -> None:
    namespace = Namespace("lone")
    process = namespace.popen(["sleep", "60"])
    namespace.remove()
    assert process.wait(timeout=5) == -9
    assert not os.path.exists(f"/run/netns/{namespace.name}")


def test_many_runs_that_begin_at_once_clean_up_together() -> None:
    """Each worker of a run cleans first: none stumbles over what another has just removed."""
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    names = [f"duet-{dead.pid}-{number}-leftover" for number in range(20)]
    for name in names:
        subprocess.run(["ip", "netns", "add", name], check=True)
    code = "from segment import remove_leftovers; remove_leftovers()"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    cleaners = [subprocess.Popen([sys.executable, "-c", code], env=environment) for _number in range(4)]
    assert [cleaner.wait(timeout=30) for cleaner in cleaners] == [0] * 4
    assert not any(os.path.exists(f"/run/netns/{name}") for name in names)


def test_leftovers_of_a_dead_run_go_and_those_of_a_living_one_stay() -> None:
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    names = {owner: f"duet-{owner}-0-leftover" for owner in (dead.pid, 1)}
    for name in names.values():
        subprocess.run(["ip", "netns", "add", name], check=True)
    try:
        remove_leftovers()
        assert not os.path.exists(f"/run/netns/{names[dead.pid]}")
        assert os.path.exists(f"/run/netns/{names[1]}")
    finally:
        subprocess.run(["ip", "netns", "delete", names[1]], check=True)
