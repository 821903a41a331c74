# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A segment with our agent on one node and keepalived on the other; what was started is killed with its namespace."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from peers import Keepalived, OurAgent
from segment import Segment, remove_leftovers

from lab import roots


@pytest.fixture(scope="session", params=["bookworm", "trixie"])
def keepalived_root(request: pytest.FixtureRequest) -> Path:
    """The root file system of a Debian release with its keepalived."""
    remove_leftovers()
    return roots.ensure(request.param, ["keepalived"])


@pytest.fixture
def segment() -> Iterator[Segment]:
    """Two nodes, ours and theirs, on one bridge."""
    made = Segment(["ours", "theirs"])
    yield made
    made.remove()


@pytest.fixture
def ours(segment: Segment, tmp_path: Path) -> OurAgent:
    """Our agent, not yet started."""
    return OurAgent(segment["ours"], tmp_path / "ours")


@pytest.fixture
def theirs(segment: Segment, tmp_path: Path, keepalived_root: Path) -> Keepalived:
    """keepalived, not yet started."""
    return Keepalived(segment["theirs"], tmp_path / "theirs", keepalived_root)
