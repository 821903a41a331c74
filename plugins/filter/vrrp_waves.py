# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filter: in which order the hosts of one or several pairs are deployed."""

from __future__ import annotations

DOCUMENTATION = r"""
name: vrrp_waves
short_description: Order the hosts of pairs for a deployment
version_added: 0.1.0
author: duet.ha_pair contributors (@duet)
description:
  - Takes what M(duet.ha_pair.vrrp_info) found on each host and returns lists of hosts. Those of one list may be
    deployed at the same time, since no two of them are of one pair, or nobody of that pair serves yet.
  - Of each pair the backups come first, the one of the lowest priority before the others, and who is MASTER comes last.
  - The hosts of a pair on which no agent runs come all at once.
options:
  _input:
    description: The results of M(duet.ha_pair.vrrp_info) by host, in the inventory's order.
    type: dict
    required: true
  groups:
    description: The name of each host's pair; a host that is not here is of the pair C(ha_pair).
    type: dict
    default: {}
"""

EXAMPLES = r"""
- name: Who is deployed when
  ansible.builtin.debug:
    msg: >-
      {{ dict(ansible_play_hosts | zip(ansible_play_hosts | map('extract', hostvars, 'vrrp_live')))
         | duet.ha_pair.vrrp_waves }}
  run_once: true
"""

RETURN = r"""
_value:
  description: The lists of hosts, in the order of the deployment.
  type: list
  elements: list
  sample: [["lb2"], ["lb1"]]
"""

from collections.abc import Callable, Mapping
from typing import Any

from ansible.errors import AnsibleFilterError

from ..module_utils.rollout import waves
from ..plugin_utils.group_vars import DEFAULT_GROUP, plain

# An agent that is there and gives no answer may hold addresses all the same.
NO_AGENT = ("not_installed", "not_running")


def vrrp_waves(reports: Mapping[str, Any], groups: Mapping[str, str] | None = None) -> list[list[str]]:
    """The lists of hosts."""
    if not isinstance(reports, Mapping):
        raise AnsibleFilterError("vrrp_waves takes the results of vrrp_info by host")
    known, named = plain(reports), plain(groups or {})
    states = {host: [one["state"] for one in report.get("instances") or []] for host, report in known.items()}
    masters = [host for host in known if "MASTER" in states[host]]
    idle = [host for host, report in known.items() if report.get("code") in NO_AGENT]
    return waves({host: str(named.get(host, DEFAULT_GROUP)) for host in known}, masters, idle)


class FilterModule:
    """The collection's filters."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Their names."""
        return {"vrrp_waves": vrrp_waves}
