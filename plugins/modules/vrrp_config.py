# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible module: writes the agent's configuration, after it was found to be right for this node."""

from __future__ import annotations

DOCUMENTATION = r"""
module: vrrp_config
short_description: Write a node's VRRP configuration from the inventory
description:
  - Makes the node's C(/etc/vrrp-agent/config.json) from the C(vrrp_*) variables of the inventory's group, and replaces
    it in one step. Only root and the agent's own user C(vrrp-agent) can read it; the user is made if it is missing.
  - The document is checked first, with the agent's own schema and against the node's interfaces.
    All that is wrong comes in one message, and nothing is changed.
  - The programs of C(notify) must be there, but in check mode, where an earlier task may not have put them there.
  - With O(try_checks), each check that is new is run once, by the user and under the unit that will run it. One that
    cannot run is refused, and one that fails is a warning; in check mode both are warnings, as an earlier task may not
    have brought what it needs.
  - An instance without C(interface) gets the interface of the node's default route.
  - Works in check mode on a node where nothing is installed yet.
  - Without O(phase) a change of C(hmac) is refused, while the agent runs, after which a host that has it and a host
    that has not would not believe each other; the playbook C(duet.ha_pair.rotate_key) brings it.
  - Does not make the agent read the file; M(duet.ha_pair.vrrp_service) does.
author:
  - duet.ha_pair contributors (@duet)
version_added: 0.1.0
extends_documentation_fragment:
  - duet.ha_pair.attributes
  - ansible.builtin.action_common_attributes
attributes:
  diff_mode:
    support: full
    details: A secret is shown as C(********), a changed one as C(******** (changed)).
options:
  group:
    description:
      - The inventory's group that the host forms a pair with.
      - Without it, the host's variable C(vrrp_group) is taken, which is C(ha_pair) if not set.
    type: str
  config:
    description:
      - A whole document to write instead of the one that the inventory gives.
    type: dict
  phase:
    description:
      - While keys of C(hmac) change, V(accept) writes the present keys and the new ones behind them, V(sign) the new
        ones and the present ones behind them. Without it, the new ones alone. See the playbook
        C(duet.ha_pair.rotate_key).
      - With it, a key that changed and kept its id is refused.
    type: str
    choices: [accept, sign]
  try_checks:
    description:
      - Whether to try the instances' C(checks) before the file is written. Needs the agent on the node; see
        M(duet.ha_pair.vrrp_agent). Nothing is tried if the agent runs with this very configuration, as
        M(duet.ha_pair.vrrp_info) tells what they say.
    type: bool
    default: false
  secrets:
    description:
      - The secrets that belong into O(config). The module takes them out of it by itself on the controller,
        so that they never show; leave it alone.
    type: dict
"""

EXAMPLES = r"""
- name: Write what the inventory says
  duet.ha_pair.vrrp_config:
  register: vrrp_configured

- name: Say whether the inventory fits the node, and change nothing
  duet.ha_pair.vrrp_config:
  check_mode: true

- name: Write a document of one's own
  duet.ha_pair.vrrp_config:
    config:
      router_id: lb1
      instances:
        - name: web
          virtual_router_id: 51
          priority: 150
          virtual_addresses: [192.0.2.10/24]
"""

RETURN = r"""
path:
  description: The file.
  returned: success
  type: str
  sample: /etc/vrrp-agent/config.json
digest:
  description: The fingerprint of the file as it is now, or in check mode would be; for M(duet.ha_pair.vrrp_service).
  returned: success
  type: str
  sample: e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
instances:
  description: The names of the instances that are new, different or gone.
  returned: success
  type: list
  elements: str
  sample: ["web"]
apart:
  description:
    - Those of them that cannot understand the present ones, by version, password or peers for instance. Until all hosts
      have the change, two are MASTER.
    - All of them, if the agent has not read the present file, so that nobody knows what runs.
  returned: success
  type: list
  elements: str
  sample: []
in_effect:
  description:
    - Whether the file was as it is to be, the agent runs with it, and the commands in it are there. Then this module
      has nothing to do here.
  returned: success
  type: bool
  sample: false
checks:
  description:
    - What each check said that was tried. C(result) is C(good), C(failed) or C(cannot_run).
  returned: success, with O(try_checks)
  type: list
  elements: dict
  sample:
    - instance: web
      name: nginx
      type: http
      result: failed
      detail: Connection refused
      duration_ms: 0.7
      on_fail: release
warnings_of_checks:
  description: What is to be said of them, a line each.
  returned: success, with O(try_checks)
  type: list
  elements: str
  sample: ["instance web: check nginx fails: Connection refused; the host takes no role while it does"]
"""

import hashlib
import json
import os
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.duet.ha_pair.plugins.module_utils import account, files, trial
from ansible_collections.duet.ha_pair.plugins.module_utils.agent import ask
from ansible_collections.duet.ha_pair.plugins.module_utils.compatibility import apart, unbelieved
from ansible_collections.duet.ha_pair.plugins.module_utils.node import fill_interfaces
from ansible_collections.duet.ha_pair.plugins.module_utils.rollover import PHASES, conflicts, transitional
from ansible_collections.duet.ha_pair.plugins.module_utils.secret import join, masked
from ansible_collections.duet.ha_pair.plugins.module_utils.vrrp_agent import config as schema
from ansible_collections.duet.ha_pair.plugins.module_utils.vrrp_agent.client import ControlError

PATH = "/etc/vrrp-agent/config.json"
# By ProtectHome= in its unit.
HIDDEN = ("/root/", "/home/", "/run/user/")


