# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller's half of vrrp_preflight: checks the inventory of whole groups before anything changes."""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase

from ..module_utils.inventory import examine
from ..module_utils.problem import report
from ..plugin_utils.group_vars import GroupVars


class ActionModule(ActionBase):
    """Needs no connection: it reads variables only."""

    TRANSFERS_FILES = False
    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Fail with all problems of all groups at once, or return what was checked."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        arguments = self.validate_argument_spec({"group": {"type": "str"}})[1]
        group_vars = GroupVars(task_vars or {}, self._templar)
        groups = [arguments["group"]] if arguments["group"] else _groups_of_the_play(group_vars, task_vars or {})
        problems, warnings = [], []
        for name in groups:
            findings = examine(group_vars.read_group(name))
            problems += findings.problems
            warnings += findings.warnings
        if problems:
            msg = report(f"The inventory has {len(problems)} problem(s); nothing was changed on any host:", problems)
            return {**result, "failed": True, "msg": msg}
        return {**result, "changed": False, "groups": groups, "warnings": warnings}


def _groups_of_the_play(group_vars: GroupVars, task_vars: dict[str, Any]) -> list[str]:
    hosts = task_vars.get("ansible_play_hosts_all") or [group_vars.host]
    return list(dict.fromkeys(group_vars.group_of(str(host)) for host in hosts))
