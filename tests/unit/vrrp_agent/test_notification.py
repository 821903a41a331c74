# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The keys `notify`, `mail` and `webhooks`: what is taken, what is refused with its mend; secrets stay untold."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from vrrp_agent import config
from vrrp_agent.notification import EVENTS

SECRET = "correct horse battery"
HOOK = {"command": ["/usr/local/bin/notify", "--all"]}
MAIL = {"from": "lb1@example.com", "to": ["ops@example.com"], "server": "smtp.example.com"}
HOOKED = {"url": "https://hooks.example.com/T0/B0?token=hunter2", "secret": SECRET}


def document(**top: Any) -> dict[str, Any]:
    instances = [
        {"name": name, "interface": "eth0", "virtual_router_id": number, "virtual_addresses": [f"192.0.2.{number}/24"]}
        for number, name in enumerate(("web", "api"), 51)
    ]
    groups = [{"name": "both", "instances": ["web", "api"]}]
    return copy.deepcopy({"router_id": "lb1", "instances": instances, "sync_groups": groups, **top})


def problems(**top: Any) -> list[str]:
    return [str(error) for error in config.validate(document(**top))]


def test_nothing_is_told_by_default() -> None:
    voice = config.parse(document()).voice
    assert (voice.notify, voice.mail, voice.webhooks) == ((), None, ())
    assert problems(notify=None, mail=None, webhooks=None) == []


def test_defaults() -> None:
    voice = config.parse(document(notify=[HOOK], mail=MAIL, webhooks=[HOOKED])).voice
    [hook], [webhook], mail = voice.notify, voice.webhooks, voice.mail
    assert (hook.command, hook.timeout_s, hook.user, hook.instances) == (tuple(HOOK["command"]), 30.0, None, None)
    assert mail is not None and (mail.tls, mail.port, mail.choice.events) == ("none", 25, ("transition",))
    assert (webhook.timeout_s, webhook.choice.events, webhook.host) == (10.0, EVENTS, "https://hooks.example.com")


@pytest.mark.parametrize(("tls", "port"), [("starttls", 587), ("implicit", 465)])
def test_the_port_follows_tls(tls: str, port: int) -> None:
    mail = config.parse(document(mail={**MAIL, "tls": tls})).voice.mail
    assert mail is not None and mail.port == port


def test_a_choice() -> None:
    [webhook] = config.parse(document(webhooks=[{**HOOKED, "events": ["check"], "instances": ["web"]}])).voice.webhooks
    takes = webhook.choice.takes
    assert [takes("check", "web"), takes("check", "api"), takes("transition", "web")] == [True, False, False]
    assert not takes("check", None)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"command": "/bin/true"}, 'notify[0].command: "/bin/true" is not a list'),
        ({"command": []}, "notify[0].command: must be a list of texts: the program's whole path, then its arguments"),
        ({"command": ["true"]}, 'notify[0].command: "true" is not a whole path; a program is named from / on'),
        ({"timeout": 0}, "notify[0].timeout: 0 is not in 0.1..3600 seconds"),
        ({"timout": 5}, "notify[0].timout: unknown key; did you mean timeout?"),
        ({"user": "no body"}, 'notify[0].user: "no body" is not the name of a user'),
        ({"instances": []}, "notify[0].instances: names nobody; leave it out for all"),
        ({"instances": ["wab"]}, "notify[0].instances: no instance is called wab; there are: web, api, both"),
    ],
)
def test_commands_refused(change: dict[str, Any], problem: str) -> None:
    assert problems(notify=[{**HOOK, **change}]) == [problem]


def test_a_sync_group_is_chosen_by_its_name() -> None:
    assert problems(notify=[{**HOOK, "instances": ["both", "web"]}]) == []
    told = "mail.instances: no instance is called both; there are: web, api"
    assert problems(mail={**MAIL, "instances": ["both"]}) == [told]


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"from": "lb1"}, 'mail.from: "lb1" is not an e-mail address, as ops@example.com'),
        ({"to": "a@example.com\nBcc: b@example.com"}, "is not an e-mail address"),
        ({"to": []}, "mail.to: has 0 addresses; 1 to 50 are possible"),
        ({"server": "smtp example"}, 'mail.server: "smtp example" is not a host\'s name or address'),
        ({"tls": "yes"}, 'mail.tls: "yes" is not one of none, starttls, implicit'),
        (
            {"username": "u", "tls": "starttls"},
            "mail.password: is missing beside username; set password",
        ),
        ({"password": SECRET}, "mail.password: is nobody's without a username; set username, or remove it"),
        (
            {"username": "u", "password": SECRET},
            "mail.tls: a password would be readable on the wire; set tls",
        ),
        (
            {"username": "u", "tls": "implicit", "password": SECRET, "password_file": "/etc/secret"},
            "mail.password_file: stands beside password; keep one of the two",
        ),
        ({"username": "u", "tls": "implicit", "password_file": "secret"}, "is not a file's whole path"),
        ({"events": ["transitions"]}, 'mail.events: "transitions" is not one of transition, check'),
    ],
)
def test_mails_refused(change: dict[str, Any], problem: str) -> None:
    [told] = problems(mail={**MAIL, **change})
    assert problem in told


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"url": "ftp://example.com/"}, "webhooks[0].url: must be an address such as https://example.com/hook"),
        ({"url": "https://user:hunter2@example.com/"}, "without a user's name in it"),
        ({"url": "https://example.com/a\r\nX: y"}, "webhooks[0].url: must be an address"),
        ({"url": "https://[::1/"}, "webhooks[0].url: must be an address"),
        ({"url": "https://example.com:99999/"}, "webhooks[0].url: must be an address"),
        ({"secret": None}, "webhooks[0].secret: is missing: every message is signed; set secret (from a vault)"),
        ({"secret": "short"}, "webhooks[0].secret: must be a text of 16 to 1024 printable characters"),
        ({"secret_file": "/etc/secret"}, "webhooks[0].secret_file: stands beside secret; keep one of the two"),
        ({"timeout": 61}, "webhooks[0].timeout: 61 is not in 0.1..60 seconds"),
    ],
)
def test_webhooks_refused(change: dict[str, Any], problem: str) -> None:
    told = problems(webhooks=[{**HOOKED, **change}])
    assert any(problem in one for one in told), told


def test_no_secret_is_told() -> None:
    """Not in an error about it, and not in what was read."""
    mail = {**MAIL, "tls": "starttls", "username": "u", "password": SECRET}
    good = document(mail=mail, webhooks=[HOOKED])
    assert config.validate(good) == []
    told = [repr(config.parse(good))]
    for wrong in (SECRET + "\n", [SECRET], 7, {"key": SECRET}):
        told += problems(mail={**mail, "password": wrong}, webhooks=[{"url": HOOKED["url"] + "\n", "secret": wrong}])
    assert not any(secret in text for text in told for secret in (SECRET, "hunter2"))
