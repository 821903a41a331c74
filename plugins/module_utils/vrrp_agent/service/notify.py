# Copyright: (c) 2026, duet.ha_pair contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""What systemd is told (sd_notify(3)); nothing happens where there is no systemd."""

from __future__ import annotations

import os
import socket


def notify(*assignments: str) -> None:
    """Send assignments such as `READY=1`; a service manager that does not listen is none of our business."""
    path = os.environ.get("NOTIFY_SOCKET")
    if not path:
        return
    if path.startswith("@"):
        path = "\0" + path[1:]
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as connection:
            # A service manager that does not read must not hold up the adverts.
            connection.setblocking(False)
            connection.sendto("\n".join(assignments).encode(), path)
    except OSError:
        pass


def watchdog_interval_s() -> float | None:
    """How often systemd wants a sign of life: half its limit; None when it does not watch."""
    limit_us = os.environ.get("WATCHDOG_USEC", "")
    return int(limit_us) / 2_000_000 if limit_us.isdigit() and int(limit_us) else None
