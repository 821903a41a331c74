# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The password stays where it belongs: in no error, repr or text of anything that carries it."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from story import OURS, S, T, backup, heard, master
from vrrp_agent import config
from vrrp_agent.protocol.events import InterfaceUp, PacketReceived, Reconfigured, SendAdvert, TimerDue
from vrrp_agent.protocol.packet import PacketError, decode
from vrrp_agent.protocol.router import Router
from vrrp_agent.protocol.settings import Authentication
from vrrp_agent.schema import ConfigError

SECRET = "hUnt3r-2"
SETTINGS = replace(OURS, version=2, authentication=Authentication("pass", SECRET))

DOCUMENT = {
    "router_id": "lb1",
    "instances": [
        {
            "name": "web",
            "interface": "eth0",
            "virtual_router_id": 51,
            "version": 2,
            "virtual_addresses": ["10.139.1.1/24"],
            "authentication": {"type": "pass", "password": SECRET},
        }
    ],
}


def assert_untold(*things: object) -> None:
    for thing in things:
        for text in (repr(thing), str(thing), f"{thing}", f"{[thing]}"):
            assert SECRET not in text and SECRET.encode().hex() not in text


def test_the_document_is_good_before_it_is_broken() -> None:
    assert config.validate(DOCUMENT) == []


def test_no_value_tells() -> None:
    parsed = config.parse(DOCUMENT)
    packet = heard(150, settings=SETTINGS)
    assert SECRET.encode() in packet.message
    advert = decode(packet.message, packet.source, packet.destination, 255, 2)[0]
    assert_untold(
        parsed, parsed.instances[0], SETTINGS, SETTINGS.authentication, Reconfigured(SETTINGS), packet, advert
    )


def test_no_effect_tells() -> None:
    router = master(**vars(SETTINGS))
    effects = router.handle(TimerDue(), T + S)
    assert isinstance(effects[0], SendAdvert) and SECRET.encode() in effects[0].message
    assert_untold(router, effects)


def test_no_rejection_tells() -> None:
    """Neither ours nor what a stranger sent for it."""
    router = backup(**vars(replace(SETTINGS, authentication=Authentication("pass", "another"))))
    effects = router.handle(heard(150, settings=SETTINGS), T + S)
    assert effects[0].reason == "auth_failures"
    assert_untold(effects, PacketError(effects[0].reason, effects[0].detail))


def test_no_packet_tells() -> None:
    assert_untold(PacketReceived(SECRET.encode(), OURS.virtual_addresses[0].ip, OURS.virtual_addresses[0].ip, 255))


SECRET_KEY = "5ec2e7" * 11
KEYED = replace(OURS, authentication=Authentication("hmac", keys=((7, bytes.fromhex(SECRET_KEY)),)))
KEY_OCTETS = repr(bytes.fromhex(SECRET_KEY))[2:-1]


def assert_no_key_told(*things: object) -> None:
    for thing in things:
        for text in (repr(thing), str(thing), f"{[thing]}"):
            assert SECRET_KEY not in text.lower() and KEY_OCTETS[:8] not in text


def keyed(**changed: object) -> dict[str, Any]:
    tree = copy.deepcopy(DOCUMENT)
    hmac = {"type": "hmac", "keys": [{"id": 7, "key": SECRET_KEY}], **changed}
    tree["instances"][0].update(version=3, authentication=hmac)
    return tree


def test_no_value_tells_a_key() -> None:
    parsed = config.parse(keyed())
    assert parsed.instances[0].authentication.keys == KEYED.authentication.keys
    router = Router(KEYED, lambda: T)
    router.handle(InterfaceUp(OURS.virtual_addresses[0].ip), T)
    authenticator = router._codec._authenticator
    assert_no_key_told(parsed, KEYED, KEYED.authentication, Reconfigured(KEYED), router, authenticator)


@pytest.mark.parametrize(
    "changed",
    [
        {"keys": SECRET_KEY},
        {"keys": [SECRET_KEY]},
        {"keys": {"7": SECRET_KEY}},
        {"keys": [[SECRET_KEY]]},
        {"keys": [{"id": SECRET_KEY, "key": 7}]},
        {"keys": [{"id": 7, "key": SECRET_KEY * 2}]},
        {"keys": [{"id": 7, "key": SECRET_KEY + "x"}]},
        {"keys": [{"id": 7, "key": {"hex": SECRET_KEY}}]},
        {"mode": SECRET_KEY},
        {"type": SECRET_KEY},
        {"password": SECRET_KEY},
        {"type": "pass"},
        {"type": "none"},
    ],
    ids=str,
)
def test_no_refusal_of_a_key_tells(changed: dict[str, Any]) -> None:
    problems = config.validate(keyed(**changed))
    assert problems
    assert_no_key_told(*problems)


PATHS = [
    (),
    ("instances",),
    ("instances", 0),
    ("router_id",),
    *(("instances", 0, key) for key in DOCUMENT["instances"][0]),
    ("instances", 0, "authentication", "type"),
]
WRONG = st.sampled_from([None, 0, 3, "x", [], {}, "pass", "none", 1e300])
AUTHENTICATION = DOCUMENT["instances"][0]["authentication"]
#: A branch with the secret in it, where it does not belong.
MISPLACED = st.sampled_from(
    [DOCUMENT, DOCUMENT["instances"][0], AUTHENTICATION, [AUTHENTICATION], {"web": AUTHENTICATION}]
)


def put(tree: Any, path: tuple[Any, ...], value: Any) -> Any:
    if not path:
        return value
    if isinstance(tree, dict) or (isinstance(tree, list) and path[0] < len(tree)):
        tree[path[0]] = put(tree[path[0]] if path[0] in tree or path[0] == 0 else None, path[1:], value)
    return tree


@given(breaks=st.lists(st.tuples(st.sampled_from(PATHS), WRONG | MISPLACED), min_size=1, max_size=3))
def test_no_refusal_of_a_document_tells(breaks: list[tuple[Any, Any]]) -> None:
    tree: Any = copy.deepcopy(DOCUMENT)
    for path, value in breaks:
        try:
            tree = put(tree, path, copy.deepcopy(value))
        except (KeyError, TypeError, IndexError):
            pass  # an earlier break has removed the place
    assert_untold(*config.validate(tree))


@pytest.mark.parametrize(
    "password",
    [SECRET * 2, SECRET + "\t", "ä" + SECRET, [SECRET], {"vault": SECRET}],
    ids=["long", "tab", "ä", "[]", "{}"],
)
@pytest.mark.parametrize("kind", ["pass", "none", SECRET])
@pytest.mark.parametrize("version", [2, 3])
def test_no_refusal_of_a_password_tells(password: Any, kind: str, version: int) -> None:
    tree = copy.deepcopy(DOCUMENT)
    tree["instances"][0].update(version=version, authentication={"type": kind, "password": password})
    problems = config.validate(tree)
    assert problems
    assert_untold(*problems)


@given(cut=st.integers(0, 400), junk=st.sampled_from(["", "}", ",", "\\", '"']))
def test_no_refusal_of_a_text_tells(cut: int, junk: str) -> None:
    text = json.dumps(DOCUMENT, indent=1)
    with pytest.raises(ConfigError) as caught:
        config.load(text[:cut] + junk + "\x00" + text[cut:])
    error = caught.value
    assert error.__cause__ is None and error.__suppress_context__
    assert_untold(error, error.args, error.why)