def problems_of(document: dict[str, Any]) -> list[str]:
    """What the node and the schema have against a document; fills in the interfaces."""
    if not isinstance(document.get("instances"), list):
        return ["instances: is missing or no list"]
    of_the_node = fill_interfaces(document)
    errors = schema.validate(document)
    if of_the_node:
        errors = [error for error in errors if not error.path.endswith(".interface")]
    return of_the_node + [f"vrrp_{error}" for error in errors]


def problems_of_commands(document: dict[str, Any], to_be_there: bool) -> list[str]:
    """What the node has against the commands of a sound document: they run as the agent's own user, in its unit."""
    problems = []
    for place, one in enumerate(document.get("notify") or []):
        user, program = one.get("user"), one["command"][0]
        if user not in (None, account.NAME):
            why = f"the agent runs as {account.NAME} and cannot become {user}; leave it out"
            problems.append(
                f"vrrp_notify[{place}].user: {why}, and see docs/notifications.md for what needs another user"
            )
        if program.startswith(HIDDEN):
            problems.append(f"vrrp_notify[{place}].command: the agent's unit cannot see {program}; put it elsewhere")
        elif to_be_there and not os.access(program, os.X_OK):
            why = f"{program} is not there, or not executable; deploy it before"
            problems.append(f"vrrp_notify[{place}].command: {why}")
    return problems


def render(document: dict[str, Any]) -> bytes:
    """The same document always gives the same bytes."""
    return json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False).encode() + b"\n"


def decode(content: bytes | None) -> Any:
    """The document in the file that is there; None if there is none, or nothing that is JSON."""
    try:
        return json.loads(content) if content else None
    except ValueError:
        return None


def changed_instances(before: Any, after: dict[str, Any]) -> list[str]:
    """The names of the instances that are not the same in both."""
    old, new = _by_name(before), _by_name(after)
    return [name for name in {**old, **new} if old.get(name) != new.get(name)]


def _by_name(document: Any) -> dict[str, Any]:
    instances = document.get("instances") if isinstance(document, dict) else None
    return {str(item.get("name")): item for item in instances or [] if isinstance(item, dict)}


def write(content: bytes, agent: account.Account) -> None:
    """Only root and the agent can read the file, and only root can change it: the folder is root's."""
    folder = os.path.dirname(PATH)
    os.makedirs(folder, mode=0o700, exist_ok=True)
    os.chown(folder, 0, agent.gid)
    os.chmod(folder, 0o750)
    files.replace(PATH, content, 0o600, (agent.uid, agent.gid))


def is_private() -> bool:
    """Whether the file that is there is the agent's, and nobody else's to read; root's was an older deployment's."""
    agent = account.find()
    return agent is not None and files.mode(PATH) == 0o600 and files.owner(PATH) == (agent.uid, agent.gid)


def running_digest() -> str | None:
    """The fingerprint of what the agent runs with; empty if it does not say, None if there is no agent that runs."""
    try:
        return str(ask().get("config_digest"))
    except ControlError as error:
        return None if error.code in ("not_running", "not_installed") else ""


def try_checks(module: AnsibleModule, document: dict[str, Any]) -> dict[str, Any]:
    """What the checks say, for the result; fails with those that cannot be run."""
    try:
        tried = trial.try_checks(document, module.run_command)
    except trial.TrialError as error:
        return {"checks": [], "warnings_of_checks": [f"the checks could not be tried: {error}"]}
    problems = trial.problems(tried)
    if problems and not module.check_mode:
        module.fail_json(msg="; ".join(problems))
    return {"checks": tried, "warnings_of_checks": [*problems, *trial.failures(tried)]}


def run(module: AnsibleModule) -> dict[str, Any]:
    """Compare, check, write; the result for Ansible."""
    document = join(module.params["config"] or {}, module.params["secrets"] or {})
    present = files.read(PATH)
    before, phase = decode(present), module.params["phase"]
    problems = problems_of(document) or problems_of_commands(document, not module.check_mode)
    running = running_digest()
    if not problems and (phase or running is not None):
        problems = conflicts(before, document) if phase else unbelieved(before, document)
    if problems:
        module.fail_json(msg="; ".join(problems))
    if phase:
        document = transitional(before, document, phase)
    content = render(document)
    changed = content != present or not is_private()
    digest = hashlib.sha256(content).hexdigest()
    told = try_checks(module, document) if module.params["try_checks"] and running != digest else {}
    if changed and not module.check_mode:
        write(content, account.ensure(module.run_command))
    shown_before = render(masked(before)) if before else b""
    diff = files.difference(PATH, shown_before, render(masked(document, before)))
    names = changed_instances(before, document)
    unknown = running is not None and running != hashlib.sha256(present or b"").hexdigest()
    parted = [one["name"] for one in document["instances"]] if unknown else apart(before, document)
    return {
        "changed": changed, "path": PATH, "digest": digest, "instances": names, "apart": parted, "diff": diff,
        "in_effect": not changed and running == digest and not problems_of_commands(document, True),
        **told,
    }  # fmt: skip


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "group": {"type": "str"},
            "config": {"type": "dict"},
            "phase": {"type": "str", "choices": list(PHASES)},
            "try_checks": {"type": "bool", "default": False},
            "secrets": {"type": "dict", "no_log": True},
        },
        supports_check_mode=True,
    )
    try:
        result = run(module)
    except account.AccountError as error:
        module.fail_json(msg=str(error))
    except OSError as error:
        module.fail_json(msg=files.explain(error, PATH))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
