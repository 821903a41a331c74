# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The timers of RFC 9568 and RFC 3768 once more, written from the texts and not from protocol/."""

from __future__ import annotations

from vrrp_agent.protocol.settings import Settings

_SECOND_NS = 10**9


def interval_ns(interval_cs: int) -> int:
    """Centiseconds as nanoseconds."""
    return interval_cs * _SECOND_NS // 100


def skew_ns(version: int, priority: int, interval: int) -> int:
    """Skew_Time for an interval of nanoseconds; version 2 knows only its second."""
    base = interval if version == 3 else _SECOND_NS
    return base * (256 - priority) // 256


def priority_of(message: bytes) -> int:
    """The priority in an advert's octets."""
    return message[2]


def interval_cs_of(message: bytes) -> int:
    """The interval in an advert's octets, in centiseconds."""
    return (message[4] << 8 | message[5]) & 0xFFF if message[0] >> 4 == 3 else message[5] * 100


class DownTimer:
    """When a backup has to act: a second opinion, to the nanosecond, on a router's timer."""

    def __init__(self, settings: Settings, now_ns: int) -> None:
        """Somebody has just become a backup and has heard nobody."""
        self._settings = settings
        self._since_ns = now_ns
        self._interval_cs = settings.advert_interval_cs
        self._follows = False
        self._resigned = False
        self._discarded: tuple[int, int, int] | None = None

    @property
    def due_ns(self) -> int:
        """Three intervals and the skew after the last advert that counted; the skew alone when that resigned."""
        interval = interval_ns(self._interval_cs)
        skew = skew_ns(self._settings.version, self._settings.priority, interval)
        return self._since_ns + (0 if self._resigned else 3 * interval) + skew

    def hear(self, message: bytes, now_ns: int) -> None:
        """A genuine advert has come in."""
        self._weigh(priority_of(message), interval_cs_of(message), now_ns)

    def reload(self, settings: Settings) -> None:
        """The settings have changed: what was discarded may count now, and what counts keeps its time."""
        self._settings = settings
        if not self._follows:
            self._interval_cs = settings.advert_interval_cs
        if self._discarded is not None:
            self._weigh(*self._discarded)

    def _weigh(self, priority: int, interval_cs: int, at_ns: int) -> None:
        settings = self._settings
        # RFC 9568 6.1: the address owner always preempts, whatever Preempt_Mode says.
        preempts = settings.preempt or settings.priority == 255
        if priority and preempts and priority < settings.priority:
            self._discarded, self._follows = (priority, interval_cs, at_ns), False
            return
        self._since_ns, self._interval_cs = at_ns, interval_cs
        self._follows, self._resigned, self._discarded = True, priority == 0, None
