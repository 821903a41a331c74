# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible module: stops the agent and removes all that was installed for it."""

from __future__ import annotations

DOCUMENTATION = r"""
module: vrrp_remove
short_description: Stop the VRRP agent and remove it from a node
description:
  - Stops and disables the agent. As on every stop, a MASTER says goodbye, and answers until its successor does.
  - Then removes its unit, its program, its configuration, what it remembers, and its user and group, so that nothing is
    left. What other modules have done is theirs to undo, see M(duet.ha_pair.vrrp_sysctl) and
    M(duet.ha_pair.vrrp_firewall).
  - A run that was interrupted can be repeated. On a node without an agent nothing is done.
author:
  - duet.ha_pair contributors (@duet)
version_added: 0.1.0
extends_documentation_fragment:
  - duet.ha_pair.attributes
  - ansible.builtin.action_common_attributes
"""

EXAMPLES = r"""
- name: Remove the agent
  duet.ha_pair.vrrp_remove:
"""

RETURN = r"""
removed:
  description: What was there and is not any more, in the order of removal.
  returned: success
  type: list
  elements: str
  sample: ["vrrp-agent.service (active)", "/etc/systemd/system/vrrp-agent.service", "/usr/bin/vrrp-agent"]
"""

import os
import shutil
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.duet.ha_pair.plugins.module_utils import account, files
from ansible_collections.duet.ha_pair.plugins.module_utils.service import PROPERTIES, read_unit

UNIT = "vrrp-agent.service"
# The unit's file is the last: while it is there, a repeated run knows that there is something to stop.
PATHS = (
    "/etc/vrrp-agent",
    "/var/lib/vrrp-agent",
    "/run/vrrp-agent",
    "/usr/bin/vrrp-agent",
    "/usr/lib/vrrp-agent",
    "/etc/systemd/system/vrrp-agent.service.d",
    "/etc/systemd/system/vrrp-agent.service",
)


def demand(module: AnsibleModule, *command: str) -> str:
    """Run a command that must succeed."""
    code, out, err = module.run_command(list(command))
    if code != 0:
        module.fail_json(msg=f"{' '.join(command)}: {err.strip() or out.strip()}")
    return str(out)


def find(module: AnsibleModule) -> tuple[list[str], list[str], list[str]]:
    """What the unit is now, the paths that exist, and the user or group that does."""
    shown = demand(module, "systemctl", "show", UNIT, f"--property={','.join(PROPERTIES)}")
    unit = read_unit(shown)
    service = [word for word, so in (("active", unit.active), ("enabled", unit.enabled)) if so]
    if "ActiveState=activating" in shown or "ActiveState=failed" in shown:
        service.append("failed")
    return service, [path for path in PATHS if os.path.lexists(path)], account.left()


def carry_out(module: AnsibleModule, service: list[str], paths: list[str], accounts: list[str]) -> None:
    """Stop, remove, forget."""
    if service:
        demand(module, "systemctl", "disable", "--now", "--quiet", UNIT)
    for path in paths:
        if os.path.isdir(path) and not os.path.islink(path):
            shutil.rmtree(path)
        else:
            os.unlink(path)
    if paths:
        demand(module, "systemctl", "daemon-reload")
    if service:
        # A unit that has failed would be shown for ever; it is no error that there is none.
        module.run_command(["systemctl", "reset-failed", UNIT])
    for command in accounts:
        demand(module, command, account.NAME)


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec={}, supports_check_mode=True)
    service, paths, accounts = find(module)
    removed = [f"{UNIT} ({', '.join(service)})"] if service else []
    removed += [*paths, *(f"{'user' if command == 'userdel' else 'group'} {account.NAME}" for command in accounts)]
    result: dict[str, Any] = {"changed": bool(removed), "removed": removed, "diff": {}}
    if removed:
        result["diff"] = files.difference("the VRRP agent", "".join(f"{item}\n" for item in removed).encode(), b"")
    try:
        if removed and not module.check_mode:
            carry_out(module, service, paths, accounts)
    except OSError as error:
        module.fail_json(msg=files.explain(error))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
