# Copyright: (c) 2026, duet.ha_pair contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""The counters of a virtual router, by the names of those who have named them."""

from __future__ import annotations

# RFC 8347 vrrp statistics; the authentication ones are RFC 2787's, for version 2; those of a packet's way are our own.
COUNTERS = (
    "master_transitions",
    "advertisement_rcvd",
    "advertisement_sent",
    "priority_zero_pkts_rcvd",
    "priority_zero_pkts_sent",
    "checksum_errors",
    "version_errors",
    "ip_ttl_errors",
    "packet_length_errors",
    "invalid_type_pkts_rcvd",
    "address_list_errors",
    "interval_errors",
    "auth_type_mismatch",
    "auth_failures",
    "own_source_errors",
    "destination_errors",
    "source_errors",
    # RFC 9568 8.3.2, without a counter in RFC 8347: another address owner (priority 255) was heard.
    "owner_conflicts",
    # keepalived's, but for the last: an accepted advert whose sender's clock is more than half a window from ours.
    "auth_ext_missing",
    "auth_ext_malformed",
    "auth_ext_unknown_key",
    "auth_ext_invalid_hmac",
    "auth_ext_stale",
    "auth_ext_replay",
    "auth_clock_skew",
    # RFC 5227 2.4 calls it a conflicting ARP packet; of neighbour discovery, too.
    "conflicting_pkts_rcvd",
)

# An interface counts the same, and what is for a virtual router that is not here.
INTERFACE_COUNTERS = (*COUNTERS, "vrid_errors")


class Counters(dict[str, int]):
    """Of one virtual router, by name; only those that have counted are kept, as of a thousand nearly all are 0."""

    def __missing__(self, name: str) -> int:
        return 0

    def all(self) -> dict[str, int]:
        """Every counter, in the order of COUNTERS."""
        return {name: self[name] for name in COUNTERS}
