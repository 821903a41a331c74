# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible module: gives the role of an instance on this host to another host."""

from __future__ import annotations

DOCUMENTATION = r"""
module: vrrp_switchover
short_description: Give the role of an instance to another host
description:
  - On the host that is MASTER of the instance, makes another host MASTER, and waits until it is. The other host answers
    on the addresses before this one lets go of them, so that no packet is lost. Instances of the same sync group move
    with it.
  - On any other host it changes nothing, so that it may run on all of them but the one that is to be MASTER.
  - Afterwards this host stays BACKUP, although its priority may be the higher one, until it gets the role back in the
    same way, or nobody else has it.
  - Fails if no other host answers; the addresses have not left this host then. With a third host the role goes to those
    first that have not given it away before; run it again on the new MASTER to move it on. The playbook
    C(duet.ha_pair.switchover) does that until the wanted host has it.
author:
  - duet.ha_pair contributors (@duet)
version_added: 0.1.0
extends_documentation_fragment:
  - duet.ha_pair.attributes
  - ansible.builtin.action_common_attributes
attributes:
  check_mode:
    support: full
    details: Whether another host would answer is found out only by doing it.
options:
  instance:
    description: The instance's name.
    type: str
    required: true
  force:
    description:
      - Let go even if no other host answers. Then nobody has the addresses, until this host takes them again.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Give web away, wherever it is not wanted
  duet.ha_pair.vrrp_switchover:
    instance: web
  when: inventory_hostname != 'lb2'
"""

RETURN = r"""
message:
  description: What was done.
  returned: success
  type: str
  sample: "web: MASTER -> BACKUP"
before:
  description: The instance, and those of its sync group, with state and the address of the MASTER.
  returned: success
  type: dict
  sample: {"web": {"state": "MASTER", "master": "192.0.2.1"}}
after:
  description: The same afterwards; in check mode as it would be, with no MASTER named.
  returned: success
  type: dict
  sample: {"web": {"state": "BACKUP", "master": "192.0.2.2"}}
duration_s:
  description: How long it took, in seconds.
  returned: success
  type: float
  sample: 0.63
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.duet.ha_pair.plugins.module_utils.agent import ask
from ansible_collections.duet.ha_pair.plugins.module_utils.maintenance import HINT, predict_switchover, result_of
from ansible_collections.duet.ha_pair.plugins.module_utils.vrrp_agent import client


def move(module: AnsibleModule) -> dict[str, Any]:
    """Do it, or say what would be done."""
    instance = module.params["instance"]
    if module.check_mode:
        return predict_switchover(ask(), instance)
    return result_of(client.switchover(instance, module.params["force"]))


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={"instance": {"type": "str", "required": True}, "force": {"type": "bool", "default": False}},
        supports_check_mode=True,
    )
    try:
        module.exit_json(**move(module))
    except client.ControlError as error:
        module.fail_json(msg=f"{error.message}{HINT.get(error.code, '')}", code=error.code)


if __name__ == "__main__":
    main()
