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
    """What has to be done, in this order; `action` is none, start, restart, upgrade or reload, and `why` its reason."""

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


@dataclass(frozen=True)
class Digests:
    """Which package an agent is, and which configuration it has; a package of None is not known.

    `upgrades`: whether it knows how to give everything to a successor.
    """

    package: str | None
    config: str
    upgrades: bool = True


def plan(unit: Unit, running: Digests | None, wanted: Digests, restart: bool) -> Plan:
    """What to do.

    `running` is what the agent says of itself (None: it does not answer), `wanted` what is installed and on the disk,
    `restart` says that the unit was changed. A reload and an upgrade are preferred: no role moves. An upgrade reads the
    configuration as well.
    """
    action, why = "none", "runs what is installed and configured"
    if not unit.active:
        action, why = "start", "it was not running"
    elif restart or unit.needs_daemon_reload:
        action, why = "restart", "its unit was changed"
    elif running is None:
        action, why = "restart", "it does not answer on its control socket"
    elif wanted.package not in (None, running.package):
        action, why = "upgrade" if running.upgrades else "restart", "its code was changed"
    elif running.config != wanted.config:
        action, why = "reload", "its configuration was changed"
    return Plan(unit.needs_daemon_reload, not unit.enabled, action, why)
