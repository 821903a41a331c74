# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A whole keepalived.conf as our inventory's vrrp_instances and vrrp_sync_groups, with remarks on everything else."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from . import block, words
from .grammar import MAIN_FILE, Statement, parse
from .instance import Globals, Instance
from .numbers import decimal, whole
from .remark import ERROR, INFO, LOST, Remark

_GROUPS = {"vrrp_mcast_group4": "224.0.0.18", "vrrp_mcast_group6": "ff02::12"}
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9_.-]")


def read(
    text: str, config_id: str = "", files: Mapping[str, str] | None = None, path: str = MAIN_FILE
) -> dict[str, Any]:
    """`vrrp_instances`, `vrrp_sync_groups`, and `remarks` in the order of their lines; `missing` are files to include.

    Any text gives an answer; whether it can be used, the remarks of severity `error` say.
    """
    tree = parse(text, config_id, files, path)
    reader = _Reader(tree.remarks)
    for statement in tree.statements:
        reader.global_defs(statement)
    for statement in tree.statements:
        reader.top(statement)
    return {**reader.finish(), "missing": tree.missing}


class _Reader:
    """Takes the top level apart; global_defs counts for what stands above it too, as in keepalived's last word."""

    def __init__(self, remarks: list[Remark]) -> None:
        self.remarks = remarks
        self.globals = Globals()
        self.instances: dict[str, Instance] = {}
        self.groups: dict[str, Statement] = {}

    def global_defs(self, statement: Statement) -> None:
        """Read a block of defaults; everything else is left for later."""
        if statement.keyword == "global_defs":
            for line in statement.block or []:
                self._global(line)

    def top(self, statement: Statement) -> None:
        """Read one statement of the top level."""
        if statement.keyword == "global_defs":
            return
        if statement.keyword == "vrrp_instance":
            self._instance(statement)
        elif statement.keyword == "vrrp_sync_group":
            self._group(statement)
        elif statement.words != ["{"]:
            known = ("global_defs", "vrrp_instance", "vrrp_sync_group", "include")
            self.remarks.append(words.remark(words.TOP, statement, known))

    def finish(self) -> dict[str, Any]:
        """Everything that was found."""
        groups = [group for name, statement in self.groups.items() for group in self._members(name, statement)]
        made = [found.finish() for found in self.instances.values()]
        if not made:
            self.remarks.append(Remark(ERROR, 0, "vrrp_instance", "there is none", "name a file that has one"))
        ordered = sorted(self.remarks, key=lambda remark: (remark.file, remark.line))
        return {
            "vrrp_instances": made,
            "vrrp_sync_groups": groups,
            "remarks": [remark.as_dict() for remark in ordered],
        }

    def _global(self, line: Statement) -> None:
        value = line.words[1] if len(line.words) > 1 else ""
        if line.keyword == "vrrp_version":
            self.globals.version = whole(value, 2, 3) or self.globals.version
        elif line.keyword == "vrrp_strict":
            self.globals.strict = True
        elif line.keyword == "v3_checksum_as_v2":
            self.globals.checksum_as_v2 = not words.is_off(line)
        elif line.keyword == "vrrp_down_timer_adverts":
            self.globals.down_timer_adverts = whole(value, 1, 100) or self.globals.down_timer_adverts
        elif line.keyword == "vrrp_startup_delay":
            self._startup_delay(line, value)
        elif line.keyword in _GROUPS:
            self._multicast_group(line, value)
        elif line.keyword in ("smtp_alert", "smtp_alert_vrrp"):
            self.remarks.append(words.mail(line))
        else:
            known = ("vrrp_version", "vrrp_strict", "v3_checksum_as_v2", "vrrp_startup_delay", *_GROUPS)
            self.remarks.append(words.remark(words.GLOBAL, line, known))

    def _startup_delay(self, line: Statement, value: str) -> None:
        seconds = decimal(value)
        if seconds is not None and seconds <= 1000:
            self.globals.startup_delay = float(seconds)
            means = "the agent listens for so much longer after its start, where it hears nobody"
            self.remarks.append(Remark(INFO, line.line, line.keyword, means, "see startup_delay", file=line.file))
        else:
            means = "is not in 0..1000: keepalived would wait for so long at its start, the agent does not"
            self.remarks.append(Remark(LOST, line.line, line.keyword, means, file=line.file))

    def _multicast_group(self, line: Statement, value: str) -> None:
        if value != _GROUPS[line.keyword]:
            means, do = "adverts go to the groups of the RFC alone", "remove it on all hosts, and reload them"
            self.remarks.append(Remark(ERROR, line.line, line.keyword, means, do, file=line.file))

    def _instance(self, statement: Statement) -> None:
        name = self._name(statement, self.instances)
        if name:
            self.instances[name] = block.read(statement, name, self.globals, self.remarks)

    def _group(self, statement: Statement) -> None:
        name = self._name(statement, self.groups)
        if name:
            self.groups[name] = statement

    def _name(self, statement: Statement, taken: Mapping[str, Any]) -> str:
        """A block's name as our inventory may have it; empty where keepalived skips the block."""

        def note(severity: str, means: str, name: str = "") -> None:
            self.remarks.append(
                Remark(severity, statement.line, statement.keyword, means, "nothing", name, statement.file)
            )

        if len(statement.words) != 2 or statement.block is None:
            note(INFO, "has not one name and a block: keepalived ignores it, and so do we")
            return ""
        name = sanitized(statement.words[1])
        if name in taken:
            note(INFO, "is there twice: keepalived ignores the second one, and so do we", name)
            return ""
        if name != statement.words[1]:
            note(INFO, "the name has other characters here: letters, digits, '_', '.' and '-' are allowed", name)
        return name

    def _members(self, name: str, statement: Statement) -> list[dict[str, Any]]:
        """The sync group, or nothing if it binds nobody; what it tracks is tracked by each member."""
        members: list[str] = []
        for line in statement.block or []:
            if line.keyword == "group":
                listed = [sanitized(word) for entry in line.block or [] for word in entry.words]
                members += [word for word in listed if word in self.instances and word not in members]
                if any(word not in self.instances for word in listed):
                    self._note(
                        line, name, "names an instance that is not there: keepalived leaves it out, and so do we"
                    )
        weighted = any(line.keyword == "sync_group_tracking_weight" for line in statement.block or [])
        for line in statement.block or []:
            self._of_group(line, name, [self.instances[member] for member in members], weighted)
        if len(members) < 2:
            self._note(statement, name, "has less than two instances, and binds nobody")
            return []
        return [{"name": name, "instances": members}]

    def _of_group(self, line: Statement, name: str, members: list[Instance], weighted: bool) -> None:
        if line.keyword == "track_interface":
            for member in members:
                block.track(member, line.block or [])
        elif line.keyword == "smtp_alert":
            self.remarks.append(words.mail(line, name))
        elif line.keyword not in ("group", "sync_group_tracking_weight"):
            self.remarks.append(words.remark(words.SYNC_GROUP, line, ("group", "track_interface"), name))
        if line.keyword == "group" and not weighted:
            for member in members:
                _unweighted(member)

    def _note(self, statement: Statement, name: str, means: str) -> None:
        self.remarks.append(Remark(INFO, statement.line, statement.keyword, means, "nothing", name, statement.file))


def _unweighted(member: Instance) -> None:
    """keepalived has no weights in a sync group: such an interface takes the whole group to FAULT."""
    for one in member.tracked:
        if one.weight:
            means = "keepalived ignores the weight in a sync group, and so do we: the group goes to FAULT"
            member.note(INFO, one.line, "track_interface", means)
            one.weight = 0


def sanitized(name: str) -> str:
    """A name as our inventory may have it."""
    return _NOT_IN_NAMES.sub("-", name).lstrip("_.-")[:64] or "instance"
