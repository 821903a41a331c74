# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks as they are configured: what is accepted, each mistake with its place and mend; and what results amount to."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any

import pytest
from vrrp_agent import config
from vrrp_agent.protocol.checks import Check, File, Gateway, Http, Process, Script, Systemd, Tcp, Verdict

WEB = {"name": "web", "interface": "eth0", "virtual_router_id": 51, "virtual_addresses": ["10.139.1.1/24"]}
HTTP = {"type": "http", "url": "http://127.0.0.1/health"}


def of(*checks: Any, **changed: Any) -> list[str]:
    found = config.validate({"router_id": "lb1", "instances": [{**WEB, "checks": list(checks), **changed}]})
    return [str(problem).replace("instances[0].", "") for problem in found]


def made(**check: Any) -> Check:
    document = {"router_id": "lb1", "instances": [{**WEB, "checks": [check]}]}
    [found] = config.parse(document).instances[0].checks
    return found


def test_what_it_becomes() -> None:
    http = Http(False, "127.0.0.1", 80, None, "127.0.0.1", "/health", (), None, True, None)
    assert made(**HTTP) == Check("http", "http", 2000, 2000, 2, 2, None, http)
    check = made(type="tcp", name="db", port=5432, interval=0.5, rise=3, fall=1, on_fail={"priority": -60})
    assert check == Check("db", "tcp", 500, 500, 3, 1, -60, Tcp("127.0.0.1", 5432))


@pytest.mark.parametrize(
    ("check", "probe"),
    [
        ({"type": "tcp", "address": "2001:DB8::1", "port": 80}, Tcp("2001:db8::1", 80)),
        ({"type": "script", "command": ["/bin/test", "-e", "/a b"]}, Script(("/bin/test", "-e", "/a b"), None)),
        ({"type": "script", "command": ["/bin/true"], "user": "nobody"}, Script(("/bin/true",), "nobody")),
        ({"type": "systemd", "unit": "nginx.service"}, Systemd("nginx.service")),
        ({"type": "process", "process": "nginx"}, Process("nginx", None)),
        ({"type": "process", "pid_file": "/run/nginx.pid"}, Process(None, "/run/nginx.pid")),
        ({"type": "file", "path": "/run/off", "expect": "absent"}, File("/run/off", False, None)),
        ({"type": "file", "path": "/run/weight", "minimum": 1}, File("/run/weight", True, 1)),
        ({"type": "gateway"}, Gateway((), False, "arp", "eth0", 4)),
        (
            {"type": "gateway", "targets": ["10.139.1.254", "FE80::1"], "require": "all", "method": "ping"},
            Gateway((ip_address("10.139.1.254"), ip_address("fe80::1")), True, "ping", "eth0", 4),
        ),
    ],
)
def test_types(check: dict[str, Any], probe: Any) -> None:
    assert made(**check).probe == probe


def test_a_default_gateway_is_of_the_family_that_is_advertised() -> None:
    instance = {**WEB, "virtual_addresses": ["fe80::1/64"], "checks": [{"type": "gateway"}]}
    [check] = config.parse({"router_id": "lb1", "instances": [instance]}).instances[0].checks
    assert check.probe == Gateway((), False, "arp", "eth0", 6)


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        (
            {"url": "http://localhost:8080"},
            {"address": "127.0.0.1", "port": 8080, "path": "/", "host": "localhost:8080"},
        ),
        ({"url": "https://[::1]/a?b=c"}, {"tls": True, "address": "::1", "port": 443, "path": "/a?b=c"}),
        ({"url": "https://www.example.com/", "address": "192.0.2.1"}, {"host": "www.example.com", "port": 443}),
        ({"url": "http://www/", "unix_socket": "/run/web.sock"}, {"unix_socket": "/run/web.sock"}),
        ({"status": 301}, {"statuses": (301,)}),
        (
            {"status": [200, 204], "text": "ok", "verify": False},
            {"statuses": (200, 204), "text": "ok", "verify": False},
        ),
    ],
)
def test_http(changed: dict[str, Any], expected: dict[str, Any]) -> None:
    probe = made(**{**HTTP, **changed}).probe
    assert {key: getattr(probe, key) for key in expected} == expected


NO_NAMES = "is a name, and a check must not fail with the name service"


