# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The configuration: what is accepted and what it becomes; each refusal with its place and its mend."""

from __future__ import annotations

import json
from ipaddress import ip_interface
from typing import Any

import pytest
from vrrp_agent import config
from vrrp_agent.config import Config, Instance
from vrrp_agent.protocol.settings import Authentication
from vrrp_agent.schema import ConfigError


def instance(**changed: Any) -> dict[str, Any]:
    """A complete instance; a key that is `changed` to ... is left out."""
    keys = {
        "name": "web",
        "interface": "eth0",
        "virtual_router_id": 51,
        "virtual_addresses": ["10.139.1.1/24"],
        **changed,
    }
    return {key: value for key, value in keys.items() if value is not ...}


def document(*instances: Any, **changed: Any) -> dict[str, Any]:
    return {"router_id": "lb1", "instances": list(instances), **changed}


def problems(tree: Any) -> list[str]:
    found = config.validate(tree)
    if found:
        with pytest.raises(ConfigError) as caught:
            config.parse(tree)
        assert str(caught.value) == str(found[0])
    else:
        config.parse(tree)
    return [str(problem) for problem in found]


def of(**changed: Any) -> list[str]:
    """What is wrong with one instance, without the path that they all have."""
    return [text.replace("instances[0].", "", 1) for text in problems(document(instance(**changed)))]


# --- what is accepted


def test_defaults() -> None:
    """The design's: version 3, priority 100, 1 s, preempt, no authentication."""
    assert config.parse(document(instance())) == Config(
        "lb1",
        (
            Instance(
                name="web",
                interface="eth0",
                use_vmac=False,
                track_interfaces=(),
                checks=(),
                virtual_router_id=51,
                version=3,
                priority=100,
                advert_interval_cs=100,
                preempt=True,
                virtual_addresses=(ip_interface("10.139.1.1/24"),),
                extra_addresses=(),
                authentication=Authentication(),
                source_address=None,
                unicast_peers=(),
                unicast_min_ttl=255,
                preempt_delay_ms=0,
                startup_delay_ms=0,
                last_resort=False,
                checksum="auto",
            ),
        ),
    )


def test_everything() -> None:
    text = json.dumps(
        document(
            instance(
                version=2,
                priority=255,
                advert_interval=3,
                preempt=False,
                virtual_addresses=["10.139.1.1/24", "10.139.1.2"],
                extra_addresses=["2001:db8::1/64", "2001:db8::2"],
                authentication={"type": "pass", "password": "s3cret 8"},
            )
        )
    )
    [web] = config.load(text).instances
    assert (web.version, web.priority, web.advert_interval_cs, web.preempt) == (2, 255, 300, False)
    assert [str(address) for address in web.addresses] == [
        "10.139.1.1/24",
        "10.139.1.2/32",
        "2001:db8::1/64",
        "2001:db8::2/128",
    ]
    assert web.authentication == Authentication("pass", "s3cret 8")
    assert web.identity == ("eth0", 4, 51)


def test_ipv6() -> None:
    [web] = config.parse(document(instance(virtual_addresses=["fe80::100/64", "2001:db8::100/64"]))).instances
    assert (web.family, web.identity) == (6, ("eth0", 6, 51))


def test_no_instances_at_all() -> None:
    assert config.parse({"router_id": "lb1"}) == config.parse(document()) == Config("lb1", ())


@pytest.mark.parametrize(
    ("seconds", "centiseconds"), [(1, 100), (1.0, 100), (0.01, 1), (0.07, 7), (40.95, 4095), (40, 4000), (1e-2, 1)]
)
def test_interval_of_version_3(seconds: float, centiseconds: int) -> None:
    [web] = config.parse(document(instance(advert_interval=seconds))).instances
    assert (web.advert_interval_cs, type(web.advert_interval_cs)) == (centiseconds, int)


@pytest.mark.parametrize("seconds", [1, 2.0, 255])
def test_interval_of_version_2(seconds: float) -> None:
    [web] = config.parse(document(instance(version=2, advert_interval=seconds))).instances
    assert web.advert_interval_cs == seconds * 100


