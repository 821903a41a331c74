# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The JSON text of a configuration: anything at all is a configuration or a ConfigError."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from vrrp_agent import config
from vrrp_agent.schema import ConfigError


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "not JSON: Expecting value at line 1, column 1"),
        ("{\n  'router_id': 1}", "not JSON: Expecting property name enclosed in double quotes at line 2, column 3"),
        ('{"router_id": "lb1"} {}', "not JSON: Extra data at line 1, column 22"),
        ('{"router_id": "lb1", "router_id": "lb2"}', "router_id: stands twice in one object; keep one of the two"),
        (
            '{"router_id": "lb1", "instances": [{"priority": 1, "priority": 2}]}',
            "priority: stands twice in one object; keep one of the two",
        ),
        ("[" * 100_000, "not a configuration: nested too deeply, or a number of too many digits"),
    ],
)
def test_text_refused(text: str, expected: str) -> None:
    with pytest.raises(ConfigError) as caught:
        config.load(text)
    assert str(caught.value) == expected


def test_a_number_of_thousands_of_digits() -> None:
    """Some versions of Python refuse to read it, with an error of their own."""
    with pytest.raises(ConfigError):
        config.load('{"router_id": "lb1", "instances": ' + "1" * 5_000 + "}")


KEYS = st.sampled_from(
    [
        "router_id",
        "instances",
        "name",
        "interface",
        "virtual_router_id",
        "version",
        "priority",
        "advert_interval",
        "preempt",
        "virtual_addresses",
        "extra_addresses",
        "authentication",
        "type",
        "password",
    ]
)
VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=5),
    st.sampled_from(["web", "eth0", "10.0.0.1/24", "fe80::1", "pass", "none"]),
)
TREES = st.recursive(VALUES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=8))


@given(tree=TREES | st.fixed_dictionaries({"router_id": st.just("lb1"), "instances": st.lists(TREES, max_size=3)}))
def test_any_document_is_a_configuration_or_its_problems(tree: object) -> None:
    for problem in config.validate(tree):
        assert isinstance(problem, ConfigError)
        assert problem.why and "\n" not in str(problem)


@given(text=st.text(max_size=60))
def test_any_text_is_a_configuration_or_an_error(text: str) -> None:
    with pytest.raises(ConfigError):
        config.load(text)
