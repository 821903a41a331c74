# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The client against servers of this machine, and what it makes of answers."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any

import pytest
from ansible_collections.duet.ha_pair.plugins.module_utils.drill.echo import Echo, reply, request
from ansible_collections.duet.ha_pair.plugins.module_utils.drill.errand import begin, until
from ansible_collections.duet.ha_pair.plugins.module_utils.drill.prober import Questions, judge, probe

OK = b"HTTP/1.1 200 OK\r\nX-Served-By: lb1\r\n\r\nhello"


@contextmanager
def server(answer: Callable[[int], bytes | None]) -> Iterator[int]:
    """A server that gives the answer for the number of the connection; None resets it. Its port."""
    with socket.create_server(("127.0.0.1", 0), backlog=128) as listener:
        listener.settimeout(0.1)
        over = threading.Event()
        thread = threading.Thread(target=_serve, args=(listener, answer, over))
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            over.set()
            thread.join()


def _serve(listener: socket.socket, answer: Callable[[int], bytes | None], over: threading.Event) -> None:
    number = 0
    while not over.is_set():
        try:
            connection = listener.accept()[0]
        except TimeoutError:
            continue
        with connection:
            text = answer(number)
            number += 1
            if text is None:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
                continue
            connection.recv(4096)
            connection.sendall(text)


def ask(kind: str, port: int, times: int = 20, **more: Any) -> dict[str, Any]:
    """So many probes of 127.0.0.1, or a few more."""
    deadline = time.monotonic() + times * 0.01
    questions = Questions(["127.0.0.1"], [kind], port, interval_s=0.01, **more)
    [found] = probe(questions, lambda: time.monotonic() >= deadline)
    return found


def test_http_is_answered_by_a_node() -> None:
    with server(lambda number: OK) as port:
        found = ask("http", port)
    assert found["sent"] == found["answered"] > 0
    assert [turn["node"] for turn in found["turns"]] == ["lb1"]


def test_a_reset_connection_is_told_as_that() -> None:
    with server(lambda number: None if number == 5 else OK) as port:
        found = ask("http", port)
    assert [gap["errors"] for gap in found["gaps"]] == [{"connection reset by peer": 1}]


def test_nobody_listens() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        port = listener.getsockname()[1]
    found = ask("tcp", port)
    assert found["answered"] == 0
    assert set(found["gaps"][0]["errors"]) == {"connection refused"}


def test_a_server_that_hangs_is_given_up_in_time() -> None:
    with closing(socket.create_server(("127.0.0.1", 0), backlog=128)) as listener:
        began = time.monotonic()
        found = ask("http", listener.getsockname()[1], timeout_s=0.2)
    assert set(found["gaps"][0]["errors"]) == {"no answer in time"}
    assert time.monotonic() - began < 5


def test_tcp_is_a_connection() -> None:
    with closing(socket.create_server(("127.0.0.1", 0), backlog=128)) as listener:
        found = ask("tcp", listener.getsockname()[1], times=5)
    assert found["sent"] == found["answered"] > 0


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (OK, ("lb1", None)),
        (b"HTTP/1.0 301 Moved\r\n\r\n", (None, None)),
        (b"HTTP/1.1 503 Busy\r\nx-served-by: lb2\r\n\r\n", ("lb2", "status 503")),
        (b"HTTP/1.1 200 OK\r\n\r\nX-Served-By: body\r\n", (None, None)),
        (b"HTTP/1.1 200 OK\r\nX-Served-By: <script>\r\n\r\n", (None, None)),
        (b"SSH-2.0-OpenSSH\r\n", (None, "not an HTTP answer")),
        (b"HTTP/1.1 many\r\n", (None, "not an HTTP answer")),
        (b"", (None, "closed without an answer")),
    ],
)
def test_what_an_answer_says(answer: bytes, expected: tuple[str | None, str | None]) -> None:
    assert judge(answer) == expected


def test_an_echo_request_has_a_right_checksum() -> None:
    packet = request(4, 0x1234, 7)
    words = [int.from_bytes(packet[at : at + 2], "big") for at in range(0, len(packet), 2)]
    total = sum(words)
    assert (total & 0xFFFF) + (total >> 16) == 0xFFFF


@pytest.mark.parametrize("family", [4, 6])
def test_whose_reply_it_is(family: int) -> None:
    kind = {4: 0, 6: 129}[family]
    packet = bytes([kind, 0, 0, 0, 0x12, 0x34, 0, 7])
    assert reply(family, 0x1234, packet) == 7
    assert reply(family, None, packet) == 7  # the kernel knows whose
    assert reply(family, 0x4321, packet) is None
    assert reply(family, None, packet[:7]) is None
    assert reply(family, None, b"\x03" + packet[1:]) is None


def test_icmp_of_this_machine() -> None:
    try:
        Echo("127.0.0.1").close()
    except OSError:
        pytest.skip("this user may send no echo request")
    found = ask("icmp", 0)
    assert found["sent"] == found["answered"] > 0


def test_icmp_where_there_is_no_way_to_one_address() -> None:
    try:
        Echo("127.0.0.1").close()
    except OSError:
        pytest.skip("this user may send no echo request")
    deadline = time.monotonic() + 0.2
    # A link-local address belongs to no link by itself.
    questions = Questions(["fe80::1", "127.0.0.1"], ["icmp"], interval_s=0.01)
    nowhere, here = probe(questions, lambda: time.monotonic() >= deadline)
    assert nowhere["sent"] > 0 and nowhere["answered"] == 0
    assert here["sent"] == here["answered"] > 0


def test_an_errand_ends_by_a_file_by_its_time_and_with_its_folder(tmp_path: Any) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    begin(str(folder))
    assert (folder / "running").exists()
    ended = until(str(folder), 60)
    assert not ended()
    (folder / "stop").touch()
    assert ended()
    assert until(str(folder), 0)() and until(None, 0)()
    assert until(str(tmp_path / "gone"), 60)()
    assert not until(None, 60)()
