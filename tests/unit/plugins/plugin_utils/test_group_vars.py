# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Variables of a group are read as each host has them, also those that a play or a role gives."""

from __future__ import annotations

from collections import UserDict
from typing import Any

import pytest

pytest.importorskip("ansible.plugins.action")
from ansible.errors import AnsibleActionFail  # noqa: E402
from ansible_collections.duet.ha_pair.plugins.plugin_utils.group_vars import GroupVars, plain  # noqa: E402

PLAY_INSTANCES = [{"name": "of the play"}]


class NoTemplates:
    """A templar for variables that hold no template."""

    def template(self, value: Any) -> Any:
        """The value itself."""
        return value


def group_vars(inventory: dict[str, Any], task: dict[str, Any] | None = None) -> GroupVars:
    """What a task on lb1 sees."""
    hostvars = {"lb1": {}, "lb2": {}, **inventory}
    seen = {
        "inventory_hostname": "lb1",
        "groups": {"ha_pair": ["lb1", "lb2"], "empty": []},
        "hostvars": hostvars,
        **hostvars["lb1"],
        **(task or {}),
    }
    return GroupVars(seen, NoTemplates())


def test_each_host_has_its_own_priority() -> None:
    found = group_vars({"lb1": {"vrrp_priority": 90}}).read_group("ha_pair")
    assert [found[host]["vrrp_priority"] for host in ("lb1", "lb2")] == [90, None]


def test_what_the_play_gives_holds_for_all_hosts() -> None:
    found = group_vars({}, {"vrrp_instances": PLAY_INSTANCES}).read_group("ha_pair")
    assert [found[host]["vrrp_instances"] for host in ("lb1", "lb2")] == [PLAY_INSTANCES] * 2


def test_the_group_of_a_host() -> None:
    assert group_vars({}).group_of("lb1") == "ha_pair"
    assert group_vars({"lb2": {"vrrp_group": "west"}}).group_of("lb2") == "west"


def test_the_names_of_a_hosts_variables() -> None:
    assert group_vars({"lb2": {"vrrp_prioritee": 3}}).names("lb2") == ["vrrp_prioritee"]


@pytest.mark.parametrize(("name", "what"), [("empty", "is empty"), ("nowhere", "does not exist")])
def test_a_group_without_hosts(name: str, what: str) -> None:
    with pytest.raises(AnsibleActionFail, match=f"group '{name}' {what}"):
        group_vars({}).read_group(name)


def test_registered_results() -> None:
    found = group_vars({"lb2": {"vrrp_live": {"running": True}}}).registered("vrrp_live", ["lb1", "lb2"])
    assert found == {"lb2": {"running": True}}


def test_values_lose_the_types_that_ansible_wraps_them_in() -> None:
    class Number(int):
        """A number with something attached."""

    class Text(str):
        """A text with something attached."""

    value = plain(UserDict({Text("a"): [Number(1), Text("x"), True, None, 1.5]}))
    assert value == {"a": [1, "x", True, None, 1.5]}
    assert [type(item) for item in value["a"]] == [int, str, bool, type(None), float]
    assert [type(key) for key in value] == [str]
