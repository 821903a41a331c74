# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What many virtual routers cost: processor time as MASTER and as BACKUP, memory, start, late adverts, failover."""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass

from .daemons import Daemon, Load
from .pair import ANNOUNCED_S, Figures, Pair, pair_of
from .usage import Usage
from .wire import ADVERT, ANNOUNCEMENT, Heard, first_ns, last_advert_ns, late_ms


@dataclass(frozen=True)
class Patience:
    """For how long what was announced settles, processor time is measured, and adverts are listened to."""

    settle_s: float = ANNOUNCED_S
    window_s: float = 10.0
    listen_s: float = 5.0


PATIENCE = Patience()


def measure(kind: str, load: Load, release: str, patience: Patience = PATIENCE) -> Figures:
    """All figures of one pair, by their names."""
    with pair_of(kind, load, release) as pair:
        figures = {"start_s": pair.a.start(load), "start_cpu_s": pair.a.usage().cpu_ns / 1e9}
        pair.a.wait_until_master(load)
        pair.b.start(load)
        time.sleep(patience.settle_s)
        figures |= _everyday_work(pair, patience.window_s)
        figures |= _late(pair, patience.listen_s)
        return figures | _failover(pair)


def cost(kind: str, load: Load, release: str, patience: Patience = PATIENCE) -> Figures:
    """Processor time and memory alone."""
    with pair_of(kind, load, release) as pair:
        pair.up(patience.settle_s)
        return _everyday_work(pair, patience.window_s)


def _everyday_work(pair: Pair, window_s: float) -> Figures:
    nodes: Sequence[Daemon] = (pair.a, pair.b)
    began, before = time.monotonic(), [node.usage() for node in nodes]
    time.sleep(window_s)
    seconds, after = time.monotonic() - began, [node.usage() for node in nodes]
    percent = [_percent(one, other, seconds) for one, other in zip(before, after)]
    return {
        "cpu_master": percent[0],
        "cpu_backup": percent[1],
        "memory_master_mb": after[0].memory_kib / 1024,
        "memory_backup_mb": after[1].memory_kib / 1024,
    }


def _percent(before: Usage, after: Usage, seconds: float) -> float:
    return (after.cpu_ns - before.cpu_ns) / 1e9 / seconds * 100


def _late(pair: Pair, listen_s: float) -> Figures:
    with pair.recording() as heard:
        time.sleep(listen_s)
    late = sorted(late_ms(heard, "a", pair.load.interval_s))
    return {
        "late_median_ms": statistics.median(late),
        "late_99_ms": late[len(late) * 99 // 100],
        "late_most_ms": late[-1],
    }


def _failover(pair: Pair) -> Figures:
    """All segments of node a are cut at once; counted from the moment at which b's timers expire."""
    return takeover(pair.fail_over(), pair.load)


def takeover(heard: Sequence[Heard], load: Load) -> Figures:
    """When each virtual router of b was announced and advertised after its timer had expired: the median, the last."""
    last, adverts = last_advert_ns(heard, "a"), first_ns(heard, ADVERT, "b")
    announced = first_ns(heard, ANNOUNCEMENT, "b")
    after = []
    for link, number, vips in load.routers():
        expired_ns = last[link, number] + int(load.down_s * 1e9)
        served_ns = max(announced[vip] for vip in vips)
        after.append((max(served_ns, adverts[link, number]) - expired_ns) / 1e6)
    return {"takeover_median_ms": statistics.median(after), "takeover_last_ms": max(after)}
