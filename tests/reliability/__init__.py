# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What planned changes and bad deaths cost a client: our agent and keepalived, one after the other, in the same lab."""

from __future__ import annotations

import sys
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
ROOT = TESTS.parent

# Found from a checkout without further ado.
sys.path[:0] = [str(ROOT / "plugins/module_utils"), str(TESTS / "support")]
