# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Callback of the tests: writes down what each task changed, and does something bad while the N-th one runs.

WATCH_REPORT is the file, one JSON document a line. WATCH_TASK is a number, or a task's name; WATCH_HOST then is the
host that it runs for. WATCH_DO is `kill`, which ends Ansible as a power cut of the controller does, or a command.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
from typing import Any

from ansible.plugins.callback import CallbackBase

# In the middle of a module's work, rather than before it.
DELAY_S = float(os.environ.get("WATCH_DELAY_S", "0"))


class CallbackModule(CallbackBase):
    """Counts tasks from 1."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "rollout_watch"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self) -> None:
        super().__init__()
        self.tasks = 0

    def v2_runner_on_start(self, host: Any, task: Any) -> None:
        """A task by its name, on one host."""
        if (task.get_name(), host.get_name()) == (os.environ.get("WATCH_TASK"), os.environ.get("WATCH_HOST")):
            act()

    def v2_playbook_on_task_start(self, task: Any, is_conditional: bool) -> None:
        """A task by its number."""
        self.tasks += 1
        write({"task": task.get_name(), "number": self.tasks})
        if str(self.tasks) == os.environ.get("WATCH_TASK"):
            threading.Timer(DELAY_S, act).start() if DELAY_S else act()

    def v2_runner_on_ok(self, result: Any) -> None:
        """What a task has done to a host."""
        write({"host": result.host.get_name(), "task": result.task.get_name(), "changed": result.is_changed()})


def write(document: dict[str, Any]) -> None:
    """Add a line to the report."""
    with open(os.environ["WATCH_REPORT"], "a", encoding="utf-8") as report:
        report.write(json.dumps(document) + "\n")


def act() -> None:
    """Do what the test wants."""
    if os.environ["WATCH_DO"] == "kill":
        os.killpg(0, signal.SIGKILL)
    subprocess.run(os.environ["WATCH_DO"], shell=True, check=True, stdin=subprocess.DEVNULL)
