# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible module: opens a node's firewall for VRRP and for the service on the virtual addresses."""

from __future__ import annotations

DOCUMENTATION = r"""
module: vrrp_firewall
short_description: Open an active firewall for VRRP or for ports, or take that back
description:
  - Lets VRRP adverts (protocol 112) or ports pass, live and after the next boot, if firewalld, ufw or
    nftables.service is active on the node. Without an active firewall nothing is done.
  - With firewalld, the zones of the given interfaces are opened. With nftables, every input chain that drops what it
    does not accept gets a rule in front, and C(/etc/nftables.conf) the same rule at its end.
author:
  - duet.ha_pair contributors (@duet)
version_added: 0.1.0
extends_documentation_fragment:
  - duet.ha_pair.attributes
  - ansible.builtin.action_common_attributes
options:
  allow:
    description: What to let in, C(vrrp) or a port and its protocol.
    type: list
    elements: str
    required: true
  state:
    description:
      - V(present) lets it in.
      - V(absent) takes the rule back. With nftables, and for VRRP with ufw, these are rules that this module made and
        marked; firewalld, and ufw for ports, do not know who has made a rule.
    type: str
    choices: [present, absent]
    default: present
  interfaces:
    description: The interfaces that it comes in by. Without it, the one of the default route.
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: Let VRRP in
  duet.ha_pair.vrrp_firewall:
    allow: [vrrp]

- name: Let web requests in
  duet.ha_pair.vrrp_firewall:
    allow: [80/tcp, 443/tcp]

- name: Do not let VRRP in any more
  duet.ha_pair.vrrp_firewall:
    allow: [vrrp]
    state: absent
"""

RETURN = r"""
firewall:
  description: The firewall that is active, if any.
  returned: success
  type: str
  sample: firewalld
opened:
  description: What was not allowed before.
  returned: success
  type: list
  elements: str
  sample: ["vrrp"]
closed:
  description: What was allowed before, with O(state=absent).
  returned: success
  type: list
  elements: str
  sample: []
"""

import re
from collections.abc import Sequence
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.duet.ha_pair.plugins.module_utils import files
from ansible_collections.duet.ha_pair.plugins.module_utils.firewall import Firewall, FirewallError, find
from ansible_collections.duet.ha_pair.plugins.module_utils.node import default_interface


def bring(module: AnsibleModule, firewall: Firewall | None) -> dict[str, Any]:
    """Open or close what is not so yet; the result for Ansible."""
    opening, allow = module.params["state"] == "present", module.params["allow"]
    differs = (
        [item for item in allow if (firewall.closed(item) if opening else firewall.has_rule(item))] if firewall else []
    )
    if firewall and differs and not module.check_mode:
        (firewall.open if opening else firewall.close)(differs)
    lines = "".join(f"allow {item}\n" for item in differs).encode()
    name = f"{firewall.name if firewall else 'no'} rules"
    diff = files.difference(name, b"", lines) if opening else files.difference(name, lines, b"")
    return {
        "changed": bool(differs),
        "opened": differs if opening else [],
        "closed": [] if opening else differs,
        "diff": diff if differs else {},
    }


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "allow": {"type": "list", "elements": "str", "required": True},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "interfaces": {"type": "list", "elements": "str", "default": []},
        },
        supports_check_mode=True,
    )
    for item in module.params["allow"]:
        if not re.fullmatch(r"vrrp|[0-9]{1,5}/(tcp|udp)", item):
            module.fail_json(msg=f"allow: {item} is neither vrrp nor like 80/tcp")

    def run(command: Sequence[str]) -> tuple[int, str, str]:
        """A tool that is not installed is a tool that fails."""
        path = module.get_bin_path(command[0])
        return module.run_command([path, *command[1:]]) if path else (127, "", "not installed")

    default = default_interface()
    firewall = find(run, module.params["interfaces"] or ([default] if default else []))
    try:
        result = bring(module, firewall)
    except (FirewallError, OSError) as error:
        module.fail_json(msg=f"The firewall refuses to be changed for {', '.join(module.params['allow'])}: {error}")
    module.exit_json(firewall=firewall.name if firewall else None, **result)


if __name__ == "__main__":
    main()
