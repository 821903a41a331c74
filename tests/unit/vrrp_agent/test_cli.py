# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line: exit codes, what is on which stream, and the table that people read."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from vrrp_agent import cli, client
from vrrp_agent.client import ControlError
from vrrp_agent.service.log import LOGGER
from vrrp_agent.version import VERSION

GOOD = {
    "router_id": "lb1",
    "instances": [
        {"name": "web", "interface": "eth0", "virtual_router_id": 51, "virtual_addresses": ["10.139.1.1/24"]}
    ],
}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "config.json"


def run(capsys: Any, *arguments: object) -> tuple[int, str, str]:
    code = cli.main([str(argument) for argument in arguments])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def refuse(code: str, text: str) -> Any:
    def call(*arguments: object, **keywords: object) -> None:
        raise ControlError(code, text)

    return call


# --- check


def test_check_of_a_good_file_says_nothing(file: Path, capsys: Any) -> None:
    file.write_text(json.dumps(GOOD))
    assert run(capsys, "check", "--config", file) == (0, "", "")


def test_check_tells_every_problem(file: Path, capsys: Any) -> None:
    web = {**GOOD["instances"][0], "priority": 300, "prioritee": 1}
    file.write_text(json.dumps({**GOOD, "instances": [web]}))
    assert run(capsys, "check", "--config", file) == (
        2,
        "",
        f"{file}: instances[0].priority: 300 is not in 1..255\n"
        f"{file}: instances[0].prioritee: unknown key; did you mean priority?\n",
    )


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"{", "not JSON: Expecting property name enclosed in double quotes at line 1, column 2"),
        (b'{"router_id": "\xff"}', "not UTF-8 text"),
        (b"\xef\xbb\xbf{}", "not JSON: Unexpected UTF-8 BOM (decode using utf-8-sig) at line 1, column 1"),
        (b'{"a": 1, "a": 2}', "a: stands twice in one object; keep one of the two"),
        (b"[" * 100_000, "not a configuration: nested too deeply, or a number of too many digits"),
    ],
)
def test_check_of_what_is_no_configuration(file: Path, content: bytes, text: str, capsys: Any) -> None:
    file.write_bytes(content)
    assert run(capsys, "check", "--config", file) == (2, "", f"{file}: {text}\n")


def test_each_check_is_tried_once(file: Path, tmp_path: Path, capsys: Any) -> None:
    there = {"type": "file", "name": "switch", "path": str(tmp_path)}
    missing = {"type": "script", "name": "app", "command": ["/no/such"], "on_fail": {"priority": -60}}
    web = {**GOOD["instances"][0], "checks": [there]}
    file.write_text(json.dumps({**GOOD, "instances": [web]}))
    good = f"ok          web: switch: {tmp_path} is there\n"
    assert run(capsys, "check", "--config", file, "--try") == (0, good, "")
    other = {**web, "name": "other", "virtual_router_id": 52, "virtual_addresses": ["10.139.1.2"], "checks": [missing]}
    file.write_text(json.dumps({**GOOD, "instances": [web, other]}))
    bad = "CANNOT RUN  other: app: /no/such: cannot be run: No such file or directory\n"
    assert run(capsys, "check", "--config", file, "--try") == (1, good + bad, "")
    code, out, err = run(capsys, "check", "--config", file, "--try", "--json")
    assert (code, err) == (1, "")
    keys = ("instance", "name", "type", "result", "on_fail", "last_resort")
    assert [tuple(one[key] for key in keys) for one in json.loads(out)["checks"]] == [
        ("web", "switch", "file", "good", "release", False),
        ("other", "app", "script", "cannot_run", {"priority": -60}, False),
    ]


def test_a_wrong_configuration_is_not_tried(file: Path, capsys: Any) -> None:
    file.write_text(json.dumps({**GOOD, "instances": [{**GOOD["instances"][0], "checks": [{"type": "fly"}]}]}))
    code, out, err = run(capsys, "check", "--config", file, "--try")
    assert (code, out) == (2, "")
    assert "instances[0].checks[0].type" in err


def test_a_configuration_from_the_standard_input(capsys: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for document, expected in ((GOOD, (0, "", "")), ({**GOOD, "router": 1}, (2, "", "-: router: unknown key"))):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(json.dumps(document).encode())))
        code, out, err = run(capsys, "check", "--config", "-")
        assert (code, out, err.partition(";")[0]) == expected


