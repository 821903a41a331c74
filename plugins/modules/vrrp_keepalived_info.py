# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible module: what a keepalived on this host does, and what it was told."""

from __future__ import annotations

DOCUMENTATION = r"""
module: vrrp_keepalived_info
short_description: Report what keepalived does on a host, and what it was told
description:
  - Tells whether keepalived is installed, runs and starts at boot, which files it was given, and which addresses the
    host has at this moment.
  - The files may hold passwords, so that a task that calls it needs C(no_log). Changes nothing.
  - P(duet.ha_pair.keepalived_instances#filter) makes instances of the files.
author:
  - duet.ha_pair contributors (@duet)
version_added: 0.1.0
extends_documentation_fragment:
  - duet.ha_pair.attributes.read_only
  - ansible.builtin.action_common_attributes
options:
  files:
    description: Whether to read the files too.
    type: bool
    default: true
"""

EXAMPLES = r"""
- name: Read what keepalived was told
  duet.ha_pair.vrrp_keepalived_info:
  register: found
  no_log: true

- name: Is it hearing VRRP?
  duet.ha_pair.vrrp_keepalived_info:
    files: false
  register: found
  until: found.listening
"""

RETURN = r"""
installed:
  description: Whether systemd knows C(keepalived.service).
  returned: always
  type: bool
  sample: true
running:
  description: Whether it is active.
  returned: always
  type: bool
  sample: true
enabled:
  description: Whether it starts at boot.
  returned: always
  type: bool
  sample: true
listening:
  description: Whether some process of the host hears VRRP.
  returned: always
  type: bool
  sample: true
path:
  description: Its configuration.
  returned: always
  type: str
  sample: /etc/keepalived/keepalived.conf
config_id:
  description: What it compares conditional lines with.
  returned: always
  type: str
  sample: lb1
files:
  description: The texts of its files, with those that are included, by their paths; they may hold passwords.
  returned: when O(files) is true
  type: dict
  sample: {"/etc/keepalived/keepalived.conf": "..."}
addresses:
  description: All addresses of the host, without their prefixes.
  returned: always
  type: list
  elements: str
  sample: ["192.0.2.11", "192.0.2.10"]
"""

import json
import os
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.duet.ha_pair.plugins.module_utils.keepalived import listens, read_files, read_options
from ansible_collections.duet.ha_pair.plugins.module_utils.service import PROPERTIES, read_unit

UNIT = "keepalived.service"


def look(module: AnsibleModule) -> dict[str, Any]:
    """Everything that a task may want to know."""
    shown = output(module, "systemctl", "show", UNIT, f"--property={','.join((*PROPERTIES, 'MainPID'))}")
    unit = read_unit(shown)
    pid = dict(line.partition("=")[::2] for line in shown.splitlines()).get("MainPID", "0")
    options = read_options(content(f"/proc/{pid}/cmdline").split("\0"), os.uname().nodename)
    found: dict[str, Any] = {
        "installed": unit.installed,
        "running": unit.active,
        "enabled": unit.enabled,
        "listening": any(listens(content(f"/proc/net/{table}")) for table in ("raw", "raw6")),
        "path": options.path,
        "config_id": options.config_id,
        "addresses": addresses(output(module, "ip", "-json", "address", "show")),
    }
    if module.params["files"]:
        found["files"] = read_files(options.path)
    return found


def addresses(shown: str) -> list[str]:
    """The addresses in the answer of `ip -json address`."""
    return [one["local"] for link in json.loads(shown or "[]") for one in link.get("addr_info", []) if "local" in one]


def output(module: AnsibleModule, *words: str) -> str:
    """What a command says; a failure ends the module."""
    code, out, err = module.run_command(list(words))
    if code != 0:
        module.fail_json(msg=f"{' '.join(words)}: {err.strip() or out.strip()}")
    return str(out)


def content(path: str) -> str:
    """What a file of /proc says; nothing if it is not there."""
    try:
        with open(path, encoding="utf-8", errors="replace") as source:
            return source.read()
    except OSError:
        return ""


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec={"files": {"type": "bool", "default": True}}, supports_check_mode=True)
    module.exit_json(changed=False, **look(module))


if __name__ == "__main__":
    main()