def test_one_virtual_router_id_on_two_interfaces_or_in_two_families() -> None:
    """RFC 9568 5.2.3: the VRID counts on one LAN, and for each family by itself."""
    v6 = instance(name="six", virtual_addresses=["fe80::100/64"])
    other = instance(name="dmz", interface="eth1", virtual_addresses=["10.139.2.1/24"])
    assert problems(document(instance(), v6, other)) == []


# --- what is refused, in one instance

NAME = "a name of letters, digits, '_', '.' and '-'"
INTERFACE = "the name of an interface (at most 15 characters)"
SECONDS_V2 = "is not a whole number of seconds in 1..255, as version 2 needs"
SECONDS_V3 = "is not in 0.01..40.95 seconds, in steps of 0.01"


@pytest.mark.parametrize(
    ("key", "value", "why"),
    [
        ("name", ..., "is missing"),
        ("name", 5, f"5 is not {NAME}"),
        ("name", "", f'"" is not {NAME}'),
        ("name", "a b", f'"a b" is not {NAME}'),
        ("name", "../web", f'"../web" is not {NAME}'),
        ("name", "web\n", f'"web\\n" is not {NAME}'),
        ("name", "w" * 65, f'"{"w" * 59} is not {NAME}'),
        ("interface", ..., "is missing"),
        ("interface", None, f"null is not {INTERFACE}"),
        ("interface", "a-long-interface", f'"a-long-interface" is not {INTERFACE}'),
        ("interface", "..", f'".." is not {INTERFACE}'),
        ("interface", "eth/0", f'"eth/0" is not {INTERFACE}'),
        ("virtual_router_id", ..., "is missing"),
        ("virtual_router_id", 0, "0 is not in 1..255"),
        ("virtual_router_id", 256, "256 is not in 1..255"),
        ("virtual_router_id", "51", '"51" is not a whole number'),
        ("virtual_router_id", 51.0, "51.0 is not a whole number"),
        ("virtual_router_id", True, "true is not a whole number"),
        ("version", 4, "4 is not one of 2, 3"),
        ("version", "3", '"3" is not one of 2, 3'),
        ("version", 3.0, "3.0 is not one of 2, 3"),
        ("version", True, "true is not one of 2, 3"),
        ("version", [3], "a list is not one of 2, 3"),
        ("priority", 300, "300 is not in 1..255"),
        ("priority", 0, "0 is not in 1..255"),
        ("priority", -1, "-1 is not in 1..255"),
        ("priority", None, "null is not a whole number"),
        ("preempt", 1, "1 is not true or false"),
        ("preempt", "yes", '"yes" is not true or false'),
        ("advert_interval", 0, f"0 {SECONDS_V3}"),
        ("advert_interval", 0.001, f"0.001 {SECONDS_V3}"),
        ("advert_interval", 0.015, f"0.015 {SECONDS_V3}"),
        ("advert_interval", 40.96, f"40.96 {SECONDS_V3}"),
        ("advert_interval", -1, f"-1 {SECONDS_V3}"),
        ("advert_interval", 1e300, f"1e+300 {SECONDS_V3}"),
        ("advert_interval", float("inf"), f"inf {SECONDS_V3}"),
        ("advert_interval", float("nan"), f"nan {SECONDS_V3}"),
        ("advert_interval", "1s", '"1s" is not a number of seconds'),
        ("advert_interval", False, "false is not a number of seconds"),
        ("virtual_addresses", ..., "is missing"),
        ("virtual_addresses", [], "has no address; a virtual router needs one at least"),
        ("virtual_addresses", "10.0.0.1", '"10.0.0.1" is not a list'),
        ("virtual_addresses", {"10.0.0.1": 24}, "an object is not a list"),
        ("virtual_addresses", [5], "5 is no IP address, with or without a /prefix"),
        ("virtual_addresses", ["10.0.0.300"], '"10.0.0.300" is no IP address, with or without a /prefix'),
        ("virtual_addresses", ["10.0.0.1/33"], '"10.0.0.1/33" is no IP address, with or without a /prefix'),
        ("virtual_addresses", ["vip.example"], '"vip.example" is no IP address, with or without a /prefix'),
        (
            "virtual_addresses",
            ["fe80::1%eth0/64"],
            "fe80::1%eth0/64 has a zone; leave it out, the interface is its zone",
        ),
        ("virtual_addresses", ["224.0.0.18"], "224.0.0.18 is not an address that a host can own and share"),
        ("virtual_addresses", ["127.0.0.1/8"], "127.0.0.1/8 is not an address that a host can own and share"),
        ("virtual_addresses", ["0.0.0.0"], "0.0.0.0 is not an address that a host can own and share"),
        ("virtual_addresses", ["255.255.255.255"], "255.255.255.255 is not an address that a host can own and share"),
        ("virtual_addresses", ["10.0.0.0/24"], "10.0.0.0/24 is the network's own or its broadcast address, no host's"),
        (
            "virtual_addresses",
            ["10.0.0.255/24"],
            "10.0.0.255/24 is the network's own or its broadcast address, no host's",
        ),
        (
            "virtual_addresses",
            ["10.0.0.1", "fe80::1"],
            "mixes IPv4 and IPv6; advertise one family and move the other along in extra_addresses",
        ),
        (
            "virtual_addresses",
            [f"10.0.{host // 250}.{host % 250 + 1}" for host in range(256)],
            "has 256 addresses, an advert carries 255; move some to extra_addresses",
        ),
        (
            "virtual_addresses",
            [f"fe80::{host:x}" for host in range(1, 79)],
            "has 78 addresses, an advert carries 77; move some to extra_addresses",
        ),
        ("virtual_addresses", ["10.0.0.1/24", "10.0.0.1"], "10.0.0.1 stands twice"),
        (
            "virtual_addresses",
            ["2001:db8::1/64"],
            "the first IPv6 address must be a link-local one; put fe80::.../64 first",
        ),
        ("extra_addresses", ["10.139.1.1"], "10.139.1.1 stands twice"),
        ("extra_addresses", [None], "null is no IP address, with or without a /prefix"),
        ("authentication", "pass", "must be an object with keys and values"),
    ],
)
def test_refused(key: str, value: Any, why: str) -> None:
    assert of(**{key: value}) == [f"{key}: {why}"]


