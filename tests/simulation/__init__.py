# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Many virtual routers on simulated segments, under one seed: faults, then quiet, then what must hold."""

from __future__ import annotations

import sys
from pathlib import Path

_PACKAGE = str(Path(__file__).resolve().parents[2] / "plugins" / "module_utils")
if _PACKAGE not in sys.path:
    sys.path.insert(0, _PACKAGE)
