# Copyright: (c) 2026, duet.ha_pair contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""A router's memory as a JSON document, and back: another process goes on where this one was.

Every field of Router and of what it is made of stands in one of the tables below, or in `LEFT_OUT` with the reason; a
test compares them with the objects themselves. Times are of the monotonic clock, which is the same for all processes
of a host. No document holds a password or a key: they come from the configuration that the other process has read.

A field that a document lacks keeps its first value, and one that nobody knows is ignored: versions may differ by a
field. `FORMAT` is raised when a field changes its meaning, so that two versions do not misunderstand each other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from ipaddress import ip_address, ip_interface
from typing import Any, Callable, NamedTuple, TypeVar

from . import freshness, member, resigning, yielding
from .counters import COUNTERS, Counters
from .events import Master, State
from .router import Router
from .settings import Settings

FORMAT = 1

_Some = TypeVar("_Some", bound=Settings)


class Shape(NamedTuple):
    """How a value becomes JSON, and JSON the value."""

    write: Callable[[Any], Any]
    read: Callable[[Any], Any]


# By name: how it is written, or the table of an object that is filled in place.
Fields = Mapping[str, Any]


def take(thing: Any, fields: Fields) -> dict[str, Any]:
    """These fields of an object, as JSON has them."""
    return {
        name: shape.write(getattr(thing, name)) if isinstance(shape, Shape) else take(getattr(thing, name), shape)
        for name, shape in fields.items()
    }


def fill(thing: Any, fields: Fields, document: Mapping[str, Any]) -> None:
    """Set these fields of an object; what the document lacks stays."""
    for name, shape in fields.items():
        if name in document and isinstance(shape, Shape):
            setattr(thing, name, shape.read(document[name]))
        elif name in document:
            fill(getattr(thing, name), shape, document[name])


def settings_of(document: Mapping[str, Any], like: _Some) -> _Some:
    """The settings in a document; what it does not tell, keys and passwords at any rate, is as in `like`."""
    known = {name: shape.read(document[name]) for name, shape in SETTINGS.items() if name in document}
    return replace(like, **known)


def write(router: Router) -> dict[str, Any]:
    """All that a router remembers between two events."""
    return {"settings": take(router.settings, SETTINGS), **take(router, ROUTER)}


def restore(router: Router, document: Mapping[str, Any]) -> None:
    """Make a router that has just been made remember what is in a document."""
    router.settings = settings_of(document.get("settings", {}), router.settings)
    router._codec.reconfigure(router.settings)
    fill(router, ROUTER, document)


# --- how values are written


def optional(shape: Shape) -> Shape:
    """The same, or None."""
    return Shape(
        lambda value: None if value is None else shape.write(value),
        lambda document: None if document is None else shape.read(document),
    )


def _list_of(shape: Shape, container: Callable[[list[Any]], Any]) -> Shape:
    return Shape(
        lambda values: [shape.write(value) for value in values],
        lambda document: container([shape.read(item) for item in document]),
    )


def record(make: Callable[..., Any], fields: Fields) -> Shape:
    """A value that is never changed in place, made anew from its fields."""
    return Shape(
        lambda value: take(value, fields),
        lambda document: make(**{name: shape.read(document[name]) for name, shape in fields.items()}),
    )


def _made(make: Callable[[], Any], fields: Fields) -> Shape:
    """An object that is filled in place, or None where there is none yet."""

    def read(document: Mapping[str, Any]) -> Any:
        thing = make()
        fill(thing, fields, document)
        return thing

    return optional(Shape(lambda value: take(value, fields), read))


def _by_address(shape: Shape) -> Shape:
    return Shape(
        lambda values: {str(address): shape.write(value) for address, value in values.items()},
        lambda document: {ip_address(text): shape.read(item) for text, item in document.items()},
    )


