# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every kind of change is predicted, and a run that is interrupted at any task converges: `make rollout`."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.rollout.controller import ROOT, Controller

NO_NGINX = ("-e", "nginx_enabled=false")
CHANGES: dict[str, dict[str, Any]] = {
    "an agent": {},
    "a priority": {"priorities": {"lb1": 50, "lb2": 100}},
    "an interval": {"advert_interval": 0.5},
    "a second instance": {},
    "a site": {},
}
# The tasks of a run, nginx' left out ones too, but for the one that asks again where a host had to wait.
TASKS = {"a change": 46, "a first deployment": 27}
ASK_AGAIN = "Ask each host who is MASTER"


@pytest.mark.parametrize("kind", TASKS)
def test_a_run_has_so_many_tasks(controller: Controller, kind: str) -> None:
    """None of them goes without its interruption."""
    controller.deploy(east=controller.web(1))
    controller.forget("east")
    if kind == "a first deployment":
        controller.playbook("remove").green()
    run = controller.deploy(east=controller.web(1, 2))
    assert run is not None
    assert len([task for task in run.tasks if task != ASK_AGAIN]) == TASKS[kind], run.tasks


@pytest.mark.parametrize(
    ("kind", "number"), [(kind, number) for kind, count in TASKS.items() for number in range(1, count + 1)]
)
def test_interrupted_at_a_task_and_run_again_it_converges(controller: Controller, kind: str, number: int) -> None:
    """The controller dies in the middle of a task: the pair serves on, and the next run is green and complete."""
    first = kind == "a first deployment"
    before, after = ((1, 2), (1,)) if number % 2 else ((1,), (1, 2))
    controller.deploy(east=controller.web(*before))
    controller.forget("east")
    if first:
        controller.playbook("remove").green()
    wanted = controller.web(*after)
    controller.write_inventory(east=wanted)
    died = controller.site(WATCH_TASK=str(number), WATCH_DO="kill", WATCH_DELAY_S="0.25")
    assert len(died.tasks) >= number  # a short task is over by then
    if not first:
        controller.reaches(1)
    controller.deploy(east=wanted)
    assert controller.states("lb1", "lb2") == ["MASTER", "BACKUP"]
    for vip in after:
        controller.reaches(vip)
    assert controller.site("--check").green().changes == []


@pytest.mark.parametrize("kind", CHANGES)
def test_check_mode_predicts_what_the_run_changes(controller: Controller, tmp_path: Path, kind: str) -> None:
    """The same tasks on the same hosts, and afterwards none."""
    words = () if kind == "a site" else NO_NGINX
    controller.forget("east")
    controller.write_inventory(east=controller.web(1, 2))
    controller.playbook("site", *words).green()
    variables = controller.web(1, 2, **CHANGES[kind])
    if kind == "a second instance":
        variables["vrrp_instances"].append(controller.instance(3, virtual_router_id=53, name="api"))
    if kind == "a site":
        variables["nginx_page"] = "another page"
    controller.write_inventory(east=variables)
    if kind == "an agent":
        controller.collections = next_version(tmp_path)
    try:
        predicted = controller.playbook("site", *words, "--check", "--diff").green()
        done = controller.playbook("site", *words).green()
        assert sorted(predicted.changes) == sorted(done.changes)
        assert {host for host, _task in done.changes} == ({"lb1"} if kind == "a priority" else {"lb1", "lb2"})
        assert controller.playbook("site", *words, "--check").green().changes == []
    finally:
        controller.collections = ROOT / ".build"


def next_version(folder: Path) -> Path:
    """A copy of the collection whose agent is another one."""
    copy = folder / "ansible_collections/duet/ha_pair"
    copy.mkdir(parents=True)
    parts = ["galaxy.yml", "meta", "playbooks", "plugins", "roles"]
    subprocess.run(["cp", "--recursive", "--dereference", *parts, str(copy)], cwd=ROOT, check=True)
    version = copy / "plugins/module_utils/vrrp_agent/version.py"
    version.write_text(version.read_text() + "# another one\n")
    return folder
