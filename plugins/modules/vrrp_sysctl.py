# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible module: kernel settings, in their file and live."""

from __future__ import annotations

DOCUMENTATION = r"""
module: vrrp_sysctl
short_description: Set kernel parameters for virtual addresses, in a file and live
description:
  - Writes a file for C(/etc/sysctl.d) with a comment for each parameter, and sets those parameters whose live value
    is another one. A parameter that the kernel does not have (IPv6 may be off) is left out.
author:
  - duet.ha_pair contributors (@duet)
version_added: 0.1.0
extends_documentation_fragment:
  - ansible.builtin.action_common_attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  platform:
    platforms: posix
    support: full
options:
  settings:
    description: The parameters.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: The parameter's name.
        type: str
        required: true
      value:
        description: Its value.
        type: str
        required: true
      why:
        description: What it is good for; becomes a comment in the file.
        type: str
        required: true
"""

EXAMPLES = r"""
- name: Let services bind an address that is not here yet
  duet.ha_pair.vrrp_sysctl:
    settings:
      - name: net.ipv4.ip_nonlocal_bind
        value: "1"
        why: a service may bind a virtual address while another host holds it
"""

RETURN = r"""
set:
  description: The parameters whose live value was another one.
  returned: success
  type: list
  elements: str
  sample: ["net.ipv4.ip_nonlocal_bind"]
"""

import os
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.duet.ha_pair.plugins.module_utils import files

PATH = "/etc/sysctl.d/60-vrrp-agent.conf"


def parameter_path(name: str) -> str:
    """Where the kernel shows a parameter."""
    return os.path.join("/proc/sys", name.replace(".", "/"))


def live(name: str) -> str:
    """A parameter's value now."""
    return " ".join((files.read(parameter_path(name)) or b"").decode().split())


def render(settings: list[dict[str, str]]) -> bytes:
    """The file's text."""
    lines = ["# Written by the Ansible collection duet.ha_pair."]
    for setting in settings:
        lines += ["", f"# {setting['why']}", f"{setting['name']} = {setting['value']}"]
    return "\n".join(lines).encode() + b"\n"


def run(module: AnsibleModule) -> dict[str, Any]:
    """Compare and set; the result for Ansible."""
    settings = [item for item in module.params["settings"] if os.path.exists(parameter_path(item["name"]))]
    before, after = files.read(PATH), render(settings)
    found = {item["name"]: live(item["name"]) for item in settings}
    differ = {item["name"]: item["value"] for item in settings if found[item["name"]] != item["value"]}
    if not module.check_mode:
        if before != after:
            os.makedirs(os.path.dirname(PATH), exist_ok=True)
            files.replace(PATH, after, 0o644)
        for name, value in differ.items():
            with open(parameter_path(name), "w", encoding="ascii") as target:
                target.write(value)
    shown = [files.difference(PATH, before, after)] if before != after else []
    shown += [
        files.difference(name, f"{found[name]}\n".encode(), f"{value}\n".encode()) for name, value in differ.items()
    ]
    return {"changed": before != after or bool(differ), "set": list(differ), "diff": shown}


def main() -> None:
    """Run the module."""
    setting = {key: {"type": "str", "required": True} for key in ("name", "value", "why")}
    module = AnsibleModule(
        argument_spec={"settings": {"type": "list", "elements": "dict", "required": True, "options": setting}},
        supports_check_mode=True,
    )
    try:
        result = run(module)
    except OSError as error:
        module.fail_json(msg=files.explain(error))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
