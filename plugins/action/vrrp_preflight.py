# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller's half of vrrp_preflight: checks the inventory of whole groups before anything changes."""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase

from ..module_utils import misspelt
from ..module_utils.inventory import Findings, Group, examine
from ..module_utils.preflight import judge
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
        arguments = self.validate_argument_spec(
            {"group": {"type": "str"}, "register": {"type": "str", "default": "vrrp_host"}}
        )[1]
        group_vars = GroupVars(task_vars or {}, self._templar)
        play_hosts = [str(host) for host in (task_vars or {}).get("ansible_play_hosts_all") or [group_vars.host]]
        names = [arguments["group"]] if arguments["group"] else map(group_vars.group_of, play_hosts)
        groups = {name: group_vars.read_group(name) for name in dict.fromkeys(names)}
        found = _of_the_inventory(groups)
        if not found.problems:
            found = _with_the_hosts(found, groups, group_vars, arguments["register"], play_hosts)
        if found.problems:
            headline = f"The inventory has {len(found.problems)} problem(s); nothing was changed on any host:"
            return {**result, "failed": True, "msg": report(headline, found.problems)}
        return {**result, "changed": False, "groups": list(groups), "warnings": found.warnings}


def _of_the_inventory(groups: dict[str, Group]) -> Findings:
    """What the variables alone tell."""
    findings = [examine(group) for group in groups.values()]
    return Findings(
        [one for found in findings for one in found.problems], [w for found in findings for w in found.warnings]
    )


def _with_the_hosts(
    found: Findings, groups: dict[str, Group], group_vars: GroupVars, variable: str, play_hosts: list[str]
) -> Findings:
    """The same with what the hosts have registered; who took no part is told of, once anybody did."""
    hosts = list(dict.fromkeys(host for group in groups.values() for host in group))
    reports = group_vars.registered(variable, hosts)
    reports = {host: one for host, one in reports.items() if "interfaces" in one}
    if not reports:  # the first time, when there is nothing but the inventory
        names = {host: group_vars.names(host) for host in hosts}
        return Findings(found.problems, [*found.warnings, *misspelt.warnings(names)])
    judged = judge(groups, reports)
    absent = [host for host in hosts if host not in reports and host not in play_hosts]
    warnings = [f"not checked, as they took no part in this run: {', '.join(absent)}"] if absent else []
    return Findings(judged.problems, [*found.warnings, *judged.warnings, *warnings])
