# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When clients are served after the MASTER has died: counted from the moment at which the BACKUP's timer expires."""

from __future__ import annotations

import math
import time

from probe import Prober
from segment import NETNS_DIR, wait_for
from timeline import Timeline

from .daemons import Load
from .pair import CONTROL, Figures, Pair, pair_of
from .wire import ADVERT, ANNOUNCEMENT, Heard, first_ns, last_advert_ns

# Finer than the millisecond that is at stake.
PROBE_MS = 0.25


def answers(load: Load, times: int, kind: str, release: str) -> list[Figures]:
    """One VIP, asked all the while: when it first answers from node b."""
    with pair_of(kind, load, release) as pair:
        pair.up(settle_s=1.0)
        found = []
        for _time in range(times):
            found.append(_answers(pair))
            pair.restore()
        return found


def _answers(pair: Pair) -> Figures:
    [(link, number, [vip])] = pair.load.routers()
    successor = pair.segment["b"].mac()
    prober = Prober(pair.segment["client"], vip, CONTROL, interval_ms=PROBE_MS)
    prober.start()
    try:
        heard = pair.fail_over()
        time.sleep(0.2)
    finally:
        prober.stop()
    answered = min(probe.answered_ns for probe in prober.probes if probe.mac == successor and probe.answered_ns)
    return {"answers_ms": (answered - _expired_ns(heard, pair.load, link, number)) / 1e6}


def addresses(load: Load, times: int, kind: str, release: str) -> list[Figures]:
    """Many VIPs of one virtual router: when all are on node b's interface and announced."""
    with pair_of(kind, load, release) as pair:
        pair.up(settle_s=1.0)
        found = []
        for _time in range(times):
            found.append(_addresses(pair))
            pair.restore()
        return found


def _addresses(pair: Pair) -> Figures:
    [(link, number, vips)] = pair.load.routers()
    timeline = Timeline(str(NETNS_DIR / pair.segment["b"].name), [f"{vip}/32" for vip in vips])
    try:
        began_s = time.monotonic()
        heard = pair.fail_over()
        wait_for(lambda: timeline.whole_after(began_s) < math.inf, f"b has {len(vips)} addresses", 10)
        changes = [(at_s, count) for at_s, count in timeline.changes if at_s > began_s and count]
        whole_s = timeline.whole_after(began_s)
    finally:
        timeline.close()
    announced = first_ns(heard, ANNOUNCEMENT, "b")
    first = min([_wall_ns(changes[0][0]), first_ns(heard, ADVERT, "b")[link, number], *announced.values()])
    last = max([_wall_ns(whole_s), *announced.values()])
    expired_ns = _expired_ns(heard, pair.load, link, number)
    return {"up_ms": (last - first) / 1e6, "announced_ms": (last - expired_ns) / 1e6}


def _expired_ns(heard: list[Heard], load: Load, link: int, number: int) -> int:
    """When node b's timer has run out, by the last advert that reached the switch."""
    return last_advert_ns(heard, "a")[link, number] + int(load.down_s * 1e9)


def _wall_ns(monotonic_s: float) -> int:
    return time.time_ns() - int((time.monotonic() - monotonic_s) * 1e9)
