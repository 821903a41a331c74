# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A variable that was meant for the role is not passed over in silence; anybody else's is."""

from __future__ import annotations

from pathlib import Path

import pytest

yaml = pytest.importorskip("yaml")
from ansible_collections.duet.ha_pair.plugins.module_utils import misspelt  # noqa: E402
from ansible_collections.duet.ha_pair.plugins.module_utils.inventory import VARIABLES  # noqa: E402

ROLES = Path(__file__).resolve().parents[4] / "roles"


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("vrrp_instanes", "did you mean vrrp_instances?"),
        ("vrrp_prioritee", "did you mean vrrp_priority?"),
        ("vrrp_lock_memmory", "did you mean vrrp_lock_memory?"),
        ("vrrp_interface", "interface is a key of an instance: write it in vrrp_instances"),
        ("vrrp_virtual_addresses", "virtual_addresses is a key of an instance: write it in vrrp_instances"),
        ("vrrp_authentication", "authentication is a key of an instance: write it in vrrp_instances"),
    ],
)
def test_what_was_meant_for_the_role(name: str, hint: str) -> None:
    assert misspelt.warnings({"lb1": [name], "lb2": [name]}) == [f"lb1, lb2: {name} has no effect; {hint}"]


@pytest.mark.parametrize("name", [*VARIABLES, *misspelt.OTHERS, "vrrp_my_vip", "vrrp_host", "vrrp_live", "interface"])
def test_what_is_the_roles_or_anybody_elses(name: str) -> None:
    assert misspelt.warnings({"lb1": [name]}) == []


def test_the_variables_are_those_that_the_role_declares() -> None:
    read = {*VARIABLES, *misspelt.OTHERS}
    declared = yaml.safe_load((ROLES / "vrrp" / "meta" / "argument_specs.yml").read_text())
    assert set(declared["argument_specs"]["main"]["options"]) - read == set()
