# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible module: what a host brings along for VRRP, before anything is installed on it."""

from __future__ import annotations

DOCUMENTATION = r"""
module: vrrp_host_info
short_description: Report what a host brings along for VRRP
description:
  - Reads the host's interfaces and their addresses, whether IPv6 is on, and whether a keepalived runs.
  - On a host without a running agent it also listens for the adverts of other VRRP routers, on all interfaces that are
    up. It joins their multicast groups for that time, and sends nothing.
  - Changes nothing, and judges nothing; that is what M(duet.ha_pair.vrrp_preflight) does.
author:
  - duet.ha_pair contributors (@duet)
version_added: 0.1.0
extends_documentation_fragment:
  - duet.ha_pair.attributes.read_only
  - ansible.builtin.action_common_attributes
options:
  listen:
    description:
      - For how many seconds to listen where no agent runs. A master with an interval of 1 s, which is the default
        everywhere, is heard in 3 s, also if an advert is lost. V(0) does not listen.
    type: float
    default: 3
"""

EXAMPLES = r"""
- name: Look at the host, and listen for strangers
  duet.ha_pair.vrrp_host_info:
  register: vrrp_host

- name: Check the inventory against all hosts
  duet.ha_pair.vrrp_preflight:
  run_once: true
"""

RETURN = r"""
interfaces:
  description: The interfaces but for the loopback and the ports of bridges and bonds, by name.
  returned: success
  type: dict
  sample: {"eth0": {"addresses": ["192.0.2.11/24"], "up": true, "ipv6": true}}
default_interfaces:
  description: The interface of the default route for the families that have one.
  returned: success
  type: dict
  sample: {"4": "eth0"}
agent:
  description: Whether the agent of this collection runs, and which virtual addresses it has on the host now.
  returned: success
  type: dict
  sample: {"running": true, "addresses": ["192.0.2.10"]}
live:
  description: What M(duet.ha_pair.vrrp_info) returns, at the end of the listening.
  returned: success
  type: dict
  sample: {"running": false, "code": "not_installed", "instances": []}
keepalived:
  description: Whether a keepalived runs, and the virtual router ids in its configuration.
  returned: success
  type: dict
  sample: {"running": false, "virtual_router_ids": []}
listened:
  description: For how many seconds it has listened.
  returned: success
  type: float
  sample: 3.0
adverts:
  description: Who advertises which virtual router, each sender once; at most 256.
  returned: success
  type: list
  elements: dict
  sample:
    - {"interface": "eth0", "source": "192.0.2.77", "destination": "224.0.0.18", "version": 3, "virtual_router_id": 51,
       "priority": 200, "addresses": ["192.0.2.70"]}
"""

import ipaddress
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.duet.ha_pair.plugins.module_utils import files, host
from ansible_collections.duet.ha_pair.plugins.module_utils.agent import ask, report
from ansible_collections.duet.ha_pair.plugins.module_utils.listen import listen
from ansible_collections.duet.ha_pair.plugins.module_utils.node import default_interface
from ansible_collections.duet.ha_pair.plugins.module_utils.vrrp_agent import config as schema
from ansible_collections.duet.ha_pair.plugins.module_utils.vrrp_agent.client import ControlError
from ansible_collections.duet.ha_pair.plugins.module_utils.vrrp_agent.linux.errors import KernelError
from ansible_collections.duet.ha_pair.plugins.module_utils.vrrp_agent.protocol.settings import PRIORITY_OWNER

CONFIG = "/etc/vrrp-agent/config.json"


def agent() -> dict[str, Any]:
    """Whether the agent answers, and what it holds; an address owner's addresses are the host's own."""
    try:
        status = ask()
    except ControlError as error:
        # Whoever is there and does not answer runs all the same, and may have left its addresses.
        running = error.code not in ("not_running", "not_installed")
        return {
            "running": running,
            "addresses": ips(configured(files.read(CONFIG)), "virtual_addresses", "extra_addresses"),
        }
    return {"running": True, "addresses": ips(status["instances"], "addresses_present")}


def ips(instances: list[dict[str, Any]], *keys: str) -> list[str]:
    """The addresses under these keys, without prefixes; an address owner's are the host's own."""
    moving = [one for one in instances if one.get("priority") != PRIORITY_OWNER]
    texts = [text for one in moving for key in keys for text in one.get(key, [])]
    return [str(ipaddress.ip_interface(text).ip) for text in texts]


def configured(content: bytes | None) -> list[dict[str, Any]]:
    """The instances in the agent's file; none where it is not one that the agent would accept."""
    try:
        document = schema.decode((content or b"").decode())
        return [] if schema.validate(document) else document["instances"]
    except (UnicodeDecodeError, schema.ConfigError):
        return []


def look(module: AnsibleModule) -> dict[str, Any]:
    """Everything about this host; addresses last, as those of an agent that has just died leave while we listen."""
    ip = [module.get_bin_path("ip", required=True), "-json", "address", "show"]
    found = agent()
    seconds = 0.0 if found["running"] else module.params["listen"]
    up = [name for name, link in host.interfaces(_output(module, ip)).items() if link["up"]]
    adverts = listen(up, seconds) if seconds > 0 else []
    defaults = {str(family): default_interface(family) for family in (4, 6)}
    return {
        "interfaces": host.interfaces(_output(module, ip)),
        "default_interfaces": {family: name for family, name in defaults.items() if name},
        "agent": found,
        "keepalived": host.keepalived(),
        "listened": seconds,
        "adverts": adverts,
        "live": report(),
    }


def _output(module: AnsibleModule, command: list[str]) -> str:
    code, out, err = module.run_command(command)
    if code != 0:
        module.fail_json(msg=f"{' '.join(command)}: {err.strip() or out.strip()}")
    return str(out)


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec={"listen": {"type": "float", "default": 3}}, supports_check_mode=True)
    try:
        result = look(module)
    except (KernelError, OSError) as error:
        module.fail_json(msg=f"Cannot listen for VRRP: {error}; become root")
    module.exit_json(changed=False, **result)


if __name__ == "__main__":
    main()
