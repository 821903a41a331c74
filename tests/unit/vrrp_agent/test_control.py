# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Both ends of the control socket: the agent's server in a loop of its own, the client as modules use it."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import os
import shutil
import socket
import stat
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from vrrp_agent import client
from vrrp_agent.client import ControlError
from vrrp_agent.service import control
from vrrp_agent.service.control import Caller, Command, CommandError, ControlServer
from vrrp_agent.service.log import LOGGER

BAD_REQUEST = {"code": "bad_request", "message": 'a request is one JSON object with a "command"'}
UNKNOWN = {"code": "unknown_command", "message": "commands are broken, move, reload, status"}


class Host:
    """A control server in a thread, and what its loop complained about."""

    def __init__(self, folder: Path) -> None:
        self.folder = str(folder)
        self.path = folder / client.SOCKET_NAME
        self.complaints: list[dict[str, Any]] = []
        self.document: dict[str, Any] = {"router_id": "lb1", "long": "x" * 300_000}
        self._loop = asyncio.new_event_loop()
        self._loop.set_exception_handler(lambda loop, context: self.complaints.append(context))
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        commands = {
            "status": Command(self._status),
            "reload": Command(self._reload),
            "broken": Command(self._broken),
            "move": Command(self._move, {"instance": str, "force": bool}, changes=True),
        }
        self.server = ControlServer(str(self.path), commands)
        self.run(self.server.keep())

    def run(self, coroutine: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(5)

    def close(self) -> None:
        self.run(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    async def _close(self) -> None:
        self.server.close()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _status(self) -> dict[str, Any]:
        return self.document

    async def _reload(self) -> dict[str, Any]:
        raise CommandError("config_invalid", "instances[0].priority: 300 is not in 1..255")

    async def _move(self, instance: str, force: bool = False) -> dict[str, Any]:
        return {"moved": instance, "force": force}

    async def _broken(self) -> dict[str, Any]:
        raise KeyError("a bug")

    def connect(self) -> socket.socket:
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(5)
        connection.connect(str(self.path))
        return connection

    def ask(self, octets: bytes) -> bytes:
        """Everything that comes back for these octets, until the server closes."""
        answer = b""
        with self.connect() as connection:
            try:
                with contextlib.suppress(BrokenPipeError):  # refused unread: the answer is there all the same
                    connection.sendall(octets)
                while chunk := connection.recv(65536):
                    answer += chunk
            except (ConnectionResetError, BrokenPipeError):
                pass  # closed with some of our octets unread
        return answer


@pytest.fixture
def folder() -> Iterator[Path]:
    """A short path: a socket's has at most 107 octets."""
    path = Path(tempfile.mkdtemp(prefix="duet-"))
    yield path
    shutil.rmtree(path)


@pytest.fixture
def host(folder: Path) -> Iterator[Host]:
    running = Host(folder)
    yield running
    running.close()


async def _collect_garbage() -> None:
    gc.collect()


def refusal(call: Any, *arguments: Any) -> tuple[str, str]:
    with pytest.raises(ControlError) as caught:
        call(*arguments)
    assert caught.value.message == str(caught.value)
    return caught.value.code, caught.value.message


# --- the server, asked well and badly


def test_status(host: Host) -> None:
    assert client.status(host.folder) == {"router_id": "lb1", "long": "x" * 300_000}


def test_a_refusal_comes_through_with_code_and_text(host: Host) -> None:
    assert refusal(client.reload, host.folder) == ("config_invalid", "instances[0].priority: 300 is not in 1..255")


@pytest.mark.parametrize(
    ("line", "error"),
    [
        (b'{"command": "explode"}', UNKNOWN),
        (b'{"command": 5}', UNKNOWN),
        (b'{"command": ["status"]}', UNKNOWN),
        (b"{}", BAD_REQUEST),
        (b"[]", BAD_REQUEST),
        (b"null", BAD_REQUEST),
        (b"", BAD_REQUEST),
        (b"status", BAD_REQUEST),
        (b"\xff\xfe\x00", BAD_REQUEST),
        (b"[" * 60_000, BAD_REQUEST),
        (b"1" * 5_000, BAD_REQUEST),
    ],
)
def test_a_bad_request_is_told_so(host: Host, line: bytes, error: dict[str, str]) -> None:
    assert json.loads(host.ask(line + b"\n")) == {"ok": False, "error": error}
    assert host.complaints == []


@pytest.mark.parametrize("octets", [b"x" * 200_000, b"x" * 200_000 + b"\n"])
def test_too_long_a_line_is_dropped(host: Host, octets: bytes) -> None:
    assert host.ask(octets) == b""
    assert client.status(host.folder)["router_id"] == "lb1"
    assert host.complaints == []


def test_half_a_line_is_dropped(host: Host) -> None:
    with host.connect() as connection:
        connection.sendall(b'{"command": "sta')
        connection.shutdown(socket.SHUT_WR)
        assert connection.recv(1) == b""
    assert client.status(host.folder)["router_id"] == "lb1"
    assert host.complaints == []


def test_a_client_that_stalls_is_dropped_and_delays_nobody(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control, "REQUEST_TIMEOUT_S", 0.2)
    with host.connect() as stalled:
        stalled.sendall(b'{"command"')
        assert client.status(host.folder)["router_id"] == "lb1"
        assert stalled.recv(1) == b""
    assert host.complaints == []


def test_a_client_that_does_not_read_is_dropped(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control, "ANSWER_TIMEOUT_S", 0.2)
    with host.connect() as deaf:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        deaf.sendall(b'{"command": "status"}\n')
        assert client.status(host.folder)["router_id"] == "lb1"
    assert host.complaints == []


def test_a_client_that_leaves_early_is_nothing(host: Host) -> None:
    for octets in (b"", b'{"command": "status"}\n'):
        with host.connect() as connection:
            connection.sendall(octets)
    assert client.status(host.folder)["router_id"] == "lb1"
    assert host.complaints == []


def test_no_memory_for_a_client_is_no_bug(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    """What asyncio tells of the dropped client is all there is: an error that nobody has looked at ends the agent."""
    # Which looks at it where the collector comes to it first.
    monkeypatch.delattr(asyncio.StreamReaderProtocol, "__del__")
    with monkeypatch.context() as patched:
        patched.setattr(control, "REQUEST_MAX_OCTETS", 1 << 62)  # of one reading
        assert host.ask(b"{") == b""
    assert client.status(host.folder)["router_id"] == "lb1"
    assert ["transport" in context for context in host.complaints] == [True]
    host.complaints.clear()
    host.run(_collect_garbage())
    assert host.complaints == []


def test_a_flood_of_stalled_clients_is_bounded(host: Host) -> None:
    """A process that runs out of descriptors cannot renew an address."""
    flood = [host.connect() for _each in range(control.CONNECTIONS_MAX)]
    try:
        deadline = threading.Event()
        codes = set()
        while "busy" not in codes:
            codes.add(json.loads(host.ask(b'{"command": "explode"}\n'))["error"]["code"])
            assert not deadline.wait(0.001)
    finally:
        for connection in flood:
            connection.close()
    assert host.complaints == []


def test_a_bug_in_a_command_is_no_bad_request(host: Host) -> None:
    """It reaches the loop's handler, where the agent resigns; the client sees that there is no answer."""
    assert refusal(client.request, {"command": "broken"}, host.folder)[0] == "bad_answer"
    assert [repr(context["exception"]) for context in host.complaints] == ["KeyError('a bug')"]


def test_nobody_but_user_and_group_from_the_first_moment(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The socket is born with its mode: no chmod comes after it; and no other task ever runs under the mask."""
    monkeypatch.delattr(os, "chmod")
    monkeypatch.delattr(os, "fchmod")
    before = os.umask(0o022)
    masks = set()

    async def watch(started: asyncio.Event) -> None:
        while not started.is_set():
            mask = os.umask(0o022)
            os.umask(mask)
            masks.add(mask)
            await asyncio.sleep(0)

    async def start() -> None:
        server, started = ControlServer(str(folder / "sock"), {}), asyncio.Event()
        watching = asyncio.ensure_future(watch(started))
        await server.keep()
        assert stat.S_IMODE((folder / "sock").stat().st_mode) == 0o660
        started.set()
        await watching
        server.close()

    try:
        asyncio.run(start())
    finally:
        os.umask(before)
    assert masks == {0o022}


def test_what_an_earlier_life_left_is_replaced(folder: Path) -> None:
    path = folder / client.SOCKET_NAME
    with socket.socket(socket.AF_UNIX) as earlier:
        earlier.bind(str(path))
    host = Host(folder)
    assert client.status(str(folder))["router_id"] == "lb1"
    host.close()
    assert not path.exists()


def test_close_twice_or_without_a_start(folder: Path) -> None:
    host = Host(folder)
    host.path.unlink()
    host.close()
    ControlServer(str(host.path), {}).close()


# --- what a command takes


def test_arguments_reach_the_command(host: Host) -> None:
    whole = {"command": "move", "instance": "web", "force": True}
    assert client.request(whole, host.folder) == {"moved": "web", "force": True}
    assert client.request({"command": "move", "instance": "web"}, host.folder) == {"moved": "web", "force": False}


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"instance": "web", "forze": True}, "unknown argument: 'forze'; there are: instance, force"),
        ({}, "instance: must be a text of at most 256 printable characters"),
        ({"instance": None}, "instance: must be a text of at most 256 printable characters"),
        ({"instance": "a\nb"}, "instance: must be a text of at most 256 printable characters"),
        ({"instance": "a" * 257}, "instance: must be a text of at most 256 printable characters"),
        ({"instance": "web", "force": 1}, "force: must be true or false"),
        ({"instance": "web", "force": "yes"}, "force: must be true or false"),
    ],
)
def test_arguments_that_are_refused(host: Host, arguments: dict[str, Any], text: str) -> None:
    assert refusal(client.request, {"command": "move", **arguments}, host.folder) == ("bad_argument", text)


def test_a_command_without_arguments_takes_none(host: Host) -> None:
    expected = ("bad_argument", "unknown argument: 'all'; there are: none")
    assert refusal(client.request, {"command": "status", "all": True}, host.folder) == expected


def test_who_asks_for_a_change_is_logged(
    host: Host, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(LOGGER, "handlers", [caplog.handler])
    monkeypatch.setattr(LOGGER, "propagate", False)
    with caplog.at_level("INFO", LOGGER.name):
        client.status(host.folder)
        client.request({"command": "move", "instance": "web", "force": True}, host.folder)
    who = f"uid {os.getuid()}, pid {os.getpid()}"
    assert [line.message for line in caplog.records] == [f"control socket: {who}: move instance=web force=True"]


# --- who may ask


def test_who_may_ask(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 900)
    monkeypatch.setattr(os, "getegid", lambda: 901)
    callers = [(0, {0}), (900, {900}), (1000, {1000, 901}), (1000, {901}), (1000, {900, 1000}), (901, {1000})]
    assert [Caller(1, uid, frozenset(gids)).may_ask for uid, gids in callers] == [True, True, True, True, False, False]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become others")
@pytest.mark.parametrize(("gid", "more", "may"), [(65534, "", False), (65534, "0", True), (0, "", True)])
def test_the_kernel_says_who_asks(host: Host, gid: int, more: str, may: bool) -> None:
    """Another process, and its groups of the first and of the second kind; the file's mode lets everybody in."""
    Path(host.folder).chmod(0o755)
    host.path.chmod(0o777)
    asks = """s.sendall(b'{"command": "move", "instance": "web"}\\n'); """  # who may not is refused unread
    program = (
        "import os, socket, sys; "
        f"os.setgroups([{more}]); os.setgid({gid}); os.setuid(65534); "
        f"s = socket.socket(socket.AF_UNIX); s.connect({str(host.path)!r}); "
        f"{asks if may else ''}print(s.makefile().readline())"
    )
    answer = json.loads(subprocess.run([sys.executable, "-c", program], stdout=subprocess.PIPE, check=True).stdout)
    why = "only root and the members of the agent's own group may use the control socket"
    refused = {"ok": False, "error": {"code": "not_permitted", "message": why}}
    assert answer == ({"ok": True, "result": {"moved": "web", "force": False}} if may else refused)


# --- a socket that goes, and a place where none can be


def test_a_socket_that_was_removed_comes_back(host: Host) -> None:
    host.path.unlink()
    host.run(host.server.keep())
    assert client.status(host.folder)["router_id"] == "lb1"
    first = host.path.stat().st_ino
    host.run(host.server.keep())
    assert host.path.stat().st_ino == first


def test_without_a_place_it_is_told_once_and_tried_again(
    folder: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(LOGGER, "handlers", [caplog.handler])
    monkeypatch.setattr(LOGGER, "propagate", False)
    place = folder / "run"
    place.write_text("in the way")
    server = ControlServer(str(place / "sock"), {})

    async def live() -> None:
        await server.keep()
        await server.keep()
        place.unlink()
        await server.keep()
        assert (place / "sock").is_socket()
        server.close()

    asyncio.run(live())
    why = f"no control socket: {place}/sock: File exists; everything else goes on, trying again"
    assert [line.message for line in caplog.records if line.levelname == "ERROR"] == [why]


# --- the client, with nobody or nothing sensible at the other end


def test_not_running(folder: Path) -> None:
    path = folder / client.SOCKET_NAME
    expected = ("not_running", f"the agent is not running (nothing listens on {path})")
    assert refusal(client.status, str(folder)) == expected
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    assert refusal(client.status, str(folder)) == expected


@pytest.mark.parametrize(
    ("folder", "text"),
    [("/dev/null", "/dev/null/control.sock: Not a directory"), ("/" + "x" * 200, "AF_UNIX path too long")],
)
def test_a_path_that_cannot_be(folder: str, text: str) -> None:
    code, message = refusal(client.status, folder)
    assert (code, text in message) == ("not_running", True)


def test_not_permitted(folder: Path) -> None:
    path = folder / client.SOCKET_NAME
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))
        listening.listen()
        folder.chmod(0o755)
        path.chmod(0o600 if os.geteuid() == 0 else 0)
        root = os.geteuid()
        try:
            if root == 0:
                os.seteuid(65534)
            found = refusal(client.status, str(folder))
        finally:
            os.seteuid(root)
    assert found == ("not_permitted", f"no permission to use {path}; become root, or a member of the agent's group")


@pytest.fixture
def listening(folder: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(folder / client.SOCKET_NAME))
        listening.listen(1)
        yield listening


def test_a_hung_agent_is_a_timeout(folder: Path, listening: socket.socket) -> None:
    expected = ("timeout", f"no answer on {folder / client.SOCKET_NAME} within 0.05 s")
    assert refusal(client.status, str(folder), 0.05) == expected
    for _each in range(3):  # ... also when its queue is full
        assert refusal(client.status, str(folder), 0.05)[0] == "timeout"


def test_an_answer_that_trickles_is_a_timeout(folder: Path, listening: socket.socket) -> None:
    """The time is that of the whole exchange, not of each octet."""
    done = threading.Event()

    def trickle() -> None:
        with listening.accept()[0] as connection:
            while not done.wait(0.02):
                connection.sendall(b" ")

    thread = threading.Thread(target=trickle)
    thread.start()
    try:
        assert refusal(client.status, str(folder), 0.2)[0] == "timeout"
    finally:
        done.set()
        thread.join()


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"\n",
        b"half",
        b"[]\n",
        b"{}\n",
        b'"ok"\n',
        b"\xff\n",
        b'{"ok": true}\n',
        b'{"ok": "yes"}\n',
        b'{"ok": false}\n',
        b'{"ok": false, "error": "no"}\n',
        b'{"ok": false, "error": {"code": "x"}}\n',
    ],
)
def test_a_bad_answer(folder: Path, listening: socket.socket, answer: bytes) -> None:
    def reply() -> None:
        with listening.accept()[0] as connection:
            connection.recv(1024)
            connection.sendall(answer)

    thread = threading.Thread(target=reply)
    thread.start()
    expected = ("bad_answer", f"what answered on {folder / client.SOCKET_NAME} is not this agent")
    assert refusal(client.status, str(folder)) == expected
    thread.join()
