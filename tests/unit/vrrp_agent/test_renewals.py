# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Renewals that go to the kernel together: whose do, and whose no longer."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Coroutine, Iterable
from ipaddress import ip_interface
from typing import Any, Callable

import pytest
from vrrp_agent.linux.renewals import Renewal
from vrrp_agent.service import renewals
from vrrp_agent.service.renewals import Renewals

VIP, OTHER = ip_interface("192.0.2.100/24"), ip_interface("192.0.2.101/24")


class Kernel:
    """What Renewals sees of linux.renewals.RenewalSocket: what was sent in one go."""

    def __init__(self) -> None:
        self.sent: list[list[int]] = []
        self.hears = True
        self._reading, self._writing = os.pipe()

    def fileno(self) -> int:
        return self._reading

    def prepare(self, index: int, lifetime_s: int, prefix_route: bool, addresses: object) -> Renewal:
        return Renewal(index, b"")

    def send(self, sent: Iterable[Renewal]) -> bool:
        self.sent.append([renewal.sequence for renewal in sent])
        return self.hears

    def close(self) -> None:
        os.close(self._reading)
        os.close(self._writing)


Story = Callable[[Renewals, Kernel, list[str]], Coroutine[Any, Any, None]]


def play(story: Story) -> None:
    """Two holders, a and b, whose requests have the numbers 1 and 2; the list gets who had to do it the long way."""

    async def run() -> None:
        kernel, again = Kernel(), []
        held = Renewals(kernel)
        for number, holder in enumerate("ab", 1):
            assert held.prepare(holder, (number, 3, True, (VIP,)), lambda holder=holder: again.append(holder))
        try:
            await story(held, kernel, again)
        finally:
            held.close()
            kernel.close()

    asyncio.run(run())


def test_those_of_one_turn_go_together() -> None:
    async def story(held: Renewals, kernel: Kernel, again: list[str]) -> None:
        assert held.send("a") and held.send("b")
        assert kernel.sent == []
        await asyncio.sleep(0)
        assert held.send("b")
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert (kernel.sent, again) == ([[1, 2], [2]], [])

    play(story)


def test_who_lets_go_in_the_same_turn_is_not_renewed() -> None:
    """It would be put back, and nobody would take it away."""

    async def story(held: Renewals, kernel: Kernel, again: list[str]) -> None:
        assert held.send("a") and held.send("b")
        held.forget("a")
        await asyncio.sleep(0)
        assert kernel.sent == [[2]]
        assert not held.send("a")

    play(story)


def test_who_has_other_addresses_by_then_has_those_renewed() -> None:
    async def story(held: Renewals, kernel: Kernel, again: list[str]) -> None:
        assert held.send("a")
        held.prepare("a", (7, 3, True, (OTHER,)), lambda: None)
        await asyncio.sleep(0)
        assert kernel.sent == [[7]]

    play(story)


def test_all_are_claimed_when_the_kernel_has_not_heard() -> None:
    async def story(held: Renewals, kernel: Kernel, again: list[str]) -> None:
        kernel.hears = False
        assert held.send("a") and held.send("b")
        await asyncio.sleep(0)
        assert again == ["a", "b"]

    play(story)


def test_a_process_that_was_held_up_puts_nothing_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stopped between the advert and the renewal, it goes on when the addresses may be another node's."""

    async def story(held: Renewals, kernel: Kernel, again: list[str]) -> None:
        assert held.send("a")
        monkeypatch.setattr(renewals, "_LATE_S", -1.0)
        await asyncio.sleep(0)
        assert (kernel.sent, again) == ([], [])
        monkeypatch.undo()
        assert held.send("a")
        await asyncio.sleep(0)
        assert kernel.sent == [[1]]

    play(story)
