# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the agent says: log lines, how many of them, and what systemd is told."""

from __future__ import annotations

import logging
import re
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from vrrp_agent.service import log
from vrrp_agent.service.log import LOGGER, Limiter
from vrrp_agent.service.notify import notify, watchdog_interval_s


@pytest.fixture(autouse=True)
def same_logger_afterwards() -> Iterator[None]:
    before = LOGGER.handlers, LOGGER.level, LOGGER.propagate
    yield
    LOGGER.handlers, LOGGER.propagate = before[0], before[2]
    LOGGER.setLevel(before[1])


# --- log lines


def say_everything() -> None:
    log.set_up()
    LOGGER.debug("unheard")
    LOGGER.info("ready")
    LOGGER.warning("two\nlines")
    LOGGER.error("bad")
    try:
        raise KeyError("bug")
    except KeyError:
        LOGGER.critical("unexpected", exc_info=True)


def test_journald_gets_the_level_before_each_line(monkeypatch: pytest.MonkeyPatch, capsys: object) -> None:
    """sd-daemon(3): every line by itself, those of a traceback too."""
    monkeypatch.setenv("JOURNAL_STREAM", "8:1")
    say_everything()
    lines = capsys.readouterr().err.splitlines()
    assert lines[:5] == ["<6>ready", "<4>two", "<4>lines", "<3>bad", "<3>unexpected"]
    assert lines[-1] == "<3>KeyError: 'bug'"
    assert {line[:3] for line in lines[4:]} == {"<3>"}


def test_a_terminal_gets_the_time(monkeypatch: pytest.MonkeyPatch, capsys: object) -> None:
    monkeypatch.delenv("JOURNAL_STREAM", raising=False)
    say_everything()
    lines = capsys.readouterr().err.splitlines()
    assert re.fullmatch(r"\d\d:\d\d:\d\d\.\d\d\d INFO ready", lines[0])


def test_every_level_has_a_mark() -> None:
    formatter = log._JournalFormatter("%(message)s")
    for level in (logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR, logging.CRITICAL):
        record = logging.LogRecord("vrrp_agent", level, "", 0, "text", None, None)
        assert re.fullmatch(r"<[3467]>text", formatter.format(record))


# --- how many of them


def test_the_first_of_a_kind_is_let_through_and_the_rest_counted() -> None:
    limiter = Limiter(period_s=60)
    assert [limiter.admit("ttl", now) for now in (0.0, 0.1, 59.9)] == [0, None, None]
    assert limiter.admit("ttl", 60.0) == 2
    assert limiter.admit("ttl", 119.9) is None
    assert limiter.admit("ttl", 120.0) == 1
    assert limiter.admit("ttl", 500.0) == 0


def test_kinds_do_not_silence_each_other() -> None:
    limiter = Limiter()
    assert [limiter.admit(kind, 1000.0) for kind in ("ttl", ("ttl", "192.0.2.9"), "checksum")] == [0, 0, 0]


def test_a_flood_of_ever_new_kinds_is_bounded() -> None:
    """A stranger can make up a source address for each packet: the lines are bounded, not only the memory."""
    limiter = Limiter(period_s=60, kinds_max=10)
    told = [limiter.admit(number, number / 1000) for number in range(60_000)]
    assert sum(held_back is not None for held_back in told) == 10
    assert limiter.admit("new", 119.0) == 0  # the flood is over, and forgotten


def test_kinds_of_old_make_room_for_new_ones() -> None:
    limiter = Limiter(period_s=60, kinds_max=2)
    assert limiter.admit("a", 0.0) == limiter.admit("b", 30.0) == 0
    assert limiter.admit("c", 59.0) is None
    assert limiter.admit("c", 60.0) == 0
    assert limiter.admit("b", 61.0) is None
    assert limiter.admit("a", 61.0) is None


# --- what systemd is told


@pytest.fixture
def manager(monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    with tempfile.TemporaryDirectory(prefix="duet-") as folder, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as end:
        path = str(Path(folder) / "notify")
        end.bind(path)
        end.settimeout(5)
        monkeypatch.setenv("NOTIFY_SOCKET", path)
        yield end


def test_notify(manager: socket.socket) -> None:
    """sd_notify(3): one datagram, an assignment a line."""
    notify("READY=1", "STATUS=MASTER of 1 of 2 instances")
    assert manager.recv(100) == b"READY=1\nSTATUS=MASTER of 1 of 2 instances"


def test_notify_by_an_abstract_name(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as end:
        end.bind("\0duet-test-notify")
        end.settimeout(5)
        monkeypatch.setenv("NOTIFY_SOCKET", "@duet-test-notify")
        notify("WATCHDOG=1")
        assert end.recv(100) == b"WATCHDOG=1"


@pytest.mark.parametrize("path", [None, "", "/nowhere/notify", "x" * 200, "vsock:2:1234"])
def test_nobody_listens(monkeypatch: pytest.MonkeyPatch, path: str | None) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", path) if path is not None else monkeypatch.delenv(
        "NOTIFY_SOCKET", raising=False
    )
    notify("READY=1")


def test_a_manager_that_does_not_read_holds_nobody_up(manager: socket.socket) -> None:
    """The loop that sends adverts must not wait for a service manager; datagrams fill its queue and are dropped."""
    for _each in range(2000):
        notify("STATUS=x")
    manager.setblocking(False)
    assert manager.recv(100) == b"STATUS=x"


@pytest.mark.parametrize(
    ("limit", "expected"), [(None, None), ("", None), ("0", None), ("x", None), ("-1", None), ("30000000", 15.0)]
)
def test_watchdog(monkeypatch: pytest.MonkeyPatch, limit: str | None, expected: float | None) -> None:
    """sd_watchdog_enabled(3): a sign of life at half the limit."""
    monkeypatch.delenv("WATCHDOG_USEC", raising=False)
    if limit is not None:
        monkeypatch.setenv("WATCHDOG_USEC", limit)
    assert watchdog_interval_s() == expected
