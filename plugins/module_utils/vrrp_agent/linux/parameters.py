# Copyright: (c) 2026, duet.ha_pair contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""The kernel's parameters of one interface: net.ipv4.conf.<interface>.* and net.ipv6.conf.<interface>.*."""

from __future__ import annotations

import errno
import os

from .errors import KernelError, interface_name

_ROOT = "/proc/sys/net"
_CLASS = "/sys/class/net"


def read(family: int, interface: str, name: str) -> int | None:
    """A parameter's value, or None where the kernel has none: no such interface, or no such family on this host."""
    try:
        with open(_path(family, interface, name)) as file:
            return int(file.read())
    except OSError:
        return None


def write(family: int, index: int, name: str, value: int) -> None:
    """Set a parameter that the kernel has; raises KernelError."""
    interface = interface_name(index)
    if read(family, interface, name) in (value, None):
        return
    try:
        with open(_path(family, interface, name), "w") as file:
            file.write(str(value))
    except OSError as error:
        op = f"set net.ipv{family}.conf.{interface}.{name} to {value}"
        raise KernelError(op, error.errno or errno.EIO) from None


def wireless(interface: str) -> bool:
    """Whether an interface is a wireless one, which an access point lets send from its own MAC address only."""
    return os.path.exists(f"{_CLASS}/{interface}/phy80211")


def _path(family: int, interface: str, name: str) -> str:
    return f"{_ROOT}/ipv{family}/conf/{interface}/{name}"
