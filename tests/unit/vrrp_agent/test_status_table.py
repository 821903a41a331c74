# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table that people read: what is in it, in which width and colour."""

from __future__ import annotations

import re
from typing import Any

import pytest
from vrrp_agent.status_table import Style, table

# 2026-11-22T16:03:12Z
NOW_S = 1795363392.0
SINCE = "2026-11-22T16:00:00.123Z"


def an_instance(**changed: Any) -> dict[str, Any]:
    return {
        "name": "web",
        "interface": "eth0",
        "virtual_router_id": 51,
        "state": "MASTER",
        "since": SINCE,
        "priority": 150,
        "effective_priority": 150,
        "master": {"address": "10.139.1.10", "priority": 150, "last_heard": None},
        "addresses_present": ["10.139.1.1/24"],
        "last_transition": {"from": "BACKUP", "to": "MASTER", "reason": "no advert heard for 3.41 s", "at": SINCE},
        "fault": None,
        "checks": [],
        **changed,
    }


def a_check(**changed: Any) -> dict[str, Any]:
    return {
        "name": "nginx",
        "type": "http",
        "healthy": True,
        "since": SINCE,
        "last_run": SINCE,
        "duration_ms": 1.5,
        "detail": "200 OK",
        "failures": 0,
        "on_fail": "release",
        **changed,
    }


def lines(*instances: dict[str, Any], width: int | None = None, style: Style | None = None, **top: Any) -> list[str]:
    return table({"instances": list(instances), **top}, NOW_S, width, style).splitlines()


def test_a_line_for_each_instance() -> None:
    idle = an_instance(name="database", state="BACKUP", effective_priority=90, addresses_present=[])
    assert lines(an_instance(), idle) == [
        "INSTANCE  INTERFACE/VRID  STATE   SINCE  PRIORITY   MASTER       ADDRESSES HERE  WHY",
        "web       eth0/51         MASTER  3m11s  150        10.139.1.10  10.139.1.1/24   no advert heard for 3.41 s",
        "database  eth0/51         BACKUP  3m11s  90 of 150  10.139.1.10  -               no advert heard for 3.41 s",
    ]


def test_of_nothing_there_is_a_heading() -> None:
    assert lines() == ["INSTANCE  INTERFACE/VRID  STATE  SINCE  PRIORITY  MASTER  ADDRESSES HERE  WHY"]


def test_the_fault_of_now_counts() -> None:
    """It may have become another one since the transition."""
    assert lines(an_instance(state="FAULT", fault="eth0 has no carrier"))[1].endswith("  eth0 has no carrier")


def test_checks_have_a_column_where_there_are_any() -> None:
    failed = a_check(name="api", healthy=False, detail="503\x1b[2J is not 200")
    sick = an_instance(checks=[a_check(), failed, a_check(name="new", healthy=None)])
    heading, web, database, warning = lines(sick, an_instance(name="database"))
    column = slice(heading.index("CHECKS"), heading.index("WHY"))
    assert (web[column].strip(), database[column].strip()) == ("1/3 ok, not api", "")
    assert warning == "WARNING web: check api has failed for 3m11s: 503?[2J is not 200"


def test_the_last_resort_is_a_warning_while_it_has_the_role() -> None:
    sick = an_instance(last_resort=True, effective_priority=20)
    why = "this node is sick, and no healthy one takes the role"
    assert lines(sick)[2:] == [f"WARNING web: MASTER as the last resort: {why}"]
    assert lines(an_instance(last_resort=True, state="BACKUP"))[2:] == []


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0s"), (59, "59s"), (60, "1m0s"), (3600, "1h0m"), (90_061, "1d1h"), (-5, "0s")]
)
def test_since_is_an_age(seconds: float, text: str) -> None:
    began = 1795363200.0  # 16:00:00
    row = table({"instances": [an_instance(since="2026-11-22T16:00:00.000Z")]}, began + seconds).splitlines()[1]
    assert row.split()[3] == text


