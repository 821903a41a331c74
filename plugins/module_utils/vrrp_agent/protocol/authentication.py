# Copyright: (c) 2026, duet.ha_pair contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Who may speak for a virtual router: version 2's simple text password (RFC 2338 5.3.6, 5.3.10)."""

from __future__ import annotations

import hmac

from . import packet
from .settings import Authentication


def fields(authentication: Authentication) -> tuple[int, bytes]:
    """The authentication type and data (8 octets) of a version 2 advert."""
    if authentication.type == "pass":
        return packet.AUTH_PASS, authentication.password.encode("ascii").ljust(packet.AUTH_OCTETS, b"\0")
    return packet.AUTH_NONE, bytes(packet.AUTH_OCTETS)


def verify(advert: packet.Advert, authentication: Authentication) -> None:
    """Raise PacketError when an advert is not from one of us; version 3 carries nothing to judge by."""
    if advert.version != 2:
        return
    auth_type, auth_data = fields(authentication)
    if advert.auth_type != auth_type:
        raise packet.PacketError("auth_type_mismatch", f"type {advert.auth_type}, not {auth_type}")
    if auth_type == packet.AUTH_PASS and not hmac.compare_digest(advert.auth_data, auth_data):
        raise packet.PacketError("auth_failures", "the password differs")
