# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the kernel and the journal say becomes spans and lines."""

from __future__ import annotations

import ipaddress
import json
import struct

from ansible_collections.duet.ha_pair.plugins.module_utils.drill.holding import Holding, News, decode, watch
from ansible_collections.duet.ha_pair.plugins.module_utils.drill.journal import command, parse

VIP, OTHER = "192.0.2.10", "2001:db8::1"


def message(kind: int, address: str, interface: int = 2) -> bytes:
    """A message of netlink about an address, with an attribute before it that nobody asked for."""
    packed = ipaddress.ip_address(address).packed
    body = struct.pack("=BBBBI", 2 if len(packed) == 4 else 10, 24, 0, 0, interface)
    body += struct.pack("=HH", 5, 3) + b"x\x00\x00\x00"
    body += struct.pack("=HH", 4 + len(packed), 1) + packed
    return struct.pack("=IHHII", 16 + len(body), kind, 0, 1, 0) + body


def test_the_kernel_is_understood() -> None:
    packet = message(20, VIP) + message(21, OTHER, 3) + message(16, VIP)
    assert list(decode(packet)) == [News(VIP, 2, True), News(OTHER, 3, False)]


def test_nothing_cut_short_is_believed() -> None:
    packet = message(20, VIP)
    for length in range(len(packet)):
        assert list(decode(packet[:length])) in ([], [News(VIP, 2, True)])
    assert list(decode(struct.pack("=IHHII", 3, 20, 0, 0, 0) + packet)) == []
    assert list(decode(struct.pack("=IHHII", 28, 20, 0, 0, 0) + bytes(8) + struct.pack("=HH", 0, 1))) == []


def test_an_address_comes_is_renewed_and_goes() -> None:
    holding = Holding([VIP])
    for present, now_s in ((True, 1.0), (True, 2.0), (False, 3.0), (False, 3.5), (True, 4.0)):
        holding.handle(News(VIP, 2, present), now_s)
    assert holding.document() == {VIP: [[1.0, 3.0], [4.0, None]]}


def test_it_is_here_as_long_as_some_interface_has_it() -> None:
    holding = Holding([VIP])
    for interface, present, now_s in ((2, True, 1.0), (3, True, 2.0), (2, False, 3.0), (3, False, 4.0)):
        holding.handle(News(VIP, interface, present), now_s)
    assert holding.document() == {VIP: [[1.0, 4.0]]}


def test_nobody_asked_for_other_addresses() -> None:
    holding = Holding([VIP])
    holding.handle(News(OTHER, 2, True), 1.0)
    assert holding.document() == {VIP: []}


def test_news_that_were_lost_are_made_up_for() -> None:
    holding = Holding([VIP, "2001:DB8:0::1"])
    holding.replace([News(VIP, 2, True)], 1.0)
    holding.replace([News(OTHER, 2, True)], 2.0)
    assert holding.document() == {VIP: [[1.0, 2.0]], OTHER: [[2.0, None]]}


def test_this_machine_has_its_loopback() -> None:
    [[began, ended]] = watch(["127.0.0.1"], lambda: True)["127.0.0.1"]
    assert began > 0 and ended is None


def test_the_journal_is_read_line_by_line() -> None:
    lines = [
        json.dumps({"__REALTIME_TIMESTAMP": "1795390893644210", "MESSAGE": "web eth0/51: BACKUP -> MASTER: no advert"}),
        json.dumps({"__REALTIME_TIMESTAMP": "1795390894000000", "MESSAGE": [104, 105, 255]}),
        json.dumps({"__REALTIME_TIMESTAMP": "1795390894000000", "MESSAGE": None}),
        json.dumps({"MESSAGE": "without a time"}),
        json.dumps(["no entry"]),
        "no JSON",
    ]
    assert parse("\n".join(lines)) == [
        {"at": 1795390893.64421, "text": "web eth0/51: BACKUP -> MASTER: no advert"},
        {"at": 1795390894.0, "text": "hi\ufffd"},
        {"at": 1795390894.0, "text": ""},
    ]


def test_the_journal_is_asked_for_one_unit_since_a_moment() -> None:
    argv = command("vrrp-agent", 1795390893.5)
    assert "--unit=vrrp-agent" in argv and "--since=@1795390893.500000" in argv