def test_warnings_of_others_with_the_role() -> None:
    conflicts = [
        {"address": "10.139.1.1", "mac": mac, "since": SINCE, "last_seen": SINCE} for mac in ("02:00:00:00:0e:01", None)
    ]
    deaf = {"address": "10.139.1.12", "priority": 100, "since": SINCE}
    refused = {"at": SINCE, "ok": False, "error": "instances[0].name: is missing"}
    assert lines(an_instance(conflicts=conflicts, not_heard_by=deaf), last_reload=refused)[2:] == [
        f"WARNING web: 02:00:00:00:0e:01 has 10.139.1.1, since {SINCE}",
        f"WARNING web: more MACs have 10.139.1.1, since {SINCE}",
        f"WARNING web: 10.139.1.12 (priority 100) is MASTER too, and does not hear this node, since {SINCE}",
        "WARNING the last reload was refused, the configuration before is at work: instances[0].name: is missing",
    ]


def test_a_drained_node_says_so() -> None:
    idle = an_instance(state="INIT", master=None, addresses_present=[], last_transition=None)
    told = lines(idle, drained=True)
    assert told[0] == "DRAINED: this node takes no part until `vrrp-agent undrain`"
    assert told[-1].split() == ["web", "eth0/51", "INIT", "3m11s", "150", "-", "-", "drained"]


# --- widths


LONG = an_instance(fault="192.0.2.12 has the lower priority: 100 < 150, and so on until it is a very long reason")


def words(told: list[str]) -> list[str]:
    return " ".join(told).split()


@pytest.mark.parametrize("width", [24, 40, 60, 80, 100, 120, 200])
def test_nothing_is_cut_off_and_nothing_too_wide(width: int) -> None:
    told = lines(LONG, an_instance(name="database", conflicts=[]), width=width, drained=False)
    assert max(map(len, told)) <= width
    text = "".join(words(told))
    for word in ("web", "eth0/51", "10.139.1.10", "10.139.1.1/24", *LONG["fault"].split()):
        assert word in text


def test_a_narrow_terminal_has_a_paragraph_for_each() -> None:
    assert lines(an_instance(), an_instance(name="database", state="INIT", addresses_present=[]), width=50) == [
        "web eth0/51 MASTER",
        "  since: 3m11s",
        "  priority: 150",
        "  master: 10.139.1.10",
        "  addresses here: 10.139.1.1/24",
        "  why: no advert heard for 3.41 s",
        "",
        "database eth0/51 INIT",
        "  since: 3m11s",
        "  priority: 150",
        "  master: 10.139.1.10",
        "  why: no advert heard for 3.41 s",
    ]


def test_the_last_column_is_wrapped() -> None:
    [unused_heading, first, *more] = lines(LONG, width=115)
    column = first.index("192.0.2.12")
    assert more and all(line[:column].strip() == "" and line[column] != " " for line in more)


# --- colours


@pytest.mark.parametrize(("state", "code"), [("MASTER", "32"), ("BACKUP", "36"), ("FAULT", "1;31"), ("INIT", "33")])
@pytest.mark.parametrize("width", [None, 30])
def test_a_state_has_its_colour(state: str, code: str, width: int | None) -> None:
    plain = lines(an_instance(state=state), width=width)
    coloured = lines(an_instance(state=state), width=width, style=Style(True))
    assert any(re.search(rf"\x1b\[{code}m{state} *\x1b\[0m", line) for line in coloured)
    assert [re.sub(r"\x1b\[[0-9;]*m", "", line) for line in coloured] == plain


def test_no_colour_unless_wanted() -> None:
    assert "\x1b" not in "".join(lines(an_instance(), drained=True))


def test_who_is_not_told_is_a_warning() -> None:
    last = {"name": "web", "state": "MASTER", "result": "failed", "problem": "exit code 3"}
    receiver = {"problem": "answered 500\n", "waiting": 2}
    told: dict[str, Any] = {
        "notify": [{"command": ["/bin/notify"], "last": last}, {"command": ["/bin/new"], "last": None}],
        "mail": {**receiver, "problem": None},
        "webhooks": [{"host": "https://example.com", **receiver}],
        "events": {"error": "No space left on device"},
    }
    assert lines(an_instance(), **told)[2:] == [
        "WARNING notify: /bin/notify for web MASTER: exit code 3",
        "WARNING webhook https://example.com: answered 500?; 2 events wait",
        "WARNING events are not written: No space left on device",
    ]
