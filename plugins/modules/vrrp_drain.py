# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible module: takes a host out of service for maintenance, and back in."""

from __future__ import annotations

DOCUMENTATION = r"""
module: vrrp_drain
short_description: Take a host out of service for maintenance, and back in
description:
  - A drained host has handed every role over, and takes no part, whoever fails. It lasts over restarts of the agent and
    reboots of the host. No packet is lost, as other hosts answer on the addresses before this one lets go.
  - Fails, and changes nothing, if no other host answers for one of the instances that this host is MASTER of.
author:
  - duet.ha_pair contributors (@duet)
version_added: 0.1.0
extends_documentation_fragment:
  - duet.ha_pair.attributes
  - ansible.builtin.action_common_attributes
attributes:
  check_mode:
    support: full
    details: Whether other hosts would answer is found out only by doing it.
options:
  state:
    description:
      - V(drained) hands every role over, and takes no part.
      - V(active) takes part again, as after a start; a host that preempts gets its roles back.
    type: str
    choices: [drained, active]
    default: drained
  force:
    description:
      - Leave even if no other host answers. Then nobody has the addresses.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Out of service
  duet.ha_pair.vrrp_drain:

- name: Back in service
  duet.ha_pair.vrrp_drain:
    state: active
"""

RETURN = r"""
message:
  description: What was done.
  returned: success
  type: str
  sample: drained
before:
  description: Each instance with its state and the address of the MASTER.
  returned: success
  type: dict
  sample: {"web": {"state": "MASTER", "master": "192.0.2.1"}}
after:
  description: The same afterwards; in check mode as it would be, with no MASTER named.
  returned: success
  type: dict
  sample: {"web": {"state": "INIT", "master": null}}
duration_s:
  description: How long it took, in seconds.
  returned: success
  type: float
  sample: 0.63
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.duet.ha_pair.plugins.module_utils.agent import ask
from ansible_collections.duet.ha_pair.plugins.module_utils.maintenance import HINT, predict_drain, result_of
from ansible_collections.duet.ha_pair.plugins.module_utils.vrrp_agent import client


def bring(module: AnsibleModule) -> dict[str, Any]:
    """Do it, or say what would be done."""
    drained = module.params["state"] == "drained"
    if module.check_mode:
        return predict_drain(ask(), drained)
    return result_of(client.drain(module.params["force"]) if drained else client.undrain())


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "state": {"type": "str", "choices": ["drained", "active"], "default": "drained"},
            "force": {"type": "bool", "default": False},
        },
        supports_check_mode=True,
    )
    try:
        module.exit_json(**bring(module))
    except client.ControlError as error:
        module.fail_json(msg=f"{error.message}{HINT.get(error.code, '')}", code=error.code)


if __name__ == "__main__":
    main()
