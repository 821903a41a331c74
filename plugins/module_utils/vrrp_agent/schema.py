# Copyright: (c) 2026, duet.ha_pair contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""How a document is read: objects whose keys are taken one by one, and converters that refuse by a ValueError.

Nothing here knows what the configuration means. Every problem goes to one list, with the path of its key.
"""

from __future__ import annotations

import ipaddress
import json
import re
from typing import Any, Callable

from .protocol.settings import IPAddress, IPInterface

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_INTERFACE = re.compile(r"[^\s/:]{1,15}")
_LIMITED_BROADCAST = ipaddress.IPv4Address("255.255.255.255")
_REQUIRED = object()


class ConfigError(Exception):
    """A configuration that is refused: `path` is the key (`instances[0].priority`), `why` the reason and the mend."""

    def __init__(self, path: str, why: str) -> None:
        super().__init__(f"{path}: {why}" if path else why)
        self.path = path
        self.why = why


class Object:
    """Takes the keys out of one JSON object; what is wrong with them goes to the shared list of problems."""

    def __init__(self, value: Any, path: str, problems: list[ConfigError]) -> None:
        self.path = path
        self.problems = problems
        self.known: list[str] = []
        self.values: dict[str, Any] = value if isinstance(value, dict) else {}
        if not isinstance(value, dict):
            problems.append(ConfigError(path, "must be an object with keys and values"))

    def at(self, key: str) -> str:
        """The path of one of this object's keys."""
        return f"{self.path}.{key}" if self.path else key

    def take(self, key: str, convert: Callable[[Any], Any], default: Any = _REQUIRED) -> Any:
        """The converted value of a key; None after a problem, which `convert` tells by a ValueError."""
        self.known.append(key)
        if key not in self.values:
            if default is _REQUIRED:
                self.problem(key, "is missing")
                return None
            return default
        try:
            return convert(self.values[key])
        except ValueError as error:
            self.problem(key, str(error))
            return None

    def problem(self, key: str, why: str) -> None:
        """Note what is wrong with one key."""
        self.problems.append(ConfigError(self.at(key), why))

    def finish(self) -> None:
        """Every key that nobody took is unknown, and an error."""
        for key in self.values:
            if key not in self.known:
                import difflib  # for who has made a mistake

                near = difflib.get_close_matches(str(key), self.known, n=1)
                hint = f"; did you mean {near[0]}?" if near else f"; known here: {', '.join(sorted(self.known))}"
                self.problem(str(key), f"unknown key{hint}")


def show(value: Any) -> str:
    """A value for an error; not what is inside a list or an object, where a password may stand."""
    if isinstance(value, (dict, list)):
        return "an object" if isinstance(value, dict) else "a list"
    return json.dumps(value, default=str)[:60]


def any_list(value: Any) -> list[Any]:
    """A list, whatever is in it."""
    if not isinstance(value, list):
        raise ValueError(f"{show(value)} is not a list")
    return value


def boolean(value: Any) -> bool:
    """true or false."""
    if not isinstance(value, bool):
        raise ValueError(f"{show(value)} is not true or false")
    return value


def integer(low: int, high: int) -> Callable[[Any], int]:
    """A whole number in a range, both ends in it."""

    def _convert(value: Any) -> int:
        if not isinstance(value, int) or isinstance(value, bool):
            raise ValueError(f"{show(value)} is not a whole number")
        if not low <= value <= high:
            raise ValueError(f"{value} is not in {low}..{high}")
        return value

    return _convert


def or_null(convert: Callable[[Any], Any], default: Any) -> Callable[[Any], Any]:
    """null says what the key's absence says."""
    return lambda value: default if value is None else convert(value)


def one_of(*choices: Any) -> Callable[[Any], Any]:
    """One of the values that there are."""

    def _convert(value: Any) -> Any:
        # True and 3.0 equal 1 and 3, and are neither.
        if type(value) not in map(type, choices) or value not in choices:
            raise ValueError(f"{show(value)} is not one of {', '.join(str(choice) for choice in choices)}")
        return value

    return _convert


def matching(pattern: re.Pattern[str], what: str) -> Callable[[Any], str]:
    """A text of a given form, which `what` describes."""

    def _convert(value: Any) -> str:
        if not isinstance(value, str) or not pattern.fullmatch(value) or value in (".", ".."):
            raise ValueError(f"{show(value)} is not {what}")
        return value

    return _convert


name = matching(_NAME, "a name of letters, digits, '_', '.' and '-'")
interface_name = matching(_INTERFACE, "the name of an interface (at most 15 characters)")


def delay_ms(value: Any) -> int:
    """Seconds to milliseconds."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ValueError(f"{show(value)} is not a number of seconds")
    if not 0 <= value <= 1000:
        raise ValueError(f"{value} is not in 0..1000 seconds")
    return round(value * 1000)


def ip_interface(value: Any) -> IPInterface:
    """An address with or without a prefix; without one it is a /32 or /128."""
    try:
        address = ipaddress.ip_interface(value if isinstance(value, str) else "")
    except ValueError:
        raise ValueError(f"{show(value)} is no IP address, with or without a /prefix") from None
    if "%" in value:
        raise ValueError(f"{value} has a zone; leave it out, the interface is its zone")
    ip = address.ip
    if ip.is_multicast or ip.is_loopback or ip.is_unspecified or ip == _LIMITED_BROADCAST:
        raise ValueError(f"{value} is not an address that a host can own and share")
    ends = (address.network.network_address, address.network.broadcast_address)
    if address.version == 4 and address.network.prefixlen < 31 and ip in ends:
        raise ValueError(f"{value} is the network's own or its broadcast address, no host's")
    return address


def ip_address(value: Any) -> IPAddress:
    """One host's address: a prefix would say nothing here, and looks as if it named a network."""
    address = ip_interface(value)
    if "/" in value:
        raise ValueError(f"{value} has a prefix; an address alone is meant: {address.ip}")
    return address.ip