@pytest.mark.parametrize(
    ("check", "why"),
    [
        ({}, "checks[0].type: is missing"),
        ({"type": "ping"}, 'type: "ping" is not one of http, tcp, script, systemd, process, file, gateway'),
        ({**HTTP, "intervall": 1}, "checks[0].intervall: unknown key; did you mean interval?"),
        ({**HTTP, "interval": 1, "timeout": 2}, "timeout: 2 is longer than the interval (1 s); lower it"),
        ({**HTTP, "interval": 0}, "interval: 0 is not in 0.1..3600 seconds"),
        ({**HTTP, "interval": True}, "interval: true is not a number of seconds"),
        ({**HTTP, "rise": 0}, "rise: 0 is not in 1..100"),
        ({**HTTP, "on_fail": {"priority": 5}}, "on_fail: the priority is not a whole number in -253..-1"),
        ({"type": "http"}, "url: is missing"),
        ({**HTTP, "url": "127.0.0.1/health"}, "is no URL such as http://127.0.0.1/health"),
        ({**HTTP, "url": "http://127.0.0.1/a\r\nb"}, "is no URL such as"),
        ({**HTTP, "url": "http://127.0.0.1:99999/"}, "is no URL such as"),
        ({**HTTP, "url": "http://u:secret@127.0.0.1/"}, "url: has a user or a password"),
        ({**HTTP, "url": "http://www.example.com/"}, f"url: www.example.com {NO_NAMES}; add address: with"),
        ({**HTTP, "address": "::1", "unix_socket": "/a"}, "address: stands beside unix_socket"),
        ({**HTTP, "status": 20}, "status: 20 is not in 100..599"),
        ({**HTTP, "text": ""}, "is no text of 1 to 1000 characters"),
        ({"type": "tcp", "port": 0}, "port: 0 is not in 1..65535"),
        ({"type": "tcp", "port": 80, "address": "localhost"}, 'address: "localhost" is no IP address'),
        ({"type": "script", "command": "/bin/true"}, 'command: "/bin/true" is not a list'),
        ({"type": "script", "command": []}, "command: is not a list of words: the program, then its arguments"),
        ({"type": "script", "command": ["true"]}, 'command: "true" is not the full path of a program'),
        ({"type": "systemd", "unit": "--now"}, "is not the name of a systemd unit"),
        ({"type": "process"}, "process: give either process, the name of a program, or pid_file"),
        ({"type": "process", "process": "a", "pid_file": "/b"}, "process: give either process"),
        ({"type": "file", "path": "off"}, 'path: "off" is not the full path of a file'),
        ({"type": "file", "path": "/a", "expect": "absent", "minimum": 1}, "minimum: a file that is absent holds no"),
        (
            {"type": "gateway", "targets": []},
            "targets: has 0 addresses, not 1 to 16; leave it out for the default gateway",
        ),
        ({"type": "gateway", "targets": ["10.139.1.254/24"]}, "targets: 10.139.1.254/24 has a prefix"),
        ({"type": "gateway", "targets": ["fe80::1%eth0"]}, "has a zone; leave it out, the interface is its zone"),
        ({"type": "gateway", "targets": ["fe80::1", "FE80::1"]}, "targets: fe80::1 stands twice"),
        ({"type": "gateway", "require": "some"}, 'require: "some" is not one of any, all'),
        ({"type": "gateway", "method": "icmp"}, 'method: "icmp" is not one of arp, ping'),
    ],
)
def test_refused(check: dict[str, Any], why: str) -> None:
    [problem] = of(check)
    assert why in problem and problem.startswith("checks[0]")


def test_refused_together() -> None:
    assert of(HTTP, HTTP) == ["checks: the name http stands twice; give each check a name of its own"]
    demoting = {**HTTP, "on_fail": {"priority": -60}}
    assert of(demoting, priority=255) == [
        "checks: priority 255 is the owner's and never lowered; set on_fail: release",
    ]
    many = [{**HTTP, "name": f"n{number}"} for number in range(501)]
    assert of(*many) == ["checks: has 501 checks, at most 500 are possible; join some in a script"]


def test_last_resort_refused() -> None:
    demoting = {**HTTP, "on_fail": {"priority": -60}}
    useless = ["last_resort: means nothing without a check that has on_fail: release; add one, or remove it"]
    assert of(HTTP, last_resort=True) == []
    assert of(last_resort=True) == of(demoting, last_resort=True) == useless
    low = "priority: 33 is not above 33, and up to there sick nodes have theirs (last_resort)"
    assert of(HTTP, last_resort=True, priority=33) == [f"{low}; raise it, or remove last_resort"]
    assert of(HTTP, last_resort=True, priority=255) == [
        "last_resort: the owner's priority (255) is never lowered; lower the priority, or remove last_resort"
    ]
    assert of(HTTP, last_resort=1) == ["last_resort: 1 is not true or false"]


@pytest.mark.parametrize(
    ("results", "expected"),
    [
        ("+", "+"),
        ("-", "-"),
        ("+--+", "++--"),
        ("+-+-+-", "++++++"),
        ("-+-++-", "----++"),
        ("-++--", "--++-"),
    ],
)
def test_a_verdict(results: str, expected: str) -> None:
    """The first result counts at once; after that two in a row against it are needed."""
    verdict = Verdict(2, 2)
    seen = ""
    for result in results:
        before = verdict.healthy
        changed = verdict.note(result == "+")
        assert changed == (verdict.healthy is not before)
        seen += "+" if verdict.healthy else "-"
    assert seen == expected


def test_one_result_is_enough() -> None:
    verdict = Verdict(1, 1)
    assert [verdict.note(good) for good in (True, False, False, True)] == [True, True, False, True]