@pytest.mark.parametrize("seconds", [0, 0.5, 1.5, 256, 1e300, float("inf"), float("nan"), -2])
def test_interval_refused_in_version_2(seconds: float) -> None:
    """RFC 3768 5.3.7: one octet of seconds."""
    assert of(version=2, advert_interval=seconds) == [f"advert_interval: {seconds} {SECONDS_V2}"]


def test_a_virtual_mac_where_none_can_be() -> None:
    assert of(use_vmac="yes") == ['use_vmac: "yes" is not true or false']
    assert of(use_vmac=True, interface="lo") == [
        "use_vmac: lo cannot carry a virtual MAC; name an Ethernet interface, or set use_vmac: false"
    ]
    assert of(interface="lo") == []
    assert of(use_vmac=True, unicast_peers=["10.139.1.12"]) == [
        "use_vmac: a virtual MAC is for multicast on one LAN; remove unicast_peers, or use_vmac"
    ]
    same = [instance(use_vmac=True), instance(name="api", use_vmac=True, virtual_addresses=["10.139.1.2/24"])]
    assert problems(document(*same)) == ["instances[1].virtual_router_id: 51 on eth0 is already used by instances[0]"]


def test_version_2_knows_no_ipv6() -> None:
    assert of(version=2, virtual_addresses=["fe80::1/64"]) == [
        "version: version 2 knows no IPv6 (RFC 3768); set version: 3"
    ]


PASS_IN_V3 = "'pass' exists in version 2 only (RFC 9568 has none); set version: 2, or type: hmac or none"
WIRE_LENGTH = "characters, version 2 carries 8; shorten it on all nodes"


