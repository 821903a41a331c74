# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Opens the page of the drill in a browser, and looks at what is there."""

from __future__ import annotations

import json
import re
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "support"))

from browser import Element, colours, open_page, picture, shows  # noqa: E402

VERDICTS = {"switchover": "passed", "stop": "passed", "kill": "refused", "freeze": "passed", "cut": "passed"}
# The page's own colours.
SHOWN = {
    "bar of lb1": (0x2F, 0x6F, 0xB2),
    "bar of lb2": (0xD9, 0x82, 0x2B),
    "lost probe": (0xC2, 0x18, 0x5B),
    "word passed": (0x17, 0x72, 0x4A),
}


def look_at_drill(path: Path) -> None:
    """Every fault that was made passed, and its picture shows who held the address and each lost probe."""
    page, complaints = open_page(path)
    assert complaints == [], complaints
    assert page.one("html").attributes["data-script"] == "ran"
    assert verdicts(page) == VERDICTS, verdicts(page)
    assert page.one("span", id="verdict").text == "passed"
    report = json.loads(page.one("script", id="report").text)
    for fault in report["faults"]:
        if fault["verdict"] == "passed":
            look_at_fault(page.one("section", id=fault["name"]), fault)
    refused = page.one("section", id="kill")
    assert "refused: no answer" in refused.text and not list(refused.find("svg"))
    cut = next(fault for fault in report["faults"] if fault["name"] == "cut")
    # (256 - 100) / 256 of 0.5 s beyond three intervals.
    assert abs(cut["bound_s"] - 1.8047) < 0.001, cut["bound_s"]
    assert 0.5 < cut["outage_s"] < cut["bound_s"] + 1, cut["outage_s"]
    assert strokes(page.one("section", id="cut")) > 50
    assert "no advert from" in page.one("section", id="cut").text
    look_at_picture(path)


def look_at_fault(section: Element, fault: dict[str, object]) -> None:
    """The host had the address, in the end again; between, the other one had it."""
    held = list(section.find("rect", class_="segment"))
    order = [one.attributes["data-host"] for one in sorted(held, key=lambda one: float(one.attributes["data-from"]))]
    assert order == ["lb1", "lb2", "lb1"], (fault["name"], order)
    assert strokes(section) == fault["lost"], (fault["name"], strokes(section))
    assert [one.attributes["data-node"] for one in section.find("rect", class_="turn")] == order
    assert "BACKUP -> MASTER: " in section.text


def look_at_picture(path: Path) -> None:
    """The section of the cut really shows bars, lost probes and the verdict. Others are hidden."""
    with tempfile.TemporaryDirectory() as folder:
        small = Path(folder) / "small.html"
        small.write_text(path.read_text().replace("</style>", "header, section:not(#cut) { display: none }</style>"))
        found = colours(picture(small, 800, 600))
    missing = [name for name, colour in SHOWN.items() if not shows(found, colour)]
    assert not missing, f"in the picture there is no {missing}"


def strokes(section: Element) -> int:
    """How many lost probes are marked."""
    return sum(len(re.findall("M", one.attributes["d"])) for one in section.find("path", class_="lost"))


def verdicts(page: Element) -> dict[str, str]:
    """Fault to verdict, as the table at the top has them."""
    rows = (row.attributes for row in page.one("table", id="summary").find("tr"))
    return {row["data-fault"]: row["data-verdict"] for row in rows if "data-fault" in row}


def look_without_scripts(path: Path) -> None:
    """The picture is there all the same."""
    with tempfile.TemporaryDirectory() as folder:
        bare = Path(folder) / "bare.html"
        bare.write_text(path.read_text().replace("script-src &#x27;unsafe-inline&#x27;", "script-src 'none'"))
        page, complaints = open_page(bare)
        assert complaints and "data-script" not in page.one("html").attributes
        look_at_picture(bare)


if __name__ == "__main__":
    look_at_drill(Path(sys.argv[1]))
    look_without_scripts(Path(sys.argv[1]))
