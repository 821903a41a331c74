# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The statements of a vrrp_instance block, each read as keepalived reads it."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from typing import Callable

from . import words
from .grammar import Statement
from .instance import Address, Globals, Instance, Tracked
from .numbers import decimal, whole
from .remark import ERROR, INFO, Remark

_DELAY_MAX_S = 1000


def read(statement: Statement, name: str, defaults: Globals, remarks: list[Remark]) -> Instance:
    """A vrrp_instance block; `name` is what it is called in our inventory."""
    made = Instance(name, statement.line, statement.file, defaults, remarks)
    made.strict, made.down_timer_adverts = defaults.strict, defaults.down_timer_adverts
    made.checksum_as_v2 = defaults.checksum_as_v2
    for line in statement.block or []:
        handler = _HANDLERS.get(line.keyword)
        if handler is not None:
            handler(made, line)
        elif line.keyword == "smtp_alert":
            remarks.append(words.mail(line, name))
        else:
            remarks.append(words.remark(words.INSTANCE, line, tuple(_HANDLERS), name))
    return made


def _argument(line: Statement) -> str:
    return line.words[1] if len(line.words) > 1 else ""


def _number(key: str, low: int, high: int) -> Callable[[Instance, Statement], None]:
    """A handler for a whole number; keepalived goes on without one that is out of range."""

    def handle(made: Instance, line: Statement) -> None:
        value = whole(_argument(line), low, high)
        if value is None:
            made.note(INFO, line.line, line.keyword, f"is not in {low}..{high}: keepalived ignores it, and so do we")
        else:
            setattr(made, key, value)

    return handle


def _flag(key: str) -> Callable[[Instance, Statement], None]:
    def handle(made: Instance, line: Statement) -> None:
        setattr(made, key, not words.is_off(line))

    return handle


def _state(made: Instance, line: Statement) -> None:
    if made.state != "MASTER":
        made.state = _argument(line)
    made.remarks.append(words.remark(words.INSTANCE, line, instance=made.name))


def _interface(made: Instance, line: Statement) -> None:
    made.interface = _argument(line) or None


def _version(made: Instance, line: Statement) -> None:
    value = whole(_argument(line), 2, 3)
    if value is None or (made.version or value) != value or (value == 2 and made.family == 6):
        made.note(INFO, line.line, "version", "keepalived ignores it: no version, or against what stands before it")
    else:
        made.version = value


def _native_ipv6(made: Instance, line: Statement) -> None:
    made.family = made.family or 6
    made.note(INFO, line.line, line.keyword, "the addresses say so by themselves")


def _use_vmac(made: Instance, line: Statement) -> None:
    made.use_vmac = True
    for word in line.words[1:]:
        if ":" in word:
            made.note(
                ERROR, line.line, "use_vmac", "the agent knows the virtual router's own MAC only", "remove the MAC"
            )
    if len(line.words) > 1:
        means = "the macvlan has a name of the agent's: vrrp4 or vrrp6, VRID, interface"
        made.note(INFO, line.line, "use_vmac", means, "use that name where you have used the other")


def _seconds(made: Instance, line: Statement) -> None:
    value = decimal(_argument(line))
    if value is None or value > _DELAY_MAX_S:
        made.note(INFO, line.line, line.keyword, "is not in 0..1000: keepalived ignores it, and so do we")
    else:
        made.preempt_delay = int(value) if value == int(value) else float(value)


def _advert_int(made: Instance, line: Statement) -> None:
    value = decimal(_argument(line))
    if value is None or not 0.01 <= value <= 255:
        made.note(INFO, line.line, "advert_int", "is not in 0.01..255: keepalived ignores it, and so do we")
    else:
        made.interval = value


def _source(made: Instance, line: Statement) -> None:
    if line.keyword == "unicast_src_ip":
        made.unicast_line = made.unicast_line or line.line
    address = _ip(_argument(line))
    if address is None:
        made.note(INFO, line.line, line.keyword, "is no IP address: keepalived ignores it, and so do we")
    elif made.of_family(address, line.line, line.keyword):
        made.source = address