PLAIN = Shape(lambda value: value, lambda document: document)
ADDRESS = Shape(str, ip_address)
STATE = Shape(lambda state: state.value, State)
_ADDRESSES = _list_of(ADDRESS, tuple)
_INTERFACES = _list_of(Shape(str, ip_interface), tuple)
_PAIR = _list_of(PLAIN, tuple)
# Another version may count more or less.
_COUNTERS = Shape(dict, lambda document: Counters({name: document[name] for name in COUNTERS if name in document}))

SETTINGS: Fields = {
    "virtual_router_id": PLAIN,
    "version": PLAIN,
    "priority": PLAIN,
    "advert_interval_cs": PLAIN,
    "preempt": PLAIN,
    "virtual_addresses": _INTERFACES,
    "extra_addresses": _INTERFACES,
    "source_address": optional(ADDRESS),
    "unicast_peers": _ADDRESSES,
    "unicast_min_ttl": PLAIN,
    "preempt_delay_ms": PLAIN,
    "startup_delay_ms": PLAIN,
    "checksum": PLAIN,
    "last_resort": PLAIN,
}

MASTER: Fields = {"address": ADDRESS, "priority": PLAIN, "interval_cs": PLAIN, "heard_ns": PLAIN}
CLAIM: Fields = {"reason": PLAIN, "code": PLAIN, "resigned": PLAIN}
RESIGNATION: Fields = {
    "force": PLAIN,
    "until_ns": PLAIN,
    "successor": optional(record(Master, MASTER)),
    "ready": PLAIN,
}
YIELDING: Fields = {"reason": PLAIN, "successor": record(Master, MASTER), "least_ns": PLAIN, "answered": PLAIN}
HEARD: Fields = {"sequence": PLAIN, "at_ns": PLAIN, "proofs": PLAIN}

SENDER: Fields = {"_offset_ns": PLAIN, "_last": PLAIN, "_sent_ns": PLAIN}
RECEIVER: Fields = {
    "_followed": _by_address(record(freshness._Heard, HEARD)),
    "_unproven": _by_address(record(freshness._Heard, HEARD)),
    "_nonces": _list_of(PLAIN, tuple),
    "_echoed": _by_address(PLAIN),
    "_answered": _by_address(PLAIN),
    "echo": PLAIN,
}
AUTHENTICATOR: Fields = {
    "_sender": _made(freshness.Sender, SENDER),
    "_receiver": _made(freshness.Receiver, RECEIVER),
}
CODEC: Fields = {"_authenticator": AUTHENTICATOR, "_without_pseudo_header": _list_of(ADDRESS, frozenset)}
MEMBERSHIP: Fields = {"joined": PLAIN, "fault": PLAIN, "claim": optional(record(member.Claim, CLAIM))}

ROUTER: Fields = {
    "state": STATE,
    "source": optional(ADDRESS),
    "fault": PLAIN,
    "group": MEMBERSHIP,
    "reason": PLAIN,
    "master": optional(record(Master, MASTER)),
    "new_master_reason": PLAIN,
    "resigning": optional(record(resigning.Resignation, RESIGNATION)),
    "yielding": optional(record(yielding.Yielding, YIELDING)),
    "switched_over": PLAIN,
    "stop_reason": PLAIN,
    "counters": _COUNTERS,
    "_master_interval_cs": PLAIN,
    "_waiting_since_ns": PLAIN,
    "_resigned": PLAIN,
    "_outranked": optional(record(Master, MASTER)),
    "_leaving": PLAIN,
    "_timer_ns": PLAIN,
    "_startup_ns": PLAIN,
    "_preempt_ns": PLAIN,
    "_advert_sent_ns": PLAIN,
    "_announce_ns": _list_of(PLAIN, list),
    "_answers": _PAIR,
    "_codec": CODEC,
}

# By the name of the class: fields that need no place in a document, because they follow from the configuration, from
# the clock, are nothing between two events, or (the rival) are found again within seconds.
LEFT_OUT = {
    "Router": {"settings", "_effects", "_followed", "rival"},
    "Codec": {"_settings", "_last", "_differences", "_encoded"},
    "Authenticator": {"_utc_ns", "_family", "_interval_ns", "_keys", "_key_id", "_mode"},
    "Settings": {"authentication"},
}
