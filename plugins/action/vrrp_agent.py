# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller's half of vrrp_agent: packs the agent with pyroute2, and sends it to a node that lacks it."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import re
import tempfile
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

from ..module_utils import package, vrrp_agent
from ..module_utils.vrrp_agent.version import VERSION

# The agent's netlink layer is tested with the first and with the last of these.
PYROUTE2_FIRST = (0, 7, 2)
PYROUTE2_BEFORE = (0, 10)
_MEND = "run: pip install 'pyroute2>=0.7.2,<0.10' in the Python environment that runs ansible-playbook"


class ActionModule(ActionBase):
    """Asks the node first: in a converged pair nothing but the digest travels."""

    TRANSFERS_FILES = True
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Call the module of the same name; once more with the archive if it says that it needs it."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        arguments = self.validate_argument_spec({"unit": {"type": "str", "required": True}})[1]
        version, folder = find_pyroute2()
        files = package.contents(os.path.dirname(vrrp_agent.__file__), folder)
        module_args = {
            "digest": package.digest(files),
            "pyroute2_version": version,
            "unit": arguments["unit"],
            "version": VERSION,
        }
        answer = self._execute_module(module_args=module_args, task_vars=task_vars)
        if answer.pop("archive_needed", False) and not answer.get("failed"):
            self._remove_tmp_path(self._connection._shell.tmpdir)
            answer = self._execute_module(
                module_args={**module_args, "archive": self._send(package.pack(files))}, task_vars=task_vars
            )
        result.update(answer)
        return result

    def _send(self, archive: bytes) -> str:
        """Put the archive into the task's own folder on the node, which is removed when the task ends."""
        remote: str = self._connection._shell.join_path(self._make_tmp_path(), "vrrp-agent.zip")
        with tempfile.NamedTemporaryFile() as local:
            local.write(archive)
            local.flush()
            self._transfer_file(local.name, remote)
        self._fixup_perms2((self._connection._shell.tmpdir, remote))
        return remote


def find_pyroute2() -> tuple[str, str]:
    """The version and the folder of the controller's pyroute2, which is what the nodes get."""
    spec = importlib.util.find_spec("pyroute2")
    if spec is None or spec.origin is None:
        raise AnsibleActionFail(f"The controller's Python has no pyroute2, which the agent needs; {_MEND}.")
    version = importlib.metadata.version("pyroute2")
    numbers = tuple(int(number) for number in re.findall(r"\d+", version)[:3])
    if not PYROUTE2_FIRST <= numbers < PYROUTE2_BEFORE:
        raise AnsibleActionFail(f"The controller's pyroute2 {version} was not tested with the agent; {_MEND}.")
    return version, os.path.dirname(spec.origin)
