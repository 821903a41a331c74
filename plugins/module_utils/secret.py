# Copyright: (c) 2026, duet.ha_pair contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Keeps secrets apart from a configuration document, so that no log, diff or result can show them."""

from __future__ import annotations

import copy
from typing import Any

MASK = "********"
CHANGED_MASK = "******** (changed)"

# What of an authentication everybody may see; of each of its `keys`, the id. Everything else is a secret: also what has
# no meaning there, which may be a secret in the wrong place.
_PUBLIC = ("type", "mode")
_PUBLIC_OF_KEY = ("id",)

# The same of `mail` and of each of `webhooks`; many a receiver's address is its password.
_PUBLIC_OF_RECEIVER = (
    *("from", "to", "server", "port", "tls", "username", "password_file"),
    *("secret_file", "timeout", "ca_file", "events", "instances"),
)

Secrets = dict[str, dict[str, Any]]


def split(document: dict[str, Any]) -> tuple[dict[str, Any], Secrets]:
    """A document without secrets, and the secrets: index of the instance -> key of its authentication -> value.

    And `mail`, or `webhooks` with its place -> key -> value.

    Of a list of keys the ids stay, and the rest is taken, place by place: a short number among the secrets would make
    Ansible hide that number everywhere.
    """
    public, secrets = copy.deepcopy(document), {}
    for index, authentication in _authentications(public):
        taken = _take(authentication, _PUBLIC)
        if isinstance(taken.get("keys"), list):
            authentication["keys"] = [item if isinstance(item, dict) else {} for item in taken["keys"]]
            taken["keys"] = [_take(item, _PUBLIC_OF_KEY) if isinstance(item, dict) else item for item in taken["keys"]]
        if taken:
            secrets[str(index)] = taken
    for place, receiver in _receivers(public).items():
        taken = _take(receiver, _PUBLIC_OF_RECEIVER)
        if taken:
            secrets[place] = taken
    return public, secrets


def join(public: dict[str, Any], secrets: Secrets) -> dict[str, Any]:
    """The document that `split` took apart."""
    document = copy.deepcopy(public)
    for index, authentication in _authentications(document):
        taken = copy.deepcopy(secrets.get(str(index), {}))
        ids = authentication.get("keys")
        if isinstance(ids, list) and isinstance(taken.get("keys"), list):
            taken["keys"] = [
                {**shown, **hidden} if isinstance(hidden, dict) else hidden for shown, hidden in zip(ids, taken["keys"])
            ]
        authentication.update(taken)
    for place, receiver in _receivers(document).items():
        receiver.update(copy.deepcopy(secrets.get(place, {})))
    return document


def masked(document: Any, before: Any = None) -> Any:
    """The document as a diff may show it; a secret that is not the one in `before` shows that it changed."""
    result = copy.deepcopy(document)
    old = {instance.get("name"): found for instance, found in _with_instances(before)}
    for instance, authentication in _with_instances(result):
        known = old.get(instance.get("name"))
        keys = authentication.get("keys")
        if isinstance(keys, list) and all(isinstance(item, dict) for item in keys):
            was = _by_id(known)
            for item in keys:
                _mask(item, _PUBLIC_OF_KEY, was.get(str(item.get("id"))))
            _mask(authentication, (*_PUBLIC, "keys"), known)
        else:
            _mask(authentication, _PUBLIC, known)
    known_receivers = _receivers(before)
    for place, receiver in _receivers(result).items():
        _mask(receiver, _PUBLIC_OF_RECEIVER, known_receivers.get(place))
    return result


def _take(values: dict[str, Any], public: tuple[str, ...]) -> dict[str, Any]:
    return {key: values.pop(key) for key in list(values) if key not in public}


def _mask(values: dict[str, Any], public: tuple[str, ...], known: dict[str, Any] | None) -> None:
    for key in [key for key in values if key not in public]:
        changed = known is not None and known.get(key) != values[key]
        values[key] = CHANGED_MASK if changed else MASK


def _by_id(authentication: Any) -> dict[str, dict[str, Any]]:
    keys = authentication.get("keys") if authentication else None
    items = keys if isinstance(keys, list) else []
    return {str(item.get("id")): item for item in items if isinstance(item, dict)}


def _receivers(document: Any) -> dict[str, dict[str, Any]]:
    """The mail and the webhooks of a document, by their places in it."""
    found = document if isinstance(document, dict) else {}
    webhooks = found.get("webhooks")
    places = {f"webhooks[{place}]": one for place, one in enumerate(webhooks if isinstance(webhooks, list) else [])}
    return {place: one for place, one in {"mail": found.get("mail"), **places}.items() if isinstance(one, dict)}


def _authentications(document: Any) -> list[tuple[int, dict[str, Any]]]:
    instances = document.get("instances") if isinstance(document, dict) else None
    return [
        (index, instance["authentication"])
        for index, instance in enumerate(instances if isinstance(instances, list) else [])
        if isinstance(instance, dict) and isinstance(instance.get("authentication"), dict)
    ]


def _with_instances(document: Any) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    return [(document["instances"][index], authentication) for index, authentication in _authentications(document)]
