# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each type of check against the real thing: servers that answer well, badly, late or never; files; processes."""

from __future__ import annotations

import asyncio
import errno
import gc
import json
import os
import ssl
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from test_checks import HTTP, WEB, made
from vrrp_agent.linux.errors import KernelError
from vrrp_agent.protocol.checks import Check
from vrrp_agent.service.checks import files, gateway, probes
from vrrp_agent.service.checks.once import Result, run_once, try_once
from vrrp_agent.service.checks.runner import Checks

Answer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
TRUE, SH = "/bin/true", "/bin/sh"


def answering(content: bytes, ends: bool = True) -> Answer:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(content)
        if not ends:
            await asyncio.sleep(30)
        writer.close()

    return answer


async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()


def asked(answer: Answer, unix_socket: Path | None = None, **changed: Any) -> tuple[bool, str]:
    """What an http check sees of a server."""

    async def story() -> tuple[bool, str]:
        if unix_socket is not None:
            server = await asyncio.start_unix_server(answer, str(unix_socket))
            check = made(**{**HTTP, "unix_socket": str(unix_socket), **changed})
        else:
            server = await asyncio.start_server(answer, "127.0.0.1", 0)
            port = server.sockets[0].getsockname()[1]
            check = made(**{**HTTP, "url": f"http://127.0.0.1:{port}/health", **changed})
        try:
            return await run_once(check)
        finally:
            server.close()

    return asyncio.run(story())


OK = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\nall is well\n"


def test_http(tmp_path: Path) -> None:
    assert asked(answering(OK)) == (True, "HTTP status 200")
    assert asked(answering(OK), text="is well") == (True, "HTTP status 200")
    assert asked(answering(OK), tmp_path / "socket") == (True, "HTTP status 200")
    assert asked(answering(b"HTTP/1.0 301 Moved\r\n\r\n"), status=301) == (True, "HTTP status 301")


