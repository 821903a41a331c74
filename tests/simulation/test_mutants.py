# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The simulation can fail: every bug that is put into Router is found within a few seeds."""

from __future__ import annotations

import pytest

from .mutants import MUTANTS
from .runner import find

SEEDS = range(1000)


@pytest.mark.parametrize("name", MUTANTS)
def test_finds(name: str) -> None:
    """A bug in Router breaks an invariant."""
    with MUTANTS[name]():
        found = find(SEEDS)
    assert found is not None, f"{len(SEEDS)} schedules, and nobody has noticed: {name}"


def test_finds_nothing_without_a_bug() -> None:
    """Each bug above is undone, and it is the bug that is found."""
    assert find(range(200)) is None
