# Copyright: (c) 2026, duet.ha_pair contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""One look at what a check asks for, by its type: what was seen, or a Failure that says what is wrong."""

from __future__ import annotations

from ...protocol.checks import Gateway, Http, Probe, Script, Systemd, Tcp
from .. import commands
from . import files
from .failure import CannotRun, Failure
from .gateway import gateway
from .http import http, tcp

__all__ = ["CannotRun", "Failure", "probe"]

_SYSTEMCTL = "systemctl"  # in /bin on hosts without a merged /usr
_OUTPUT_MAX = 200
# What systemctl exits with where it has nobody to ask; a unit that is not active is 3, one that is unknown 3 or 4.
_EXIT_NO_BUS = 1


async def probe(what: Probe, timeout_s: float) -> str:
    """Look once; what was seen. Raises Failure or OSError."""
    if isinstance(what, Http):
        return await http(what)
    if isinstance(what, Tcp):
        return await tcp(what)
    if isinstance(what, Script):
        return await _script(what, timeout_s)
    if isinstance(what, Systemd):
        return await _systemd(what, timeout_s)
    if isinstance(what, Gateway):
        return await gateway(what, timeout_s)
    return await files.look(what)


async def _script(what: Script, timeout_s: float) -> str:
    outcome = await commands.run(what.command, timeout_s, user=what.user)
    lines = outcome.output.strip().splitlines()
    said = f": {lines[-1][:_OUTPUT_MAX]}" if lines else ""
    if outcome.problem is not None:
        why = f"{what.command[0]}: {outcome.problem}{said}"
        raise Failure(why) if outcome.started else CannotRun(why)
    return f"exit code 0{said}"


async def _systemd(what: Systemd, timeout_s: float) -> str:
    outcome = await commands.run([_SYSTEMCTL, "is-active", "--", what.unit], timeout_s)
    state = (outcome.output.strip().splitlines() or [outcome.problem or ""])[-1][:_OUTPUT_MAX]
    if outcome.problem is not None:
        if not outcome.started or outcome.exit_code == _EXIT_NO_BUS:
            raise CannotRun(f"systemctl cannot tell of {what.unit}: {state}")
        raise Failure(f"{what.unit} is not active: {state}")
    return f"{what.unit} is {state}"
