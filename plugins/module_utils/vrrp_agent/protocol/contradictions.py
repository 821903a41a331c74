# Copyright: (c) 2026, duet.ha_pair contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Settings whose keys are right each by itself, and wrong together."""

from __future__ import annotations

from collections.abc import Iterator

from .settings import LAST_RESORT_MAX, PRIORITY_LOWEST, PRIORITY_OWNER, Settings

_DEFAULT_MIN_TTL = 255
# As many as fit the smallest link with a trailer behind them: (1280 - 40 - 8 - 28) / 16.
_SIGNED_ADDRESSES_MAX_IPV6 = 75
_FAMILIES = {4: "IPv4", 6: "IPv6"}


def contradictions(settings: Settings) -> Iterator[tuple[str, str]]:
    """The key that is wrong, and why, with the mend."""
    yield from _of_the_source(settings)
    yield from _of_the_peers(settings)
    yield from _of_the_delays(settings)
    yield from _of_the_signature(settings)
    yield from _of_the_last_resort(settings)
    if settings.checksum != "auto" and (settings.version, settings.family) != (3, 4):
        yield "checksum", "there is a choice in version 3 over IPv4 only; remove it"


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


def _of_the_delays(settings: Settings) -> Iterator[tuple[str, str]]:
    if settings.preempt_delay_ms and not settings.preempt:
        yield "preempt_delay", "means nothing with preempt: false; remove one of the two"
    for key in ("preempt_delay", "startup_delay"):
        if getattr(settings, f"{key}_ms") and settings.priority == PRIORITY_OWNER:
            yield key, "the address owner (priority 255) never waits (RFC 9568 6.1); remove it, or lower the priority"


def _of_the_signature(settings: Settings) -> Iterator[tuple[str, str]]:
    if settings.authentication.type != "hmac":
        return
    if settings.priority == PRIORITY_LOWEST:
        yield "priority", f"{settings.priority} is no master's where adverts are signed (hmac); set 2 or more"
    count, limit = len(settings.virtual_addresses), _SIGNED_ADDRESSES_MAX_IPV6
    if settings.family == 6 and count > limit:
        yield (
            "virtual_addresses",
            f"has {count} addresses, a signed advert carries {limit}; move some to extra_addresses",
        )


def _of_the_last_resort(settings: Settings) -> Iterator[tuple[str, str]]:
    if not settings.last_resort:
        return
    if settings.priority <= LAST_RESORT_MAX:
        why = (
            f"{settings.priority} is not above {LAST_RESORT_MAX}, and up to there sick nodes have theirs (last_resort)"
        )
        yield "priority", f"{why}; raise it, or remove last_resort"
    if settings.priority == PRIORITY_OWNER:
        yield "last_resort", "the owner's priority (255) is never lowered; lower the priority, or remove last_resort"
