# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Numbers as keepalived reads and rounds them."""

from __future__ import annotations

import re
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING, Any

from .remark import INFO

if TYPE_CHECKING:
    from .instance import Instance

_STEP = {2: Decimal(1), 3: Decimal("0.01")}
_LONGEST = {2: Decimal(255), 3: Decimal("40.95")}


def whole(text: str, low: int, high: int) -> int | None:
    """A whole number in a range, or None."""
    value = int(text) if re.fullmatch(r"[+-]?[0-9]{1,9}", text) else None
    return value if value is not None and low <= value <= high else None


def decimal(text: str) -> Decimal | None:
    """A number of seconds that is not negative, or None."""
    return Decimal(text) if re.fullmatch(r"([0-9]{1,9}(\.[0-9]{0,9})?|\.[0-9]{1,9})", text) else None


def interval(value: Decimal | None, version: int, made: Instance) -> Any:
    """The advertisement interval in seconds that keepalived really sends in this version: 1 by default, and rounded."""
    if value is None:
        return 1
    step = _STEP[version]
    rounded = min(max((value / step).to_integral_value(ROUND_HALF_UP) * step, step), _LONGEST[version])
    if rounded != value:
        means = f"keepalived makes {rounded.normalize():f} of it, as version {version} carries no other"
        made.note(INFO, made.line, "advert_int", means)
    return int(rounded) if rounded == int(rounded) else float(rounded)
