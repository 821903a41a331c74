# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names, addresses and files of a lab, before anything is made."""

from __future__ import annotations

import json

import pytest

from lab.errors import LabError
from lab.plan import HostPlan, LabPlan, Subnet, check_name, claim, host_files, inventory, plan_hosts

PAIR = LabPlan("demo", 3, (HostPlan("lb1", "bookworm", 11), HostPlan("lb2", "trixie", 12)))
yaml = pytest.importorskip("yaml")


def test_the_first_lab_gets_the_first_subnet() -> None:
    assert claim(set(), ["default", "192.0.2.0/24", "198.51.100.7"]) == 1


def test_a_number_that_a_lab_has_is_passed_over() -> None:
    assert claim({1, 2, 4}, []) == 3


@pytest.mark.parametrize("route", ["10.139.1.0/24", "10.139.1.77", "10.139.0.0/23", "10.139.1.128/25"])
def test_a_subnet_that_the_machine_routes_elsewhere_is_passed_over(route: str) -> None:
    assert claim(set(), [route]) == 2


def test_a_route_to_the_whole_range_leaves_no_subnet() -> None:
    with pytest.raises(LabError, match="no subnet"):
        claim(set(), ["10.0.0.0/8"])


def test_addresses_of_a_subnet() -> None:
    assert (Subnet(3).address(1), Subnet(3).address6(11)) == ("10.139.3.1", "fd00:139:3::11")


def test_hosts_are_numbered_in_their_order_and_take_the_common_release() -> None:
    assert plan_hosts(["lb1", "lb2"], ["trixie", "lb2:bullseye"]) == (
        HostPlan("lb1", "trixie", 11),
        HostPlan("lb2", "bullseye", 12),
    )


@pytest.mark.parametrize(
    ("names", "suites", "why"),
    [
        ([], [], "a lab needs hosts"),
        (["lb1", "lb1"], [], "different names"),
        (["lb1"], ["trixie", "bookworm"], "at most one release"),
        (["lb1"], ["lb9:trixie"], "lb9, which is no host"),
        (["client"], [], "client"),
    ],
)
def test_impossible_hosts_are_refused(names: list[str], suites: list[str], why: str) -> None:
    with pytest.raises(LabError, match=why):
        plan_hosts(names, suites)


@pytest.mark.parametrize("name", ["", "Lb1", "1lb", "a/b", "a" * 13, "controller", "bridge", "lb_1"])
def test_a_name_that_is_no_host_name_is_refused(name: str) -> None:
    with pytest.raises(LabError):
        check_name(name, 12)


def test_the_record_of_a_lab_reads_back_as_it_was_written() -> None:
    assert LabPlan.from_document(json.loads(json.dumps(PAIR.to_document()))) == PAIR


def test_a_host_knows_its_address_its_way_out_and_its_neighbours() -> None:
    files = host_files(PAIR, PAIR.hosts[1], "ssh-ed25519 KEY", "nameserver 192.0.2.53\n")
    network = files["/etc/systemd/network/10-eth0.network"]
    assert "Address=10.139.3.12/24\n" in network
    assert "Address=fd00:139:3::12/64\n" in network
    assert "Gateway=10.139.3.254\n" in network
    assert "10.139.3.11 lb1\n10.139.3.12 lb2\n" in files["/etc/hosts"]
    assert files["/etc/hostname"] == "lb2\n"


def test_the_inventory_says_how_to_reach_each_host_and_touches_no_other_group() -> None:
    document = yaml.safe_load(inventory(PAIR, "/run/x"))
    assert document["duet_lab"]["hosts"] == {
        "lb1": {"ansible_host": "10.139.3.11"},
        "lb2": {"ansible_host": "10.139.3.12"},
    }
    assert document["duet_lab"]["vars"]["ansible_ssh_private_key_file"] == "/run/x/key"
    assert "StrictHostKeyChecking=no" in document["duet_lab"]["vars"]["ansible_ssh_common_args"]
    assert list(document) == ["duet_lab"]
