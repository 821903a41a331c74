# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A ping's octets: what is asked, and what counts as the answer."""

from __future__ import annotations

import pytest
from test_announce import folded_sum
from vrrp_agent.protocol import echo

TOKEN = bytes(range(1, 19))


@pytest.mark.parametrize(("family", "asks", "answers"), [(4, 8, 0), (6, 128, 129)])
def test_a_request_and_its_answer(family: int, asks: int, answers: int) -> None:
    """RFC 792, RFC 4443 4.1 and 4.2: type, code, checksum, identifier, sequence number and data, which come back."""
    message = echo.request(family, TOKEN)
    assert (message[0], message[1], message[4:6], message[6:8], message[8:]) == (asks, 0, TOKEN[:2], b"\0\1", TOKEN[2:])
    assert folded_sum(message) == 0xFFFF if family == 4 else message[2:4] == b"\0\0"
    answer = bytes((answers, 0)) + b"\x12\x34" + message[4:]
    assert echo.is_reply(family, answer, TOKEN)
    assert not echo.is_reply(family, message, TOKEN), "our own request is none"
    assert not echo.is_reply(family, answer, TOKEN[::-1]), "nor is the answer to somebody else's"
    assert not any(echo.is_reply(family, answer[:length], TOKEN) for length in range(len(answer)))
