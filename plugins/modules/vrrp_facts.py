# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible module: the live state of a node's instances as facts of the host."""

from __future__ import annotations

DOCUMENTATION = r"""
module: vrrp_facts
short_description: Set the live state of a node's VRRP instances as facts
description:
  - Sets the fact C(vrrp), a dictionary of the node's instances by name, so that later tasks and plays can say
    C(when) a host is MASTER of one. Without an agent that answers it is empty.
  - What a fact says was so when the module ran; run it again where that matters. M(duet.ha_pair.vrrp_info) returns
    more, and sets nothing.
  - With a fact cache the facts last, and the inventory plugin C(ansible.builtin.constructed) can make groups of them.
author:
  - duet.ha_pair contributors (@duet)
version_added: 0.1.0
extends_documentation_fragment:
  - duet.ha_pair.attributes.read_only
  - ansible.builtin.action_common_attributes
  - ansible.builtin.action_common_attributes.facts
attributes:
  facts:
    support: full
"""

EXAMPLES = r"""
- name: Ask who is MASTER of what
  duet.ha_pair.vrrp_facts:

- name: Run a job where the virtual address is
  ansible.builtin.command: /usr/local/bin/job
  changed_when: true
  when: ansible_facts.vrrp.web.state == 'MASTER'
"""

RETURN = r"""
ansible_facts:
  description: The facts.
  returned: always
  type: dict
  contains:
    vrrp:
      description: The instances by name, each with what is live.
      type: dict
      sample:
        web:
          state: MASTER
          priority: 150
          effective_priority: 150
          interface: eth0
          virtual_router_id: 51
          virtual_addresses: ["192.0.2.10/24"]
          addresses_present: ["192.0.2.10/24"]
          master: 192.0.2.11
          since: "2026-11-22T16:00:00.123Z"
          fault: null
"""

from collections.abc import Mapping
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.duet.ha_pair.plugins.module_utils.agent import ask
from ansible_collections.duet.ha_pair.plugins.module_utils.vrrp_agent.client import ControlError

KEYS = (
    "state",
    "priority",
    "effective_priority",
    "interface",
    "virtual_router_id",
    "virtual_addresses",
    "addresses_present",
    "since",
    "fault",
)


def facts() -> dict[str, dict[str, Any]]:
    """The instances by name; none where no agent answers."""
    try:
        instances = ask()["instances"]
    except ControlError:
        return {}
    return {one["name"]: of_instance(one) for one in instances if not one.get("leaving")}


def of_instance(one: Mapping[str, Any]) -> dict[str, Any]:
    """One instance's facts; `master` is the address of the MASTER, as far as this node knows."""
    return {**{key: one[key] for key in KEYS}, "master": (one["master"] or {}).get("address")}


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec={}, supports_check_mode=True)
    module.exit_json(changed=False, ansible_facts={"vrrp": facts()})


if __name__ == "__main__":
    main()
