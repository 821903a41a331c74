# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action plugin vrrp_preflight, which runs on the controller."""

from __future__ import annotations

DOCUMENTATION = r"""
module: vrrp_preflight
short_description: Check the inventory of a pair before anything changes
description:
  - Reads the C(vrrp_*) variables of all hosts of a group, also of those that C(--limit) leaves out, and fails with
    everything that is wrong with them in one message that names host, key and mend.
  - Where the hosts have registered what M(duet.ha_pair.vrrp_host_info) found on them, it goes on to check the inventory
    against that. It refuses an interface that is not there, a virtual address that is a host's own, hosts that share no
    subnet (without C(vrrp_unicast)), IPv6 that is off, a keepalived with the same virtual router id, a stranger
    that advertises it already, and two pairs that use the same on one segment.
  - An address outside the interface's subnets, and what could not be checked because of C(--limit), are warnings.
  - Runs on the controller, connects to no host and shows no secret.
author:
  - duet.ha_pair contributors (@duet)
version_added: 0.1.0
extends_documentation_fragment:
  - duet.ha_pair.attributes.controller
  - ansible.builtin.action_common_attributes
  - ansible.builtin.action_common_attributes.flow
options:
  group:
    description:
      - The group to check.
      - Without it, the groups of all hosts of the play, as their variable C(vrrp_group) names them
        (C(ha_pair) if not set).
    type: str
  register:
    description: The variable that the hosts have registered the result of M(duet.ha_pair.vrrp_host_info) in.
    type: str
    default: vrrp_host
"""

EXAMPLES = r"""
- name: Check the inventory
  duet.ha_pair.vrrp_preflight:
  run_once: true

- name: Look at the hosts
  duet.ha_pair.vrrp_host_info:
  register: vrrp_host

- name: Check the inventory against what the hosts bring along
  duet.ha_pair.vrrp_preflight:
  run_once: true
"""

RETURN = r"""
groups:
  description: The groups that were checked.
  returned: success
  type: list
  elements: str
  sample: ["ha_pair"]
"""
