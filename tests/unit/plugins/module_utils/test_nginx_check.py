# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the role nginx serves, each instance has a check of its health URL, unless the inventory says otherwise."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.duet.ha_pair.plugins.module_utils import inventory, nginx_check

yaml = pytest.importorskip("yaml")
ROOT = Path(__file__).resolve().parents[4]
CHECK = {"name": "nginx", "type": "http", "url": "http://127.0.0.1:80/health"}
OWN = {"name": "app", "type": "tcp", "port": 8080}


def checks(written: Any = None, **variables: Any) -> Any:
    """The checks of an instance that the inventory gives these."""
    instance = {} if written is None else {"checks": written}
    nginx_check.add(instance, variables)
    return instance.get("checks")


@pytest.mark.parametrize("serves", [{"vrrp_serves_nginx": True}, {"nginx_health_check": {}}])
def test_by_the_playbooks_word_or_the_roles_defaults(serves: dict[str, Any]) -> None:
    assert checks(**serves) == [CHECK]
    assert checks([OWN], **serves) == [OWN, CHECK]


@pytest.mark.parametrize(
    "variables",
    [
        {},
        {"nginx_port": 80},
        {"vrrp_serves_nginx": False, "nginx_health_check": {}},
        {"vrrp_serves_nginx": "False", "nginx_health_check": {}},
        {"vrrp_serves_nginx": True, "nginx_health_check": False},
        {"vrrp_serves_nginx": True, "nginx_health_check": "no"},
    ],
)
def test_not_where_nginx_does_not_serve_or_shall_not_be_asked(variables: dict[str, Any]) -> None:
    assert checks(**variables) is None
    assert checks([OWN], **variables) == [OWN]


def test_a_check_of_that_name_is_the_inventorys() -> None:
    own = {"name": "nginx", "type": "systemd", "unit": "nginx.service"}
    assert checks([own], vrrp_serves_nginx=True) == [own]


def test_keys_of_ones_own() -> None:
    given = {"interval": 1, "on_fail": {"priority": -60}, "url": "http://127.0.0.1/ready"}
    assert checks(vrrp_serves_nginx=True, nginx_health_check=given) == [{**CHECK, **given}]


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"nginx_port": 8080, "nginx_health_path": "/up"}, {"url": "http://127.0.0.1:8080/up"}),
        ({"nginx_port": "8080"}, {"url": "http://127.0.0.1:8080/health"}),
        ({"nginx_listen": ["81 reuseport", "82"]}, {"url": "http://127.0.0.1:81/health"}),
        ({"nginx_listen": ["*:81"]}, {"url": "http://127.0.0.1:81/health"}),
        ({"nginx_listen": ["[::]:81 ipv6only=on"]}, {"url": "http://[::1]:81/health"}),
        ({"nginx_listen": ["[2001:db8::1]"]}, {"url": "http://[2001:db8::1]:80/health"}),
        ({"nginx_listen": ["192.0.2.1:443 ssl"]}, {"url": "https://192.0.2.1:443/health", "verify": False}),
        ({"nginx_listen": ["192.0.2.1"]}, {"url": "http://192.0.2.1:80/health"}),
        (
            {"nginx_listen": ["unix:/run/nginx.sock"]},
            {"url": "http://localhost/health", "unix_socket": "/run/nginx.sock"},
        ),
    ],
)
def test_where_nginx_listens(variables: dict[str, Any], expected: dict[str, Any]) -> None:
    [check] = checks(vrrp_serves_nginx=True, **variables)
    assert check == {"name": "nginx", "type": "http", **expected}


def test_the_roles_defaults_come_to_the_same() -> None:
    """Some playbooks have no role in them, and so none of its defaults."""
    defaults = yaml.safe_load((ROOT / "roles/nginx/defaults/main.yml").read_text())
    chosen = {key: defaults[key] for key in ("nginx_port", "nginx_health_path", "nginx_health_check")}
    assert checks(**chosen) == checks(vrrp_serves_nginx=True) == [CHECK]
    assert defaults["nginx_listen"][0] == "{{ nginx_port }}"


def group(**variables: Any) -> dict[str, dict[str, Any]]:
    """A pair's variables."""
    instances = [{"name": "web", "virtual_router_id": 51, "virtual_addresses": ["192.0.2.10/24"], "checks": [OWN]}]
    return {host: {"vrrp_instances": instances, "vrrp_serves_nginx": True, **variables} for host in ("lb1", "lb2")}


def test_it_is_in_each_hosts_document() -> None:
    assert inventory.examine(group()).problems == []
    for host in ("lb1", "lb2"):
        assert inventory.document(host, group())["instances"][0]["checks"] == [OWN, CHECK]


def test_what_is_wrong_with_it_names_its_variable() -> None:
    found = [str(problem) for problem in inventory.examine(group(nginx_health_check={"interval": 0})).problems]
    assert found == ["lb1, lb2: nginx_health_check.interval (instance web): 0 is not in 0.1..3600 seconds"]
    wrong = group()
    wrong["lb1"]["vrrp_instances"][0]["checks"] = [{**OWN, "port": 0}]
    assert "vrrp_instances[0].checks[0].port" in str(inventory.examine(wrong).problems[0])
