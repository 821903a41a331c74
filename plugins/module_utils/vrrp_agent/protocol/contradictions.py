# Copyright: (c) 2026, duet.ha_pair contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Settings whose keys are right each by itself, and wrong together."""

from __future__ import annotations

from collections.abc import Iterator

from .settings import Settings

_DEFAULT_MIN_TTL = 255
_FAMILIES = {4: "IPv4", 6: "IPv6"}


def contradictions(settings: Settings) -> Iterator[tuple[str, str]]:
    """The key that is wrong, and why, with the mend."""
    yield from _of_the_source(settings)
    yield from _of_the_peers(settings)


def _of_the_source(settings: Settings) -> Iterator[tuple[str, str]]:
    source = settings.source_address
    if source is None:
        return
    if source.version != settings.family:
        yield "source_address", f"{source} is not {_FAMILIES[settings.family]}, the family of virtual_addresses"
    elif source in {address.ip for address in settings.addresses}:
        yield "source_address", f"{source} moves with the role; name an address that always stays on this node"
    elif source.version == 6 and not source.is_link_local and not settings.unicast_peers:
        # RFC 9568 5.1.2.1
        yield "source_address", f"{source} is not link-local, which multicast needs; leave it out, or set unicast_peers"


def _of_the_peers(settings: Settings) -> Iterator[tuple[str, str]]:
    peers = settings.unicast_peers
    if settings.unicast_min_ttl != _DEFAULT_MIN_TTL and not peers:
        yield "unicast_min_ttl", "means nothing without unicast_peers; remove it"
    moving = {address.ip for address in settings.addresses}
    for peer in peers:
        if peer.version != settings.family:
            yield "unicast_peers", f"{peer} is not {_FAMILIES[settings.family]}, the family of virtual_addresses"
        elif peer == settings.source_address:
            yield "unicast_peers", f"{peer} is this node's own source_address; list the other nodes only"
        elif peer in moving:
            yield "unicast_peers", f"{peer} moves with the role; name an address that always stays on the peer"
    if len({peer.is_link_local for peer in peers if peer.version == 6}) > 1:
        yield "unicast_peers", "mixes link-local and other IPv6 addresses; one source cannot send to both"
    if len(set(peers)) < len(peers):
        yield "unicast_peers", "names a peer twice"