@pytest.mark.parametrize(
    ("version", "authentication", "why"),
    [
        (2, {"type": "pass"}, "password: is missing"),
        (2, {"type": "pass", "password": ""}, "password: must be a text of 1 to 8 characters"),
        (2, {"type": "pass", "password": 12345678}, "password: must be a text of 1 to 8 characters"),
        (2, {"type": "pass", "password": "hunter2hunter2"}, f"password: has 14 {WIRE_LENGTH}"),
        (
            2,
            {"type": "pass", "password": "pässword"},
            "password: must be printable ASCII, so that every implementation sends the same octets",
        ),
        (
            2,
            {"type": "pass", "password": "tab\t"},
            "password: must be printable ASCII, so that every implementation sends the same octets",
        ),
        (2, {"password": "hunter2"}, "password: is given but not used; set type: pass, or remove it"),
        (2, {"type": "none", "password": ""}, "password: is given but not used; set type: pass, or remove it"),
        (2, {"type": "hunter2"}, "type: is not one of none, pass, hmac"),
        (2, {"type": ["hunter2"]}, "type: is not one of none, pass, hmac"),
        (3, {"type": "pass", "password": "hunter2"}, f"type: {PASS_IN_V3}"),
        (2, {"type": "pass", "password": "x", "key": 1}, "key: unknown key; did you mean keys?"),
        (2, {"type": "pass", "pasword": "x", "password": "x"}, "pasword: unknown key; did you mean password?"),
    ],
)
def test_authentication_refused(version: int, authentication: Any, why: str) -> None:
    assert of(version=version, authentication=authentication) == [f"authentication.{why}"]


KEY = "00112233" * 8
ONE_KEY = [{"id": 1, "key": KEY}]
MAKE_ONE = "make one with: openssl rand -hex 32"


def test_hmac() -> None:
    keys = [{"id": 2, "key": KEY * 2}, {"id": 1, "key": KEY.upper()}]
    for version in (2, 3):
        tree = document(instance(version=version, authentication={"type": "hmac", "keys": keys}))
        [web] = config.parse(tree).instances
        both = ((2, bytes.fromhex(KEY * 2)), (1, bytes.fromhex(KEY)))
        assert web.authentication == Authentication("hmac", mode="enforce", keys=both)


@pytest.mark.parametrize("mode", ["enforce", "permissive", "receive-only"])
def test_hmac_mode(mode: str) -> None:
    tree = document(instance(authentication={"type": "hmac", "mode": mode, "keys": ONE_KEY}))
    [web] = config.parse(tree).instances
    assert web.authentication.mode == mode


def test_hmac_has_no_master_of_priority_1() -> None:
    """A BACKUP asks for proof of life with it."""
    hmac = {"type": "hmac", "keys": ONE_KEY}
    assert of(authentication=hmac, priority=1) == [
        "priority: 1 is no master's where adverts are signed (hmac); set 2 or more"
    ]
    assert of(authentication=hmac, priority=2) == of(priority=1) == []


@pytest.mark.parametrize(
    ("hmac", "why"),
    [
        ({}, "keys: is missing"),
        (
            {"keys": []},
            'keys: must be a list of one key at least, the one that signs first: [{"id": 1, "key": "..."}]',
        ),
        (
            {"keys": {"1": KEY}},
            'keys: must be a list of one key at least, the one that signs first: [{"id": 1, "key": "..."}]',
        ),
        ({"keys": [KEY]}, "keys[0]: must be an object with keys and values"),
        ({"keys": [{"id": 1}]}, "keys[0].key: is missing"),
        ({"keys": [{"key": KEY}]}, "keys[0].id: is missing"),
        ({"keys": [{"id": 0, "key": KEY}]}, "keys[0].id: 0 is not in 1..255"),
        ({"keys": [{"id": 256, "key": KEY}]}, "keys[0].id: 256 is not in 1..255"),
        ({"keys": ONE_KEY * 2}, "keys[1].id: 1 stands twice; each key has an id of its own"),
        (
            {"keys": [{"id": 1, "key": "correct horse battery staple is long"}]},
            f"keys[0].key: must be a text of hexadecimal digits; {MAKE_ONE}",
        ),
        ({"keys": [{"id": 1, "key": 12345678}]}, f"keys[0].key: must be a text of hexadecimal digits; {MAKE_ONE}"),
        (
            {"keys": [{"id": 1, "key": KEY[2:]}]},
            f"keys[0].key: has 62 hexadecimal digits, not an even number in 64..128; {MAKE_ONE}",
        ),
        (
            {"keys": [{"id": 1, "key": KEY + "0"}]},
            f"keys[0].key: has 65 hexadecimal digits, not an even number in 64..128; {MAKE_ONE}",
        ),
        (
            {"keys": [{"id": 1, "key": KEY * 2 + "00"}]},
            f"keys[0].key: has 130 hexadecimal digits, not an even number in 64..128; {MAKE_ONE}",
        ),
        ({"keys": [{"id": 1, "kee": 1, "key": KEY}]}, "keys[0].kee: unknown key; did you mean key?"),
        ({"mode": "strict", "keys": ONE_KEY}, "mode: is not one of enforce, permissive, receive-only"),
        (
            {"keys": ONE_KEY, "password": "hunter2"},
            "password: is given but not used; set type: pass, or remove it",
        ),
        ({"type": "none", "keys": ONE_KEY}, "keys: is given but not used; set type: hmac, or remove it"),
        ({"type": "none", "mode": "enforce"}, "mode: is given but not used; set type: hmac, or remove it"),
    ],
)
def test_hmac_refused(hmac: dict[str, Any], why: str) -> None:
    assert of(authentication={"type": "hmac", **hmac}) == [f"authentication.{why}"]


