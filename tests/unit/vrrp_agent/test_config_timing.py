# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The configuration of delays and of the checksum: what it becomes, and each mistake with its place and its mend."""

from __future__ import annotations

from typing import Any

import pytest
from vrrp_agent import config

WEB = {"name": "web", "interface": "eth0", "virtual_router_id": 51, "virtual_addresses": ["10.139.1.1/24"]}
CHECKSUM = "checksum: there is a choice in version 3 over IPv4 only; remove it"
OWNER = "the address owner (priority 255) never waits (RFC 9568 6.1); remove it, or lower the priority"


def problems(**changed: Any) -> list[str]:
    found = config.validate({"router_id": "lb1", "instances": [{**WEB, **changed}]})
    return [str(problem).replace("instances[0].", "") for problem in found]


def test_what_it_becomes() -> None:
    keys = {"preempt_delay": 60, "startup_delay": 0.5, "checksum": "without_pseudo_header"}
    [web] = config.parse({"router_id": "lb1", "instances": [{**WEB, **keys}]}).instances
    assert (web.preempt_delay_ms, web.startup_delay_ms, web.checksum) == (60_000, 500, "without_pseudo_header")


@pytest.mark.parametrize(
    ("keys", "why"),
    [
        ({"preempt_delay": 1001}, "preempt_delay: 1001 is not in 0..1000 seconds"),
        ({"preempt_delay": float("nan")}, "preempt_delay: nan is not in 0..1000 seconds"),
        ({"startup_delay": -1}, "startup_delay: -1 is not in 0..1000 seconds"),
        ({"startup_delay": True}, "startup_delay: true is not a number of seconds"),
        ({"startup_delay": "30"}, 'startup_delay: "30" is not a number of seconds'),
        (
            {"preempt_delay": 30, "preempt": False},
            "preempt_delay: means nothing with preempt: false; remove one of the two",
        ),
        ({"preempt_delay": 30, "priority": 255}, f"preempt_delay: {OWNER}"),
        ({"startup_delay": 30, "priority": 255}, f"startup_delay: {OWNER}"),
        ({"checksum": "rfc"}, 'checksum: "rfc" is not one of auto, with_pseudo_header, without_pseudo_header'),
        ({"checksum": "with_pseudo_header", "version": 2}, CHECKSUM),
        ({"checksum": "without_pseudo_header", "virtual_addresses": ["fe80::1/64"]}, CHECKSUM),
    ],
)
def test_what_is_refused(keys: dict[str, Any], why: str) -> None:
    assert problems(**keys) == [why]
