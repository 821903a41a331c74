# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible module: brings the running agent in line with what is installed and configured, and waits for it."""

from __future__ import annotations

DOCUMENTATION = r"""
module: vrrp_service
short_description: Make the running VRRP agent the one that is installed and configured
description:
  - Enables and starts the agent. A running one is reloaded if it runs with another configuration than the file's,
    which it is asked for; and upgraded if its code was changed. Then a new process takes over from the running one, and
    no role moves. It is restarted only if its unit was changed, if it does not answer, or if it is too old for that.
  - An upgrade that fails leaves the old process running with its package as the installed one, and fails with the new
    one's own words.
  - Then waits until the node has settled, and fails with the agent's own words if it does not.
  - Looks at what runs, not at what earlier tasks have changed, so that a play that was interrupted can be repeated.
author:
  - duet.ha_pair contributors (@duet)
version_added: 0.1.0
extends_documentation_fragment:
  - duet.ha_pair.attributes
  - ansible.builtin.action_common_attributes
attributes:
  diff_mode:
    support: none
options:
  package:
    description:
      - The digest of the package that is to run, as M(duet.ha_pair.vrrp_agent) returns it. An agent that runs another
        one is upgraded. Without it, whatever runs is right.
    type: str
  config:
    description:
      - The digest of the configuration that is to run, as M(duet.ha_pair.vrrp_config) returns it, so that check mode
        predicts the reload that a file would need which is not written yet. Without it, that of the file that is there.
    type: str
  restart:
    description: Whether the agent's unit was changed, as M(duet.ha_pair.vrrp_agent) returns it.
    type: bool
    default: false
  wait:
    description:
      - Seconds to wait until the node has settled, plus the time that the protocol needs at the slowest interval.
    type: float
    default: 30
"""

EXAMPLES = r"""
- name: Start or reload the agent, and wait until the node has settled
  duet.ha_pair.vrrp_service:
    package: "{{ vrrp_agent_installed.digest }}"
    restart: "{{ vrrp_agent_installed.unit_changed }}"
"""

RETURN = r"""
action:
  description: What was done, C(none), C(start), C(reload), C(upgrade) or C(restart).
  returned: success
  type: str
  sample: reload
why:
  description: The reason for it.
  returned: success
  type: str
  sample: its configuration was changed
states:
  description: The instances and their states, once settled.
  returned: success, not in check mode
  type: dict
  sample: {"web": "MASTER"}
"""

import hashlib
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.duet.ha_pair.plugins.module_utils import files
from ansible_collections.duet.ha_pair.plugins.module_utils.agent import ask_patiently, wait_until_settled
from ansible_collections.duet.ha_pair.plugins.module_utils.installation import Installation
from ansible_collections.duet.ha_pair.plugins.module_utils.service import PROPERTIES, Digests, Plan, plan, read_unit
from ansible_collections.duet.ha_pair.plugins.module_utils.vrrp_agent import client

UNIT = "vrrp-agent.service"
CONFIG = "/etc/vrrp-agent/config.json"
PATIENCE_S = 30.0


def systemctl(module: AnsibleModule, *words: str) -> str:
    """Run systemctl; a failure comes with the last lines of the agent's journal."""
    code, out, err = module.run_command(["systemctl", *words])
    if code != 0:
        module.fail_json(msg=f"systemctl {' '.join(words)}: {err.strip() or out.strip()}\n{journal(module)}".strip())
    return str(out)


def journal(module: AnsibleModule) -> str:
    """What the agent said last."""
    lines = module.run_command(["journalctl", "-u", UNIT, "-n", "5", "-o", "cat", "--no-pager"])[1]
    return f"The agent's last words:\n{lines}" if lines.strip() else ""


def make_plan(module: AnsibleModule) -> Plan:
    """Look at the unit, the file and the agent."""
    unit = read_unit(systemctl(module, "show", UNIT, f"--property={','.join(PROPERTIES)}"))
    if not unit.installed and not module.check_mode:
        module.fail_json(msg=f"{UNIT} is not installed; run duet.ha_pair.vrrp_agent first")
    content = files.read(CONFIG)
    try:
        # A busy host's agent is late; to restart it for that would move its roles.
        status = ask_patiently(PATIENCE_S)
        running = Digests(status.get("package"), str(status.get("config_digest")), "last_upgrade" in status)
    except client.ControlError:
        running = None
    predicted = module.params["config"] if module.check_mode else None
    wanted = Digests(module.params["package"], predicted or hashlib.sha256(content or b"").hexdigest())
    return plan(unit, running, wanted, module.params["restart"])


def carry_out(module: AnsibleModule, what: Plan) -> None:
    """Do what the plan says."""
    if what.daemon_reload:
        systemctl(module, "daemon-reload")
    if what.enable:
        systemctl(module, "enable", "--quiet", UNIT)
    if what.action == "reload":
        # Not by systemctl, which would swallow the agent's reason for a refusal.
        client.reload()
    elif what.action == "upgrade":
        upgrade(module, Installation())
    elif what.action != "none":
        systemctl(module, what.action, UNIT)


def upgrade(module: AnsibleModule, installation: Installation) -> None:
    """Have the installed package take over; if it cannot, the running one is the installed one again."""
    running = client.status().get("package")
    try:
        client.upgrade()
    except client.ControlError as error:
        if error.code != "upgrade_failed":
            raise
        kept = "the agent that runs goes on"
        if running is not None and installation.has(running):
            # Or a crash would start what does not run.
            installation.activate(running)
            kept += ", and its package is the installed one again"
        module.fail_json(msg=f"The upgrade failed: {error.message}; {kept}\n{journal(module)}".strip())


def wait(module: AnsibleModule) -> dict[str, str]:
    """The states of the settled instances; fails with what the node still waits for."""
    status, waiting = wait_until_settled(module.params["wait"])
    if waiting:
        module.fail_json(msg=f"The node has not settled: {'; '.join(waiting)}")
    return {instance["name"]: instance["state"] for instance in status["instances"]}


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "package": {"type": "str"},
            "config": {"type": "str"},
            "restart": {"type": "bool", "default": False},
            "wait": {"type": "float", "default": 30},
        },
        supports_check_mode=True,
    )
    what = make_plan(module)
    result: dict[str, Any] = {"changed": what.changes, "action": what.action, "why": what.why}
    if not module.check_mode:
        try:
            carry_out(module, what)
            result["states"] = wait(module)
        except client.ControlError as error:
            module.fail_json(msg=f"The agent, on {what.action}: {error.message}\n{journal(module)}".strip())
    module.exit_json(**result)


if __name__ == "__main__":
    main()
