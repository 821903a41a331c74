# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A keepalived.conf becomes instances that speak the same on the wire, and a remark for everything else."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.duet.ha_pair.plugins.module_utils.vrrp_agent import config
from ansible_collections.duet.ha_pair.plugins.plugin_utils.keepalived import block, reader, words
from hypothesis import given, settings
from hypothesis import strategies as st

SECRET = "pa55word-of-mine"

WHOLE = """
! Configuration File for keepalived
global_defs {
    router_id LB_ONE
    vrrp_skip_check_adv_addr
}

vrrp_instance VI_1 {
    state BACKUP
    interface eth0
    virtual_router_id 51
    priority 150
    advert_int 1
    nopreempt
    authentication {
        auth_type PASS
        auth_pass pa55word-of-mine
    }
    virtual_ipaddress {
        192.0.2.10/24 dev eth0 label eth0:vip
        192.0.2.11
    }
    virtual_ipaddress_excluded { 2001:db8::1/64 }
    track_interface {
        eth1 weight -20
        eth2
    }
}
"""


def read(body: str, of_globals: str = "", more: str = "") -> dict[str, Any]:
    """What comes of one instance with these lines, beside what every instance needs."""
    addresses = "" if "virtual_ipaddress" in body or "fe80" in body else "virtual_ipaddress {\n192.0.2.10/24\n}"
    text = f"global_defs {{\n{of_globals}\n}}\nvrrp_instance web {{\ninterface eth0\nvirtual_router_id 51\n{body}\n"
    return reader.read(f"{text}{addresses}\n}}\n{more}")


def said(result: dict[str, Any], keyword: str) -> list[tuple[str, str]]:
    """The remarks on a keyword: severity and meaning."""
    return [(one["severity"], one["means"]) for one in result["remarks"] if one["keyword"] == keyword]


def errors(result: dict[str, Any]) -> list[str]:
    """The keywords of the remarks that forbid to go on."""
    return [one["keyword"] for one in result["remarks"] if one["severity"] == "error"]


def test_a_whole_file() -> None:
    result = reader.read(WHOLE)
    assert result["vrrp_instances"] == [
        {
            "name": "VI_1",
            "interface": "eth0",
            "virtual_router_id": 51,
            "version": 2,
            "priority": 150,
            "advert_interval": 1,
            "preempt": False,
            "virtual_addresses": ["192.0.2.10/24", "192.0.2.11"],
            "extra_addresses": ["2001:db8::1/64"],
            "authentication": {"type": "pass", "password": SECRET[:8]},
            "track_interfaces": [{"name": "eth1", "on_fail": {"priority": -20}}, {"name": "eth2"}],
        }
    ]
    assert config.validate({"router_id": "lb1", "instances": result["vrrp_instances"]}) == []
    assert errors(result) == []
    assert [(one["line"], one["keyword"]) for one in result["remarks"]] == [
        (4, "router_id"),
        (5, "vrrp_skip_check_adv_addr"),
        (9, "state"),
        (17, "auth_pass"),
        (20, "label"),
    ]
    assert "first 8 characters" in said(result, "auth_pass")[0][1]
    assert SECRET not in str(result["remarks"])


@pytest.mark.parametrize(
    ("body", "of_globals", "keys"),
    [
        ("", "", {"version": 2, "priority": 100, "advert_interval": 1, "preempt": True}),
        ("", "vrrp_version 3", {"version": 3}),
        ("version 3", "vrrp_version 2", {"version": 3}),
        ("version 3\nversion 2", "", {"version": 3}),
        ("priority 300", "", {"priority": 100}),
        ("state MASTER\nnopreempt\npriority 150", "", {"preempt": True}),
        ("nopreempt\nstate MASTER\npriority 150", "", {"preempt": True}),
        ("advert_int 2.5", "", {"advert_interval": 3}),
        ("advert_int 0.3", "", {"advert_interval": 1}),
        ("advert_int 0.25\nversion 3", "", {"advert_interval": 0.25}),
        ("advert_int 0.255\nversion 3", "", {"advert_interval": 0.26}),
        ("advert_int 60\nversion 3", "", {"advert_interval": 40.95}),
        ("advert_int zero", "", {"advert_interval": 1}),
        ("preempt_delay 2.5", "", {"preempt_delay": 2.5}),
        ("preempt_delay 300", "vrrp_startup_delay 5", {"preempt_delay": 300, "startup_delay": 5}),
        ("version 3", "v3_checksum_as_v2", {"checksum": "without_pseudo_header"}),
        ("v3_checksum_as_v2\nversion 3", "", {"checksum": "without_pseudo_header"}),
        ("use_vmac vrrp.51", "", {"use_vmac": True}),
        ("mcast_src_ip 192.0.2.1", "", {"source_address": "192.0.2.1"}),
        (
            "unicast_src_ip 192.0.2.1\nunicast_peer {\n192.0.2.2\n192.0.2.3\n}",
            "",
            {"source_address": "192.0.2.1", "unicast_peers": ["192.0.2.2", "192.0.2.3"]},
        ),
        ("unicast_ttl 32\nunicast_peer {\n192.0.2.2\n}", "", {"unicast_min_ttl": 32}),
        ("track_interface {\neth1 weight 30\n}", "", {"priority": 130}),
        ("priority 240\ntrack_interface {\neth1 weight 30\n}", "", {"priority": 254}),
    ],
)
def test_keepaliveds_defaults_and_corrections(body: str, of_globals: str, keys: dict[str, Any]) -> None:
    result = read(body, of_globals)
    made = result["vrrp_instances"][0]
    assert {key: made[key] for key in keys} == keys
    assert errors(result) == []
    assert config.validate({"router_id": "lb1", "instances": [made]}) == []


