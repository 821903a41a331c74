# Copyright: (c) 2026, duet.ha_pair contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""The check that each instance has where the role nginx serves behind it: a GET of nginx's own health URL. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# `vrrp_serves_nginx` is what the collection's playbooks say, of all hosts; in a play of one's own, the role's defaults
# say it by being there.
VARIABLES = ("vrrp_serves_nginx", "nginx_health_check", "nginx_health_path", "nginx_listen", "nginx_port")

NAME = "nginx"

# As roles/nginx/defaults has them: the playbooks that have no role in them must come to the same.
_PORT = 80
_PATH = "/health"

_ANY_ADDRESS = {"": "127.0.0.1", "*": "127.0.0.1", "0.0.0.0": "127.0.0.1", "[::]": "[::1]"}


def add(instance: dict[str, Any], variables: Mapping[str, Any]) -> None:
    """Give an instance the check, last, unless it has one of that name, or nginx is not in use or not to be asked."""
    wanted = variables.get("nginx_health_check")
    serves = variables.get("vrrp_serves_nginx")
    serves = wanted is not None if serves is None else _truth(serves)
    written = instance.get("checks") or []
    if not serves or not _truth(True if wanted is None else wanted) or not isinstance(written, list):
        return
    if any(isinstance(check, Mapping) and check.get("name", check.get("type")) == NAME for check in written):
        return
    own = wanted if isinstance(wanted, Mapping) else {}
    instance["checks"] = [*written, {"name": NAME, "type": "http", **_place(variables), **own}]


def is_added(instance: Mapping[str, Any], written: Mapping[str, Any], index: int) -> bool:
    """Whether the check at a place of an instance is this one, and not one that the inventory has in its list."""
    return len(written.get("checks") or []) == index < len(instance.get("checks") or [])


def _place(variables: Mapping[str, Any]) -> dict[str, Any]:
    """Where the site listens first, as its `listen` directive says it, seen from the host itself."""
    port, path = variables.get("nginx_port") or _PORT, variables.get("nginx_health_path") or _PATH
    listen = variables.get("nginx_listen")
    words = str(listen[0]).split() if isinstance(listen, list) and listen else []
    place, options = (words[0], words[1:]) if words else (str(port), [])
    scheme, more = ("https", {"verify": False}) if "ssl" in options else ("http", {})
    if place.startswith("unix:"):
        return {"url": f"{scheme}://localhost{path}", "unix_socket": place[len("unix:") :], **more}
    host, port_there = _split(place)
    return {"url": f"{scheme}://{_ANY_ADDRESS.get(host, host)}:{port_there or 80}{path}", **more}


def _split(place: str) -> tuple[str, str]:
    """Address and port, either of which may be left out."""
    if place.isdigit():
        return "", place
    host, colon, port = place.rpartition(":")
    return (host, port) if colon and not place.endswith("]") else (place, "")


def _truth(value: Any) -> bool:
    """--extra-vars and INI inventories give truth as text."""
    return str(value).lower() not in ("false", "no", "off", "0", "") if isinstance(value, str) else value is not False
