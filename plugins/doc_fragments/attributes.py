# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the documentation of many modules says of check mode, diff mode and platform, once."""

from __future__ import annotations


class ModuleDocFragment:
    """For `extends_documentation_fragment`, before ansible.builtin.action_common_attributes, which explains the words.

    What comes first has the last word, and a module's own `attributes` have it before all.
    """

    # duet.ha_pair.attributes: every module.
    DOCUMENTATION = r"""
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  platform:
    platforms: posix
    support: full
"""

    # duet.ha_pair.attributes.read_only: it changes nothing.
    READ_ONLY = r"""
attributes:
  check_mode:
    support: full
  diff_mode:
    support: N/A
    details: Nothing is changed.
  platform:
    platforms: posix
    support: full
"""

    # duet.ha_pair.attributes.controller: it changes nothing, and does its work on the controller; with
    # ansible.builtin.action_common_attributes.flow.
    CONTROLLER = r"""
attributes:
  action:
    support: full
  async:
    support: none
  bypass_host_loop:
    support: none
  check_mode:
    support: full
  diff_mode:
    support: N/A
    details: Nothing is changed.
  platform:
    platforms: all
    support: full
"""
