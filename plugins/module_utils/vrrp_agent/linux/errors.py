# Copyright: (c) 2026, duet.ha_pair contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""The one error that this layer raises, and how it names an interface."""

from __future__ import annotations

import os
import socket


class KernelError(Exception):
    """The kernel refused an operation: what was tried, its errno and the kernel's own explanation where it gave one."""

    def __init__(self, op: str, errno: int, detail: str = "") -> None:
        super().__init__(op, errno, detail)
        self.op = op
        self.errno = errno
        self.detail = detail

    def __str__(self) -> str:
        detail = f" ({self.detail})" if self.detail else ""
        return f"{self.op}: {os.strerror(self.errno)}{detail}"


def interface_name(index: int) -> str:
    """The name of an interface for a message, also where the interface is gone by now."""
    try:
        return socket.if_indextoname(index)
    except OSError:
        return f"interface {index}"
