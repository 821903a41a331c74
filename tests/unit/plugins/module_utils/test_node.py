# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The node's interfaces: which exist, and which has the default route."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.duet.ha_pair.plugins.module_utils.node import default_interface, fill_interfaces

ROUTES = """\
Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
eth0\t00000000\t0101A8C0\t0003\t0\t0\t100\t00000000\t0\t0\t0
eth1\t00000000\t0102A8C0\t0003\t0\t0\t50\t00000000\t0\t0\t0
eth0\t0001A8C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0
"""
ZERO = "0" * 32
ROUTES_6 = f"""\
{ZERO} 40 {ZERO} 00 {ZERO} 00000100 00000001 00000000 00000001     eth0
{ZERO} 00 {ZERO} 00 fe800000000000000000000000000001 00000400 00000001 00000000 00000003     eth0
{ZERO} 00 {ZERO} 00 {ZERO} ffffffff 00000001 00000000 00200200       lo
"""


@pytest.fixture(name="root")
def _root(tmp_path: Path) -> Path:
    for name in ("lo", "eth0", "eth1"):
        (tmp_path / "sys/class/net" / name).mkdir(parents=True)
    (tmp_path / "proc/net").mkdir(parents=True)
    (tmp_path / "proc/net/route").write_text(ROUTES)
    (tmp_path / "proc/net/ipv6_route").write_text(ROUTES_6)
    return tmp_path


def fill(root: Path, *instances: dict[str, Any]) -> tuple[list[Any], list[str]]:
    """The interfaces that instances get, and the problems."""
    document = {"instances": list(instances)}
    problems = fill_interfaces(document, str(root))
    return [instance.get("interface") for instance in instances], problems


def test_the_default_route_of_the_lowest_metric(root: Path) -> None:
    assert default_interface(4, str(root)) == "eth1"
    assert default_interface(6, str(root)) == "eth0"


def test_an_instance_without_an_interface_gets_that_of_its_family(root: Path) -> None:
    six = {"name": "six", "virtual_addresses": ["fe80::1/64"]}
    named = {"name": "named", "interface": "eth0"}
    assert fill(root, {"name": "four", "virtual_addresses": ["192.0.2.1"]}, six, named) == (
        ["eth1", "eth0", "eth0"],
        [],
    )


def test_an_interface_that_does_not_exist(root: Path) -> None:
    assert fill(root, {"name": "web", "interface": "eth7"})[1] == [
        "vrrp_instances[0].interface (instance web): eth7 does not exist on this host; its interfaces are eth0, eth1"
    ]


def test_no_default_route(root: Path) -> None:
    (root / "proc/net/route").unlink()
    problem = fill(root, {"name": "web"})[1][0]
    assert problem.startswith("vrrp_instances[0].interface (instance web): there is no IPv4 default route")
