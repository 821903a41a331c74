# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Our agent with a fault in it that a signal sets off: an exception that nobody expected, in the middle of the loop.

As the agent's command line otherwise: python3 faulty.py run --config FILE --runtime-dir DIR.
"""

from __future__ import annotations

import asyncio
import signal

from vrrp_agent import cli
from vrrp_agent.service.agent import Agent

SIGNAL = signal.SIGUSR2


def _fail() -> None:
    raise RuntimeError("a fault made by tests/reliability")


def main() -> int:
    """Run the agent, ready to fail."""
    follow_signals = Agent._follow_signals

    def follow_one_more(self: Agent) -> None:
        follow_signals(self)
        asyncio.get_running_loop().add_signal_handler(SIGNAL, _fail)

    Agent._follow_signals = follow_one_more  # type: ignore[method-assign]
    return cli.main()


if __name__ == "__main__":
    raise SystemExit(main())
