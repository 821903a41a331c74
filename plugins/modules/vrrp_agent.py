# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible module: installs the VRRP agent and its unit on a node."""

from __future__ import annotations

DOCUMENTATION = r"""
module: vrrp_agent
short_description: Install the VRRP agent on a node
description:
  - Sends the collection's VRRP agent, together with the controller's pyroute2, to the node, byte-compiles and tries it
    there, and then makes it the current one in one step. The node needs Python 3.9 or later and systemd;
    no pip, no package and no internet.
  - Writes C(/usr/bin/vrrp-agent) and the unit C(vrrp-agent.service), and makes the system user and group C(vrrp-agent)
    that it runs as. Neither starts nor restarts the agent; M(duet.ha_pair.vrrp_service) does.
  - A node that has this very agent already answers in one round trip.
author:
  - duet.ha_pair contributors (@duet)
version_added: 0.1.0
requirements:
  - pyroute2 >= 0.7.2, < 0.10 on the controller
  - Python >= 3.9 on the node
extends_documentation_fragment:
  - duet.ha_pair.attributes
  - ansible.builtin.action_common_attributes
attributes:
  diff_mode:
    support: full
    details: Shows versions and digests, and the text of the unit and of the launcher.
options:
  unit:
    description: The text of the systemd unit.
    type: str
    required: true
  digest:
    description: The fingerprint of the package. Filled in on the controller; leave it alone.
    type: str
  version:
    description: The agent's version. Filled in on the controller; leave it alone.
    type: str
  pyroute2_version:
    description: The version of pyroute2 in the package. Filled in on the controller; leave it alone.
    type: str
  archive:
    description: The package on the node. Filled in on the controller; leave it alone.
    type: path
"""

EXAMPLES = r"""
- name: Install the agent
  duet.ha_pair.vrrp_agent:
    unit: "{{ lookup('ansible.builtin.template', 'vrrp-agent.service.j2') }}"
  register: vrrp_agent_installed
"""

RETURN = r"""
version:
  description: The version of the agent that is installed.
  returned: success
  type: str
  sample: 0.1.0
digest:
  description: The fingerprint of the installed package.
  returned: success
  type: str
  sample: 0f3a5c7e91b2d4f6
package_changed:
  description: Whether the agent's code is another one now, which a running agent has to be upgraded to.
  returned: success
  type: bool
  sample: false
unit_changed:
  description: Whether the unit is another one now, which systemd has to be reloaded for.
  returned: success
  type: bool
  sample: false
"""

import os
import sys
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.duet.ha_pair.plugins.module_utils import account, files
from ansible_collections.duet.ha_pair.plugins.module_utils.installation import Installation, InstallationError
from ansible_collections.duet.ha_pair.plugins.module_utils.vrrp_agent import client

PYTHON_FIRST = (3, 9)


def check_node(module: AnsibleModule) -> None:
    """What the agent cannot do without."""
    if sys.version_info < PYTHON_FIRST:
        module.fail_json(
            msg=f"The agent needs Python 3.9 or later, and {sys.executable} is {sys.version.split()[0]};"
            " install a newer one and name it in ansible_python_interpreter"
        )
    if not os.path.isdir("/run/systemd/system"):
        module.fail_json(msg="The agent runs as a systemd unit, and this host does not run systemd")


def running_package() -> str | None:
    """The digest of what runs now, which must stay until the new one runs."""
    try:
        return client.status().get("package")
    except client.ControlError:
        return None


def install_package(module: AnsibleModule, installation: Installation) -> dict[str, Any] | None:
    """The diff if the package is another one now; asks for the archive by `archive_needed` if it has to be sent."""
    wanted, present = module.params["digest"], installation.current()
    if present == wanted:
        return None
    if not module.check_mode:
        if module.params["archive"]:
            installation.unpack(module.params["archive"], wanted, sys.executable)
        elif not installation.has(wanted):
            module.exit_json(changed=True, archive_needed=True)
        installation.activate(wanted, running_package())
    after = f"vrrp-agent {module.params['version']}, pyroute2 {module.params['pyroute2_version']}, digest {wanted}\n"
    return files.difference(installation.home, f"digest {present}\n".encode() if present else b"", after.encode())


def install_file(module: AnsibleModule, path: str, text: str, permissions: int) -> dict[str, Any] | None:
    """The diff if the file is another one now."""
    before, after = files.read(path), text.encode()
    if before == after and files.mode(path) == permissions:
        return None
    if not module.check_mode:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        files.replace(path, after, permissions)
    return files.difference(path, before, after)


def install_account(module: AnsibleModule) -> dict[str, Any] | None:
    """The diff if the agent has got a user and a group now."""
    if account.find() is not None:
        return None
    if not module.check_mode:
        account.ensure(module.run_command)
    return files.difference("system users", b"", f"{account.NAME}\n".encode())


def run(module: AnsibleModule, installation: Installation) -> dict[str, Any]:
    """Bring account, package, launcher and unit to what is wanted; the result for Ansible."""
    user = install_account(module)
    package = install_package(module, installation)
    launcher = install_file(module, installation.launcher, installation.launcher_text(sys.executable), 0o755)
    unit = install_file(module, installation.unit, module.params["unit"], 0o644)
    return {
        "changed": bool(user or package or launcher or unit),
        "package_changed": bool(package or launcher),
        "unit_changed": bool(unit),
        "version": module.params["version"],
        "digest": module.params["digest"],
        "diff": [diff for diff in (user, package, launcher, unit) if diff],
    }


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "unit": {"type": "str", "required": True},
            "digest": {"type": "str"},
            "version": {"type": "str"},
            "pyroute2_version": {"type": "str"},
            "archive": {"type": "path"},
        },
        supports_check_mode=True,
    )
    check_node(module)
    try:
        result = run(module, Installation())
    except (InstallationError, account.AccountError) as error:
        module.fail_json(msg=str(error))
    except OSError as error:
        module.fail_json(msg=files.explain(error))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