def test_check_of_what_cannot_be_read(tmp_path: Path, capsys: Any) -> None:
    missing = tmp_path / "missing.json"
    assert run(capsys, "check", "--config", missing) == (2, "", f"{missing}: No such file or directory\n")
    assert run(capsys, "check", "--config", tmp_path) == (2, "", f"{tmp_path}: Is a directory\n")


# --- run


def test_run_refuses_before_it_touches_anything(file: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JOURNAL_STREAM", "8:1")
    monkeypatch.setattr(LOGGER, "handlers", [])
    monkeypatch.setattr(LOGGER, "propagate", True)
    runtime_dir = file.parent / "run"
    for content, text in (("{}", "router_id: is missing"), (None, "No such file or directory")):
        if content is None:
            file.unlink()
        else:
            file.write_text(content)
        code, out, err = run(capsys, "run", "--config", file, "--runtime-dir", runtime_dir)
        assert (code, out, err) == (2, "", f"<3>{file}: {text}\n")
    assert not runtime_dir.exists()


# --- status and reload


def an_instance(**changed: Any) -> dict[str, Any]:
    return {
        "name": "web",
        "interface": "eth0",
        "virtual_router_id": 51,
        "state": "MASTER",
        "effective_priority": 150,
        "master": {"address": "10.139.1.10", "priority": 150, "last_heard": None},
        "addresses_present": ["10.139.1.1/24", "10.139.1.2/24"],
        "last_transition": {
            "from": "BACKUP",
            "to": "MASTER",
            "reason": "no advert heard for 3.41 s",
            "at": "2026-11-22T16:00:00.123Z",
        },
        **changed,
    }


DOCUMENT = {
    "router_id": "lb1",
    "instances": [
        an_instance(),
        an_instance(name="database", state="FAULT", master=None, addresses_present=[], last_transition=None),
    ],
}


def test_status_is_a_table(capsys: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "status", lambda runtime_dir: DOCUMENT)
    code, out, err = run(capsys, "status")
    assert (code, err) == (0, "")
    assert out.splitlines() == [
        "INSTANCE  INTERFACE/VRID  STATE   SINCE  PRIORITY  MASTER       ADDRESSES HERE               WHY",
        "web       eth0/51         MASTER  -      150       10.139.1.10  10.139.1.1/24 10.139.1.2/24  "
        "no advert heard for 3.41 s",
        "database  eth0/51         FAULT   -      150       -            -                            -",
    ]


def test_status_as_json_is_the_whole_document(capsys: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "status", lambda runtime_dir: DOCUMENT)
    code, out, err = run(capsys, "status", "--json")
    assert (code, json.loads(out), err) == (0, DOCUMENT, "")


def test_status_without_an_agent(tmp_path: Path, capsys: Any) -> None:
    text = f"vrrp-agent: the agent is not running (nothing listens on {tmp_path}/control.sock)\n"
    assert run(capsys, "status", "--runtime-dir", tmp_path) == (1, "", text)
    assert run(capsys, "reload", "--runtime-dir", tmp_path) == (1, "", text)


@pytest.mark.parametrize(("code", "exit_code"), [("config_invalid", 2), ("timeout", 1), ("kernel_error", 1)])
def test_reload_refused(code: str, exit_code: int, capsys: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "reload", refuse(code, "instances[0].name: is missing"))
    assert run(capsys, "reload") == (exit_code, "", "vrrp-agent: instances[0].name: is missing\n")


def test_reload_says_nothing(capsys: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    monkeypatch.setattr(client, "reload", asked.append)
    assert run(capsys, "reload", "--runtime-dir", "/x") == (0, "", "")
    assert asked == ["/x"]


# --- switchover, drain, undrain

MOVED = {"changed": True, "message": "web: MASTER -> BACKUP", "before": {}, "after": {}, "duration_s": 0.4321}


@pytest.mark.parametrize(
    ("arguments", "asked"),
    [
        (("switchover", "web"), ("switchover", "web", False, "/x")),
        (("switchover", "web", "--force"), ("switchover", "web", True, "/x")),
        (("drain",), ("drain", False, "/x")),
        (("drain", "--force"), ("drain", True, "/x")),
        (("undrain",), ("undrain", "/x")),
    ],
)
def test_maintenance(
    arguments: tuple[str, ...], asked: tuple[object, ...], capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []
    name = arguments[0]
    monkeypatch.setattr(client, name, lambda *given: calls.append((name, *given)) or MOVED)
    assert run(capsys, *arguments, "--runtime-dir", "/x") == (0, "web: MASTER -> BACKUP (0.43 s)\n", "")
    code, out, err = run(capsys, *arguments, "--runtime-dir", "/x", "--json")
    assert (code, json.loads(out), err) == (0, MOVED, "")
    assert calls == [asked, asked]


def test_maintenance_that_changes_nothing(capsys: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    idle = {**MOVED, "changed": False, "message": "web: nothing to do: BACKUP"}
    monkeypatch.setattr(client, "switchover", lambda *given: idle)
    assert run(capsys, "switchover", "web") == (0, "web: nothing to do: BACKUP\n", "")


@pytest.mark.parametrize(
    ("code", "exit_code", "hint"),
    [
        ("no_successor", 1, "Use --force to leave all the same: then nobody holds the addresses.\n"),
        ("address_owner", 1, ""),
        ("unknown_instance", 2, ""),
        ("bad_argument", 2, ""),
    ],
)
def test_maintenance_refused(
    code: str, exit_code: int, hint: str, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "drain", refuse(code, "not drained"))
    assert run(capsys, "drain") == (exit_code, "", f"vrrp-agent: not drained\n{hint}")


def test_where_a_drain_is_remembered(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from vrrp_agent.service import agent

    asked = []

    class Agent:
        def __init__(self, *given: object) -> None:
            asked.append(given)

        async def run(self) -> int:
            return 0

    monkeypatch.setattr(agent, "Agent", Agent)
    monkeypatch.setattr(LOGGER, "handlers", [])
    monkeypatch.delenv("STATE_DIRECTORY", raising=False)
    assert cli.main(["run", "--config", "f", "--runtime-dir", "r"]) == 0
    monkeypatch.setenv("STATE_DIRECTORY", "/var/lib/a:/var/lib/b")
    assert cli.main(["run", "--config", "f", "--runtime-dir", "r"]) == 0
    assert cli.main(["run", "--config", "f", "--runtime-dir", "r", "--state-dir", "s"]) == 0
    assert asked == [("f", "r", None), ("f", "r", "/var/lib/a"), ("f", "r", "s")]


# --- help


def exits(capsys: Any, *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as caught:
        cli.main(arguments)
    captured = capsys.readouterr()
    return caught.value.code, captured.out, captured.err


def test_help_names_every_command(capsys: Any) -> None:
    code, out, err = exits(capsys, "--help")
    assert (code, err) == (0, "")
    lines = [" ".join(line.split()) for line in out.splitlines()]
    assert lines[0] == "usage: vrrp-agent [-h] [--version] COMMAND ..."
    assert "Holds virtual IP addresses by VRRP." in lines
    text = " ".join(out.split())
    for line in (
        "run run in the foreground",
        "check check a configuration: exit 0, or 2 and why",
        "status show what is live",
        "reload read the configuration again, without a restart",
        "switchover give the role of an instance to the peer",
        "drain hand every role over, then take no part",
        "undrain take part again, after a drain",
    ):
        assert line in text


def test_help_names_the_default_folder(capsys: Any) -> None:
    text = " ".join(exits(capsys, "status", "--help")[1].split())
    assert "--runtime-dir DIR where the control socket is (default: /run/vrrp-agent)" in text


@pytest.mark.parametrize("arguments", [(), ("fly",), ("check", "--konfig"), ("status", "--colour")])
def test_usage_errors(arguments: tuple[str, ...], capsys: Any) -> None:
    code, out, err = exits(capsys, *arguments)
    assert (code, out) == (2, "")
    assert err.startswith("usage: vrrp-agent")


def test_as_a_process(file: Path) -> None:
    """As the launcher starts it; and what only asks loads neither the daemon nor its libraries."""
    import vrrp_agent

    package = Path(vrrp_agent.__file__).parent.parent
    script = "import sys; from vrrp_agent import cli; assert not {'asyncio', 'pyroute2'} & set(sys.modules)"
    for arguments in (["-c", script], ["-m", "vrrp_agent.cli", "--version"]):
        done = subprocess.run(
            [sys.executable, *arguments],
            env={**os.environ, "PYTHONPATH": str(package)},
            capture_output=True,
            text=True,
            check=False,
            timeout=30,
        )
        assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"vrrp-agent {VERSION}\n"
