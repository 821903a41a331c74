# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page about reliability is what its figures say, and what the figures are made of is counted right."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.reliability import page
from tests.reliability.holders import Holding, both_ns, gone_ns, parse

DOCS = Path(__file__).resolve().parents[3] / "docs"
VIP, OTHER = "10.139.1.1/24", "10.139.1.2/24"
NONE = {
    "lost": 0,
    "silence_ms": 0.0,
    "both_ms": 0.0,
    "gone_ms": 0.0,
    "told_ms": None,
    "moves": 0,
    "dies": False,
    "listens": False,
}


def test_the_page_is_what_the_figures_say() -> None:
    """Nothing in its tables is typed by hand."""
    text = (DOCS / "reliability.md").read_text()
    assert page.replace_block(text, json.loads((DOCS / "reliability.json").read_text())) == text


@pytest.mark.parametrize(
    ("outcomes", "told"),
    [
        ([NONE], "**0 lost**"),
        (
            [{**NONE, "lost": 1, "silence_ms": 1.0}, NONE, NONE],
            "0 (1) lost, silent 0.0 (1.0) ms",
        ),
        (
            [{**NONE, "lost": lost, "silence_ms": lost + 2.0, "moves": 2} for lost in (510, 520, 512)],
            "512 (520) lost, silent 514 (522) ms<br>2 moves",
        ),
        ([{**NONE, "lost": 3400, "silence_ms": 3420.0, "moves": 1}], "3400 lost, silent 3.42 s<br>1 move"),
        (
            [{**NONE, "dies": True, "gone_ms": 3001.0, "both_ms": 25.4}],
            "**0 lost**<br>VIP gone after 3.00 s<br>on both nodes 25 ms",
        ),
        (
            [NONE | {"dies": True, "gone_ms": None, "both_ms": None}],
            "**0 lost**<br>VIP stays<br>on both nodes for good",
        ),
        ([{**NONE, "listens": True, "told_ms": 120.0}], "**0 lost**<br>says so after 120 ms"),
        ([{**NONE, "listens": True, "told_ms": 120.0}, {**NONE, "listens": True}], "**0 lost**<br>says nothing of it"),
        ([NONE, {"error": "AssertionError: a holds nothing"}], "not measured: AssertionError: a holds nothing"),
        ([], "not measured: left out"),
    ],
)
def test_a_cell(outcomes: list[dict[str, object]], told: str) -> None:
    """Medians with the worst in brackets; never a figure for something that went wrong."""
    assert page.cell(outcomes) == told


def news(second: int, address: str, gone: bool = False) -> str:
    deleted = "Deleted " if gone else ""
    return f"[2026-01-31T12:00:{second:02}.500000] {deleted}2: eth0    inet {address} scope global dynamic eth0\\ x"


def test_holdings_are_read_from_the_monitor() -> None:
    """A renewed address is no new one; other addresses are nobody's business; the last line may be half written."""
    lines = [news(1, VIP), news(2, VIP), news(3, "10.139.1.11/24"), news(4, VIP, gone=True), news(6, VIP), "[2026-01"]
    first, second = parse("a", "\n".join(lines), [VIP, OTHER])
    assert first.ended_ns is not None
    assert (first.ended_ns - first.began_ns, second.began_ns - first.ended_ns) == (3_000_000_000, 2_000_000_000)
    assert second.ended_ns is None


def test_both_and_gone() -> None:
    held = [
        Holding("a", VIP, 0, 30),
        Holding("b", VIP, 20, None),
        Holding("a", OTHER, 0, 28),
        Holding("b", OTHER, 28, None),
    ]
    assert both_ns(held, 10, 100) == 10
    assert both_ns(held, 25, 27) == 2
    assert both_ns(held[:1], 0, 100) == 0
    assert gone_ns(held, "a", 10) == 30
    assert gone_ns(held, "b", 50) is None
