# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The inventory that a user goes on with: what all hosts share once, what is a host's own beside it, secrets apart."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Mapping
from typing import Any

import yaml

# Where a host's own keys stand, by the instance's name.
_OWN = "vrrp_on_this_host"

_HEADER = """\
---
# What keepalived said on {hosts}, for duet.ha_pair. Written by duet.ha_pair.adopt_keepalived.
# Give it to ansible-playbook beside the inventory that says how to reach the hosts: -i hosts.yml -i THIS_FOLDER
"""
_SECRETS_HEADER = """\
---
# Secrets of {hosts}. Encrypt them: ansible-vault encrypt THIS_FILE
"""


def render(merged: Mapping[str, Any], group: str) -> dict[str, str]:
    """The texts of two files, `inventory` and `secrets`; the second one is empty where there is no secret."""
    hosts = ", ".join(merged["hosts"])
    secrets: dict[str, str] = {}
    instances = [_without_secrets(one, secrets) for one in merged["vrrp_instances"]]
    own = merged["hosts"]
    shared: dict[str, Any] = {"vrrp_instances": [_with_references(one, own) for one in instances]}
    of_hosts: dict[str, Any] = {host: {_OWN: keys} if keys else None for host, keys in own.items()}
    if any(len({tuple(own[host].get(one["name"], ())) for host in own}) > 1 for one in instances):
        # A key that only some hosts have cannot be a reference: each host gets the whole list.
        shared = {}
        of_hosts = {
            host: {"vrrp_instances": [{**one, **keys.get(one["name"], {})} for one in instances]}
            for host, keys in own.items()
        }
    if merged["vrrp_sync_groups"]:
        shared["vrrp_sync_groups"] = merged["vrrp_sync_groups"]
    text = _HEADER.format(hosts=hosts) + _yaml({group: {"hosts": of_hosts, "vars": shared}})
    hidden = _SECRETS_HEADER.format(hosts=hosts) + _yaml({group: {"vars": secrets}}) if secrets else ""
    return {"inventory": text, "secrets": hidden}


def _with_references(instance: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """An instance of the group's, which names what is a host's own."""
    name = instance["name"]
    keys = dict.fromkeys(key for of_host in own.values() for key in of_host.get(name, {}))
    return {**instance, **{key: "{{ " + f"{_OWN}[{json.dumps(name)}].{key}" + " }}" for key in keys}}


def _without_secrets(instance: Mapping[str, Any], secrets: dict[str, str]) -> dict[str, Any]:
    """An instance that names its secrets, which are put aside."""
    result = copy.deepcopy(dict(instance))
    authentication = result.get("authentication", {})
    holders = [("password", authentication, "password")]
    holders += [(f"key_{item['id']}", item, "key") for item in authentication.get("keys", [])]
    for word, holder, key in holders:
        if key in holder:
            variable = re.sub(r"[^a-z0-9_]", "_", f"vrrp_{instance['name']}_{word}".lower())
            secrets[variable] = _plain(holder[key])
            holder[key] = "{{ " + variable + " }}"
    return result


def _plain(secret: str) -> str:
    """A secret that looks like a template is none."""
    return "{% raw %}" + secret + "{% endraw %}" if "{" in secret else secret


def _yaml(document: Any) -> str:
    return str(yaml.safe_dump(document, sort_keys=False, default_flow_style=False, width=1000))
