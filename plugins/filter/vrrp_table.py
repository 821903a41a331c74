# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filter: what vrrp_info found on several hosts, as the lines of a table."""

from __future__ import annotations

DOCUMENTATION = r"""
name: vrrp_table
short_description: Show the live state of several hosts as a table
version_added: 0.1.0
author: duet.ha_pair contributors (@duet)
description:
  - Takes what M(duet.ha_pair.vrrp_info) found on each host and returns the lines of a table, a line for each instance
    on each host; also for a host that did not answer, with the reason.
options:
  _input:
    description: The results of M(duet.ha_pair.vrrp_info) by host.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Ask each host
  duet.ha_pair.vrrp_info:
  register: vrrp_live

- name: Show the table
  ansible.builtin.debug:
    msg: >-
      {{ dict(ansible_play_hosts | zip(ansible_play_hosts | map('extract', hostvars, 'vrrp_live')))
         | duet.ha_pair.vrrp_table }}
  run_once: true
"""

RETURN = r"""
_value:
  description: The lines, the heading first.
  type: list
  elements: str
"""

from collections.abc import Callable, Mapping
from typing import Any

from ansible.errors import AnsibleFilterError

from ..module_utils.table import lines
from ..plugin_utils.group_vars import plain


def vrrp_table(reports: Mapping[str, Any]) -> list[str]:
    """The lines of the table."""
    if not isinstance(reports, Mapping):
        raise AnsibleFilterError("vrrp_table takes the results of vrrp_info by host")
    return lines(plain(reports))


class FilterModule:
    """The collection's filters."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Their names."""
        return {"vrrp_table": vrrp_table}
