# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What could not be taken over from a keepalived.conf as it stands, said so that a stranger can act on it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

# Nothing that a user has asks for is lost.
INFO = "info"
# keepalived does something that the agent does not do.
LOST = "lost"
# The virtual router cannot be taken over as it is: other packets, or addresses that could not be held.
ERROR = "error"


@dataclass(frozen=True)
class Remark:
    """One line of keepalived.conf, what it means for the user, and what to do; never a secret.

    `line` is 0 where no line is to blame alone, `hosts` are named once the files of several hosts were compared.
    """

    severity: str
    line: int
    keyword: str
    means: str
    do: str = "nothing"
    instance: str = ""
    file: str = ""
    hosts: tuple[str, ...] = ()

    def __str__(self) -> str:
        place = f"{self.file or 'line '}{':' if self.file else ''}{self.line}" if self.line else self.file
        subject = f"{self.keyword} (instance {self.instance})" if self.instance else self.keyword
        parts = [part for part in (", ".join(self.hosts), place, subject, self.means) if part]
        return f"{self.severity}: {': '.join(parts)}" + (f"; {self.do}" if self.do != "nothing" else "")

    def as_dict(self) -> dict[str, Any]:
        """The remark as a playbook sees it, with the whole sentence as `text`."""
        return {**asdict(self), "hosts": list(self.hosts), "text": str(self)}
