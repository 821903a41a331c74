# Copyright: (c) 2026, duet.ha_pair contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""One agent in a network namespace: two would fight over the same addresses."""

from __future__ import annotations

import os
import pwd
import socket
import struct

from .log import LOGGER

# In Linux' abstract namespace, which each network namespace has of its own.
_ONLY_ONE = "\0duet.ha_pair/vrrp-agent"
# Whom the unit runs it as.
_USER = "vrrp-agent"


class StartError(Exception):
    """The agent cannot start, and why."""


def only_agent_here() -> socket.socket:
    """Hold the name that one agent in a network namespace can hold; raises StartError when another one does."""
    name = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
    try:
        name.bind(_ONLY_ONE)
        name.listen()
    except OSError:
        name.close()
        name = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
        if _holder_is_trusted(name):
            name.close()
            raise StartError("another vrrp-agent is running on this host; stop it first") from None
        LOGGER.warning("the name %s is held by somebody without privileges; starting all the same", _ONLY_ONE[1:])
    return name


def _holder_is_trusted(connection: socket.socket) -> bool:
    """Anybody may take an abstract name, but only root, this user or the unit's may keep the agent from starting."""
    try:
        connection.settimeout(1)
        connection.connect(_ONLY_ONE)
        credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    except OSError:
        return False
    return struct.unpack("3i", credentials)[1] in (0, os.geteuid(), _uid_of_the_unit())


def _uid_of_the_unit() -> int | None:
    try:
        return pwd.getpwnam(_USER).pw_uid
    except KeyError:
        return None
