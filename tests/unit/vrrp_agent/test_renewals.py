# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Renewals that go to the kernel together: whose do, and whose no longer."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterable
from ipaddress import ip_interface
from typing import Callable

import pytest
from vrrp_agent.linux.renewals import Renewal
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


Story = Callable[[Renewals, Kernel, list[str]], None]


def play(story: Story) -> None:
    """Two holders, a and b, whose requests have the numbers 1 and 2; the list gets who had to do it the long way."""

    async def run() -> None:
        kernel, again = Kernel(), []
        held = Renewals(kernel)
        for number, holder in enumerate("ab", 1):
            assert held.prepare(holder, (number, 3, True, (VIP,)), lambda holder=holder: again.append(holder))
        try:
            story(held, kernel, again)
        finally:
            held.close()
            kernel.close()

    asyncio.run(run())


def test_those_who_are_gathered_go_together_and_others_at_once() -> None:
    def story(held: Renewals, kernel: Kernel, again: list[str]) -> None:
        with held.together():
            assert held.send("a") and held.send("b")
            assert kernel.sent == []
        assert held.send("b")
        with held.together():
            pass
        assert (kernel.sent, again) == ([[1, 2], [2]], [])

    play(story)


def test_who_lets_go_meanwhile_is_not_renewed() -> None:
    """It would be put back, and nobody would take it away."""

    def story(held: Renewals, kernel: Kernel, again: list[str]) -> None:
        with held.together():
            assert held.send("a") and held.send("b")
            held.forget("a")
        assert kernel.sent == [[2]]
        assert not held.send("a")
        with held.together():
            assert not held.send("a") and held.send("b")
            held.forget("b")
        assert kernel.sent == [[2]]

    play(story)


def test_who_has_other_addresses_by_then_has_those_renewed() -> None:
    def story(held: Renewals, kernel: Kernel, again: list[str]) -> None:
        with held.together():
            assert held.send("a")
            held.prepare("a", (7, 3, True, (OTHER,)), lambda: None)
        assert kernel.sent == [[7]]

    play(story)


def test_who_has_not_been_heard_does_it_the_long_way() -> None:
    def story(held: Renewals, kernel: Kernel, again: list[str]) -> None:
        kernel.hears = False
        with held.together():
            assert held.send("a") and held.send("b")
        assert again == ["a", "b"]
        assert not held.send("a")

    play(story)


def test_what_was_gathered_is_renewed_though_something_went_wrong_meanwhile() -> None:
    def story(held: Renewals, kernel: Kernel, again: list[str]) -> None:
        with pytest.raises(ZeroDivisionError), held.together():
            assert held.send("a")
            raise ZeroDivisionError
        assert kernel.sent == [[1]]
        assert held.send("b")
        assert kernel.sent == [[1], [2]]

    play(story)
