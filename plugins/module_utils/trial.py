# Copyright: (c) 2026, duet.ha_pair contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Each check of a document tried once on its node, as the agent would run it: by its user, shut in as its unit is."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

_UNIT = "vrrp-agent.service"
_LAUNCHER = "/usr/bin/vrrp-agent"

# What of the unit's [Service] is of the agent's own life, and would be the trial's ruin or the agent's.
_OF_THE_AGENT = (
    *("Type", "NotifyAccess", "Exec", "Restart", "Watchdog", "Timeout", "PIDFile", "BusName", "Success"),
    *("RuntimeDirectory", "StateDirectory", "RemoveIPC", "OOMScoreAdjust", "Standard", "FileDescriptor", "Kill"),
)
# In a unit lines of these add to each other, as arguments of systemd-run they do not: the agent would have what the
# trial has not.
_MERGED = ("CapabilityBoundingSet", "AmbientCapabilities")
# The agent's own folders: systemd makes them for the agent, and they are only written to here.
_FOLDERS = "ReadWritePaths=-/run/vrrp-agent -/var/lib/vrrp-agent"

# As many at once as `vrrp-agent check --try` runs, and what the host may take for everything else.
_AT_ONCE = 20
_TIMEOUT_S = 2.0
_SPARE_S = 60

# Type of the check and what it says -> what to do; the first that fits.
_MENDS = (
    ("script", "No such file", "deploy it before this role, or correct the path"),
    ("script", "Permission denied", "let the user vrrp-agent run it, and pass its folders"),
    ("script", "Exec format error", "begin it with #! and the program that reads it"),
    ("systemd", "", "the check needs the system bus (Debian's package dbus)"),
    ("", "Permission denied", "let the user vrrp-agent read it, and pass its folders"),
    ("", "Address family not supported", "the host has not this kind of address; use another one"),
)
_HIDDEN = ("/root/", "/home/", "/run/user/")  # by ProtectHome= in the unit

RunCommand = Callable[..., tuple[int, str, str]]
Tried = Mapping[str, Any]


class TrialError(Exception):
    """Nothing could be tried; the message says why."""


def checks_in(document: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """All checks of a sound document."""
    return [check for instance in document["instances"] for check in instance.get("checks") or ()]


def try_checks(document: Mapping[str, Any], run_command: RunCommand) -> list[dict[str, Any]]:
    """What each check of a sound document says here and now; raises TrialError."""
    if not checks_in(document):
        return []
    code, unit, err = run_command(["systemctl", "cat", "--no-pager", _UNIT])
    if code != 0:
        raise TrialError(f"the agent is not installed yet ({err.strip()})")
    command = [_LAUNCHER, "check", "--config", "-", "--try", "--json"]
    begun = ["systemd-run", "--quiet", "--pipe", "--wait", "--collect", *_properties(unit), _limit(document), "--"]
    # By its standard input: the document holds the keys.
    code, out, err = run_command([*begun, *command], data=json.dumps(document))
    try:
        return list(json.loads(out)["checks"])
    except (ValueError, KeyError, TypeError):
        raise TrialError(_last_line(err) or _last_line(out) or f"exit code {code}") from None


def problems(tried: list[dict[str, Any]]) -> list[str]:
    """The checks that cannot be run here at all, each with the mend."""
    return [f"{_place(one)} cannot run: {one['detail']}{_mend(one)}" for one in tried if one["result"] == "cannot_run"]


def failures(tried: list[dict[str, Any]]) -> list[str]:
    """The checks that were run and fail, and what follows."""
    return [f"{_place(one)} fails: {one['detail']}; {_follows(one)}" for one in tried if one["result"] == "failed"]


def _place(one: Tried) -> str:
    return f"instance {one['instance']}: check {one['name']}"


def _mend(one: Tried) -> str:
    kind, detail = one["type"], one["detail"]
    if "; " in detail:  # the agent knows better
        return ""
    if kind == "script" and detail.startswith(_HIDDEN):
        return "; the agent's unit cannot see that folder; put it elsewhere"
    found = (mend for wanted, words, mend in _MENDS if wanted in ("", kind) and words in detail)
    return f"; {next(found, 'see docs/checks.md')}"


def _follows(one: Tried) -> str:
    if one["on_fail"] == "release":
        beside = " from a healthy one" if one.get("last_resort") else ""
        return f"the host takes no role{beside} while it does"
    return f"the host's priority is {-one['on_fail']['priority']} less while it does"


def _properties(unit: str) -> Iterator[str]:
    """What shuts the agent in, from its unit's text and drop-ins, as arguments for systemd-run."""
    section = ""
    capabilities: dict[str, list[str]] = {}
    for line in unit.replace("\\\n", " ").splitlines():
        line = line.strip()
        key, equals, value = (word.strip() for word in line.partition("="))
        if line.startswith("["):
            section = line
        elif section == "[Service]" and key in _MERGED:
            capabilities[key] = [*capabilities.get(key, []), value] if value else []
        elif section == "[Service]" and equals and not line.startswith(("#", ";", *_OF_THE_AGENT)):
            yield f"--property={line}"
    for key, values in capabilities.items():
        yield f"--property={key}={' '.join(values)}"
    yield f"--property={_FOLDERS}"


def _limit(document: Mapping[str, Any]) -> str:
    """A trial that does not come back must not hold up the deployment for ever."""
    checks = checks_in(document)
    longest_s = max(float(check.get("timeout", _TIMEOUT_S)) for check in checks)
    return f"--property=RuntimeMaxSec={math.ceil(len(checks) / _AT_ONCE * longest_s + longest_s) + _SPARE_S}"


def _last_line(text: str) -> str:
    return (text.strip().splitlines() or [""])[-1]
