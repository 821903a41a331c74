# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads a group's vrrp_* variables out of Ansible's variables, templated and as plain values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible.errors import AnsibleActionFail, AnsibleError
from ansible.template import Templar

from ..module_utils.inventory import VARIABLES

DEFAULT_GROUP = "ha_pair"


class GroupVars:
    """What one task can see of the variables of all hosts.

    Variables of the play or of a role's parameters are not the inventory's: a task sees them for its own host only.
    They are taken to hold for the other hosts as well.
    """

    def __init__(self, task_vars: Mapping[str, Any], templar: Templar) -> None:
        self._task_vars = task_vars
        self._templar = templar
        self.host = str(task_vars["inventory_hostname"])

    def group_of(self, host: str) -> str:
        """The name of the group that a host forms a pair with."""
        return str(self._read("vrrp_group", host) or DEFAULT_GROUP)

    def read_group(self, name: str) -> dict[str, dict[str, Any]]:
        """`{host: its vrrp_* variables}` of a whole group, whatever --limit says."""
        hosts = self._task_vars["groups"].get(name)
        if not hosts:
            what = "is empty" if name in self._task_vars["groups"] else "does not exist"
            raise AnsibleActionFail(
                f"The inventory's group '{name}' {what}; put the pair's hosts into it,"
                " or name their group in vrrp_group."
            )
        return {str(host): {key: self._read(key, str(host)) for key in VARIABLES} for host in hosts}

    def names(self, host: str) -> list[str]:
        """The names of a host's variables."""
        return [str(name) for name in self._task_vars["hostvars"][host]]

    def registered(self, variable: str, hosts: Sequence[str]) -> dict[str, Any]:
        """`{host: value}` of what a task before this one registered on each host that took part."""
        values = {host: self._task_vars["hostvars"][host].get(variable) for host in hosts}
        return {host: plain(value) for host, value in values.items() if value is not None}

    def _read(self, name: str, host: str) -> Any:
        hostvars = self._task_vars["hostvars"]
        try:
            if host != self.host and name in hostvars[host]:
                return plain(hostvars[host][name])
            if host == self.host or name not in hostvars[self.host]:
                return plain(self._templar.template(self._task_vars.get(name)))
        except AnsibleError as error:
            raise AnsibleActionFail(f"{host}: {name} cannot be read: {error}") from error
        return None


def plain(value: Any) -> Any:
    """A value of exact Python types, without Ansible's own: lazy containers, tagged numbers, encrypted text."""
    if value is None or isinstance(value, bool):
        return value
    for number in (int, float):
        if isinstance(value, number):
            return number(value)
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return "".join(str(value))
