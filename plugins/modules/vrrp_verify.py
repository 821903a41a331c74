# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action plugin vrrp_verify, which runs on the controller."""

from __future__ import annotations

DOCUMENTATION = r"""
module: vrrp_verify
short_description: Prove that a pair works
description:
  - Takes what M(duet.ha_pair.vrrp_info) has found on each host of a group and fails unless, for each instance,
    exactly one host is MASTER and holds the virtual addresses, nobody else holds one, and everybody else is BACKUP
    and hears that MASTER; and no other host has one of the addresses. A drained host takes no part, holds nothing, and
    is told in a warning. The message says what was found on which host.
  - A check of the service that has failed is told in a warning. It is a failure as well where it puts an instance in
    FAULT, and none where it only lowers a priority and the pair works all the same.
  - On request the virtual addresses must answer as well, whoever has asked them (O(answers)) and the controller
    itself (O(from_controller)).
  - Runs on the controller and connects to no host.
author:
  - duet.ha_pair contributors (@duet)
version_added: 0.1.0
extends_documentation_fragment:
  - duet.ha_pair.attributes.controller
  - ansible.builtin.action_common_attributes
  - ansible.builtin.action_common_attributes.flow
options:
  answers:
    description:
      - The variable that the hosts have registered the result of M(duet.ha_pair.vrrp_probe) in. Each address that is on
        a MASTER must have answered each of them, once at least.
    type: str
  before:
    description:
      - With O(pending), the results of M(duet.ha_pair.vrrp_info) by host from before the deployment. What is wrong
        with an instance that did not work then is a warning, as the deployment may be about to mend it.
    type: dict
    default: {}
  from_controller:
    description:
      - How the controller itself asks each address that is on a MASTER, link-local ones left out. Not every controller
        can reach them, so that it asks only where it is told to.
      - V(icmp) is an echo request, which may need root or C(net.ipv4.ping_group_range); V(tcp) is a connection; V(http)
        is a GET, and an answer of status 200 to 399 is one.
    type: str
    choices: [none, icmp, http, tcp]
    default: none
  group:
    description:
      - The group to judge.
      - Without it, the groups of all hosts of the play, as their variable C(vrrp_group) names them
        (C(ha_pair) if not set).
    type: str
  path:
    description: The path for V(http).
    type: str
    default: /
  pending:
    description:
      - Hosts to which a deployment has not come yet, and the instances in which each cannot understand those that have
        been deployed, as RV(duet.ha_pair.vrrp_config#module:apart) tells them.
      - They may have no agent yet, and what concerns only them is a warning.
    type: dict
    default: {}
  port:
    description: The port for V(http) and V(tcp).
    type: int
    default: 80
  register:
    description: The variable that the hosts have registered the result of M(duet.ha_pair.vrrp_info) in.
    type: str
    default: vrrp_live
  reports:
    description: The results by host, if they are in no variable.
    type: dict
"""

EXAMPLES = r"""
- name: Ask every host
  duet.ha_pair.vrrp_info:
  register: vrrp_live

- name: Exactly one MASTER that holds the addresses
  duet.ha_pair.vrrp_verify:
  run_once: true

- name: Let every host ask the addresses
  duet.ha_pair.vrrp_probe:
    targets: [192.0.2.10]
    types: [icmp]
    interval: 0.1
    timeout: 3
    duration: 0.1
  register: vrrp_answers

- name: They answer every host and the controller
  duet.ha_pair.vrrp_verify:
    answers: vrrp_answers
    from_controller: http
  run_once: true
"""

RETURN = r"""
states:
  description: Group, instance, host and its state.
  returned: always
  type: dict
  sample: {"ha_pair": {"web": {"lb1": "MASTER", "lb2": "BACKUP"}}}
failing_checks:
  description: The checks of the service that have failed, on each host, one line each.
  returned: always
  type: list
  elements: str
  sample: ["lb1: instance web: check nginx has failed since 2026-11-23T01:03:11.024Z: Connection refused"]
"""
