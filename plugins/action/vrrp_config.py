# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller's half of vrrp_config: makes this host's document from the inventory, and hides its secrets."""

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

from ..module_utils.inventory import document, examine
from ..module_utils.problem import report
from ..module_utils.rollover import PHASES
from ..module_utils.secret import split
from ..plugin_utils.group_vars import GroupVars, plain


class ActionModule(ActionBase):
    """Secrets travel in an argument of their own, which Ansible never shows."""

    TRANSFERS_FILES = False
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Call the module of the same name with the document."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        arguments = self.validate_argument_spec(
            {
                "config": {"type": "dict"},
                "group": {"type": "str"},
                "phase": {"type": "str", "choices": list(PHASES)},
                "secrets": {"type": "dict", "no_log": True},
                "try_checks": {"type": "bool", "default": False},
            }
        )[1]
        made = plain(arguments["config"]) or self._from_inventory(arguments["group"], task_vars or {})
        config, secrets = split(made)
        module_args = {"config": config, "secrets": {**secrets, **(arguments["secrets"] or {})}}
        if arguments["try_checks"]:
            module_args["try_checks"] = True
        if arguments["phase"]:
            module_args["phase"] = arguments["phase"]
        result.update(self._execute_module(module_args=module_args, task_vars=task_vars))
        host = (task_vars or {}).get("inventory_hostname", "")
        told = [f"{host}: {line}" for line in result.get("warnings_of_checks", [])]
        warnings = [] if arguments["config"] else self._foresee(result, arguments["group"], task_vars or {})
        return {**result, "warnings": [*(result.get("warnings") or []), *told, *warnings]}

    def _foresee(self, result: dict[str, Any], name: str | None, task_vars: dict[str, Any]) -> list[str]:
        """What a host that --limit has left out will not understand."""
        group_vars = GroupVars(task_vars, self._templar)
        group = group_vars.read_group(name or group_vars.group_of(group_vars.host))
        play_hosts = task_vars.get("ansible_play_hosts_all") or group
        absent = ", ".join(host for host in group if host not in play_hosts)
        if not absent or not result.get("changed"):
            return []
        reason = "takes no part in this run, cannot understand this change: both are MASTER until it has it"
        return [f"{instance}: {absent}, which {reason}" for instance in result.get("apart", [])]

    def _from_inventory(self, name: str | None, task_vars: dict[str, Any]) -> dict[str, Any]:
        group_vars = GroupVars(task_vars, self._templar)
        name = name or group_vars.group_of(group_vars.host)
        group = group_vars.read_group(name)
        if group_vars.host not in group:
            raise AnsibleActionFail(
                f"{group_vars.host} is not in the group '{name}' ({', '.join(group)});"
                " add it there, or name its group in vrrp_group."
            )
        problems = examine(group).problems
        if problems:
            raise AnsibleActionFail(report(f"The inventory has {len(problems)} problem(s):", problems))
        return document(group_vars.host, group)
