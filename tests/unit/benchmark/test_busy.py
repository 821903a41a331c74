# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which false failovers are the machine's own."""

from __future__ import annotations

import pytest
from metronome import Pause

from tests.benchmark.busy import count, unexplained
from tests.benchmark.wire import ADVERT, ANNOUNCEMENT, Heard


def heard(*said: tuple[float, str]) -> list[Heard]:
    return [Heard(round(at_s * 1e9), ADVERT, sender, (0, 1)) for at_s, sender in said]


SAID = heard((1.00, "a"), (1.01, "a"), (1.05, "b"), (1.06, "b"), (1.10, "a"), (5.00, "a"), (5.04, "b"), (5.05, "b"))


def test_one_after_a_standstill_is_explained() -> None:
    announced = Heard(5_030_000_000, ANNOUNCEMENT, "b", "10.140.1.1")
    assert unexplained([*SAID[:6], announced, *SAID[6:]], []) == [pytest.approx(1.05), pytest.approx(5.04)]
    assert unexplained(SAID, [Pause(1.01, 1.05)]) == [pytest.approx(5.04)]
    assert unexplained(SAID, [Pause(0.90, 1.02), Pause(5.00, 5.03)]) == []
    assert unexplained(SAID, [Pause(3.0, 3.5)]) == [pytest.approx(1.05), pytest.approx(5.04)]


def test_processors_that_stand_still_together_count_once() -> None:
    assert count([Pause(3.0, 3.1), Pause(1.0, 1.2), Pause(1.1, 1.15), Pause(1.18, 1.3), Pause(3.2, 3.3)]) == 3
    assert count([]) == 0
