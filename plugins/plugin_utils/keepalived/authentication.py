# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""keepalived's authentication and auth_hmac blocks; no secret ever gets into a remark, whatever stands where."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .grammar import Statement
from .numbers import whole
from .remark import ERROR, INFO

if TYPE_CHECKING:
    from .instance import Instance

_PASSWORD_OCTETS = 8
_MODES = ("enforce", "permissive", "receive-only")


@dataclass
class Authentication:
    """What the two blocks say, as it was read."""

    kind: str = ""
    password: str = field(default="", repr=False)
    line: int = 0
    mode: str = "enforce"
    active_key: int = 0
    keys: dict[int, str] = field(default_factory=dict, repr=False)
    signed: bool = False

    def read(self, statement: Statement, made: Instance) -> None:
        """Take one of the blocks."""
        self.line = statement.line
        self.signed = self.signed or statement.keyword == "auth_hmac"
        for line in statement.block or []:
            value = line.words[1] if len(line.words) > 1 else ""
            if line.keyword == "auth_type":
                self.kind = value
            elif line.keyword == "auth_pass":
                self._read_password(value, line, made)
            elif line.keyword == "mode" and value in _MODES:
                self.mode = value
            elif line.keyword == "active_key":
                self.active_key = whole(value, 1, 255) or 0
            elif line.keyword == "key":
                self._read_key(value, line, made)
            elif line.keyword in ("time_window", "anti_replay"):
                made.note(INFO, line.line, line.keyword, "the agent has its own, see docs/security.md")
            else:
                made.note(INFO, line.line, statement.keyword, "keepalived ignores a line here, and so do we")

    def finish(self, version: int, made: Instance) -> dict[str, Any]:
        """The instance's key `authentication`; empty where there is none."""
        if self.signed:
            return self._signed(made)
        ignored = (
            "strict mode knows no authentication"
            if made.strict
            else "version 3 knows no authentication"
            if version == 3
            else "there is no password"
            if not self.password
            else ""
        )
        if self.kind in ("PASS", "AH") and ignored:
            made.note(INFO, self.line, "authentication", f"keepalived ignores it ({ignored}), and so do we")
        elif self.kind == "AH":
            made.note(ERROR, self.line, "auth_type", "AH is not known to the agent", "change to PASS on all hosts")
        elif self.kind == "PASS":
            return {"authentication": {"type": "pass", "password": self.password}}
        elif self.line:
            made.note(INFO, self.line, "authentication", "without auth_type it is ignored by keepalived, and by us")
        return {}

    def _read_password(self, value: str, line: Statement, made: Instance) -> None:
        if not value.isascii() or not value.isprintable():
            means = "has characters that the agent does not send"
            made.note(ERROR, line.line, "auth_pass", means, "change it to printable ASCII on all hosts")
        if len(value.encode(errors="replace")) > _PASSWORD_OCTETS:
            means = f"keepalived uses the first {_PASSWORD_OCTETS} characters only, and these were taken"
            made.note(INFO, line.line, "auth_pass", means)
        if len(line.words) > 2:
            made.note(INFO, line.line, "auth_pass", "keepalived uses the first word only, and this was taken")
        self.password = value[:_PASSWORD_OCTETS]

    def _read_key(self, value: str, line: Statement, made: Instance) -> None:
        number, text = whole(value, 1, 255), " ".join(line.words[2:3])
        octets = text[4:] if text.startswith("hex:") else text.encode(errors="replace").hex()
        if text.startswith("file:"):
            made.note(ERROR, line.line, "key", "is in a file that is not read", "write it here as hex:...")
        elif number is None or not re.fullmatch(r"([0-9A-Fa-f]{2}){32,64}", octets):
            made.note(ERROR, line.line, "key", "is no id 1..255 with 32 to 64 octets", "write the key as hex:...")
        else:
            self.keys[number] = octets.lower()

    def _signed(self, made: Instance) -> dict[str, Any]:
        if not self.keys:
            made.note(ERROR, self.line, "auth_hmac", "there is no key that could be taken over", "see above")
            return {}
        order = sorted(self.keys, key=lambda number: number != self.active_key)
        keys = [{"id": number, "key": self.keys[number]} for number in order]
        return {"authentication": {"type": "hmac", "mode": self.mode, "keys": keys}}
