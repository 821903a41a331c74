# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Prints the next VRRP advert that reaches the client, in hexadecimal digits, without the IP header."""

from __future__ import annotations

import socket

IP_HEADER = 20
PROTOCOL_VRRP = 112
LONGEST_S = 10

with socket.socket(socket.AF_INET, socket.SOCK_RAW, PROTOCOL_VRRP) as listener:
    group = socket.inet_aton("224.0.0.18") + socket.inet_aton("0.0.0.0")
    listener.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, group)
    listener.settimeout(LONGEST_S)
    print(listener.recv(2048)[IP_HEADER:].hex())
