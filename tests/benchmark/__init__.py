# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measurements beside keepalived, of single adverts, and of the controller: looked at, never judged by a machine."""

from __future__ import annotations

import sys
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
ROOT = TESTS.parent

# Found from a checkout without further ado.
sys.path[:0] = [str(ROOT / "plugins/module_utils"), str(TESTS / "support"), str(TESTS / "unit/vrrp_agent")]
