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
  - The file also remembers the value that each parameter had before, to which O(state=absent) returns.
author:
  - duet.ha_pair contributors (@duet)
version_added: 0.1.0
extends_documentation_fragment:
  - duet.ha_pair.attributes
  - ansible.builtin.action_common_attributes
options:
  state:
    description:
      - V(absent) removes the file and gives each parameter that still has its value the one from before.
    type: str
    choices: [present, absent]
    default: present
  settings:
    description: The parameters; required with O(state=present).
    type: list
    elements: dict
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

- name: Leave the kernel as it was found
  duet.ha_pair.vrrp_sysctl:
    state: absent
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
import re
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


def remembered(content: bytes | None) -> dict[str, str]:
    """The values from before that a file tells of."""
    return dict(re.findall(r"^# before: (\S+) = (.*)$", (content or b"").decode(), re.M))


def render(settings: list[dict[str, str]], before: dict[str, str]) -> bytes:
    """The file's text."""
    lines = ["# Written by the Ansible collection duet.ha_pair."]
    for setting in settings:
        name = setting["name"]
        lines += ["", f"# {setting['why']}", f"# before: {name} = {before[name]}", f"{name} = {setting['value']}"]
    return "\n".join(lines).encode() + b"\n"


def run(module: AnsibleModule) -> dict[str, Any]:
    """Compare and set; the result for Ansible."""
    before = files.read(PATH)
    if module.params["state"] == "absent":
        return carry_out(module, before, None, restored(before))
    settings = [item for item in module.params["settings"] if os.path.exists(parameter_path(item["name"]))]
    wanted = {item["name"]: item["value"] for item in settings}
    after = render(settings, {**{name: live(name) for name in wanted}, **remembered(before)})
    return carry_out(module, before, after, wanted)


def restored(content: bytes | None) -> dict[str, str]:
    """What the parameters of a file were before; but for those that somebody has changed since."""
    text, old = (content or b"").decode(), remembered(content)
    ours = dict(re.findall(r"^([a-z]\S*) = (.*)$", text, re.M))
    return {name: value for name, value in old.items() if live(name) == ours.get(name)}


def carry_out(
    module: AnsibleModule, before: bytes | None, after: bytes | None, wanted: dict[str, str]
) -> dict[str, Any]:
    """Bring the file (None: there shall be none) and the living values to what is wanted."""
    found = {name: live(name) for name in wanted}
    differ = {name: value for name, value in wanted.items() if found[name] != value}
    if not module.check_mode:
        write(before, after)
        for name, value in differ.items():
            with open(parameter_path(name), "w", encoding="ascii") as target:
                target.write(value)
        if after is None and before is not None:
            os.unlink(PATH)  # last: until then it tells what the values were before
    shown = [files.difference(PATH, before, after)] if before != after else []
    shown += [
        files.difference(name, f"{found[name]}\n".encode(), f"{value}\n".encode()) for name, value in differ.items()
    ]
    return {"changed": before != after or bool(differ), "set": list(differ), "diff": shown}


def write(before: bytes | None, after: bytes | None) -> None:
    """The file, if it is another one."""
    if after is not None and before != after:
        os.makedirs(os.path.dirname(PATH), exist_ok=True)
        files.replace(PATH, after, 0o644)


def main() -> None:
    """Run the module."""
    setting = {key: {"type": "str", "required": True} for key in ("name", "value", "why")}
    module = AnsibleModule(
        argument_spec={
            "settings": {"type": "list", "elements": "dict", "options": setting},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        },
        required_if=[("state", "present", ["settings"])],
        supports_check_mode=True,
    )
    try:
        result = run(module)
    except OSError as error:
        module.fail_json(msg=files.explain(error))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
