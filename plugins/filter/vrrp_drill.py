# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filters of the fire drill: the plan, what was found, the page."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible.errors import AnsibleFilterError

from ..plugin_utils.drill.page import render
from ..plugin_utils.drill.plan import DEFAULT, plan
from ..plugin_utils.drill.report import judge, lines
from ..plugin_utils.group_vars import plain


def vrrp_drill_plan(
    reports: Any, faults: Any = DEFAULT, host: str = "", lab: bool = False, cut: bool = False
) -> dict[str, Any]:
    """What is to be done, or why not."""
    if isinstance(faults, str):
        faults = [word.strip() for word in faults.split(",") if word.strip()]
    if not isinstance(faults, Sequence):
        raise AnsibleFilterError("vrrp_drill_plan takes the faults as a list, or as words with commas between them")
    return plan(_mapping("vrrp_drill_plan", reports), plain(list(faults)), str(host or ""), bool(lab), bool(cut))


def vrrp_drill_report(drill: Any) -> dict[str, Any]:
    """What was found, judged."""
    return judge(_mapping("vrrp_drill_report", drill))


def vrrp_drill_table(report: Any) -> list[str]:
    """The verdicts, as lines for a terminal."""
    return lines(_mapping("vrrp_drill_table", report))


def vrrp_drill_page(report: Any) -> str:
    """The page."""
    return render(_mapping("vrrp_drill_page", report))


def _mapping(name: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise AnsibleFilterError(f"{name} takes a dictionary, not {type(value).__name__}")
    return dict(plain(value))


class FilterModule:
    """The collection's filters."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Their names."""
        return {
            "vrrp_drill_plan": vrrp_drill_plan,
            "vrrp_drill_report": vrrp_drill_report,
            "vrrp_drill_table": vrrp_drill_table,
            "vrrp_drill_page": vrrp_drill_page,
        }
