# Copyright: (c) 2026, duet.ha_pair contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Classic BPF, by which the kernel keeps packets from a socket, in lines of (code, jump if, jump if not, operand)."""

from __future__ import annotations

import socket
import struct
from array import array
from collections.abc import Iterable

Line = tuple[int, int, int, int]

# Of linux/bpf_common.h: what is loaded at an offset, and at one beyond an IPv4 header, whose length is loaded first.
LOAD_OCTET, LOAD_2, LOAD_4, LOAD_OCTET_BEYOND, LOAD_HEADER_LENGTH = 0x30, 0x28, 0x20, 0x50, 0xB1
JUMP_IF_EQUAL, RETURN = 0x15, 0x06  # so many octets
DROP: Line = (RETURN, 0, 0, 0)

_SO_ATTACH_FILTER = 26  # not in the socket module


def attach(filtered: socket.socket, lines: Iterable[Line]) -> None:
    """Have the kernel drop what these lines return 0 for; raises OSError."""
    program = array("B", b"".join(struct.pack("=HBBI", *line) for line in lines))
    told = struct.pack("@HP", len(program) // 8, program.buffer_info()[0])
    filtered.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, told)
