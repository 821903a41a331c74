# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action plugin vrrp_clock, which runs on the controller."""

from __future__ import annotations

DOCUMENTATION = r"""
module: vrrp_clock
short_description: Compare a host's clock with the controller's
description:
  - Asks the host for its time again and again, and takes the answer that came fastest. What is measured on several
    hosts can so be put in one order, also where their clocks differ.
  - Runs C(date) on the host, and nothing else.
author:
  - duet.ha_pair contributors (@duet)
version_added: 0.1.0
extends_documentation_fragment:
  - duet.ha_pair.attributes.controller
  - ansible.builtin.action_common_attributes
  - ansible.builtin.action_common_attributes.flow
attributes:
  platform:
    platforms: linux
    support: full
options:
  times:
    description: How often to ask; V(0) only tells the controller's time.
    type: int
    default: 5
"""

EXAMPLES = r"""
- name: Whose clock is wrong?
  duet.ha_pair.vrrp_clock:
  register: clock
"""

RETURN = r"""
now:
  description: The controller's time when the task ended, in seconds since the epoch.
  returned: always
  type: float
  sample: 1795390893.64
offset:
  description: How many seconds the host's clock is ahead of the controller's; none with O(times=0).
  returned: success
  type: float
  sample: 0.002
uncertainty:
  description: By how many seconds that may be wrong, in either direction.
  returned: success
  type: float
  sample: 0.006
"""
