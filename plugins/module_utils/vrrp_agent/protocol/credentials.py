# Copyright: (c) 2026, duet.ha_pair contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""How passwords and keys are written. A ValueError tells what is wrong and never shows the value."""

from __future__ import annotations

import re
from typing import Any, Callable

from .packet import AUTH_OCTETS

# draft-cassen-vrrp-auth-hmac
MODES = ("enforce", "permissive", "receive-only")
_KEY_OCTETS = (32, 64)


def choice(*choices: str) -> Callable[[Any], str]:
    """One of these words; what stands there instead may be the password, in the wrong place."""

    def _convert(value: Any) -> str:
        if value not in choices:
            raise ValueError(f"is not one of {', '.join(choices)}")
        return str(value)

    return _convert


def password(value: Any) -> str:
    """The simple text password of version 2."""
    if not isinstance(value, str) or not value:
        raise ValueError("must be a text of 1 to 8 characters")
    if not value.isascii() or not value.isprintable():
        raise ValueError("must be printable ASCII, so that every implementation sends the same octets")
    if len(value) > AUTH_OCTETS:
        raise ValueError(f"has {len(value)} characters, version 2 carries {AUTH_OCTETS}; shorten it on all nodes")
    return value


def unused(kind: str) -> Callable[[Any], Any]:
    """For a key that only another type of authentication has."""

    def _convert(value: Any) -> Any:
        raise ValueError(f"is given but not used; set type: {kind}, or remove it")

    return _convert


def keys(value: Any) -> list[Any]:
    """The list of keys, each still as it is written."""
    if not isinstance(value, list) or not value:
        raise ValueError('must be a list of one key at least, the one that signs first: [{"id": 1, "key": "..."}]')
    return value


def key(value: Any) -> bytes:
    """A key's octets, from hexadecimal digits."""
    low, high = _KEY_OCTETS
    if not isinstance(value, str) or not re.fullmatch(r"[0-9A-Fa-f]*", value):
        raise ValueError(f"must be a text of hexadecimal digits; make one with: openssl rand -hex {low}")
    if len(value) % 2 or not low <= len(value) // 2 <= high:
        length = f"has {len(value)} hexadecimal digits, not an even number in {2 * low}..{2 * high}"
        raise ValueError(f"{length}; make one with: openssl rand -hex {low}")
    return bytes.fromhex(value)
