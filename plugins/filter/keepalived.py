# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible filters: keepalived.conf as vrrp_instances, of one host or of a group of hosts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ansible.errors import AnsibleFilterError

from ..plugin_utils.group_vars import plain
from ..plugin_utils.keepalived import adopted, pair, reader


def keepalived_instances(text: Any, config_id: str = "", files: Any = None, path: str = "") -> dict[str, Any]:
    """One host's configuration."""
    if not isinstance(text, str):
        raise AnsibleFilterError("keepalived_instances wants the text of a keepalived.conf")
    given = plain(files or {})
    if not isinstance(given, Mapping) or not all(isinstance(value, str) for value in given.values()):
        raise AnsibleFilterError("keepalived_instances wants files as a dictionary of texts by their paths")
    return reader.read(plain(text), str(config_id), given, str(path) or reader.MAIN_FILE)


def keepalived_group(hosts: Any, group: str = "ha_pair", held: Any = None) -> dict[str, Any]:
    """The configurations of a whole group, each as keepalived_instances gives it, as one; `held`: host -> addresses."""
    results = plain(hosts)
    if not isinstance(results, Mapping) or not all(
        isinstance(result, Mapping) and "vrrp_instances" in result for result in results.values()
    ):
        raise AnsibleFilterError("keepalived_group wants a dictionary of hosts and what keepalived_instances gave")
    merged, there = pair.merge(results), plain(held or {})
    sound = not any(remark["severity"] == "error" for remark in merged["remarks"])
    return {
        **merged,
        "addresses": pair.addresses(merged),
        "instances_of": {host: pair.of_host(merged, host) for host in results},
        "raised": {host: pair.raised(merged, host) for host in results} if sound else {},
        "in_place": {host: pair.in_place(merged, host, there.get(host, ())) for host in results} if sound else {},
        "files": adopted.render(merged, str(group)),
    }


class FilterModule:
    """What Ansible asks a file of filters for."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """The filters by their names."""
        return {"keepalived_instances": keepalived_instances, "keepalived_group": keepalived_group}
