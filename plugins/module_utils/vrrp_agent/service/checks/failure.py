# Copyright: (c) 2026, duet.ha_pair contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""What a probe says when it has not found what it asked for."""

from __future__ import annotations


class Failure(Exception):
    """What is wrong, in words for the log and the status."""


class CannotRun(Failure):
    """The look itself was not possible, whatever the service does: a matter of the check, or of what the agent may."""
