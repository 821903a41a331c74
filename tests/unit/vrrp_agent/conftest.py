# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hypothesis on a machine that is busy with other things."""

from __future__ import annotations

from hypothesis import settings

# No deadline: how long one example takes says more about the machine than about the code.
settings.register_profile("busy", deadline=None)
settings.load_profile("busy")