def test_a_signed_advert_over_ipv6_has_room_for_two_addresses_fewer() -> None:
    addresses = ["fe80::1", *(f"2001:db8::{host:x}" for host in range(1, 77))]
    hmac = {"type": "hmac", "keys": ONE_KEY}
    assert of(virtual_addresses=addresses) == []
    assert of(virtual_addresses=addresses[:75], authentication=hmac) == []
    assert of(virtual_addresses=addresses[:76], authentication=hmac) == [
        "virtual_addresses: has 76 addresses, a signed advert carries 75; move some to extra_addresses"
    ]


@pytest.mark.parametrize(
    ("key", "hint"),
    [
        ("prioritee", "did you mean priority?"),
        ("virtual_adresses", "did you mean virtual_addresses?"),
        ("advert_int", "did you mean advert_interval?"),
        ("state", "known here: "),
    ],
)
def test_unknown_key(key: str, hint: str) -> None:
    """A key that is not known is a setting that somebody believes in."""
    [problem] = of(**{key: 150})
    assert problem.startswith(f"{key}: unknown key; {hint}")
    assert not hint.endswith(": ") or "advert_interval, authentication" in problem


# --- what is refused around it


@pytest.mark.parametrize(
    ("tree", "text"),
    [
        ([], "must be an object with keys and values"),
        (None, "must be an object with keys and values"),
        ({"instances": []}, "router_id: is missing"),
        (document(router_id="lb 1"), f'router_id: "lb 1" is not {NAME}'),
        (document(instances={}), "instances: an object is not a list"),
        (document(instances=None), "instances: null is not a list"),
        (document(None), "instances[0]: must be an object with keys and values"),
        (
            document(globals={}),
            "globals: unknown key; known here: instances, mail, metrics, notify, router_id, sync_groups, webhooks",
        ),
        (document(instance=[]), "instance: unknown key; did you mean instances?"),
    ],
)
def test_document_refused(tree: Any, text: str) -> None:
    assert problems(tree)[0] == text


@pytest.mark.parametrize(
    ("changed", "text"),
    [
        ({"virtual_router_id": 52, "virtual_addresses": ["10.139.1.9"]}, "name: 'web' is already used by instances[0]"),
        (
            {"name": "db", "virtual_addresses": ["10.139.1.9"]},
            "virtual_router_id: 51 on eth0 is already used by instances[0]",
        ),
        (
            {"name": "db", "virtual_router_id": 52},
            "virtual_addresses: 10.139.1.1 is already used by instances[0]",
        ),
        (
            {
                "name": "db",
                "virtual_router_id": 52,
                "virtual_addresses": ["10.139.1.9"],
                "extra_addresses": ["10.139.1.1/32"],
            },
            "extra_addresses: 10.139.1.1 is already used by instances[0]",
        ),
    ],
)
def test_two_instances_cannot_share(changed: dict[str, Any], text: str) -> None:
    assert problems(document(instance(), instance(**changed))) == [f"instances[1].{text}"]


def test_all_problems_are_told_in_the_order_of_the_document() -> None:
    tree = document(
        instance(priority=0, preempt=None),
        instance(virtual_router_id=0),
        instance(name="db", virtual_addresses=["10.139.1.7"]),
        instance(name="db", virtual_router_id=9, virtual_addresses=["10.139.1.8"]),
        router_id=7,
        nodes=2,
    )
    assert [text.partition(": ")[0] for text in problems(tree)] == [
        "router_id",
        "instances[0].priority",
        "instances[0].preempt",
        "instances[1].virtual_router_id",
        "nodes",
        "instances[3].name",
    ]
