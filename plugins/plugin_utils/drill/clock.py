# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How far a host's clock is from the controller's, out of a few questions and answers. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Exchange:
    """The controller's time before and after, and the host's time somewhere in between; all in s since the epoch."""

    asked_s: float
    there_s: float
    answered_s: float


def best(exchanges: Sequence[Exchange]) -> tuple[float, float]:
    """How far the host is ahead, and by how much that may be wrong: the shortest exchange knows it best."""
    shortest = min(exchanges, key=lambda one: one.answered_s - one.asked_s)
    middle_s = (shortest.asked_s + shortest.answered_s) / 2
    return round(shortest.there_s - middle_s, 6), round((shortest.answered_s - shortest.asked_s) / 2, 6)
