# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller's half of vrrp_verify: judges what vrrp_info found on all hosts of the groups, as one picture."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible.plugins.action import ActionBase

from ..module_utils.drill.echo import EchoRefused
from ..module_utils.drill.errand import until
from ..module_utils.drill.prober import KINDS, Questions, probe
from ..module_utils.live import failing_checks, summary
from ..module_utils.problem import Problem, report
from ..module_utils.reachability import addresses, silent
from ..module_utils.rollout import verify_so_far
from ..plugin_utils.group_vars import GroupVars, plain

# A few questions within a moment: one answer is enough, and a busy host is late.
INTERVAL_S, DURATION_S, TIMEOUT_S = 0.1, 0.1, 3.0


class ActionModule(ActionBase):
    """Needs no connection: it reads what the hosts have registered."""

    TRANSFERS_FILES = False
    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Fail with everything that keeps the groups from working, or return who is what."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        arguments = self.validate_argument_spec(
            {
                "answers": {"type": "str"},
                "before": {"type": "dict", "default": {}},
                "from_controller": {"type": "str", "choices": ["none", *KINDS], "default": "none"},
                "group": {"type": "str"},
                "path": {"type": "str", "default": "/"},
                "pending": {"type": "dict", "default": {}},
                "port": {"type": "int", "default": 80},
                "register": {"type": "str", "default": "vrrp_live"},
                "reports": {"type": "dict"},
            }
        )[1]
        problems, states, failing = [], {}, []
        warnings: list[str] = []
        for name, (reports, absent) in self._reports(arguments, task_vars or {}, warnings).items():
            found, later, unjudged = verify_so_far(
                reports, absent, plain(arguments["pending"]), plain(arguments["before"])
            )
            problems += found + self._unanswered(reports, arguments, task_vars or {})
            warnings += [f"the deployment goes on, as it may mend this: {problem}" for problem in later]
            warnings += [f"not judged yet: {note}" for note in unjudged]
            states[name] = summary(reports)
            failing += [f"{host}: {line}" for host, report in reports.items() for line in failing_checks(report)]
            drained = [host for host, report in reports.items() if report.get("drained")]
            if drained:
                warnings.append(f"drained, so that they take no part: {', '.join(drained)}")
        if problems:
            msg = report(f"The pair does not work as declared ({len(problems)} problem(s)):", problems)
            result.update(failed=True, msg=msg)
        told = {"states": states, "failing_checks": failing, "warnings": [*warnings, *failing]}
        return {**result, "changed": False, **told}

    def _unanswered(
        self, reports: Mapping[str, Any], arguments: dict[str, Any], task_vars: dict[str, Any]
    ) -> list[Problem]:
        """The addresses that gave no answer to a host that has asked, or to the controller where it is to ask."""
        answers = {}
        if arguments["answers"]:
            asked = GroupVars(task_vars, self._templar).registered(arguments["answers"], list(reports))
            answers = {host: result.get("series") or [] for host, result in asked.items()}
        if arguments["from_controller"] != "none":
            questions = Questions(
                addresses(reports),
                [arguments["from_controller"]],
                arguments["port"],
                arguments["path"],
                INTERVAL_S,
                TIMEOUT_S,
            )
            try:
                answers["the controller"] = probe(questions, until(None, DURATION_S))
            except EchoRefused as error:
                return [Problem(("the controller",), f"{error.strerror}; ask by tcp or http, or grant it")]
        return silent(reports, answers)

    def _reports(
        self, arguments: dict[str, Any], task_vars: dict[str, Any], warnings: list[str]
    ) -> dict[str, tuple[dict[str, Any], list[str]]]:
        """Group -> reports by host, and the hosts without one: those cannot be judged, and that is said."""
        group_vars = GroupVars(task_vars, self._templar)
        play_hosts = [str(host) for host in task_vars.get("ansible_play_hosts_all") or [group_vars.host]]
        # Reports that are given are those of one group.
        play_hosts = play_hosts if arguments["reports"] is None else [group_vars.host]
        names = [arguments["group"]] if arguments["group"] else map(group_vars.group_of, play_hosts)
        result = {}
        for name in dict.fromkeys(names):
            members = list(group_vars.read_group(name))
            given = plain(arguments["reports"])
            reports = group_vars.registered(arguments["register"], members) if given is None else given
            missing = [host for host in members if host not in reports]
            result[name] = reports, missing
            if missing:
                warnings.append(f"not verified, as they took no part in this run: {', '.join(missing)}")
        return result
