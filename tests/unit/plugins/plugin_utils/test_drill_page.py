# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page: everything in it, nothing from elsewhere, and nothing that what was found could break."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from ansible_collections.duet.ha_pair.plugins.plugin_utils.drill.markup import Html, data, join, tag
from ansible_collections.duet.ha_pair.plugins.plugin_utils.drill.page import render
from ansible_collections.duet.ha_pair.plugins.plugin_utils.drill.plan import plan
from ansible_collections.duet.ha_pair.plugins.plugin_utils.drill.report import judge
from browser import Element, read
from drills import VIP, drill, gap, pair, record, series, watched

HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)>\"'&amp;\x00\x1b[31m\u2028"
PLAN = plan(pair(), ["switchover", "kill", "stop"])


def page(*records: dict[str, Any], **changes: Any) -> Element:
    """A page as a tree."""
    return read(render(judge(drill(PLAN, *records, **changes))))


def test_a_fault_is_shown_with_its_verdict_bound_holders_and_losses() -> None:
    lost = [100.6 + number / 100 for number in range(300)]
    found = page(record("kill", series(gap(100.59, *lost, before=103.61))))
    [row] = [row for row in found.one("table", id="summary").find("tr") if "data-fault" in row.attributes]
    assert row.text == "killpassed3.02 s3.61 s3000"
    section = found.one("section", id="kill")
    held = [
        (one.attributes["data-host"], one.attributes["data-from"]) for one in section.find("rect", class_="segment")
    ]
    assert held == [("lb1", "-1.5"), ("lb1", "8.0"), ("lb2", "3.6")]
    [marks] = section.find("path", class_="lost")
    assert len(re.findall("M", marks.attributes["d"])) == 300
    assert marks.attributes["data-lost"] == "300"
    assert "bound 3.61 s" in section.text


def test_refused_faults_have_a_place_and_no_picture() -> None:
    refused = {"name": "stop", "outcome": "refused", "why": "refused by the operator", "series": []}
    section = page(record("switchover", series()), refused).one("section", id="stop")
    assert "refused by the operator" in section.text
    assert list(section.find("svg")) == []


def test_what_was_logged_stands_in_the_order_of_time() -> None:
    journal = [{"at": 103.5, "text": "second"}, {"at": 100.1, "text": "web eth0/51: MASTER -> BACKUP: first"}]
    found = page(record("kill", series()), watched=watched([], [], journal))
    rows = list(found.one("table", class_="log").find("tr"))
    assert [row.text for row in rows] == ["+0.100 slb1web eth0/51: MASTER -> BACKUP: first", "+3.500 slb1second"]
    assert "transition" in rows[0].attributes["class"]


def test_nothing_comes_from_elsewhere() -> None:
    text = render(judge(drill(PLAN, record("kill", series()))))
    assert re.findall(r"""(?:src|href)=["'](?!#)|url\(|@import|https?://""", text) == []
    assert "default-src 'none'" in read(text).one("meta", http_equiv="Content-Security-Policy").attributes["content"]


def test_nothing_that_was_found_becomes_a_part_of_the_page() -> None:
    refused = {"name": "stop", "outcome": "refused", "why": HOSTILE, "series": []}
    found = series(gap(101.0, 101.01, before=101.02, error=HOSTILE))
    text = render(
        judge(
            drill(
                PLAN,
                record("kill", found, outcome="failed", why=HOSTILE),
                refused,
                group=HOSTILE,
                client=HOSTILE,
                clocks={HOSTILE: {"offset": 1.0, "uncertainty": 0.1}},
                watched=watched([], [], [{"at": 101.0, "text": HOSTILE}]),
            )
        )
    )
    tree = read(text)
    assert len(list(tree.find("script"))) == 2
    assert list(tree.find("img")) == []
    assert not any(name.startswith("on") for one in tree.find() for name in one.attributes)
    assert "\x00" not in text and "\x1b" not in text
    assert "</script><script>alert(1)" in tree.one("table", class_="log").text  # as text
    assert json.loads(tree.one("script", id="report").text)["group"] == HOSTILE


def test_an_instance_and_an_address_are_text_too() -> None:
    hostile = {**pair(), "lb2": {**pair()["lb2"]}}
    for one in hostile.values():
        one["instances"] = [{**one["instances"][0], "name": HOSTILE}]
    made = plan(hostile, ["kill"])
    tree = read(render(judge(drill(made, record("kill", series())))))
    assert len(list(tree.find("script"))) == 2
    assert any("alert(1)" in one.text for one in tree.find("tspan"))


def test_programs_read_it_too() -> None:
    judged = judge(drill(PLAN, record("kill", series())))
    assert json.loads(read(render(judged)).one("script", id="report").text) == judged


def test_every_picture_has_words() -> None:
    [picture] = page(record("kill", series(gap(101.0, 101.01, before=101.02)))).find("svg", class_="timeline")
    assert picture.attributes["role"] == "img"
    label, description = picture.attributes["aria-labelledby"].split()
    assert picture.one("title", id=label).text == "Who had each address during kill"
    words = picture.one("desc", id=description).text
    assert f"{VIP} on lb1 from -1.500 s to +3.000 s" in words
    assert f"{VIP} icmp: 1 lost at +1.010 s: no answer in time" in words


@pytest.mark.parametrize("long_s", [0.0001, 0.5, 20, 4000])
def test_a_picture_of_any_length(long_s: float) -> None:
    moments = {"broke": [100.0, 100.0], "mended": [100.0, 100.0], "whole": 100.0 + long_s}
    [picture] = page({**record("kill", series()), **moments}).find("svg", class_="timeline")
    assert 1 <= len(list(picture.find("text", class_="tick"))) < 40


def test_markup_escapes_all_but_its_own() -> None:
    assert join("<b>", Html("<b>"), ["&", None], 5) == "&lt;b&gt;<b>&amp;5"
    assert tag("p", class_="x", data_a='"<', id=None) == '<p class="x" data-a="&quot;&lt;"></p>'
    assert tag("br") == "<br>"
    assert "</" not in data("x", {"a": "</script>"}).removesuffix("</script>")