def _peers(made: Instance, line: Statement) -> None:
    made.unicast_line = line.line
    for entry in line.block or []:
        address = _ip(entry.keyword)
        if address is None:
            made.note(INFO, entry.line, line.keyword, "is no IP address: keepalived ignores it, and so do we")
        elif made.of_family(address, entry.line, line.keyword) and address not in made.peers:
            made.peers.append(address)
        if len(entry.words) > 1:
            means = "the agent has one least TTL for all peers"
            made.note(INFO, entry.line, line.keyword, means, "see unicast_min_ttl")


def _addresses(key: str) -> Callable[[Instance, Statement], None]:
    def handle(made: Instance, line: Statement) -> None:
        for entry in line.block or []:
            address = _ip_interface(entry.keyword)
            if address is None:
                made.note(INFO, entry.line, line.keyword, "is no IP address: keepalived ignores it, and so do we")
                continue
            if key == "addresses" and not made.of_family(address.ip, entry.line, line.keyword):
                continue
            _address_options(made, entry)
            taken = [ipaddress.ip_interface(one).ip for one in (*made.addresses, *made.excluded)]
            if address.ip in taken:
                made.note(INFO, entry.line, line.keyword, f"{address.ip} stands twice")
            else:
                getattr(made, key).append(entry.keyword)

    return handle


def _address_options(made: Instance, entry: Statement) -> None:
    rest = iter(entry.words[1:])
    for word in rest:
        if word == "dev":
            made.devices.append((entry.line, next(rest, "")))
            continue
        takes_word, found = words.ADDRESS_OPTIONS.get(word, (False, None))
        if found is None:
            means = "keepalived does not know a word behind an address and ignores it, and so do we"
            made.note(
                INFO, entry.line, "virtual_ipaddress", means, "see whether it was to be an address on its own line"
            )
            continue
        made.note(found[0], entry.line, word, found[1], found[2])
        if takes_word:
            next(rest, None)


def _track_interface(made: Instance, line: Statement) -> None:
    track(made, line.block or [])


def track(made: Instance, entries: Iterable[Statement]) -> None:
    """Take the interfaces of a track_interface block, the instance's own or its sync group's."""
    for entry in entries:
        weight = whole(entry.words[2], -254, 254) if entry.words[1:2] == ["weight"] and entry.words[2:] else 0
        if entry.words[-1] == "reverse":
            made.note(ERROR, entry.line, "track_interface", "reverse is not known to the agent", "remove it")
        if entry.keyword == made.interface and not weight:
            made.note(INFO, entry.line, "track_interface", "an instance always watches its own interface")
        elif entry.keyword in [one.name for one in made.tracked]:
            made.note(INFO, entry.line, "track_interface", f"{entry.keyword} stands twice")
        else:
            made.tracked.append(Tracked(entry.keyword, max(-253, min(weight or 0, 253)), entry.line))


def _authentication(made: Instance, line: Statement) -> None:
    made.authentication.read(line, made)


def _ip(text: str) -> Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def _ip_interface(text: str) -> ipaddress.IPv4Interface | ipaddress.IPv6Interface | None:
    if not re.fullmatch(r"[0-9A-Fa-f.:]+(/[0-9]{1,3})?", text):
        return None
    try:
        return ipaddress.ip_interface(text)
    except ValueError:
        return None


_HANDLERS: dict[str, Callable[[Instance, Statement], None]] = {
    "state": _state,
    "interface": _interface,
    "virtual_router_id": _number("virtual_router_id", 1, 255),
    "priority": _number("priority", 1, 255),
    "advert_int": _advert_int,
    "version": _version,
    "native_ipv6": _native_ipv6,
    "nopreempt": _flag("nopreempt"),
    "preempt_delay": _seconds,
    "strict_mode": _flag("strict"),
    "use_vmac": _use_vmac,
    "v3_checksum_as_v2": _flag("checksum_as_v2"),
    "down_timer_adverts": _number("down_timer_adverts", 1, 100),
    "mcast_src_ip": _source,
    "unicast_src_ip": _source,
    "unicast_peer": _peers,
    "unicast_ttl": _number("ttl", 0, 255),
    "virtual_ipaddress": _addresses("addresses"),
    "virtual_ipaddress_excluded": _addresses("excluded"),
    "track_interface": _track_interface,
    "authentication": _authentication,
    "auth_hmac": _authentication,
}
