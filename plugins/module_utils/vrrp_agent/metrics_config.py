# Copyright: (c) 2026, duet.ha_pair contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""The configuration's `metrics`: where Prometheus finds them, a file for node_exporter or an address to listen on."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import Any

from . import schema
from .schema import Object

_ADDRESS_AND_PORT = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([0-9.]+)):([0-9]{1,5})")
# Below, the agent has not the right to listen.
_PORT_MIN, _PORT_MAX = 1024, 65535
_TEXTFILE = re.compile(r"(?:/[A-Za-z0-9_@+-][A-Za-z0-9._@+-]*)+(?<=\.prom)")
_PATH_MAX_LENGTH = 255


@dataclass(frozen=True)
class Listen:
    """Where the HTTP endpoint is."""

    address: str
    port: int

    def __str__(self) -> str:
        return f"[{self.address}]:{self.port}" if ":" in self.address else f"{self.address}:{self.port}"


@dataclass(frozen=True)
class Metrics:
    """Neither of the two is the default: no metrics."""

    textfile: str | None = None
    listen: Listen | None = None


def read(parent: Object) -> Metrics:
    """The key `metrics` of the configuration."""
    parent.known.append("metrics")
    if parent.values.get("metrics") is None:
        return Metrics()
    source = Object(parent.values["metrics"], parent.at("metrics"), parent.problems)
    textfile = source.take("textfile", schema.or_null(_textfile, None), None)
    listen = source.take("listen", schema.or_null(_listen, None), None)
    source.finish()
    return Metrics(textfile, listen)


def _textfile(value: Any) -> str:
    """No part of the path begins with a dot: none is `..`, and node_exporter would not see the file."""
    if not isinstance(value, str) or len(value) > _PATH_MAX_LENGTH or not _TEXTFILE.fullmatch(value):
        what = f"no absolute path of at most {_PATH_MAX_LENGTH} letters, digits and ._@+- that ends in .prom"
        raise ValueError(f"{schema.show(value)} is {what}; node_exporter reads nothing else")
    return value


def _listen(value: Any) -> Listen:
    found = _ADDRESS_AND_PORT.fullmatch(value) if isinstance(value, str) else None
    try:
        address = ipaddress.ip_address(found.group(1) or found.group(2)) if found else None
    except ValueError:
        address = None
    if found is None or address is None or (address.version == 6) != bool(found.group(1)):
        raise ValueError(f"{schema.show(value)} is no address and port; write 192.0.2.11:9650, or [2001:db8::11]:9650")
    port = int(found.group(3))
    if not _PORT_MIN <= port <= _PORT_MAX:
        raise ValueError(f"port {port} is not in {_PORT_MIN}..{_PORT_MAX}; the agent may not listen on lower ones")
    return Listen(str(address), port)
