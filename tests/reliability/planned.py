# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The planned changes of a pair, of which node a is MASTER with priority 150 and b BACKUP with 100."""

from __future__ import annotations

import time
from dataclasses import replace

from peers import VIPS, Wire

from .pair import MORE, PLAIN, Event, Pair

PASS, OTHER_PASS = Wire(2, "s3cretpw"), Wire(2, "an0therp")
UNICAST = Wire(3, unicast=("10.139.1.11", "10.139.1.12"))
NO_COMMAND = {"keepalived": "no such command"}
VRRP = "ip protocol 112"


def _roll_out(pair: Pair, wire: Wire, priority: int = 150) -> None:
    """The backup first, the MASTER after a while."""
    pair.b.configure(wire, 100)
    pair.b.reload()
    time.sleep(pair.rollout_s)
    pair.a.configure(wire, priority)
    pair.a.reload()


def _stop(pair: Pair) -> None:
    pair.a.stop()


def _restart(pair: Pair) -> None:
    pair.a.stop()
    pair.a.start()
    pair.wait_for_holders("a")


def _upgrade(pair: Pair) -> None:
    pair.a.upgrade()
    pair.wait_for_holders("a")


def _add(pair: Pair) -> None:
    _roll_out(pair, replace(PLAIN, vips=(*VIPS, MORE)))


def _remove(pair: Pair) -> None:
    _roll_out(pair, replace(PLAIN, vips=VIPS[:1]))


def _interval(pair: Pair) -> None:
    _roll_out(pair, replace(PLAIN, interval_s=2.0))


def _several(pair: Pair) -> None:
    _roll_out(pair, replace(PLAIN, vips=(*VIPS, MORE), interval_s=2.0), priority=140)


def _password(pair: Pair) -> None:
    """At once on both: adverts with two passwords are by definition of two virtual routers."""
    pair.a.configure(OTHER_PASS, 150)
    pair.b.configure(OTHER_PASS, 100)
    pair.b.reload()
    pair.a.reload()


def _peers(pair: Pair) -> None:
    for node in (pair.b, pair.a):
        node.add_unicast_peer("10.139.1.99")
        node.reload()


def _misspelt(pair: Pair) -> None:
    pair.a.misspell()
    pair.a.reload()


def _lower(pair: Pair) -> None:
    pair.a.configure(PLAIN, 50)
    pair.a.reload()
    pair.wait_for_holders("b")


def _raise(pair: Pair) -> None:
    pair.b.configure(PLAIN, 200)
    pair.b.reload()
    pair.wait_for_holders("b")


def _switch_over(pair: Pair) -> None:
    pair.a.command("switchover", "web")
    pair.wait_for_holders("b")


def _drain(pair: Pair) -> None:
    pair.a.command("drain")
    pair.wait_for_holders("b")


def _undrain(pair: Pair) -> None:
    pair.a.command("undrain")
    pair.wait_for_holders("a")


def _leave(pair: Pair) -> None:
    pair.a.stop()
    pair.wait_for_holders("b")
    time.sleep(1.5)  # past the announcements of the takeover


def _come_back(pair: Pair) -> None:
    pair.a.start()
    pair.wait_for_holders("a")


def _split(pair: Pair) -> None:
    """Both can send, neither hears the other; the client has b, which was the last to announce."""
    time.sleep(2.5)  # after an election a announces for 5 s
    a, b = pair.segment["a"], pair.segment["b"]
    pair.segment.block(a, b, VRRP)
    pair.segment.block(b, a, VRRP)
    pair.wait_for_holders("ab")
    time.sleep(1.2)  # past b's announcements, and a's


def _after_the_losers_advert(pair: Pair) -> None:
    """The next one is a's, which b yields to without having been heard."""
    pair.await_advert("b")


def _after_the_winners_advert(pair: Pair) -> None:
    pair.await_advert("a")


def _heal(pair: Pair) -> None:
    a, b = pair.segment["a"], pair.segment["b"]
    pair.segment.unblock(a, b)
    pair.segment.unblock(b, a)
    pair.wait_for_holders("a")


EVENTS = (
    Event("stop", "`systemctl stop`, SIGTERM", _stop),
    Event("restart", "`systemctl restart`", _restart, least_s=5.5),
    Event("upgrade", "upgrade of the daemon", _upgrade, least_s=5.5),
    Event("vip_added", "reload: VIP added, on the BACKUP 4 s before the MASTER", _add, least_s=5.5),
    Event("vip_removed", "reload: VIP removed, on the BACKUP 4 s before the MASTER", _remove, least_s=5.5),
    Event("interval", "reload: interval 1 s to 2 s, on the BACKUP 4 s before the MASTER", _interval, least_s=7.0),
    Event("several", "reload: VIP, interval and priority at once, on the BACKUP first", _several, least_s=7.0),
    Event("password", "reload: password (version 2), on both", _password, wire=PASS),
    Event("peers", "reload: a unicast peer more, on both", _peers, wire=UNICAST),
    Event("misspelt", "reload: a misspelt key (`prioritee`)", _misspelt),
    Event("lowered", "reload: priority lowered below the peer's", _lower),
    Event("raised", "reload: the peer's priority raised above", _raise),
    Event("switchover", "`switchover web`", _switch_over, missing=NO_COMMAND),
    Event("drain", "`drain`", _drain, missing=NO_COMMAND),
    Event(
        "undrain", "`undrain`, which gives the better node the role back", _undrain, prepare=_drain, missing=NO_COMMAND
    ),
    Event("return", "return of the better node (preempt)", _come_back, prepare=_leave),
    Event(
        "healed",
        "split brain heals, the better node speaks first",
        _heal,
        prepare=_split,
        await_moment=_after_the_losers_advert,
        most_s=60.0,
    ),
    Event(
        "healed_2",
        "split brain heals, the other speaks first",
        _heal,
        prepare=_split,
        await_moment=_after_the_winners_advert,
        most_s=60.0,
    ),
)
