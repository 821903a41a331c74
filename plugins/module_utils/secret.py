# Copyright: (c) 2026, duet.ha_pair contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Keeps secrets apart from a configuration document, so that no log, diff or result can show them."""

from __future__ import annotations

import copy
from typing import Any

MASK = "********"
CHANGED_MASK = "******** (changed)"

Secrets = dict[str, dict[str, Any]]


def split(document: dict[str, Any]) -> tuple[dict[str, Any], Secrets]:
    """A document without secrets, and the secrets: index of the instance -> key of its authentication -> value."""
    public, secrets = copy.deepcopy(document), {}
    for index, authentication in _authentications(public):
        taken = {key: authentication.pop(key) for key in list(authentication) if key != "type"}
        if taken:
            secrets[str(index)] = taken
    return public, secrets


def join(public: dict[str, Any], secrets: Secrets) -> dict[str, Any]:
    """The document that `split` took apart."""
    document = copy.deepcopy(public)
    for index, authentication in _authentications(document):
        authentication.update(secrets.get(str(index), {}))
    return document


def masked(document: Any, before: Any = None) -> Any:
    """The document as a diff may show it; a secret that is not the one in `before` shows that it changed."""
    result = copy.deepcopy(document)
    old = {instance.get("name"): found for instance, found in _with_instances(before)}
    for instance, authentication in _with_instances(result):
        known = old.get(instance.get("name"))
        for key in [key for key in authentication if key != "type"]:
            changed = known is not None and known.get(key) != authentication[key]
            authentication[key] = CHANGED_MASK if changed else MASK
    return result


def _authentications(document: Any) -> list[tuple[int, dict[str, Any]]]:
    instances = document.get("instances") if isinstance(document, dict) else None
    return [
        (index, instance["authentication"])
        for index, instance in enumerate(instances if isinstance(instances, list) else [])
        if isinstance(instance, dict) and isinstance(instance.get("authentication"), dict)
    ]


def _with_instances(document: Any) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    return [(document["instances"][index], authentication) for index, authentication in _authentications(document)]
