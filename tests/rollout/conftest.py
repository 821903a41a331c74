# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Four real hosts, which are two pairs, for all tests of rolling out."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from lab import Lab
from tests.rollout.controller import Controller


@pytest.fixture(scope="session")
def controller(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Controller]:
    """A controller of hosts on which nothing is deployed yet."""
    if os.geteuid() != 0:
        pytest.skip("makes hosts: needs root")
    lab = Lab(f"roll{os.getpid()}")
    try:
        lab.up(["lb1", "lb2", "lb3", "lb4"])
        yield Controller(lab, tmp_path_factory.mktemp("controller"))
    finally:
        lab.down()
