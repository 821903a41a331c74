# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Owners that die badly, and what others do to them: node a is MASTER with priority 150, b BACKUP with 100."""

from __future__ import annotations

import time

from peers import VIPS, Wire

from .pair import Event, Pair
from .planned import VRRP

# Longer than a backup waits, and than a kernel keeps an address that nobody renews.
PAUSE_S = 8.0
OUT_S = 2.0
CONFLICT_S = 6.0
# What a log must say for it to count as told; of keepalived's, anything that comes near.
UNHEARD = {"ours": "does not hear this node", "keepalived": "(?i)not hear|unheard|one.way"}
CONFLICT = {"ours": "conflict: .* with 10[.]139[.]1[.]1,? ", "keepalived": "(?i)conflict|duplicate|another host"}
FAST, FASTEST = Wire(3, interval_s=0.1), Wire(3, interval_s=0.01)


def _crash(pair: Pair) -> None:
    pair.a.crash()


def _crash_for_good(pair: Pair) -> None:
    pair.a.crash(for_good=True)


def _pause(pair: Pair) -> None:
    pair.a.freeze()
    time.sleep(PAUSE_S)
    pair.a.thaw()
    pair.wait_for_holders("a")


def _power_cut(pair: Pair) -> None:
    """The dead host neither answers nor remembers; its successor has the role when it boots."""
    node = pair.segment["a"]
    pair.segment.cut(node)
    pair.a.crash(for_good=True)
    for vip in VIPS:
        node.run(["ip", "address", "del", vip, "dev", "eth0"], check=False)
    pair.wait_for_holders("b")
    pair.segment.plug(node)
    pair.a.start()
    pair.wait_for_holders("a")


def _bug(pair: Pair) -> None:
    pair.a.fail()
    pair.wait_for_holders("b")
    pair.wait_for_holders("a")


def _unplug(pair: Pair) -> None:
    pair.segment.cut(pair.segment["a"])
    pair.wait_for_holders("b")


def _delete_address(pair: Pair) -> None:
    pair.segment["a"].ip("address", "del", VIPS[0], "dev", "eth0")


def _flush(pair: Pair) -> None:
    """What a network manager does that knows its own addresses only."""
    for vip in VIPS:
        pair.segment["a"].run(["ip", "address", "del", vip, "dev", "eth0"], check=False)


def _down_and_up(pair: Pair) -> None:
    node = pair.segment["a"]
    node.ip("link", "set", "eth0", "down")
    time.sleep(OUT_S)
    node.ip("link", "set", "eth0", "up")
    pair.wait_for_holders("b")
    pair.wait_for_holders("a")


def _recreate(pair: Pair) -> None:
    node = pair.segment["a"]
    node.ip("link", "del", "eth0")
    time.sleep(OUT_S)
    pair.segment.join(node, 11)
    pair.wait_for_holders("b")
    pair.wait_for_holders("a")


def _change_mac(pair: Pair) -> None:
    pair.segment["a"].ip("link", "set", "eth0", "address", "02:00:00:00:00:99")


def _change_mtu(pair: Pair) -> None:
    pair.segment["a"].ip("link", "set", "eth0", "mtu", "1400")


def _change_own_address(pair: Pair) -> None:
    node = pair.segment["a"]
    node.ip("address", "add", "10.139.1.61/24", "dev", "eth0")
    node.ip("address", "del", "10.139.1.11/24", "dev", "eth0")


def _block_one_way(pair: Pair) -> None:
    a, b = pair.segment["a"], pair.segment["b"]
    pair.segment.block(a, b, VRRP)
    time.sleep(PAUSE_S)
    pair.segment.unblock(a, b)
    pair.wait_for_holders("a")


def _claim_elsewhere(pair: Pair) -> None:
    """A stranger has the address and announces it; VRRP has nothing to do with it."""
    stranger = pair.segment["stranger"]
    stranger.sysctl("net.ipv4.conf.eth0.arp_notify", 1)
    stranger.ip("address", "add", VIPS[0], "dev", "eth0")
    time.sleep(CONFLICT_S)
    stranger.ip("address", "del", VIPS[0], "dev", "eth0")


EVENTS = (
    Event("killed", "`kill -9` of all its processes, once", _crash, least_s=6.0, dies=True),
    Event("killed_for_good", "`kill -9`, and nothing starts it again", _crash_for_good, most_s=10.0, dies=True),
    Event("killed_100ms", "the same at adverts of 100 ms", _crash_for_good, wire=FAST, most_s=10.0, dies=True),
    Event("killed_10ms", "the same at adverts of 10 ms", _crash_for_good, wire=FASTEST, most_s=10.0, dies=True),
    Event("paused", "SIGSTOP for 8 s, then SIGCONT", _pause, dies=True),
    Event("power_cut", "power cut, boot when the peer has taken over", _power_cut),
    Event("bug", "a bug: an exception nobody expected (SIGSEGV in C)", _bug, least_s=8.0),
    Event("unplugged", "switch port down", _unplug, dies=True),
    Event("deleted", "a VIP deleted by hand", _delete_address, least_s=2.0),
    Event("flushed", "all VIPs removed by a network manager", _flush, least_s=2.0),
    Event("link_down", "interface set down, up again after 2 s", _down_and_up, least_s=8.0),
    Event("recreated", "interface deleted, made again after 2 s", _recreate, least_s=8.0),
    Event("mac", "MAC of the interface changed", _change_mac, least_s=2.0),
    Event("mtu", "MTU of the interface changed", _change_mtu, least_s=2.0),
    Event("own_address", "the node's own address changed", _change_own_address, least_s=6.0),
    Event("one_way", "the peer does not hear the MASTER for 8 s", _block_one_way, says=UNHEARD),
    Event("conflict", "another host claims the VIP for 6 s", _claim_elsewhere, says=CONFLICT),
)
