# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Metrics of a running agent: over HTTP and in a file, from hostile clients, and over reload, upgrade and end."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from peers import OurAgent, Wire
from prometheus_client import parser
from segment import Namespace, Segment, wait_for
from vrrp_agent.service.http_endpoint import CONNECTIONS_MAX, REQUEST_MAX_OCTETS

QUICK = Wire(3, interval_s=0.2)
PORT = 9650
IPV4, IPV6 = "10.139.1.11", "fd00:139::11"
SOON_S = 20.0


def configure(agent: OurAgent, **metrics: str) -> None:
    """Set the top-level key `metrics` in its file."""
    document = json.loads(agent.config.read_text())
    agent.config.write_text(json.dumps({**document, "metrics": metrics}))


@pytest.fixture
def agent(segment: Segment, tmp_path: Path) -> OurAgent:
    """The agent of node a, MASTER because it is alone."""
    agent = OurAgent(segment["a"], tmp_path / "a")
    agent.start(QUICK, priority=150)
    agent.wait_for_state("MASTER", SOON_S)
    return agent


def reload(agent: OurAgent, **metrics: str) -> None:
    configure(agent, **metrics)
    assert agent.command("reload").returncode == 0


def ask(node: Namespace, method: str = "GET", path: str = "/metrics", address: str = IPV4) -> tuple[int, str, str]:
    """Status, content type and body of a request from a node; 0 where there is no answer."""
    connection = http.client.HTTPConnection(address, PORT, timeout=SOON_S)
    try:
        with node.entered():
            connection.connect()
        connection.request(method, path)
        answer = connection.getresponse()
        return answer.status, answer.headers["Content-Type"], answer.read().decode()
    except OSError:
        return 0, "", ""
    finally:
        connection.close()


def answers(node: Namespace, address: str = IPV4) -> bool:
    return ask(node, address=address)[0] == 200


def values(text: str) -> dict[str, float]:
    """The samples of a metrics page with the name, and a state or a reason, as the key."""
    found = {}
    for family in parser.text_string_to_metric_families(text):
        for sample in family.samples:
            more = sample.labels.get("state") or sample.labels.get("le") or ""
            found[f"{sample.name} {more}".strip()] = sample.value
    return found


@pytest.mark.parametrize(("listen", "address"), [(f"{IPV4}:{PORT}", IPV4), (f"[::]:{PORT}", IPV6)])
def test_over_http(agent: OurAgent, segment: Segment, listen: str, address: str) -> None:
    assert agent.document()["metrics"] == {"textfile": None, "listen": None}
    reload(agent, listen=listen)
    wait_for(lambda: answers(segment["b"], address), "the metrics are served", SOON_S)
    code, kind, text = ask(segment["b"], address=address)
    assert (code, kind) == (200, "text/plain; version=0.0.4; charset=utf-8")
    found = values(text)
    assert (found["vrrp_state MASTER"], found["vrrp_state BACKUP"]) == (1, 0)
    assert found["vrrp_advertisements_sent_total"] >= 1 and found["vrrp_timer_lateness_seconds_count"] >= 1
    assert found["vrrp_addresses_present"] == 2
    assert ask(segment["b"], "HEAD", address=address) == (200, kind, "")
    assert [ask(segment["b"], *what, address=address)[0] for what in (("POST",), ("GET", "/"))] == [405, 404]
    reload(agent)
    wait_for(lambda: ask(segment["b"], address=address)[0] == 0, "it listens no more", SOON_S)
    assert agent.document()["metrics"]["listen"] is None


def test_an_upgrade_goes_on_serving(agent: OurAgent, segment: Segment) -> None:
    reload(agent, listen=f"{IPV4}:{PORT}")
    wait_for(lambda: answers(segment["b"]), "the metrics are served", SOON_S)
    before = values(ask(segment["b"])[2])
    assert agent.command("upgrade").returncode == 0
    wait_for(lambda: answers(segment["b"]), "the new process serves them", SOON_S)
    after = values(ask(segment["b"])[2])
    assert after["vrrp_advertisements_sent_total"] >= before["vrrp_advertisements_sent_total"]
    assert after["vrrp_become_master_total"] == 1


