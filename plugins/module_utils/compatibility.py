# Copyright: (c) 2026, duet.ha_pair contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Which changes of an instance the other hosts cannot follow until they have them too. Pure.

Between the first host and the last one of such a change two hosts are MASTER, as they do not understand each other.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from .vrrp_agent import config
from .vrrp_agent.protocol.settings import Authentication

# What two hosts must agree in, and where an advert comes from and goes to.
_ON_THE_WIRE = ("virtual_router_id", "version", "family", "interface", "source_address", "unicast_peers", "checksum")


def apart(before: Any, document: Mapping[str, Any]) -> list[str]:
    """The names of the instances that a host with `before` and a host with `document` would both be MASTER of."""
    return [new.name for _index, old, new in _pairs(before, document) if not _together(old, new)]


def unbelieved(before: Any, document: Mapping[str, Any]) -> list[str]:
    """Changes of `hmac` with which adverts are not believed, though there is a way without a gap. No key is told."""
    found = []
    for index, old, new in _pairs(before, document):
        types = {old.authentication.type, new.authentication.type}
        # From pass to hmac no way is without a gap, so that there is none to send people to.
        if "hmac" in types and "pass" not in types and not _believe(old.authentication, new.authentication):
            path = f"vrrp_instances[{index}].authentication (instance {new.name})"
            reason = "a host with this and one with what runs now would not believe each other, and both be MASTER"
            found.append(f"{path}: {reason}; {_mend(new.authentication)}")
    return found


def _mend(new: Authentication) -> str:
    if new.type == "hmac":
        return "run duet.ha_pair.rotate_key, which brings it without a gap"
    return "go back step by step, a run for each: mode: permissive, mode: receive-only, no authentication"


def _pairs(before: Any, document: Mapping[str, Any]) -> Iterator[tuple[int, config.Instance, config.Instance]]:
    """The instances that are in both documents, with their place in the new one."""
    if config.validate(before):
        return
    old = {one.name: one for one in config.parse(before).instances}
    for index, new in enumerate(config.parse(document).instances):
        if new.name in old:
            yield index, old[new.name], new


def _together(old: config.Instance, new: config.Instance) -> bool:
    # Version 3 learns the master's interval, version 2 drops another one.
    interval = old.version == 3 or old.advert_interval_cs == new.advert_interval_cs
    same = all(getattr(old, key) == getattr(new, key) for key in _ON_THE_WIRE)
    return same and interval and _believe(old.authentication, new.authentication)


def _believe(one: Authentication, other: Authentication) -> bool:
    """Whether two hosts take each other's adverts for genuine."""
    if "pass" in (one.type, other.type):
        return (one.type, one.password) == (other.type, other.password)
    return _accepts(one, _signature(other)) and _accepts(other, _signature(one))


def _signature(authentication: Authentication) -> tuple[int, bytes] | None:
    """The key that signs; None for adverts without a trailer."""
    signs = authentication.type == "hmac" and authentication.mode != "receive-only"
    return authentication.keys[0] if signs else None


def _accepts(authentication: Authentication, signature: tuple[int, bytes] | None) -> bool:
    if authentication.type != "hmac":
        return signature is None
    return authentication.mode != "enforce" if signature is None else signature in authentication.keys