@pytest.mark.parametrize("body", ["preempt_delay 5\nnopreempt", "preempt_delay 5\nstate MASTER\npriority 100"])
def test_a_delay_that_keepalived_ignores(body: str) -> None:
    result = read(body)
    assert "preempt_delay" not in result["vrrp_instances"][0]
    assert said(result, "preempt_delay") == [("info", "keepalived ignores it here, and so do we")]


def test_ipv6_is_version_3_with_the_link_local_address_first() -> None:
    result = read("virtual_ipaddress {\n2001:db8::1/64\nfe80::1/64\n192.0.2.1/24\n}")
    made = result["vrrp_instances"][0]
    assert made["version"] == 3
    assert made["virtual_addresses"] == ["fe80::1/64", "2001:db8::1/64"]
    assert any("not IPv6" in means for severity, means in said(result, "virtual_ipaddress"))
    assert config.validate({"router_id": "lb1", "instances": [made]}) == []


def test_ipv6_unicast_comes_with_the_kernels_hop_limit() -> None:
    made = read("virtual_ipaddress {\nfe80::1/64\n}\nunicast_peer {\n2001:db8::2\n}")["vrrp_instances"][0]
    assert made["unicast_min_ttl"] == 64


@pytest.mark.parametrize(
    ("body", "keyword"),
    [
        ("state MASTER", "priority"),
        ("priority 255", "priority"),
        ("authentication {\nauth_type AH\nauth_pass abc\n}", "auth_type"),
        ("mcast_dst_ip 224.0.0.99", "mcast_dst_ip"),
        ("use_ipvlan", "use_ipvlan"),
        ("use_vmac\nunicast_peer {\n192.0.2.2\n}", "unicast_peer"),
        ("use_vmac 02:00:00:00:00:01", "use_vmac"),
        ("virtual_ipaddress {\n192.0.2.10/24 dev eth1\n}", "dev"),
        ("virtual_ipaddress {\n}", "virtual_ipaddress"),
        ("vrf red", "vrf"),
        ("track_interface {\neth1 weight -5 reverse\n}", "track_interface"),
        ("authentication {\nauth_type PASS\nauth_pass gr\u00fc\u00dfe\n}", "auth_pass"),
        ("auth_hmac {\nkey 1 file:/etc/key\n}", "key"),
    ],
)
def test_what_cannot_be_taken_over(body: str, keyword: str) -> None:
    assert keyword in errors(read(body))


def test_priority_and_place_that_are_missing() -> None:
    result = reader.read("vrrp_instance web {\nvirtual_ipaddress {\n192.0.2.1\n}\n}")
    assert errors(result) == ["interface", "virtual_router_id"]
    assert errors(reader.read("")) == ["vrrp_instance"]
    assert errors(read("", "vrrp_mcast_group4 224.0.0.99")) == ["vrrp_mcast_group4"]
    assert errors(read("", more="virtual_server 192.0.2.1 80 {\nreal_server 192.0.2.2 80 {\n}\n}")) == [
        "virtual_server"
    ]
    assert errors(read("", "vrrp_mcast_group4 224.0.0.18")) == []


@pytest.mark.parametrize(
    "body",
    [
        "notify_master /x",
        "notify /x",
        "track_script {\nchk\n}",
        "smtp_alert",
        "smtp_alert true",
        "virtual_routes {\n192.0.2.0/24 via 192.0.2.1\n}",
        "dont_track_primary",
        "no_accept",
        "garp_master_refresh 60",
        "down_timer_adverts 5",
        "strict_mode on",
    ],
)
def test_what_is_lost(body: str) -> None:
    lost = [one for one in read(body)["remarks"] if one["severity"] == "lost"]
    assert len(lost) == 1
    assert lost[0]["do"] != "nothing"


@pytest.mark.parametrize("body", ["smtp_alert false", "garp_master_refresh 0", "dont_track_primary off"])
def test_what_is_off_is_not_lost(body: str) -> None:
    assert [one for one in read(body)["remarks"] if one["severity"] == "lost"] == []


