# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/conformance.md is true: what the code cites is on it, and what it names exists."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import vrrp_agent

PACKAGE = Path(vrrp_agent.__file__).parent
ROOT = Path(__file__).resolve().parents[3]
PAGE = ROOT / "docs/conformance.md"
CITATION = re.compile(r"RFC (\d{4}) (\d+(?:\.\d+)*(?:, \d+(?:\.\d+)+)*)")
DEVIATION = "**D**"

pytestmark = pytest.mark.skipif(not PAGE.exists(), reason="without the documents")


def rows() -> list[tuple[str, list[str]]]:
    """Each row of the page's tables: "9568 6.4.2" and its cells."""
    found, rfc = [], ""
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        if line.startswith("## "):
            rfc = (re.findall(r"RFC (\d{4})", line) or [""])[0]
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        section = cells[0].replace("RFC ", "")
        if line.startswith("|") and section[:1].isdigit():
            found.append((f"{rfc} {section}".strip(), cells[1:]))
    return found


def cited() -> set[str]:
    """Every section that the package cites."""
    texts = [file.read_text(encoding="utf-8") for file in sorted(PACKAGE.rglob("*.py"))]
    matches = [match for text in texts for match in CITATION.findall(text)]
    return {f"{rfc} {section}" for rfc, sections in matches for section in sections.split(", ")}


def definitions(folder: Path) -> Iterator[str]:
    """Every function of a folder as module.function, and every method as Class.method."""
    for file in sorted(folder.rglob("*.py")):
        for node in ast.parse(file.read_text(encoding="utf-8")).body:
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                yield f"{file.stem}.{node.name}"
            elif isinstance(node, ast.ClassDef):
                yield from (f"{node.name}.{item.name}" for item in node.body if isinstance(item, ast.FunctionDef))


def names(column: int) -> set[str]:
    """What a column of the tables names."""
    return {name for unused_section, cells in rows() for name in re.findall(r"`([^`]+)`", cells[column])}


def test_the_page_is_read() -> None:
    assert len(rows()) > 60
    assert len(cited()) > 20
    assert all(len(cells) == 4 for unused_section, cells in rows())


def test_every_section_that_the_code_cites_is_on_the_page() -> None:
    """A chapter stands for its sections: 6.4 is on the page with 6.4.1."""
    listed = {section for section, unused_cells in rows()}
    missing = {one for one in cited() if not any(f"{there}.".startswith(f"{one}.") for there in listed)}
    assert missing == set()


def test_every_function_named_exists() -> None:
    assert names(2) - set(definitions(PACKAGE)) == set()


def test_every_test_named_exists() -> None:
    there = {name.partition(".")[2] for name in definitions(ROOT / "tests")}
    assert names(3) - there == set()


def test_what_is_done_is_tested() -> None:
    """A row without a test is a deviation, or asks nothing of the agent and says whose business it is."""
    untested = [section for section, cells in rows() if not cells[3] and DEVIATION not in cells[1]]
    assert untested == ["9568 7.4", "9568 8.3.1", "9568 8.3.2"]
    assert all(cells[3] for unused_section, cells in rows() if cells[2])


def test_every_deviation_has_its_reason() -> None:
    """Each section marked as a deviation is named again where the reasons are."""
    reasons = PAGE.read_text(encoding="utf-8").partition("## Deviations")[2]
    marked = {section.partition(" ")[2] for section, cells in rows() if DEVIATION in cells[1]}
    assert {section for section in marked if section not in reasons} == set()
