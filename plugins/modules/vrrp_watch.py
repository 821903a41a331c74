# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible module: from when to when this node had the virtual addresses, and what its agent logged meanwhile."""

from __future__ import annotations

DOCUMENTATION = r"""
module: vrrp_watch
short_description: Tell from when to when a node had an address
description:
  - Follows what the node's kernel says of its addresses, and returns from when to when each of them was there, and what
    the agent has logged meanwhile. It asks the agent nothing, and so also sees what a dead one leaves behind.
  - Changes nothing.
  - In the background (C(async)) it goes on until a file C(stop) is in its O(folder), or its O(duration) is over.
author:
  - duet.ha_pair contributors (@duet)
version_added: 0.1.0
extends_documentation_fragment:
  - duet.ha_pair.attributes.read_only
  - ansible.builtin.action_common_attributes
attributes:
  platform:
    platforms: linux
    support: full
options:
  addresses:
    description: The addresses, without prefixes.
    type: list
    elements: str
    required: true
  unit:
    description: The unit whose lines of the journal are returned.
    type: str
    default: vrrp-agent
  duration:
    description: Seconds to go on at most.
    type: float
    default: 60
  folder:
    description:
      - A folder of this run. The file C(running) is made there when the watch begins; it ends when there is a file
        C(stop), or the folder is no longer there.
    type: path
"""

EXAMPLES = r"""
- name: See what happens to an address for a minute
  duet.ha_pair.vrrp_watch:
    addresses: [192.0.2.10]
  register: watch
"""

RETURN = r"""
held:
  description:
    - From when to when the node had each address, in seconds since the epoch on this host; the end is none where it
      still has it.
  returned: success
  type: dict
  sample: {"192.0.2.10": [[1795390893.64, 1795390899.12]]}
journal:
  description: What the unit has logged meanwhile.
  returned: success
  type: list
  elements: dict
  sample:
    - at: 1795390899.11
      text: "web eth0/51: MASTER -> BACKUP: resigned"
journal_error:
  description: Why there is no journal.
  returned: when the journal cannot be read
  type: str
  sample: journalctl is not installed
"""

import time
from ipaddress import ip_address
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.duet.ha_pair.plugins.module_utils.drill import journal
from ansible_collections.duet.ha_pair.plugins.module_utils.drill.errand import begin, until
from ansible_collections.duet.ha_pair.plugins.module_utils.drill.holding import watch


def read_journal(module: AnsibleModule, since_s: float) -> dict[str, Any]:
    """The unit's lines since then."""
    argv = journal.command(module.params["unit"], since_s)
    if not module.get_bin_path(argv[0]):
        return {"journal": [], "journal_error": "journalctl is not installed"}
    code, output, errors = module.run_command(argv)
    found: dict[str, Any] = {"journal": journal.parse(output)}
    if code:
        found["journal_error"] = errors.strip() or f"journalctl failed with exit code {code}"
    return found


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "addresses": {"type": "list", "elements": "str", "required": True},
            "unit": {"type": "str", "default": "vrrp-agent"},
            "duration": {"type": "float", "default": 60},
            "folder": {"type": "path"},
        },
        supports_check_mode=True,
    )
    began_s = time.time()
    ended = until(module.params["folder"], module.params["duration"])
    try:
        addresses = [str(ip_address(address)) for address in module.params["addresses"]]
        begin(module.params["folder"])
        held = watch(addresses, ended)
    except (OSError, ValueError) as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=False, held=held, **read_journal(module, began_s))


if __name__ == "__main__":
    main()
