# Copyright: (c) 2026, duet.ha_pair contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""New keys of `hmac` without a moment in which two hosts do not believe each other. Pure.

Every host goes through the same phases, and nobody enters one before all have finished the one before:

    accept  signs as before, accepts the new keys as well
    sign    signs with the new first key, accepts the old ones as well
    (none)  has the new keys alone

Where nothing was signed before, `accept` is the mode receive-only and `sign` the mode permissive.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

PHASES = ("accept", "sign")


def transitional(before: Any, document: Mapping[str, Any], phase: str) -> dict[str, Any]:
    """The document for a phase, on a host whose file holds `before`."""
    old = _authentications(before)
    instances = [
        {**one, "authentication": _mixed(old[one.get("name")], one["authentication"], phase)}
        if one.get("name") in old and _is_hmac(one.get("authentication"))
        else one
        for one in document["instances"]
    ]
    return {**document, "instances": instances}


def conflicts(before: Any, document: Mapping[str, Any]) -> list[str]:
    """Keys that changed and kept their id: a receiver knows a key by its id alone. Told without the keys."""
    found, old = [], _authentications(before)
    for index, one in enumerate(document["instances"]):
        new = one.get("authentication")
        if _is_hmac(new) and old.get(one.get("name"), {}).get("type") == "pass":
            path = f"vrrp_instances[{index}].authentication.type (instance {one.get('name')})"
            found.append(f"{path}: no step leads from pass to hmac without two masters; use site.yml in a quiet hour")
        if _is_hmac(new) and _is_hmac(old.get(one.get("name"))):
            known = _by_id(old[one["name"]])
            changed = [str(number) for number, key in _by_id(new).items() if known.get(number, key) != key]
            if changed:
                path = f"vrrp_instances[{index}].authentication.keys (instance {one.get('name')})"
                found.append(f"{path}: key {', '.join(changed)} is another one than before; give a new key a new id")
    return found


def _mixed(old: Any, new: Mapping[str, Any], phase: str) -> dict[str, Any]:
    if not _is_hmac(old):
        return {**new, "mode": "receive-only" if phase == "accept" else "permissive"}
    first, second = (old, new) if phase == "accept" else (new, old)
    keys = list(first["keys"])
    known = _by_id(first)
    return {**new, **_mode(old, phase), "keys": keys + [key for key in second["keys"] if key["id"] not in known]}


def _mode(old: Mapping[str, Any], phase: str) -> dict[str, str]:
    """A host that only receives so far goes on to sign in the next phase, as one that never signed."""
    if old.get("mode") in ("receive-only", "permissive"):
        return {"mode": "receive-only" if phase == "accept" and old["mode"] == "receive-only" else "permissive"}
    return {}


def _authentications(document: Any) -> dict[Any, Any]:
    """Instance -> authentication; an instance without one has none."""
    instances = document.get("instances") if isinstance(document, Mapping) else None
    return {one.get("name"): one.get("authentication") or {} for one in instances or [] if isinstance(one, Mapping)}


def _is_hmac(authentication: Any) -> bool:
    return isinstance(authentication, Mapping) and authentication.get("type") == "hmac"


def _by_id(authentication: Mapping[str, Any]) -> dict[Any, str]:
    # Digits are digits in either case.
    return {key["id"]: str(key["key"]).lower() for key in authentication["keys"]}
