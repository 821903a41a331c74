# Copyright: (c) 2026, duet.ha_pair contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""pyroute2's class of messages about links, without the module multiprocessing.

pyroute2's configuration keeps three of its names for sockets that are not used here, and it is a third of a MB.
"""

from __future__ import annotations

import sys
import types
from typing import Any


class _Unused(types.ModuleType):
    """Stands in for it while pyroute2 is imported: has every name, and nothing in it."""

    def __getattr__(self, name: str) -> None:
        return None


def of_links() -> Any:
    """The class ifinfmsg; raises ImportError where there is no pyroute2."""
    left_out = "multiprocessing" not in sys.modules
    if left_out:
        sys.modules["multiprocessing"] = _Unused("multiprocessing")
    try:
        from pyroute2.netlink.rtnl.ifinfmsg import ifinfmsg
    finally:
        if left_out:
            del sys.modules["multiprocessing"]
    return ifinfmsg
