# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Webhooks and mail on their way to real servers, by the program that the agent starts for it."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import socket
import textwrap
import time
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Any, Callable

import pytest
from aiosmtpd.controller import Controller
from receivers import Received, certificate, tls_of, webhook_server
from vrrp_agent import config
from vrrp_agent.service.voice import Voice

SECRET, PASSWORD = "correct horse battery", "hunter2-hunter2"
SOON_S = 30.0


def event(number: int, to: str = "MASTER", **more: Any) -> dict[str, Any]:
    place = {"instance": "web", "interface": "eth0", "virtual_router_id": 51}
    what = {"event": "transition", "from": "BACKUP", "to": to, "reason": "no advert", "priority": 150}
    return {"seq": number, "at": "2026-11-22T23:00:00.000Z", **place, **what, **more}


def document(**top: Any) -> config.Config:
    web = {"name": "web", "interface": "eth0", "virtual_router_id": 51, "virtual_addresses": ["192.0.2.51/24"]}
    return config.parse({"router_id": "lb1", "instances": [web], **top})


def play(scene: Callable[[Voice], Coroutine[Any, Any, None]], **top: Any) -> dict[str, Any]:
    """A scene with a voice of that configuration; its status in the end."""

    async def life() -> dict[str, Any]:
        voice = Voice(list)
        voice.configure(document(**top))
        await scene(voice)
        status = voice.status()
        for part in voice._parts:
            part.pause()
            await part.kill()
        return status

    return asyncio.run(asyncio.wait_for(life(), 120))


async def until(condition: Callable[[], Any]) -> None:
    deadline_s = time.monotonic() + SOON_S
    while not condition():
        assert time.monotonic() < deadline_s, "it has not happened"
        await asyncio.sleep(0.02)


def saying(*events: dict[str, Any]) -> Callable[[Voice], Coroutine[Any, Any, None]]:
    """Note some events, and wait until nothing is left to be delivered soon."""

    async def scene(voice: Voice) -> None:
        for one in events:
            voice.note(one, None)
        await until(lambda: all(part.done for part in voice._parts))

    return scene


def hook(received: Received, scheme: str = "http", host: str = "127.0.0.1", **more: Any) -> dict[str, Any]:
    return {"url": f"{scheme}://{host}:{received.port}/hook?token=1", "secret": SECRET, "timeout": 5, **more}


def unused_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


# --- webhooks


def test_each_event_is_posted_once_signed_and_in_order() -> None:
    with webhook_server() as received:
        status = play(saying(event(1), event(2, "FAULT")), webhooks=[hook(received)])
    bodies = [json.loads(body) for headers, body in received.posts]
    assert bodies == [{"router_id": "lb1", **event(1)}, {"router_id": "lb1", **event(2, "FAULT")}]
    for headers, body in received.posts:
        signed = headers["X-VRRP-Timestamp"].encode() + b"." + body
        expected = hmac.new(SECRET.encode(), signed, hashlib.sha256).hexdigest()
        assert headers["X-VRRP-Signature"] == f"sha256={expected}"
        assert abs(int(headers["X-VRRP-Timestamp"]) - time.time()) < 60
    [shown] = status["webhooks"]
    assert (shown["host"], shown["delivered"], shown["waiting"]) == (f"http://127.0.0.1:{received.port}", 2, 0)
    assert "token" not in json.dumps(status) and SECRET not in json.dumps(status)


def test_the_receiver_of_the_docs_believes_what_is_signed_and_nothing_else() -> None:
    page = (Path(__file__).parents[3] / "docs" / "notifications.md").read_text()
    example = page[page.index("    import hashlib, hmac, time") : page.index("2xx is delivered.")]
    names: dict[str, Any] = {}
    exec(textwrap.dedent(example), names)
    with webhook_server() as received:
        play(saying(event(1)), webhooks=[hook(received)])
    [(headers, body)] = received.posts
    is_genuine = names["is_genuine"]
    assert is_genuine(SECRET.encode(), headers, body)
    assert not is_genuine(SECRET.encode(), headers, body + b" ")
    assert not is_genuine(b"another secret, as long", headers, body)
    assert not is_genuine(SECRET.encode(), {**headers, "X-VRRP-Timestamp": "1"}, body)


def test_a_500_is_tried_again_and_keeps_the_order() -> None:
    async def scene(voice: Voice) -> None:
        voice.note(event(1), None)
        voice.note(event(2), None)
        await until(lambda: voice.status()["webhooks"][0]["delivered"] == 2)

    with webhook_server() as received:
        received.answers = [500, 503]
        status = play(scene, webhooks=[hook(received)])
    assert [json.loads(body)["seq"] for headers, body in received.posts] == [1, 1, 1, 2]
    assert status["webhooks"][0]["failures"] == 2 and status["webhooks"][0]["problem"] is None


