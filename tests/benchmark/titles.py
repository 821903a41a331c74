# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the figures are called, in which unit they are, and what is aimed at."""

from __future__ import annotations

from dataclasses import dataclass

FIGURES = {
    "cpu_master": ("CPU as MASTER", "% of a core"),
    "cpu_backup": ("CPU as BACKUP", "% of a core"),
    "memory_master_mb": ("memory as MASTER (PSS)", "MB"),
    "memory_backup_mb": ("memory as BACKUP (PSS)", "MB"),
    "start_s": ("start until all are BACKUP", "s"),
    "start_cpu_s": ("start until all are BACKUP, CPU time", "s"),
    "late_median_ms": ("adverts late by, median", "ms"),
    "late_99_ms": ("adverts late by, 99th percentile", "ms"),
    "late_most_ms": ("adverts late by, most", "ms"),
    "takeover_median_ms": ("failover of all: median after the bound", "ms"),
    "takeover_last_ms": ("failover of all: last one after the bound", "ms"),
    "answers_ms": ("VIP answers after the down timer expires", "ms"),
    "up_ms": ("first sign of the new MASTER to last address up and announced", "ms"),
    "announced_ms": ("down timer expires to last address up and announced", "ms"),
    "lost": ("probes lost", ""),
    "failovers": ("false failovers", ""),
    "unexplained": ("false failovers, the machine itself not having stood still", ""),
    "pauses": ("times that the machine itself stood still", ""),
    "longest_gap_ms": ("longest gap between adverts", "ms"),
}


@dataclass(frozen=True)
class Aim:
    """At most so much of keepalived's figure, and at most so much at all."""

    ratio: float | None = None
    most: float | None = None

    def __str__(self) -> str:
        parts = [f"{self.ratio:g} x keepalived's"] if self.ratio is not None else []
        return " and ".join(parts + ([f"{self.most:g}"] if self.most is not None else []))

    def met(self, ours: float, theirs: float | None) -> bool:
        """Whether our median keeps to it; where keepalived has none, only the figure itself counts."""
        keeps = self.ratio is None or theirs is None or ours <= self.ratio * theirs
        return keeps and (self.most is None or ours <= self.most)


_THOUSAND = ("scale", "1000")
AIMS = {
    (*_THOUSAND, "cpu_master"): Aim(ratio=1.0),
    (*_THOUSAND, "cpu_backup"): Aim(ratio=1.5),
    (*_THOUSAND, "late_median_ms"): Aim(most=4.8),
    (*_THOUSAND, "late_most_ms"): Aim(most=30),
    (*_THOUSAND, "takeover_last_ms"): Aim(ratio=1.0),
    (*_THOUSAND, "memory_master_mb"): Aim(most=30),
    (*_THOUSAND, "memory_backup_mb"): Aim(most=30),
    (*_THOUSAND, "start_cpu_s"): Aim(most=1.5),
    ("scale", "1", "memory_master_mb"): Aim(most=20),
    ("scale", "1", "memory_backup_mb"): Aim(most=20),
    ("scale", "1", "start_cpu_s"): Aim(most=0.3),
    **{
        ("fast", case, f"cpu_{role}"): Aim(ratio=1.5)
        for case in ("50x10ms", "50x100ms")
        for role in ("master", "backup")
    },
    **{("takeover", case, "answers_ms"): Aim(ratio=1.5, most=2) for case in ("1s", "100ms", "10ms")},
    **{("addresses", case, "up_ms"): Aim(ratio=1.0) for case in ("1", "20", "200")},
    **{("planned", case, "lost"): Aim(most=0) for case in ("stop", "restart", "reload", "upgrade", "switchover")},
    ("busy", "10ms", "failovers"): Aim(most=0),
    ("busy", "10ms", "unexplained"): Aim(most=0),
}
