# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible as a user of a checkout runs it, against the hosts of a lab."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from .errors import LabError
from .shell import run

CHECKOUT = Path(__file__).resolve().parent.parent
RECAP = re.compile(r"^(\S+)\s+: ok=\d+\s+changed=(\d+)", re.MULTILINE)
COLOUR = re.compile(r"\x1b\[[0-9;]*m")


class Controller:
    """The controller's side: inventories in, outcomes out. `inventories` are given to every command, in this order."""

    def __init__(self, inventories: Sequence[Path]) -> None:
        self._inventories = [word for path in inventories for word in ("-i", str(path))]

    def playbook(self, path: str) -> dict[str, int]:
        """Run a playbook with its output on the terminal; return how much it changed on each host."""
        argv = ["ansible-playbook", path, *self._inventories]
        output = ""
        with subprocess.Popen(
            argv, cwd=CHECKOUT, env=_environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        ) as process:
            for line in process.stdout or []:
                output += line
                print(f"    {line}", end="", flush=True)
        if process.returncode:
            raise LabError(f"{path} failed with exit code {process.returncode}: its output above says why")
        return changes(output)

    def module(self, name: str, arguments: str, hosts: str) -> dict[str, dict[str, object]]:
        """Run a module on some hosts; return each host's result."""
        with tempfile.TemporaryDirectory() as results:
            argv = ["ansible", hosts, *self._inventories, "-m", name, "-a", arguments, "--tree", results]
            run(*argv, env=_environment(), cwd=CHECKOUT)
            return {path.name: json.loads(path.read_text()) for path in Path(results).iterdir()}


def changes(output: str) -> dict[str, int]:
    """Read how much a playbook changed on each host from its recap."""
    return {host: int(count) for host, count in RECAP.findall(COLOUR.sub("", output))}


def _environment() -> dict[str, str]:
    """Return an environment in which Ansible finds the checkout as duet.ha_pair and leaves nothing outside it."""
    build = CHECKOUT / ".build"
    tools = Path(sys.executable).parent
    colour = {"ANSIBLE_FORCE_COLOR": "1"} if sys.stdout.isatty() and "NO_COLOR" not in os.environ else {}
    return {
        **os.environ,
        **colour,
        "PATH": f"{tools}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "ANSIBLE_COLLECTIONS_PATH": str(build),
        "ANSIBLE_HOME": str(build / "ansible"),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