@pytest.mark.parametrize(("answer", "told"), [(404, "answered 404"), (301, "answered 301: give the address that")])
def test_what_a_receiver_refuses_is_not_tried_again(answer: int, told: str) -> None:
    with webhook_server() as received:
        received.answers = [answer]
        status = play(saying(event(1), event(2)), webhooks=[hook(received)])
    assert [json.loads(body)["seq"] for headers, body in received.posts] == [1, 2]
    [shown] = status["webhooks"]
    assert (shown["refused"], shown["delivered"], shown["waiting"]) == (1, 1, 0)
    assert shown["last"]["problem"].startswith(told)


def test_only_what_was_chosen_is_posted() -> None:
    with webhook_server() as received:
        chosen = hook(received, events=["conflict"], instances=["web"])
        play(
            saying(event(1), event(2, event="conflict"), event(3, event="conflict", instance="api")), webhooks=[chosen]
        )
    assert [json.loads(body)["seq"] for headers, body in received.posts] == [2]


def test_https_with_a_certificate_that_is_trusted_and_not_otherwise(tmp_path: Path) -> None:
    files = certificate(tmp_path)
    with webhook_server(tls_of(files)) as received:
        good = hook(received, "https", "localhost", ca_file=str(files[0]))
        assert play(saying(event(1)), webhooks=[good])["webhooks"][0]["delivered"] == 1
        unknown = play(saying(event(1)), webhooks=[hook(received, "https", "localhost")])["webhooks"][0]
        other = play(saying(event(1)), webhooks=[{**good, "url": f"https://127.0.0.1:{received.port}/"}])["webhooks"][0]
    assert "certificate verify failed" in unknown["problem"] and "certificate verify failed" in other["problem"]
    assert len(received.posts) == 1


def test_a_receiver_that_is_down_or_never_answers(tmp_path: Path) -> None:
    """Nothing is lost, and the next try finds it up."""

    async def scene(voice: Voice) -> None:
        voice.note(event(1), None)
        await until(lambda: voice.status()["webhooks"][0]["failures"] >= 1)
        assert "refused" in voice.status()["webhooks"][0]["problem"]
        with webhook_server(port=port) as received:
            await until(lambda: received.posts)
            await until(lambda: voice.status()["webhooks"][0]["waiting"] == 0)

    port = unused_port()
    play(scene, webhooks=[{"url": f"http://127.0.0.1:{port}/", "secret": SECRET}])


def test_one_that_accepts_and_never_answers() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        status = play(saying(event(1)), webhooks=[{"url": url, "secret": SECRET, "timeout": 0.2}])
    assert status["webhooks"][0]["problem"] == "timed out"


def test_a_secret_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(SECRET + "\n")
    with webhook_server() as received:
        filed = hook(received, secret=None, secret_file=str(tmp_path / "secret"))
        play(saying(event(1)), webhooks=[filed])
        headers, body = received.posts[0]
        missing = play(saying(event(1)), webhooks=[{**filed, "secret_file": str(tmp_path / "none")}])["webhooks"][0]
    signed = headers["X-VRRP-Timestamp"].encode() + b"." + body
    assert headers["X-VRRP-Signature"].endswith(hmac.new(SECRET.encode(), signed, hashlib.sha256).hexdigest())
    assert missing["problem"] == f"secret_file {tmp_path}/none: No such file or directory"


