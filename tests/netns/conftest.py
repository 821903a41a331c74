# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fixtures over segment.py; everything made through them is removed at the end of the test, also of a failed one."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from observer import Capture, looking_on
from segment import Namespace, Segment, remove_leftovers

MakeNamespace = Callable[[str], Namespace]
MakeSegment = Callable[..., Segment]


@pytest.fixture(scope="session", autouse=True)
def clean_machine() -> None:
    """Nothing of an earlier, killed run is in the way."""
    if os.geteuid() != 0:
        pytest.exit("tests/netns makes network namespaces: run it as root", returncode=1)
    remove_leftovers()


@pytest.fixture
def netns() -> Iterator[MakeNamespace]:
    """A factory of single namespaces: netns("label")."""
    with ExitStack() as stack:

        def make(label: str) -> Namespace:
            namespace = Namespace(label)
            stack.callback(namespace.remove)
            return namespace

        yield make


@pytest.fixture
def make_segment() -> Iterator[MakeSegment]:
    """A factory of segments: make_segment("a", "b", "client"), with `links=2` of two for each node."""
    with ExitStack() as stack:

        def make(*labels: str, links: int = 1) -> Segment:
            segment = Segment(labels, links)
            stack.callback(segment.remove)
            return segment

        yield make


@pytest.fixture
def segment(make_segment: MakeSegment) -> Segment:
    """Two nodes, a and b, on one bridge."""
    return make_segment("a", "b")


@pytest.fixture
def third(make_segment: MakeSegment) -> Segment:
    """A segment with a node that looks on."""
    return make_segment("a", "b", "observer")


@pytest.fixture
def capture(third: Segment) -> Iterator[Capture]:
    """All frames that reach the observer."""
    with looking_on(third["observer"]) as frames:
        yield frames
