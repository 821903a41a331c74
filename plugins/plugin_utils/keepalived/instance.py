# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One vrrp_instance of keepalived as an instance of our inventory, which speaks the same on the wire.

`Instance.finish` does what keepalived does at the end of a block: its defaults, which are not ours, and what it
silently corrects.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from typing import Any, Union

from .authentication import Authentication
from .numbers import interval
from .remark import ERROR, INFO, LOST, Remark

Address = Union[ipaddress.IPv4Address, ipaddress.IPv6Address]

_OWNER, _DEFAULT_PRIORITY, _HIGHEST_PRIORITY = 255, 100, 254
_ADDRESSES_MAX = 255
_DOWN_TIMER_ADVERTS = 3
# What a Linux host sends IPv6 unicast with, and keepalived leaves as it is.
_HOP_LIMIT_IPV6 = 64


@dataclass
class Globals:
    """What global_defs says for all instances; keepalived's own defaults otherwise."""

    version: int = 2
    strict: bool = False
    checksum_as_v2: bool = False
    startup_delay: float = 0
    down_timer_adverts: int = _DOWN_TIMER_ADVERTS


@dataclass
class Tracked:
    """Another interface that the instance needs."""

    name: str
    weight: int
    line: int


@dataclass
class Instance:
    """A vrrp_instance as it was read; None is what was not said."""

    name: str
    line: int
    file: str
    globals: Globals
    remarks: list[Remark]
    interface: str | None = None
    virtual_router_id: int | None = None
    version: int | None = None
    state: str = ""
    priority: int | None = None
    interval: Any = None
    nopreempt: bool = False
    preempt_delay: float = 0
    strict: bool = False
    use_vmac: bool = False
    checksum_as_v2: bool = False
    down_timer_adverts: int = _DOWN_TIMER_ADVERTS
    source: Address | None = None
    ttl: int | None = None
    family: int | None = None
    unicast_line: int = 0
    peers: list[Address] = field(default_factory=list)
    addresses: list[str] = field(default_factory=list)
    excluded: list[str] = field(default_factory=list)
    devices: list[tuple[int, str]] = field(default_factory=list)
    tracked: list[Tracked] = field(default_factory=list)
    authentication: Authentication = field(default_factory=Authentication)

    def note(self, severity: str, line: int, keyword: str, means: str, do: str = "nothing") -> None:
        """Remark on one of the instance's lines."""
        self.remarks.append(Remark(severity, line, keyword, means, do, self.name, self.file))

    def of_family(self, address: Address, line: int, keyword: str) -> bool:
        """Whether an address is of the instance's family, which the first address decides; keepalived drops others."""
        self.family = self.family or address.version
        if address.version != self.family:
            means = f"keepalived ignores it: it is not IPv{self.family}, as what stands before it, and so do we"
            self.note(INFO, line, keyword, means, "to have it, add it to extra_addresses")
        return address.version == self.family

    def finish(self) -> dict[str, Any]:
        """The instance in our inventory's words."""
        version = self.version or (3 if self.family == 6 else self.globals.version)
        result: dict[str, Any] = {"name": self.name, **self._place(), "version": version}
        result["priority"] = self._priority()
        result["advert_interval"] = interval(self.interval, version, self)
        result["preempt"] = self._preempts(result["priority"])
        result["virtual_addresses"] = self._virtual_addresses()
        if self.excluded:
            result["extra_addresses"] = self.excluded
        result.update(self.authentication.finish(version, self))
        result.update(self._unicast())
        result.update(self._more(version, result["preempt"]))
        if self.tracked:
            result["track_interfaces"] = [self._track(one) for one in self.tracked]
        return result

    def _place(self) -> dict[str, Any]:
        place: dict[str, Any] = {}
        for key in ("interface", "virtual_router_id"):
            if getattr(self, key) is None:
                do = "write it into keepalived.conf, and reload keepalived"
                self.note(ERROR, self.line, key, "is not said, and the agent needs it", do)
            else:
                place[key] = getattr(self, key)
        for line, device in self.devices:
            if device != self.interface:
                means = f"the address is on {device}, and the agent holds addresses on the instance's interface only"
                self.note(ERROR, line, "dev", means, "give it an instance on that interface")
        return place

    def _priority(self) -> int:
        priority = self.priority
        if priority is None:
            priority = _OWNER if self.state == "MASTER" else _DEFAULT_PRIORITY
        if priority == _OWNER:
            self.note(
                ERROR,
                self.line,
                "priority",
                "is 255, the address owner's: the agent leaves such addresses to the host, and would not add them"
                + ("" if self.priority else " (keepalived's choice for state MASTER without priority)"),
                "write priority 253 or less into keepalived.conf, more than on the other hosts, and reload keepalived",
            )
            return priority
        # keepalived adds a positive weight while the interface is up, which is what peers see all the time.
        raised = priority + sum(max(one.weight, 0) for one in self.tracked)
        return min(raised, _HIGHEST_PRIORITY)

    def _preempts(self, priority: int) -> bool:
        if self.nopreempt and (self.state == "MASTER" or priority == _OWNER):
            self.note(INFO, self.line, "nopreempt", "keepalived ignores it with state MASTER, and so do we")
            return True
        return not self.nopreempt

    def _virtual_addresses(self) -> list[str]:
        if not self.addresses:
            means = "there is no virtual router without an address"
            self.note(ERROR, self.line, "virtual_ipaddress", means, "give it one that is advertised")
        self.excluded = self.addresses[_ADDRESSES_MAX:] + self.excluded
        advertised = self.addresses[:_ADDRESSES_MAX]
        link_local = [one for one in advertised if ipaddress.ip_interface(one).is_link_local]
        if self.family == 6 and link_local and advertised[0] != link_local[0]:
            means = "the link-local address comes first in adverts (RFC 9568 5.2.9)"
            self.note(INFO, self.line, "virtual_ipaddress", means)
            advertised = link_local[:1] + [one for one in advertised if one != link_local[0]]
        return advertised

    def _unicast(self) -> dict[str, Any]:
        result: dict[str, Any] = {"source_address": str(self.source)} if self.source else {}
        if not self.peers:
            if self.unicast_line:
                means = "there are no peers, so that keepalived sends to the multicast group, and so do we"
                self.note(INFO, self.unicast_line, "unicast_peer", means)
            return result
        if self.use_vmac:
            self.note(ERROR, self.unicast_line, "unicast_peer", "a virtual MAC is for multicast", "remove use_vmac")
        result["unicast_peers"] = [str(peer) for peer in self.peers]
        ttl = self.ttl if self.ttl is not None else _HOP_LIMIT_IPV6 if self.family == 6 else 255
        if ttl < 255:
            result["unicast_min_ttl"] = max(ttl, 1)
            means = f"keepalived's adverts come with TTL {ttl}, so that less than 255 has to be accepted"
            self.note(
                INFO, self.unicast_line, "unicast_ttl", means, "remove unicast_min_ttl when no keepalived is left"
            )
        return result

    def _more(self, version: int, preempt: bool) -> dict[str, Any]:
        result: dict[str, Any] = {"use_vmac": True} if self.use_vmac else {}
        if version == 3 and self.family != 6 and (self.checksum_as_v2 or self.globals.checksum_as_v2):
            result["checksum"] = "without_pseudo_header"
        if self.preempt_delay and (self.state == "MASTER" or not preempt or self.strict):
            self.note(INFO, self.line, "preempt_delay", "keepalived ignores it here, and so do we")
        elif self.preempt_delay:
            result["preempt_delay"] = self.preempt_delay
        if self.globals.startup_delay:
            result["startup_delay"] = self.globals.startup_delay
        if self.down_timer_adverts != _DOWN_TIMER_ADVERTS:
            means = "a BACKUP takes over after three intervals and the skew, as the RFC has it"
            self.note(LOST, self.line, "down_timer_adverts", means, "choose advert_interval for the outage you accept")
        if self.strict:
            means = "vrrp_strict also closes the virtual addresses: now the host answers on them while it is MASTER"
            self.note(LOST, self.line, "vrrp_strict", means, "close them in the firewall if nobody may reach the host")
        return result

    def _track(self, one: Tracked) -> dict[str, Any]:
        if not one.weight:
            return {"name": one.name}
        if one.weight > 0:
            means = f"the weight is in the priority already, as long as {one.name} is up; down takes it away"
            self.note(INFO, one.line, "track_interface", means)
        return {"name": one.name, "on_fail": {"priority": -abs(one.weight)}}
