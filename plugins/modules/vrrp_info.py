# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible module: the live truth of one node's VRRP agent."""

from __future__ import annotations

DOCUMENTATION = r"""
module: vrrp_info
short_description: Report the live state of a node's VRRP agent
description:
  - Asks the VRRP agent on the node, by its control socket, which instances it runs, which of them are MASTER,
    and which virtual addresses are on the node's interfaces at this moment, as its kernel has them.
  - Changes nothing. An agent that is not installed, not running or not to be reached is no failure.
author:
  - duet.ha_pair contributors (@duet)
version_added: 0.1.0
extends_documentation_fragment:
  - duet.ha_pair.attributes.read_only
  - ansible.builtin.action_common_attributes
options:
  wait:
    description:
      - Seconds to wait until the node has settled, plus the time that the protocol needs at the slowest interval.
      - A node has settled when each instance is MASTER, or is BACKUP, hears a MASTER and is not about to take over.
      - An instance in FAULT ends the wait at once. In INIT it waits for the first result of each of its checks.
      - A MASTER that sees its addresses on another host is waited for as well, for 12 s at most, as the other may have
        let go of them just now.
    type: float
    default: 0
"""

EXAMPLES = r"""
- name: Ask who is MASTER
  duet.ha_pair.vrrp_info:
  register: vrrp_live

- name: Show each instance and its state
  ansible.builtin.debug:
    msg: "{{ vrrp_live.instances | items2dict(key_name='name', value_name='state') }}"

- name: Wait until the node has settled
  duet.ha_pair.vrrp_info:
    wait: 30
  register: vrrp_live
  failed_when: not vrrp_live.settled
"""

RETURN = r"""
running:
  description: Whether the agent answered.
  returned: always
  type: bool
  sample: true
reason:
  description: Why there is no answer.
  returned: when C(running) is false
  type: str
  sample: the agent is not installed
code:
  description:
    - The same for programs, V(not_installed), V(not_running), or another word where an agent is there and gives no
      answer.
  returned: when C(running) is false
  type: str
  sample: not_installed
settled:
  description: Whether every instance is MASTER, or is BACKUP, hears a MASTER and is not about to take over.
  returned: always
  type: bool
  sample: true
waiting_for:
  description: Why the node has not settled, one line for each such instance.
  returned: always
  type: list
  elements: str
  sample: ["instance web: BACKUP, has heard no MASTER yet"]
waited:
  description: For how many seconds it has waited; 0 where there was nothing to wait for.
  returned: always
  type: float
  sample: 0.0
drained:
  description: Whether the node is drained (M(duet.ha_pair.vrrp_drain)). Its instances are in C(INIT) then, rightly.
  returned: when C(running) is true
  type: bool
  sample: false
failing_checks:
  description: The checks of the service that have failed, one line each, also those that only lower the priority.
  returned: always
  type: list
  elements: str
  sample: ["instance web: check nginx has failed since 2026-11-23T01:03:11.024Z: Connection refused"]
instances:
  description: The instances with their live state; empty when the agent did not answer.
  returned: always
  type: list
  elements: dict
  contains:
    name:
      description: The instance's name.
      type: str
      sample: web
    state:
      description: C(MASTER), C(BACKUP), C(FAULT) or C(INIT).
      type: str
      sample: MASTER
    leaving:
      description: Whether it is no longer configured, and answers until its successor does.
      type: bool
      sample: false
    interface:
      description: The interface that it runs on.
      type: str
      sample: eth0
    virtual_router_id:
      description: The VRID.
      type: int
      sample: 51
    version:
      description: The VRRP version.
      type: int
      sample: 3
    priority:
      description: The configured priority.
      type: int
      sample: 150
    effective_priority:
      description: The priority that is advertised.
      type: int
      sample: 150
    last_resort:
      description: Whether its checks have failed, and it takes part below all healthy nodes (C(last_resort)).
      type: bool
      sample: false
    switched_over:
      description:
        - Whether it has given its role away (M(duet.ha_pair.vrrp_switchover)), and follows the new MASTER whatever the
          priorities say.
      type: bool
      sample: false
    virtual_addresses:
      description: The addresses that the MASTER holds and advertises.
      type: list
      elements: str
      sample: ["192.0.2.10/24"]
    addresses_present:
      description: Those of the instance's addresses that are on the node now, as its kernel says.
      type: list
      elements: str
      sample: ["192.0.2.10/24"]
    master:
      description: Who is MASTER as far as this node knows; none if it has heard nobody.
      type: dict
      sample: {"address": "192.0.2.1", "priority": 150, "last_heard": null}
    conflicts:
      description:
        - Other hosts that have an address of which this node is MASTER, as seen by ARP and neighbour discovery.
        - C(mac) is none where there are too many to tell apart.
      type: list
      elements: dict
      sample:
        - address: 192.0.2.10
          mac: "52:54:00:12:34:56"
          since: "2026-11-22T16:00:00.123Z"
          last_seen: "2026-11-22T16:00:04.123Z"
    not_heard_by:
      description: Another MASTER that goes on though it has lost to this one, whose adverts it does not hear; or none.
      type: dict
      sample: {"address": "192.0.2.2", "priority": 100, "since": "2026-11-22T16:00:00.123Z"}
    since:
      description: When the present state began.
      type: str
      sample: "2026-11-22T16:00:00.123Z"
    last_transition:
      description: The last change of state, with its reason.
      type: dict
      sample: {"from": "BACKUP", "to": "MASTER", "reason": "no advert", "at": "2026-11-22T16:00:00.123Z"}
    fault:
      description: Why it is in FAULT.
      type: str
      sample: link down
    checks:
      description:
        - The checks of the service, in the order of the configuration. C(healthy) is none until the first result,
          C(failures) counts the failed runs, and C(detail) is what the last one saw.
      type: list
      elements: dict
      sample:
        - name: nginx
          type: http
          healthy: true
          since: "2026-11-23T01:03:11.024Z"
          last_run: "2026-11-23T01:03:19.024Z"
          duration_ms: 5.5
          detail: HTTP status 200
          failures: 0
          on_fail: release
    counters:
      description: The counters of RFC 8347.
      type: dict
      sample: {"checksum_errors": 0}
status:
  description: The agent's whole status document, which also holds C(instances).
  returned: when C(running) is true
  type: dict
  sample: {"router_id": "lb1", "version": "0.1.0", "pid": 123}
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.duet.ha_pair.plugins.module_utils.agent import report


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec={"wait": {"type": "float", "default": 0}}, supports_check_mode=True)
    module.exit_json(changed=False, **report(module.params["wait"]))


if __name__ == "__main__":
    main()
