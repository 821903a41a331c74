# Copyright: (c) 2026, duet.ha_pair contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""What a host brings along for VRRP: interfaces and their addresses, and a keepalived that runs. Only reads."""

from __future__ import annotations

import glob
import json
import os
import re
from typing import Any

KEEPALIVED_CONFIGS = "etc/keepalived/**/*.conf"


def interfaces(shown: str, root: str = "/") -> dict[str, dict[str, Any]]:
    """The answer of `ip -json address` as name -> addresses, up, ipv6; without loopback and the ports of others."""
    found = {}
    for link in json.loads(shown or "[]"):
        name = link.get("ifname", "lo").partition("@")[0]
        if name != "lo" and "master" not in link:
            found[name] = {
                "addresses": [f"{one['local']}/{one['prefixlen']}" for one in link.get("addr_info", [])],
                "up": "LOWER_UP" in link.get("flags", []),
                "ipv6": _has_ipv6(name, root),
            }
    return found


def keepalived(root: str = "/") -> dict[str, Any]:
    """Whether a keepalived runs in this network, and the virtual router ids in its files."""
    text = "".join(_text(path) for path in sorted(glob.glob(os.path.join(root, KEEPALIVED_CONFIGS), recursive=True)))
    ids = {int(number) for number in re.findall(r"^\s*virtual_router_id\s+(\d{1,3})\b", text, re.M)}
    return {"running": _runs("keepalived", root), "virtual_router_ids": sorted(ids)}


def _has_ipv6(name: str, root: str) -> bool:
    return _text(os.path.join(root, "proc/sys/net/ipv6/conf", name, "disable_ipv6")).strip() == "0"


def _runs(command: str, root: str) -> bool:
    """Whether a process of that name is in our network namespace: a container's is none of ours."""
    ours = _link(os.path.join(root, "proc/self/ns/net"))
    for path in glob.glob(os.path.join(root, "proc/[0-9]*")):
        if _text(os.path.join(path, "comm")).strip() == command and _link(os.path.join(path, "ns/net")) == ours:
            return True
    return False


def _text(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as source:
            return source.read()
    except OSError:
        return ""


def _link(path: str) -> str:
    try:
        return os.readlink(path)
    except OSError:
        return ""