def test_no_secret_is_in_the_process_list(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is started, and with what; the secret goes by standard input."""
    started: list[str] = []

    async def scene(voice: Voice) -> None:
        voice.note(event(1), None)
        while not started:
            for path in Path("/proc").glob("[0-9]*"):
                try:
                    words = (path / "cmdline").read_bytes()
                    if b"deliver.py" in words:
                        started.append(words.decode() + (path / "environ").read_bytes().decode())
                except OSError:
                    pass
            await asyncio.sleep(0)

    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/?token=1"
        play(scene, webhooks=[{"url": url, "secret": SECRET, "timeout": 1}])
    assert SECRET not in started[0] and "token" not in started[0]


def test_what_waits_goes_over_to_a_successor() -> None:
    async def scene(voice: Voice) -> None:
        voice.note(event(1), None)
        voice.note(event(2), None)
        await until(lambda: voice.status()["webhooks"][0]["failures"] >= 1)
        await voice.pause()
        memory = json.loads(json.dumps(voice.remember()))
        with webhook_server(port=port) as received:
            successor = Voice(list)
            successor.configure(document(**top), memory)
            await until(lambda: len(received.posts) == 2)
            await successor.pause()

    port = unused_port()
    top = {"webhooks": [{"url": f"http://127.0.0.1:{port}/", "secret": SECRET}]}
    play(scene, **top)


# --- mail


def smtp_server(*arguments: Any, **options: Any) -> Any:
    """aiosmtpd's, in a thread of its own."""
    return Controller(*arguments, **options)


class Inbox:
    """What aiosmtpd hands over, and what it answers."""

    def __init__(self) -> None:
        self.mails: list[Any] = []
        self.answer = "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        if self.answer.startswith("250"):
            self.mails.append((envelope.mail_from, envelope.rcpt_tos, envelope.content.decode()))
        return self.answer


@pytest.fixture
def inbox() -> Iterator[tuple[Inbox, Any]]:
    inbox = Inbox()
    controller = smtp_server(inbox, hostname="127.0.0.1", port=unused_port())
    controller.start()
    yield inbox, controller
    controller.stop()


def mailing(port: int, **more: Any) -> dict[str, Any]:
    return {
        "from": "lb1@example.com",
        "to": ["ops@example.com", "b@example.com"],
        "server": "127.0.0.1",
        "port": port,
    } | more


def test_a_mail_tells_who_what_and_why(inbox: tuple[Inbox, Any]) -> None:
    """Transitions that come together are one mail."""
    api = event(2, "BACKUP", instance="api", virtual_router_id=52)
    status = play(saying(event(1, "FAULT"), api, event(3)), mail=mailing(inbox[1].port))
    [(sender, recipients, text)] = inbox[0].mails
    assert (sender, recipients) == ("lb1@example.com", ["ops@example.com", "b@example.com"])
    assert "Subject: [lb1] web MASTER, api BACKUP\r\n" in text
    assert "2026-11-22T23:00:00.000Z web eth0/51: BACKUP -> MASTER: no advert" in text
    assert "Auto-Submitted: auto-generated" in text and "Date: " in text and "Message-ID: <" in text
    assert (status["mail"]["delivered"], status["mail"]["waiting"]) == (1, 0)


def test_only_transitions_are_mailed_unless_chosen(inbox: tuple[Inbox, Any]) -> None:
    play(saying(event(1, event="reload"), event(2)), mail=mailing(inbox[1].port))
    assert "reload" not in inbox[0].mails[0][2]


def test_a_server_that_is_down_costs_no_mail() -> None:
    """What happens meanwhile comes in the same mail."""
    inbox, port = Inbox(), unused_port()
    controller = smtp_server(inbox, hostname="127.0.0.1", port=port)

    async def scene(voice: Voice) -> None:
        voice.note(event(1, "FAULT"), None)
        await until(lambda: voice.status()["mail"]["failures"] >= 1)
        voice.note(event(2), None)
        controller.start()
        await until(lambda: voice.status()["mail"]["waiting"] == 0)

    try:
        status = play(scene, mail=mailing(port))
    finally:
        controller.stop()
    [(_sender, _recipients, text)] = inbox.mails
    assert "-> FAULT" in text and "-> MASTER" in text
    assert status["mail"]["problem"] is None


@pytest.mark.parametrize(("answer", "waits"), [("451 later", 1), ("554 never", 0)])
def test_what_a_server_will_never_take_is_not_tried_again(inbox: tuple[Inbox, Any], answer: str, waits: int) -> None:
    inbox[0].answer = answer
    status = play(saying(event(1)), mail=mailing(inbox[1].port))
    assert (status["mail"]["waiting"], status["mail"]["delivered"]) == (waits, 0)
    assert status["mail"]["last"]["problem"] == answer


@pytest.mark.parametrize("tls", ["starttls", "implicit"])
def test_login_over_tls(tmp_path: Path, tls: str) -> None:
    files = certificate(tmp_path)
    inbox, port, logins = Inbox(), unused_port(), []

    def login(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> Any:
        from aiosmtpd.smtp import AuthResult

        logins.append(data)
        right = data.password == PASSWORD.encode()
        return AuthResult(success=right, handled=right)  # who handles it answers, too

    options = {"authenticator": login, "auth_required": True}
    if tls == "starttls":
        options |= {"tls_context": tls_of(files), "require_starttls": True}
    else:
        options |= {"ssl_context": tls_of(files), "auth_require_tls": False}
    controller = smtp_server(inbox, hostname="localhost", port=port, **options)
    mail = mailing(port, tls=tls, server="localhost", username="lb1", ca_file=str(files[0]))
    controller.start()
    try:
        (tmp_path / "password").write_text(PASSWORD)
        play(saying(event(1)), mail={**mail, "password_file": str(tmp_path / "password")})
        wrong = play(saying(event(2)), mail={**mail, "password": "wrong" + PASSWORD})
        distrusted = play(saying(event(3)), mail={**mail, "password": PASSWORD, "ca_file": None})
    finally:
        controller.stop()
    assert len(inbox.mails) == 1 and logins[0].login == b"lb1"
    assert wrong["mail"]["problem"].startswith("login refused: 535")
    assert "certificate verify failed" in distrusted["mail"]["problem"]
    assert PASSWORD not in json.dumps(wrong)
