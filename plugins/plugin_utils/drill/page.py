# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page of a fire drill: one HTML file that needs nothing else, and says everything without scripts. Pure."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping
from typing import Any

from . import style
from .markup import Html, data, join, tag
from .report import bound_text, outage_text
from .timeline import COLOURS, LEFT, RIGHT, WIDTH, Scale, draw, words

_MADE = ("passed", "failed", "not proven")
_OVER_ALL = {
    "passed": "Every fault that was made cost no more than it may.",
    "failed": "Not everything was as promised.",
    "not proven": "Not everything could be seen.",
    "refused": "Every fault was refused; nothing was done.",
}


def render(report: Mapping[str, Any]) -> str:
    """The page."""
    title = f"Fire drill of {report['group']}, {_date(report['began'])}"
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        # It is opened from disk: nothing in it may fetch or send anything.
        tag(
            "meta",
            http_equiv="Content-Security-Policy",
            content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'",
        ),
        tag("title", title),
        tag("style", Html(style.CSS)),
    )
    body = tag(
        "body",
        _header(report, title),
        tag("main", [_section(fault, report) for fault in report["faults"]], _reading_help(report)),
        data("report", report),
        tag("script", Html(style.SCRIPT)),
        data_left=LEFT,
        data_right=WIDTH - RIGHT,
    )
    return f"<!DOCTYPE html>\n{tag('html', head, body, lang='en')}\n"


def _header(report: Mapping[str, Any], title: str) -> Html:
    masters = ", ".join(f"{name} on {host}" for name, host in report["masters"].items())
    return tag(
        "header",
        tag("div", tag("h1", title), _badge(report["verdict"], id="verdict"), class_="top"),
        tag("p", _OVER_ALL[report["verdict"]]),
        _list(report["reasons"]),
        tag("p", f"Before it, the MASTER of {masters}. The client: {report['client']}.", class_="faint"),
        tag("div", _summary(report), class_="scroll"),
    )


def _summary(report: Mapping[str, Any]) -> Html:
    names = ("fault", "verdict", "longest outage", "bound", "lost", "cut off")
    rows = [tag("tr", [tag("th", name, scope="col") for name in names])]
    for fault in report["faults"]:
        figures = ("-",) * 4
        if fault["verdict"] in _MADE:
            figures = (outage_text(fault), bound_text(fault), str(fault["lost"]), str(fault["cut_off"]))
        rows.append(
            tag(
                "tr",
                tag("th", tag("a", fault["name"], href=f"#{fault['name']}"), scope="row"),
                tag("td", _badge(fault["verdict"])),
                [tag("td", figure, class_="number") for figure in figures],
                data_fault=fault["name"],
                data_verdict=fault["verdict"],
            )
        )
    return tag("table", tag("caption", "What each fault cost beside what it may", class_="faint"), rows, id="summary")


def _section(fault: Mapping[str, Any], report: Mapping[str, Any]) -> Html:
    made = fault["verdict"] in _MADE and fault["rows"]
    return tag(
        "section",
        tag("div", tag("h2", fault["name"]), _badge(fault["verdict"]), class_="top"),
        tag("p", f"{fault['what']}."),
        _list(fault["reasons"]),
        [_figures(fault), _picture(fault, report), _log(fault)] if made else None,
        id=fault["name"],
        aria_label=f"{fault['name']}: {fault['verdict']}",
    )


def _figures(fault: Mapping[str, Any]) -> Html:
    pairs = [
        ("Longest outage", outage_text(fault)),
        ("Bound", bound_text(fault)),
        *(("", text) for text in fault["bound_words"]),
        ("Lost probes", str(fault["lost"])),
        ("Requests cut off half through", str(fault["cut_off"])),
        ("On two hosts at once", f"{fault['overlap_s'] * 1000:.0f} ms"),
        ("Whole again", f"{fault['to'] - fault['broke'][0]:.1f} s after the fault"),
        *(("Note", note) for note in fault["notes"]),
    ]
    return tag("dl", [join(tag("dt", name), tag("dd", text)) for name, text in pairs])


def _picture(fault: Mapping[str, Any], report: Mapping[str, Any]) -> Html:
    return join(
        tag("div", draw(fault, report["hosts"]), class_="scroll", tabindex=0, role="group", aria_label="timeline"),
        tag("p", "", class_="reading", aria_live="off"),
        tag("details", tag("summary", "The same in words"), _list(list(words(fault)))),
    )


def _log(fault: Mapping[str, Any]) -> Html:
    scale = Scale(fault)
    rows = [
        tag(
            "tr",
            tag("td", scale.since(line["at"]), class_="number"),
            tag("td", line["host"]),
            tag("td", line["text"]),
            class_="transition" if line["transition"] else None,
        )
        for line in fault["log"]
    ]
    heading = "Why: what the agents of all hosts logged"
    return tag("details", tag("summary", heading), tag("table", rows, class_="log"), open="open") if rows else Html()


def _reading_help(report: Mapping[str, Any]) -> Html:
    asked = report["questions"]
    how = f"{', '.join(asked['types'])} every {float(asked['interval']) * 1000:g} ms"
    return tag(
        "section",
        tag("h2", "How to read it"),
        tag(
            "ul",
            tag("li", "A bar: the host's kernel had the address. ", [_key(report, host) for host in report["hosts"]]),
            tag("li", "A thin line: the host that answered, where the answers name it (X-Served-By)."),
            tag("li", "A stroke: a probe that was lost; it had no answer within ", f"{float(asked['timeout']):g} s."),
            tag("li", "A pale box: no answer came. Without a stroke in it, the answers were held up, and came later."),
            tag("li", "A dashed stroke: a connection that was half through when the role moved, and was reset."),
            tag("li", "An outage: from the last answered probe before a loss to the first one after it; or a silence."),
            tag("li", f"The client is {report['client']}; it asked each address by {how}."),
            tag("li", f"Above a bound, {report['allowance_s']:g} s are allowed for the client and the machines."),
        ),
        tag("h2", "The clocks"),
        tag("p", "All times are the controller's. A difference within what the comparison can tell is taken for none."),
        _list(list(_clocks(report))),
    )


def _key(report: Mapping[str, Any], host: str) -> Html:
    number = report["hosts"].index(host) % COLOURS
    picture = tag(
        "svg", tag("rect", width=26, height=12, rx=3, class_=f"host{number}"), class_="key", aria_hidden="true"
    )
    return join(picture, f" {host} ")


def _clocks(report: Mapping[str, Any]) -> Iterator[str]:
    for name, clock in report["clocks"].items():
        if clock["offset"] is None:
            continue
        ahead = f"{name} is {clock['offset'] * 1000:+.1f} ms, plus or minus {clock['uncertainty'] * 1000:.1f} ms"
        yield f"{ahead}: {'corrected' if clock['corrected'] else 'taken as it is'}"


def _badge(verdict: str, **attributes: Any) -> Html:
    return tag("span", verdict, class_=f"verdict {verdict.replace(' ', '-')}", **attributes)


def _list(texts: list[str]) -> Html:
    return tag("ul", [tag("li", text) for text in texts if text], class_="reasons") if texts else Html()


def _date(at_s: float) -> str:
    return datetime.datetime.fromtimestamp(at_s, datetime.timezone.utc).strftime("%Y-%m-%d %H:%M:%S UTC")