@pytest.mark.parametrize(
    ("content", "changed", "why"),
    [
        (b"HTTP/1.1 503 Service Unavailable\r\n\r\n", {}, "HTTP status 503, not 200..299"),
        (b"HTTP/1.1 200 OK\r\n\r\n", {"status": [204, 301]}, "HTTP status 200, not 204 or 301"),
        (OK, {"text": "all is bad"}, "the answer does not contain 'all is bad'"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", {}, "no HTTP answer"),
        (b"", {}, "closed without an answer"),
        (b"HTTP/1.1 " + b"9" * 100_000, {}, "the answer has too long a line"),
    ],
)
def test_http_answers_badly(content: bytes, changed: dict[str, Any], why: str) -> None:
    assert asked(answering(content), **changed) == (False, why)


def test_http_is_not_answered() -> None:
    """Neither one that says nothing nor one that goes on for ever has more than the timeout."""
    began_s = time.monotonic()
    assert asked(silent, timeout=0.2) == (False, "no answer within 0.2 s")
    assert asked(answering(OK[:-4], ends=False), timeout=0.2, text="well") == (False, "no answer within 0.2 s")
    assert time.monotonic() - began_s < 5


def test_connection_refused() -> None:
    async def story() -> list[tuple[bool, str]]:
        server = await asyncio.start_server(silent, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        check = made(type="tcp", port=port)
        open_one = await run_once(check)
        server.close()
        await server.wait_closed()
        return [open_one, await run_once(check)]

    good, bad = asyncio.run(story())
    assert good[0] is True
    assert bad == (False, "Connection refused")


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    """One for 127.0.0.1 that nobody else has signed, and its key."""
    certificate, key = tmp_path / "certificate", tmp_path / "key"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    names = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-days", "2"]
    files_of_it = ["-keyout", str(key), "-out", str(certificate)]
    subprocess.run([*command, *names, *files_of_it], check=True, capture_output=True, timeout=60)
    return certificate, key


def test_https(certificate: tuple[Path, Path]) -> None:
    """Who has signed it is looked at, unless that is switched off."""

    async def story() -> list[tuple[bool, str]]:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(*certificate)
        server = await asyncio.start_server(answering(OK), "127.0.0.1", 0, ssl=context)
        asked_for = {**HTTP, "url": f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/"}
        changes: list[dict[str, Any]] = [{}, {"verify": False}, {"ca_file": str(certificate[0])}]
        results = [await run_once(made(**{**asked_for, **changed})) for changed in changes]
        server.close()
        return results

    strict, lax, known = asyncio.run(story())
    assert strict[0] is False and strict[1].startswith("TLS: self") and "signed certificate" in strict[1]
    assert lax == known == (True, "HTTP status 200")


# Until it is to ask by https the agent has no OpenSSL, and nothing else that only few need.
AGENT = """
import json, sys
sys.modules["pyroute2"] = None  # on a node it brings none of these either
from vrrp_agent import cli, config
assert cli.main(["run", "--config", "/no/such", "--runtime-dir", sys.argv[1]]) == 2
found = {"_ssl", "_hashlib", "difflib", "decimal", "shutil", "_bz2", "_lzma"} & set(sys.modules)
[web] = config.parse(json.loads(sys.argv[2])).instances
from vrrp_agent.service.checks.once import run_once
import asyncio
async def ask():
    return await asyncio.gather(*map(run_once, web.checks))
print(json.dumps([sorted(found), asyncio.run(ask())]))
"""


def test_tls_comes_with_the_first_who_needs_it(certificate: tuple[Path, Path], tmp_path: Path) -> None:
    """Two at once; and who has signed the certificate is told from then on."""

    async def story() -> tuple[bytes, bytes]:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(*certificate)
        server = await asyncio.start_server(answering(OK), "127.0.0.1", 0, ssl=context)
        check = {**HTTP, "url": f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/"}
        checks = [{**check, "name": "known", "ca_file": str(certificate[0])}, {**check, "name": "unknown"}]
        document = {"router_id": "lb1", "instances": [{**WEB, "checks": checks}]}
        child = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", AGENT, str(tmp_path), json.dumps(document)),
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        said = await asyncio.wait_for(child.communicate(), 30)
        server.close()
        return said

    out, err = asyncio.run(story())
    assert out, err.decode()
    found, [known, unknown] = json.loads(out)
    assert found == []
    assert known == [True, "HTTP status 200"]
    assert unknown[0] is False and unknown[1].startswith("TLS: self")


def ran(**check: Any) -> tuple[bool, str]:
    return asyncio.run(run_once(made(**check)))


def test_script(tmp_path: Path) -> None:
    assert ran(type="script", command=[TRUE]) == (True, "exit code 0")
    told = (False, f"{SH}: exit code 3: no space left")
    assert ran(type="script", command=[SH, "-c", "echo no space left; exit 3"]) == told
    assert ran(type="script", command=["/no/such"]) == (False, "/no/such: cannot be run: No such file or directory")
    assert ran(type="script", command=[TRUE], user="no-such-user")[0] is False


def test_what_cannot_run_is_told_from_what_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The one is a matter of the check or of what the agent may, the other of the service."""
    no_bus = tmp_path / "systemctl"
    no_bus.write_text("#!/bin/sh\necho Failed to connect to bus: No such file or directory; exit 1\n")
    no_bus.chmod(0o755)
    monkeypatch.setattr(probes, "_SYSTEMCTL", str(no_bus))
    monkeypatch.setattr(files, "_file", refused)
    monkeypatch.setattr(gateway, "EchoSocket", without_capabilities)
    text = tmp_path / "text"
    text.write_text("no program")
    cannot = (
        {"type": "script", "command": ["/no/such"]},
        {"type": "script", "command": [str(text)]},
        {"type": "script", "command": [TRUE], "user": "no-such-user"},
        {"type": "systemd", "unit": "nginx.service"},
        {"type": "file", "path": "/switch"},
        {"type": "gateway", "targets": ["192.0.2.1"], "method": "ping"},
    )
    fails = (
        {"type": "script", "command": [SH, "-c", "exit 127"]},
        {"type": "script", "command": [SH, "-c", "sleep 9"], "timeout": 0.2},
        {"type": "http", "url": "http://127.0.0.1:1/"},
        {"type": "http", "url": "http://a/", "unix_socket": str(tmp_path / "none")},
        {"type": "process", "pid_file": str(tmp_path / "none")},
    )

    async def story() -> list[Result]:
        return [await try_once(made(**one)) for one in (*cannot, *fails)]

    results = asyncio.run(story())
    assert not any(result.good for result in results)
    assert [result.ran for result in results] == [False] * len(cannot) + [True] * len(fails)


def without_capabilities(address: str, index: int) -> None:
    raise KernelError("open a raw socket for ICMP", errno.EPERM)


def refused(what: object) -> str:
    """As the kernel refuses a file; root's tests are refused none."""
    raise PermissionError(errno.EACCES, "Permission denied")


def test_a_script_that_hangs_takes_its_children_with_it(tmp_path: Path) -> None:
    program = f"sleep 600 & echo $! > {tmp_path}/child; wait"
    began_s = time.monotonic()
    assert ran(type="script", command=[SH, "-c", program], timeout=0.5)[0] is False
    assert time.monotonic() - began_s < 5
    child = int((tmp_path / "child").read_text())
    deadline_s = time.monotonic() + 5
    while _lives(child) and time.monotonic() < deadline_s:
        time.sleep(0.02)
    assert not _lives(child)


def _lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_systemd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As systemctl answers; it is asked itself in the molecule scenario."""
    systemctl = tmp_path / "systemctl"
    systemctl.write_text('#!/bin/sh\n[ "$1 $2" = "is-active --" ] || exit 9\n[ $3 = good ] && echo active && exit 0\n')
    with open(systemctl, "a") as file:
        file.write("echo failed; exit 3\n")
    systemctl.chmod(0o755)
    monkeypatch.setattr(probes, "_SYSTEMCTL", str(systemctl))
    assert ran(type="systemd", unit="good") == (True, "good is active")
    assert ran(type="systemd", unit="bad") == (False, "bad is not active: failed")


def test_file(tmp_path: Path) -> None:
    switch = tmp_path / "switch"
    there, absent = {"type": "file", "path": str(switch)}, {"type": "file", "path": str(switch), "expect": "absent"}
    assert ran(**there) == (False, f"{switch}: No such file or directory")
    assert ran(**absent) == (True, f"{switch} is absent")
    switch.write_text("2\n")
    assert ran(**there) == (True, f"{switch} is there")
    assert ran(**absent) == (False, f"{switch} is there")
    assert ran(**there, minimum=2) == (True, f"{switch} holds 2")
    assert ran(**there, minimum=3) == (False, f"{switch} holds 2, less than 3")
    switch.write_text("two")
    assert ran(**there, minimum=1) == (False, f"{switch} holds no whole number")


def test_a_file_that_is_never_read_holds_up_nobody(tmp_path: Path) -> None:
    """A pipe that nobody writes to stands in for a mount that hangs: one look waits, and no second one joins it."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    check = made(type="file", path=str(pipe), minimum=1, timeout=0.2)
    unexpected: list[Any] = []

    async def story() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: unexpected.append(context))
        late = (False, "no answer within 0.2 s")
        assert [await run_once(check), await run_once(check)] == [late, late]
        assert list(files._looks) == [check.probe]
        await asyncio.get_running_loop().run_in_executor(None, pipe.write_text, "much")
        await until(lambda: not files._looks)

    asyncio.run(story())
    gc.collect()
    assert unexpected == []


def test_process(tmp_path: Path) -> None:
    sleeper = subprocess.Popen(["/bin/sleep", "600"])
    try:
        pid_file = tmp_path / "pid"
        pid_file.write_text(f"{sleeper.pid}\n")
        by_file = {"type": "process", "pid_file": str(pid_file)}
        assert ran(type="process", process="sleep")[0] is True
        assert ran(**by_file) == (True, f"process {sleeper.pid} runs")
    finally:
        sleeper.kill()
        sleeper.wait()
    assert ran(**by_file) == (False, f"{pid_file}: no process {sleeper.pid}")
    assert ran(type="process", process="no-such-program") == (False, "no process no-such-program")
    pid_file.write_text("-1")
    assert ran(**by_file) == (False, f"{pid_file} holds no number of a process")


# --- at work


def switch_of(path: Path, **changed: Any) -> Check:
    return made(**{"type": "file", "path": str(path), "interval": 0.5, "fall": 2, "rise": 1, **changed})


async def until(condition: Callable[[], bool]) -> None:
    deadline_s = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline_s
        await asyncio.sleep(0.01)


def test_what_is_not_known_yet_counts_as_failed_unless_trusted(tmp_path: Path) -> None:
    async def story() -> None:
        checks = Checks([switch_of(tmp_path)], lambda *told: None)
        assert checks.fault() == "check file: no result yet"
        checks.start(trusting=True)
        assert checks.fault() is None
        checks.stop()
        demoting = Checks([switch_of(tmp_path, on_fail={"priority": -60})], lambda *told: None)
        assert (demoting.fault(), demoting.lowered()) == (None, (-60, ["check file: no result yet"]))

    asyncio.run(story())


def test_a_result_is_known_and_told_at_once(tmp_path: Path) -> None:
    """Who asks in between would see a healthy check, and an instance in FAULT for want of a result."""
    switch = tmp_path / "switch"
    switch.write_text("")
    told: list[bool] = []

    async def story() -> None:
        checks = Checks([switch_of(switch)], lambda name, healthy, why: told.append(healthy))
        checks.start(trusting=False)
        while not told:
            [status] = checks.status()
            assert status["healthy"] is None
            await asyncio.sleep(0)
        [status] = checks.status()
        assert status["healthy"] is True and told == [True]
        checks.stop()

    asyncio.run(asyncio.wait_for(story(), 10))


def test_a_check_at_work(tmp_path: Path) -> None:
    switch = tmp_path / "switch"
    switch.write_text("")
    told: list[tuple[str, bool]] = []

    async def story() -> None:
        checks = Checks([switch_of(switch)], lambda name, healthy, why: told.append((name, healthy)))
        checks.start(trusting=False)
        await until(lambda: told == [("file", True)])
        assert checks.fault() is None
        switch.unlink()
        await until(lambda: len(told) == 2)
        assert checks.fault() == f"check file: {switch}: No such file or directory"
        [status] = checks.status()
        assert status["failures"] >= 2 and status["healthy"] is False
        other = Checks([switch_of(switch)], lambda *told: None)
        other.restore(checks.remember())
        assert other.fault() == checks.fault()
        changed = Checks([switch_of(switch, fall=3)], lambda *told: None)
        changed.restore(checks.remember())
        assert changed.fault() == "check file: no result yet"
        kept = checks._working["file"]
        checks.replace([switch_of(switch), switch_of(switch, name="new")])
        assert checks._working["file"] is kept
        assert [one["healthy"] for one in checks.status()] == [False, None]
        checks.replace([])
        assert checks.fault() is None
        checks.stop()

    asyncio.run(story())
    assert told[:2] == [("file", True), ("file", False)]


def test_until_its_first_result_a_changed_check_is_what_it_was(tmp_path: Path) -> None:
    """A reload is no reason to believe a node that has failed, nor one of which nothing is known yet."""
    switch = tmp_path / "switch"

    async def story() -> None:
        told: list[bool] = []
        checks = Checks([switch_of(switch)], lambda name, healthy, why: told.append(healthy))
        checks.start(trusting=False)
        checks.replace([switch_of(switch, fall=3), switch_of(switch, name="new")])
        assert checks.awaited and checks.fault() == "check file: no result yet"
        await until(lambda: len(told) == 2)
        checks.replace([switch_of(switch), switch_of(tmp_path, name="new")])
        assert checks.fault() == "check file: no result yet"  # it was failing
        switch.write_text("")
        await until(lambda: checks.fault() is None)
        checks.replace([switch_of(switch, fall=3), switch_of(switch, name="newer")])
        assert (checks.fault(), checks.awaited) == (None, False)
        checks.stop()

    asyncio.run(story())
