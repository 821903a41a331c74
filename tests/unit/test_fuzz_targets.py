# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fuzzer's targets hold for its seeds and for octets at random, so that the harness itself stays whole."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from vrrp_agent.protocol.events import State
from vrrp_agent.protocol.router import Router

from tests.fuzz import targets

octets = st.binary(max_size=200)


@pytest.mark.parametrize("name", targets.TARGETS)
def test_seeds(name: str) -> None:
    found = targets.seeds(name)
    assert found
    for seed in found:
        targets.TARGETS[name](seed)


@given(octets)
def test_any_octets_decoded(data: bytes) -> None:
    targets.decode(data)


@given(octets)
def test_any_story_of_a_router(data: bytes) -> None:
    targets.router(data)


def test_seeds_lead_far(monkeypatch: pytest.MonkeyPatch) -> None:
    """The seeds of the router reach its MASTER state, those of the decoder adverts: a fuzzer starts from there."""
    seen = set()
    handle = Router.handle

    def watched(self: Router, event: object, now_ns: int) -> object:
        effects = handle(self, event, now_ns)
        seen.add(self.state)
        return effects

    monkeypatch.setattr(Router, "handle", watched)
    for seed in targets.seeds("router"):
        targets.router(seed)
    assert {State.BACKUP, State.MASTER, State.INIT} <= seen
