# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""keepalived.conf becomes a tree as keepalived itself would read it, and no text makes the parser fail."""

from __future__ import annotations

import time
from typing import Any

import pytest
from ansible_collections.duet.ha_pair.plugins.plugin_utils.keepalived.grammar import Statement, parse
from hypothesis import given, settings
from hypothesis import strategies as st


def shape(statements: list[Statement]) -> list[Any]:
    """Statements as lists of words, a block behind its own."""
    return [[*one.words, shape(one.block)] if one.block is not None else one.words for one in statements]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a b # c\n! d\ne", [["a", "b"], ["e"]]),
        ('a "b # c ! d" e', [["a", "b # c ! d", "e"]]),
        ("a b\\#c \\!d", [["a", "b#c", "!d"]]),
        ("a {\n b {\n c\n }\n d\n}\ne", [["a", [["b", [["c"]]], ["d"]]], ["e"]]),
        ("a\n{\nb\n}", [["a", [["b"]]]]),
        ("a { b { c } d }", [["a", [["b", [["c"]]], ["d"]]]]),
        ('a "{ b }" c', [["a", "{ b }", "c"]]),
        ("a{b}", [["a", [["b"]]]]),
        ("a\r\nb\r\n", [["a"], ["b"]]),
        ("@lb1 a\n@lb2 b\n@^lb1 c\n@^lb2 d", [["a"], ["d"]]),
        ("$X=1\n$Y=${X}2\na $X ${Y}3 $Z", [["a", "1", "123", "$Z"]]),
        ("@lb1 $P=240\n@lb2 $P=200\na { b $P }", [["a", [["b", "240"]]]]),
        ("a ${_INSTANCE}", [["a", "lb1"]]),
        ("", []),
    ],
)
def test_the_tree(text: str, expected: list[Any]) -> None:
    tree = parse(text, "lb1")
    assert shape(tree.statements) == expected
    assert tree.remarks == []


@pytest.mark.parametrize(
    ("text", "line", "keyword", "says"),
    [
        ("a\nb {\n c", 2, "{", "never closed"),
        ("a\n}", 2, "}", "nobody has opened"),
        ("{\na\n}", 1, "{", "belongs to no keyword"),
        ("~SEQ(X, 1, 3) a $X", 1, "~SEQ", "sequence"),
        ("$X= \\\n a \\\n b\n$X", 1, "$", "several lines"),
        ("$X=${Y}\n$Y=${X}\na $X", 3, "$", "no end"),
        ("$X=${X}${X}${X}${X}\na $X", 2, "$", "no end"),
        ("a ${_RANDOM}", 1, "$", "keepalived fills in"),
        ("a " + 2000 * "b", 1, "", "longer than"),
        ("\ninclude other.conf", 2, "include", "was not given"),
    ],
)
def test_what_is_not_understood_is_said(text: str, line: int, keyword: str, says: str) -> None:
    remark = parse(text).remarks[0]
    assert (remark.severity, remark.line, remark.keyword) == ("error", line, keyword)
    assert says in remark.means


def test_includes_are_followed_where_they_were_given() -> None:
    files = {
        "/etc/keepalived/conf.d/b.conf": "b",
        "/etc/keepalived/conf.d/a.conf": "a\ninclude ../more/*.inc\ninclude none.conf",
        "/etc/keepalived/more/c.inc": "c",
    }
    tree = parse("x\nincludea conf.d/*.conf\ny", files=files)
    assert [one.keyword for one in tree.statements] == ["x", "a", "c", "b", "y"]
    assert [(one.file, one.line) for one in tree.statements[1:3]] == [
        ("/etc/keepalived/conf.d/a.conf", 1),
        ("/etc/keepalived/more/c.inc", 1),
    ]
    assert tree.missing == ["/etc/keepalived/conf.d/none.conf"]
    assert (tree.remarks[0].file, tree.remarks[0].line) == ("/etc/keepalived/conf.d/a.conf", 3)


def test_a_file_that_includes_itself_ends() -> None:
    tree = parse("include a.conf", files={"/etc/keepalived/a.conf": "a\ninclude a.conf\nb"})
    assert [one.keyword for one in tree.statements] == ["a", "b"]
    assert "includes itself" in tree.remarks[0].means


WORDS = [
    "{",
    "}",
    "\n",
    " ",
    '"',
    "'",
    "\\",
    "#",
    "!",
    "@lb1 ",
    "@^",
    "$",
    "${",
    "=",
    "~",
    "a",
    "$a",
    "$a=",
    "include ",
]


@settings(deadline=None, max_examples=300)
@given(st.one_of(st.text(), st.lists(st.sampled_from(WORDS)).map("".join)))
def test_any_text_gives_a_tree(text: str) -> None:
    tree = parse(text, "lb1", {"/etc/keepalived/a": "a {"})
    assert all(remark.severity == "error" for remark in tree.remarks)


@pytest.mark.parametrize("piece", ["a {\n", "a b c\n", "}\n", "a { b }", '"', "\\", "$a=$a\n", "include x\n"])
def test_the_effort_is_linear(piece: str) -> None:
    """It takes a second at most, and more on a busy machine; what is not linear would take much longer."""
    began = time.monotonic()
    parse(piece * (300_000 // len(piece)), files={"/etc/keepalived/x": ""})
    assert time.monotonic() - began < 60
