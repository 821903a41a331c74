# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""site.yml on its way from host to host, on real ones: predicted, stopped, interrupted, and run again.

every_task.py, which `make rollout` runs, tries every kind of change and interrupts at every task.
"""

from __future__ import annotations

import shlex
import subprocess
import sys
from typing import Any

from lab.shell import wait_until
from tests.rollout.controller import ROOT, Controller

WRITE = "duet.ha_pair.vrrp : Write the configuration that the inventory gives"
SERVICE = "duet.ha_pair.vrrp : Run the agent as installed and configured"
KEY = {"type": "hmac", "keys": [{"id": 1, "key": "00112233445566778899aabbccddeeff" * 2}]}
OTHER_KEY = {"type": "hmac", "keys": [{"id": 2, "key": "8899aabbccddeeff0011223344556677" * 2}]}


def west(controller: Controller, password: str, *vips: int) -> dict[str, Any]:
    """The variables of the pair west, which has a password, in the vault."""
    authentication = {"type": "pass", "password": controller.write_secret("west", password)}
    return controller.web(*vips or (8,), virtual_router_id=52, version=2, authentication=authentication)


def test_several_pairs_in_one_run(controller: Controller) -> None:
    """On a first run all hosts at once; after that the backups of all pairs, then their MASTERs."""
    hosts = ("lb1", "lb2", "lb3", "lb4")
    first = controller.deploy(east=controller.web(1), west=west(controller, "s3cret"))
    assert first is not None
    assert first.tasks.count(SERVICE) == 1
    assert {host for host, task in first.changes if task == SERVICE} == set(hosts)
    assert "s3cret" not in first.output
    assert '"s3cret"' in controller.lab.exec("lb3", "cat", "/etc/vrrp-agent/config.json")
    run = controller.deploy(east=controller.web(1, 2), west=west(controller, "s3cret", 8, 9))
    assert run is not None
    order = [host for host, task in run.changes if task == SERVICE]
    assert (set(order[:2]), set(order[2:])) == ({"lb2", "lb4"}, {"lb1", "lb3"})
    assert controller.states(*hosts) == ["MASTER", "BACKUP", "MASTER", "BACKUP"]
    for vip in (1, 2, 8, 9):
        controller.reaches(vip)


def test_a_split_stops_the_run_before_the_next_host(controller: Controller) -> None:
    """lb2 is settled by itself, as MASTER, and no longer hears lb1, which goes on to serve and is not touched."""
    controller.deploy(east=controller.web(1))
    controller.write_inventory(east=controller.web(1, 2))
    lab = [sys.executable, "-m", "lab"]
    block = shlex.join([*lab, "block", controller.lab.name, "lb1", "lb2", "--vrrp"])
    run = controller.site(WATCH_TASK=SERVICE, WATCH_HOST="lb2", WATCH_DO=f"cd {ROOT}; {block}; sleep 4")
    subprocess.run([*lab, "unblock", controller.lab.name, "lb1", "lb2"], cwd=ROOT, check=True)
    assert run.code != 0
    assert "lb1, lb2: instance web: 2 hosts are MASTER" in run.words
    assert {host for host, _task in run.changes} == {"lb2"}
    assert controller.states("lb1") == ["MASTER"]
    controller.reaches(1)
    controller.deploy(east=controller.web(1, 2))
    controller.reaches(2)


def test_check_mode_predicts_what_the_run_changes(controller: Controller) -> None:
    """The same tasks on the same hosts."""
    controller.deploy(east=controller.web(1, 2))
    controller.write_inventory(east=controller.web(1, 3))
    predicted = controller.site("--check", "--diff").green()
    done = controller.deploy(east=controller.web(1, 3))
    assert done is not None and sorted(predicted.changes) == sorted(done.changes)
    assert {host for host, _task in done.changes} == {"lb1", "lb2"}


def test_a_key_that_the_other_host_does_not_know_is_refused(controller: Controller) -> None:
    """Before anything changes, with the playbook that brings it."""
    controller.deploy(east=controller.web(1, 3))
    for authentication in (KEY, OTHER_KEY):
        controller.write_inventory(east=controller.web(1, 3, authentication=authentication))
        refused = controller.site()
        assert refused.code != 0 and refused.changes == []
        assert "would not believe each other, and both be MASTER; run duet.ha_pair.rotate_key" in refused.words
        assert authentication["keys"][0]["key"] not in refused.output
        if authentication == KEY:
            controller.forget("east")
            controller.playbook("rotate_key").green()


def test_interrupted_when_a_password_has_come_half_way(controller: Controller) -> None:
    """Both hosts are MASTER then, and the next run, which changes the one alone, ends that."""
    controller.deploy(west=west(controller, "s3cret"))
    controller.write_inventory(west=west(controller, "changed!"))
    controller.forget("west")
    foretold = controller.site("--check", "--limit", "lb4").green()
    told = "web: lb3, which takes no part in this run, cannot understand this change: both are MASTER until it has it"
    assert told in foretold.words
    assert controller.site(WATCH_TASK=WRITE, WATCH_HOST="lb3", WATCH_DO="kill").code != 0
    wait_until("lb4 is MASTER", lambda: controller.states("lb4") == ["MASTER"], 30)
    assert controller.states("lb3") == ["MASTER"]
    again = controller.site().green()
    assert {host for host, _task in again.changes} == {"lb3"}
    assert controller.states("lb3", "lb4") == ["MASTER", "BACKUP"]
    assert "s3cret" not in again.output and "changed!" not in again.output
