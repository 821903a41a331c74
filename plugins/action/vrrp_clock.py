# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""vrrp_clock: how far a host's clock is from the controller's."""

from __future__ import annotations

import time
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

from ..plugin_utils.drill.clock import Exchange, best


class ActionModule(ActionBase):
    """Asks the host for its time by a command: to send a module would take longer than what is measured."""

    TRANSFERS_FILES = False
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Ask, and return the best of the answers."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        times = self.validate_argument_spec({"times": {"type": "int", "default": 5}})[1]["times"]
        exchanges = [self._ask() for unused_round in range(times)]
        offset_s, uncertainty_s = best(exchanges) if exchanges else (None, None)
        return {**result, "changed": False, "now": time.time(), "offset": offset_s, "uncertainty": uncertainty_s}

    def _ask(self) -> Exchange:
        asked_s = time.time()
        answer = self._low_level_execute_command("date +%s.%N")
        answered_s = time.time()
        try:
            return Exchange(asked_s, float(answer["stdout"].strip()), answered_s)
        except ValueError as error:
            said = (answer["stderr"] or answer["stdout"]).strip()
            raise AnsibleActionFail(f"date +%s.%N does not tell the time: {said}") from error