def test_authentication_that_keepalived_ignores() -> None:
    for body in (
        "version 3\nauthentication {\nauth_type PASS\nauth_pass abc\n}",
        "authentication {\nauth_type PASS\n}",
    ):
        result = read(body)
        assert "authentication" not in result["vrrp_instances"][0]
        assert len(said(result, "authentication")) == 1
    assert "authentication" not in read("authentication {\nauth_pass abc\n}")["vrrp_instances"][0]
    strict = read("authentication {\nauth_type PASS\nauth_pass abc\n}", "vrrp_strict")
    assert "authentication" not in strict["vrrp_instances"][0]


def test_signed_adverts() -> None:
    made = read(f"auth_hmac {{\nkey 1 hex:{'AB' * 32}\nkey 2 {'k' * 40}\nactive_key 2\nmode permissive\n}}")
    assert made["vrrp_instances"][0]["authentication"] == {
        "type": "hmac",
        "mode": "permissive",
        "keys": [{"id": 2, "key": "6b" * 40}, {"id": 1, "key": "ab" * 32}],
    }
    assert config.validate({"router_id": "lb1", "instances": made["vrrp_instances"]}) == []


def test_a_sync_group() -> None:
    two = "\n".join(
        f"vrrp_instance {name} {{\ninterface {eth}\nvirtual_router_id {vrid}\n"
        f"virtual_ipaddress {{\n192.0.2.{vrid}\n}}\ntrack_interface {{\neth9 weight -10\n}}\n}}"
        for name, eth, vrid in (("outside", "eth0", 51), ("inside", "eth1", 52))
    )
    group = "vrrp_sync_group edge {\ngroup {\noutside\ninside nobody\n}\ntrack_interface {\neth8\n}\nnotify /x\n}\n"
    result = reader.read(group + two)
    assert result["vrrp_sync_groups"] == [{"name": "edge", "instances": ["outside", "inside"]}]
    # keepalived has no weights in a sync group.
    tracked = [{"name": "eth9"}, {"name": "eth8"}]
    assert [one["track_interfaces"] for one in result["vrrp_instances"]] == [tracked, tracked]
    assert [severity for severity, means in said(result, "notify")] == ["lost"]
    document = {
        "router_id": "lb1",
        "instances": result["vrrp_instances"],
        "sync_groups": result["vrrp_sync_groups"],
    }
    assert config.validate(document) == []


def test_a_typing_error_is_told_and_ignored_as_by_keepalived() -> None:
    result = read("prioritee 150")
    assert result["vrrp_instances"][0]["priority"] == 100
    (remark,) = [one for one in result["remarks"] if one["keyword"] == "unknown keyword"]
    assert remark["line"] == 7
    assert "did you mean priority?" in remark["means"]


def test_names_that_are_not_ours() -> None:
    result = reader.read(
        'vrrp_instance "my web/1" {\n}\nvrrp_instance x {\n}\nvrrp_instance x {\n}\nvrrp_instance {\n}'
    )
    assert [one["name"] for one in result["vrrp_instances"]] == ["my-web-1", "x"]
    assert len(said(result, "vrrp_instance")) == 3


KEYWORDS = sorted(
    {*words.INSTANCE, *words.GLOBAL, *words.TOP, *block._HANDLERS, *words.SYNC_GROUP, *words.ADDRESS_OPTIONS}
)
VALUES = [
    "",
    "1",
    "255",
    "-20",
    "0.5",
    "eth0",
    "192.0.2.1/24",
    "fe80::1/64",
    "weight",
    "reverse",
    "dev",
    "on",
    "MASTER",
]
lines = st.lists(st.sampled_from([*KEYWORDS, *VALUES, "group", "auth_type PASS", "{", "}", "\n"]), max_size=40)


@settings(deadline=None, max_examples=300)
@given(lines, st.booleans())
def test_no_text_makes_it_fail_and_no_secret_gets_out(pieces: list[str], signed: bool) -> None:
    """Whatever stands around them, in whatever broken order."""
    secrets = f"authentication {{\nauth_type PASS\nauth_pass {SECRET}\n{SECRET}\n}}\n"
    secrets += f"auth_hmac {{\nkey 1 {SECRET}\n}}\n" if signed else ""
    for text in (" ".join(pieces), "vrrp_instance web {\n" + " ".join(pieces) + "\n" + secrets + "}"):
        result = reader.read(text)
        assert all(one["severity"] in ("info", "lost", "error") and one["means"] for one in result["remarks"])
        assert SECRET not in str(result["remarks"])
        assert SECRET[:8] not in str(result["remarks"])


@settings(deadline=None, max_examples=100)
@given(st.text())
def test_garbage(text: str) -> None:
    assert errors(reader.read(text))
