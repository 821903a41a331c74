# Copyright: (c) 2026, duet.ha_pair contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Decides what brings the running agent in line with what is installed and configured. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

# The properties that `systemctl show` is asked for.
PROPERTIES = ("LoadState", "ActiveState", "UnitFileState", "NeedDaemonReload")


@dataclass(frozen=True)
class Unit:
    """What systemd knows of the agent's unit."""

    installed: bool
    active: bool
    enabled: bool
    needs_daemon_reload: bool


@dataclass(frozen=True)
class Plan:
    """What has to be done, in this order; `action` is none, start, restart or reload, and `why` its reason."""

    daemon_reload: bool
    enable: bool
    action: str
    why: str

    @property
    def changes(self) -> bool:
        """Whether anything has to be done at all."""
        return self.daemon_reload or self.enable or self.action != "none"


def read_unit(shown: str) -> Unit:
    """The answer of `systemctl show`, one KEY=value a line."""
    values: Mapping[str, str] = dict(line.partition("=")[::2] for line in shown.splitlines())
    return Unit(
        installed=values.get("LoadState") == "loaded",
        active=values.get("ActiveState") in ("active", "reloading"),
        enabled=values.get("UnitFileState") == "enabled",
        needs_daemon_reload=values.get("NeedDaemonReload") == "yes",
    )


def plan(unit: Unit, loaded_digest: str | None, file_digest: str | None, restart: bool) -> Plan:
    """What to do.

    `loaded_digest` is that of the configuration that the agent runs with (None: it does not answer), `file_digest`
    that of the file on the disk, `restart` says that code or unit were changed. A reload is preferred: no role moves.
    """
    action, why = "none", "runs what is installed and configured"
    if not unit.active:
        action, why = "start", "it was not running"
    elif restart or unit.needs_daemon_reload:
        action, why = "restart", "its code or its unit was changed"
    elif loaded_digest is None:
        action, why = "restart", "it does not answer on its control socket"
    elif loaded_digest != file_digest:
        action, why = "reload", "its configuration was changed"
    return Plan(unit.needs_daemon_reload, not unit.enabled, action, why)