def test_an_address_in_use_is_told_and_tried_again(agent: OurAgent, segment: Segment) -> None:
    with segment["a"].entered():
        other = socket.create_server((IPV4, PORT))
    reload(agent, listen=f"{IPV4}:{PORT}")
    told = wait_for(lambda: agent.document()["metrics"]["listen"]["error"], "the status says so", SOON_S)
    assert f"cannot listen on {IPV4}:{PORT}: " in told and told in agent.log
    assert agent.status()["state"] == "MASTER"
    other.close()
    wait_for(lambda: answers(segment["b"]), "it listens as soon as it can", 2 * SOON_S)
    assert agent.document()["metrics"]["listen"]["error"] is None


@contextlib.contextmanager
def clients(node: Namespace, count: int, octets: bytes) -> Iterator[list[socket.socket]]:
    """Connections that have sent these octets, and no more."""
    with contextlib.ExitStack() as stack, node.entered():
        opened = [stack.enter_context(socket.create_connection((IPV4, PORT), SOON_S)) for unused in range(count)]
        for connection in opened:
            with contextlib.suppress(OSError):
                connection.sendall(octets)
        yield opened


@pytest.mark.parametrize(
    ("octets", "answer"),
    [
        (b"GET /metrics", b""),  # and never goes on
        (b"a" * 2 * REQUEST_MAX_OCTETS, b"HTTP/1.1 431"),
        (b"\0\r\n\r\n", b"HTTP/1.1 400"),
        (b"GET /metrics HTTP/1.1\r\n\r\n" * 50, b"HTTP/1.1 200"),
    ],
)
def test_hostile_clients(agent: OurAgent, segment: Segment, octets: bytes, answer: bytes) -> None:
    """More than it takes at a time: each is answered or dropped, nobody stays, no role moves, and it answers again."""
    reload(agent, listen=f"{IPV4}:{PORT}")
    wait_for(lambda: answers(segment["b"]), "the metrics are served", SOON_S)
    with clients(segment["b"], 3 * CONNECTIONS_MAX, octets) as opened:
        got = [read(connection) for connection in opened]
    # Where it closes with octets unread, the kernel may throw the answer away.
    assert all(one[: len(answer)] in (answer, b"", b"HTTP/1.1 503"[: len(answer)]) for one in got)
    assert sum(one.startswith(b"HTTP/1.1 503") for one in got) <= 2 * CONNECTIONS_MAX
    wait_for(lambda: answers(segment["b"]), "it answers again", SOON_S)
    assert agent.document()["instances"][0]["counters"]["master_transitions"] == 1
    assert "Traceback" not in agent.log


def read(connection: socket.socket) -> bytes:
    """Everything to the end, which must come."""
    octets = b""
    with contextlib.suppress(ConnectionError):
        while chunk := connection.recv(65536):
            octets += chunk
    return octets


# --- the file


def test_a_file_for_node_exporter(agent: OurAgent, tmp_path: Path) -> None:
    folder = tmp_path / "textfiles"
    path = folder / "vrrp.prom"
    reload(agent, textfile=str(path))
    told = wait_for(lambda: agent.document()["metrics"]["textfile"]["error"], "the status says so", SOON_S)
    assert told == f"cannot write {path}: No such file or directory" and told in agent.log
    folder.mkdir()
    wait_for(path.exists, "the file is there as soon as it can be", 3 * SOON_S)
    assert values(path.read_text())["vrrp_state MASTER"] == 1
    assert path.stat().st_mode & 0o777 == 0o644
    told_status: dict[str, Any] = agent.document()["metrics"]["textfile"]
    assert told_status["error"] is None and told_status["written"] is not None
    assert os.listdir(folder) == ["vrrp.prom"]
    agent.stop()
    assert os.listdir(folder) == [], "a file that nobody writes any more would say MASTER for ever"
