# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible module: writes nginx's files, and takes them back if nginx does not like them."""

from __future__ import annotations

DOCUMENTATION = r"""
module: nginx_site
short_description: Write an nginx site, keep it only if nginx accepts it, and reload
description:
  - Writes files, removes others, and lets nginx test the whole configuration. If nginx refuses it, everything is put
    back as it was and the module fails with nginx's own words; the running nginx has noticed nothing.
  - A running nginx is reloaded, never restarted.
author:
  - duet.ha_pair contributors (@duet)
version_added: 0.1.0
extends_documentation_fragment:
  - duet.ha_pair.attributes
  - ansible.builtin.action_common_attributes
attributes:
  check_mode:
    support: full
    details: nginx cannot test what is not there, so a configuration that it refuses shows in the real run only.
options:
  files:
    description: The files to write, path and content.
    type: dict
    required: true
  absent:
    description: The files or links to remove, for instance a distribution's default site.
    type: list
    elements: path
    default: []
"""

EXAMPLES = r"""
- name: Write a site
  duet.ha_pair.nginx_site:
    files:
      /etc/nginx/conf.d/site.conf: |
        server {
            listen 80 default_server;
            return 200 "hello\n";
        }
    absent:
      - /etc/nginx/sites-enabled/default
"""

RETURN = r"""
reloaded:
  description: Whether a running nginx was reloaded.
  returned: success
  type: bool
  sample: true
"""

import os
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.duet.ha_pair.plugins.module_utils import files


class Replacement:
    """Files that are written or removed together, and can all be put back."""

    def __init__(self, wanted: dict[str, bytes | None]) -> None:
        self._wanted = wanted
        self._links = {path: os.readlink(path) for path in wanted if os.path.islink(path)}
        self._before = {path: files.read(path) for path in wanted}

    def changes(self) -> list[str]:
        """The paths whose content, or absence, is not what is wanted."""
        return [path for path, content in self._wanted.items() if self._differs(path, content)]

    def _differs(self, path: str, content: bytes | None) -> bool:
        return os.path.lexists(path) if content is None else content != self._before[path]

    def apply(self) -> None:
        """Write and remove."""
        for path in self.changes():
            content = self._wanted[path]
            if content is None:
                os.unlink(path)
            else:
                os.makedirs(os.path.dirname(path), exist_ok=True)
                files.replace(path, content, 0o644)

    def undo(self) -> None:
        """Put back what was there."""
        for path, content in self._before.items():
            if path in self._links:
                if not os.path.lexists(path):
                    os.symlink(self._links[path], path)
            elif content is not None:
                files.replace(path, content, files.mode(path) or 0o644)
            elif os.path.lexists(path):
                os.unlink(path)

    def diff(self) -> list[dict[str, str]]:
        """Ansible's diff of what changes."""
        return [files.difference(path, self._before[path], self._wanted[path]) for path in self.changes()]


def reload(module: AnsibleModule) -> bool:
    """Reload nginx if it runs."""
    if module.run_command(["systemctl", "is-active", "--quiet", "nginx.service"])[0] != 0:
        return False
    code, out, err = module.run_command(["systemctl", "reload", "nginx.service"])
    if code != 0:
        module.fail_json(msg=f"nginx could not be reloaded: {err.strip() or out.strip()}")
    return True


def run(module: AnsibleModule) -> dict[str, Any]:
    """Compare, write, test, reload; the result for Ansible."""
    wanted: dict[str, bytes | None] = {path: str(text).encode() for path, text in module.params["files"].items()}
    wanted.update(dict.fromkeys(module.params["absent"]))
    replacement = Replacement(wanted)
    result = {"changed": bool(replacement.changes()), "reloaded": False, "diff": replacement.diff()}
    if result["changed"] and not module.check_mode:
        replacement.apply()
        code, out, err = module.run_command(["nginx", "-t", "-q"])
        if code != 0:
            replacement.undo()
            module.fail_json(msg=f"nginx refuses the configuration, and the old one is back: {err.strip() or out}")
        result["reloaded"] = reload(module)
    return result


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "files": {"type": "dict", "required": True},
            "absent": {"type": "list", "elements": "path", "default": []},
        },
        supports_check_mode=True,
    )
    try:
        result = run(module)
    except OSError as error:
        module.fail_json(msg=files.explain(error))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
