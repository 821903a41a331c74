# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible module: a client that asks the virtual addresses all the time."""

from __future__ import annotations

DOCUMENTATION = r"""
module: vrrp_probe
short_description: Ask addresses all the time, and tell what was lost
description:
  - Asks each address on a fixed grid of time, by default every 10 ms, whatever becomes of the earlier questions, and
    returns who answered for how long, each lost probe, and each gap between two answers.
  - Runs on any host, which then is the client. Changes nothing.
  - In the background (C(async)) it goes on until a file C(stop) is in its O(folder), or its O(duration) is over.
author:
  - duet.ha_pair contributors (@duet)
version_added: 0.1.0
extends_documentation_fragment:
  - duet.ha_pair.attributes.read_only
  - ansible.builtin.action_common_attributes
options:
  targets:
    description: The addresses, IPv4 or IPv6.
    type: list
    elements: str
    required: true
  types:
    description:
      - V(icmp) is an echo request. It needs root only where C(net.ipv4.ping_group_range) grants none to the user.
      - V(http) is a GET on a connection of its own; an answer of status 200 to 399 is one. The header C(X-Served-By),
        which the role P(duet.ha_pair.nginx#role) has sent, tells which node has answered.
      - V(tcp) is a connection, closed at once.
    type: list
    elements: str
    choices: [icmp, http, tcp]
    default: [icmp, http]
  port:
    description: The port for V(http) and V(tcp).
    type: int
    default: 80
  path:
    description: The path for V(http).
    type: str
    default: /
  interval:
    description: Seconds between two probes of an address, V(0.001) to V(1).
    type: float
    default: 0.01
  timeout:
    description: Seconds after which a probe without an answer is lost.
    type: float
    default: 0.5
  duration:
    description: Seconds to go on at most.
    type: float
    default: 60
  folder:
    description:
      - A folder of this run. The file C(running) is made there when the probing begins; it ends when there is a file
        C(stop), or the folder is no longer there.
    type: path
"""

EXAMPLES = r"""
- name: See whether the address answers
  duet.ha_pair.vrrp_probe:
    targets: [192.0.2.10]
    duration: 1
  delegate_to: localhost
  register: calm
  failed_when: calm.series | rejectattr('answered') | list | length > 0
"""

RETURN = r"""
series:
  description: What became of the probes, for each address and type. Times are seconds since the epoch on this host.
  returned: success
  type: list
  elements: dict
  contains:
    target:
      description: The address.
      type: str
      sample: 192.0.2.10
    type:
      description: How it was asked.
      type: str
      sample: http
    sent:
      description: How many probes were sent.
      type: int
      sample: 600
    answered:
      description: How many of them were answered.
      type: int
      sample: 598
    from:
      description: When the first one was sent; none if there was none.
      type: float
      sample: 1795390893.64
    to:
      description: When the last one was sent.
      type: float
      sample: 1795390899.64
    gaps:
      description:
        - Each run of lost probes with how many they are, when each was sent, why there was no answer, and when the
          answered ones before and after were sent.
      type: list
      elements: dict
      sample:
        - after: 1795390893.64
          before: 1795390893.67
          lost: 2
          lost_at: [1795390893.65, 1795390893.66]
          errors: {"no answer in time": 2}
    turns:
      description: Which node answered, from the first to the last such probe; none where the answers do not tell.
      type: list
      elements: dict
      sample:
        - node: lb1
          from: 1795390893.64
          to: 1795390899.64
    silences:
      description: When no answer came, although the probes of that time may have been answered later.
      type: list
      elements: dict
      sample: []
    pauses:
      description: When nothing was sent, as the host had no time for it.
      type: list
      elements: dict
      sample: []
"""

from ipaddress import ip_address
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.duet.ha_pair.plugins.module_utils.drill.echo import EchoRefused
from ansible_collections.duet.ha_pair.plugins.module_utils.drill.errand import begin, until
from ansible_collections.duet.ha_pair.plugins.module_utils.drill.prober import KINDS, Questions, probe

ARGUMENTS: dict[str, dict[str, Any]] = {
    "targets": {"type": "list", "elements": "str", "required": True},
    "types": {"type": "list", "elements": "str", "choices": list(KINDS), "default": ["icmp", "http"]},
    "port": {"type": "int", "default": 80},
    "path": {"type": "str", "default": "/"},
    "interval": {"type": "float", "default": 0.01},
    "timeout": {"type": "float", "default": 0.5},
    "duration": {"type": "float", "default": 60},
    "folder": {"type": "path"},
}
REFUSED = "{0}; run it as root (become), widen net.ipv4.ping_group_range on this host, or leave icmp out of the types"


def questions(params: dict[str, Any]) -> Questions:
    """The options as the prober has them; ValueError with words for what cannot be asked."""
    if not 0.001 <= params["interval"] <= 1:
        raise ValueError(f"interval: {params['interval']:g} is not in 0.001..1")
    if not 0 < params["timeout"] <= 60:
        raise ValueError(f"timeout: {params['timeout']:g} is not in 0..60")
    if not params["path"].startswith("/") or any(character <= " " for character in params["path"]):
        raise ValueError("path: it begins with / and has no blanks")
    targets = [str(ip_address(target)) for target in params["targets"]]
    return Questions(targets, params["types"], params["port"], params["path"], params["interval"], params["timeout"])


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    ended = until(module.params["folder"], module.params["duration"])
    try:
        asked = questions(module.params)
        begin(module.params["folder"])
        module.exit_json(changed=False, series=probe(asked, ended))
    except EchoRefused as error:
        module.fail_json(msg=REFUSED.format(error.strerror))
    except (OSError, ValueError) as error:
        module.fail_json(msg=str(error))


if __name__ == "__main__":
    main()
