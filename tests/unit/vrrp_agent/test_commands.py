# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real commands at work: their time, their group, their output, and what they must not have of the agent's."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from vrrp_agent.service import commands
from vrrp_agent.service.commands import OUTPUT_MAX_OCTETS, Outcome

LONG_S = 60.0


def run(*command: str, timeout_s: float = LONG_S, **more: Any) -> Outcome:
    return asyncio.run(commands.run(command, timeout_s, **more))


def sh(script: str, timeout_s: float = LONG_S, **more: Any) -> Outcome:
    return run("/bin/sh", "-c", script, timeout_s=timeout_s, **more)


def is_gone(pid: int) -> bool:
    """Whether a process has ended; nobody may have waited for it yet."""
    deadline_s = time.monotonic() + 10
    while time.monotonic() < deadline_s:
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except OSError:
            return True
        time.sleep(0.01)
    return False


def test_what_a_command_says_and_its_end() -> None:
    done = sh("echo hello; echo there >&2; exit 3")
    assert (done.exit_code, done.output, done.problem) == (3, "hello\nthere\n", "exit code 3")
    assert 0 < done.duration_s < LONG_S
    assert sh("true").problem is None
    assert sh("kill -9 $$").problem == "killed by signal 9"


def test_only_the_end_of_its_output_is_kept() -> None:
    done = sh("yes | head -c 1000000; echo end")
    assert done.problem is None
    assert len(done.output) == OUTPUT_MAX_OCTETS and done.output.endswith("y\nend\n")


@pytest.mark.parametrize("command", ["/no/such/command", "/etc/passwd", "/bin/sh\0"])
def test_one_that_cannot_be_run_says_why(command: str) -> None:
    done = run(command)
    assert done.exit_code is None and str(done.problem).startswith("cannot be run: ")


def test_a_command_that_never_ends_is_killed_with_all_that_it_has_started(tmp_path: Path) -> None:
    """It ignores what it can ignore."""
    script = f"trap '' TERM HUP INT; (trap '' TERM; sleep 1000) & echo $! > {tmp_path}/child; echo $$; sleep 1000"
    done = sh(script, timeout_s=0.5)
    assert (done.exit_code, done.problem) == (None, "not ended after 0.5 s, killed")
    assert is_gone(int(done.output)) and is_gone(int((tmp_path / "child").read_text()))


def test_what_it_leaves_behind_goes_with_it() -> None:
    done = sh("sleep 1000 >/dev/null 2>&1 & echo $!")
    assert done.problem is None
    assert is_gone(int(done.output))


def test_what_it_leaves_behind_may_be_kept_for_its_time(tmp_path: Path) -> None:
    async def scene() -> Outcome:
        script = f"(sleep 0.3; echo more; touch {tmp_path}/done; sleep 1000) & echo $!"
        done = await commands.run(["/bin/sh", "-c", script], 2.0, keep_children=True)
        while not is_gone_now(int(done.output)):
            await asyncio.sleep(0.05)
        return done

    done = asyncio.run(asyncio.wait_for(scene(), 20))
    assert (done.problem, done.duration_s < 2) == (None, True)
    assert (tmp_path / "done").exists()


def is_gone_now(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"


def test_without_pidfd_as_on_older_kernels(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "pidfd_open")
    assert sh("exit 4").exit_code == 4
    assert sh("sleep 1000", timeout_s=0.2).exit_code is None


def test_what_it_is_given_to_read() -> None:
    octets = b"0123456789" * 20_000
    assert sh("wc -c", given=octets).output.strip() == "200000"
    assert sh("exit 0", given=octets).problem is None  # it need not read


def test_it_has_no_part_in_what_the_agent_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """No variable, no descriptor, no controlling session, no protection from the OOM killer."""
    monkeypatch.setenv("NOTIFY_SOCKET", "/run/systemd/notify")
    monkeypatch.setenv("VRRP_AGENT_TAKE_OVER", "1 2 3")
    inherited = os.open("/dev/null", os.O_RDONLY)
    os.set_inheritable(inherited, True)
    try:
        done = sh(
            "env; ls /proc/self/fd | wc -l; cat /proc/self/oom_score_adj; pwd", environment={"VRRP_STATE": "MASTER"}
        )
    finally:
        os.close(inherited)
    lines = done.output.splitlines()
    names = {line.partition("=")[0] for line in lines[:-3]}
    assert "VRRP_STATE" in names and names <= {"PATH", "LANG", "TZ", "VRRP_STATE", "PWD", "SHLVL", "_", "OLDPWD"}
    assert lines[-3:] == ["4", "0", "/"]  # three, and the one that ls reads


@pytest.mark.skipif(os.geteuid() != 0, reason="only root becomes somebody else")
def test_as_another_user() -> None:
    done = sh("id -un; id -Gn", user="nobody")
    assert done.output.split() == ["nobody", "nogroup"]
    assert "there is no user ghost" in str(sh("true", user="ghost").problem)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may have real-time priority everywhere")
def test_no_real_time_priority_no_locked_memory_no_capability() -> None:
    """As a process that has them all starts it."""
    script = """
import asyncio, ctypes, os
from vrrp_agent.service import commands, process
libc = ctypes.CDLL(None)
for number in (12, 13):  # CAP_NET_ADMIN, CAP_NET_RAW
    header, data = (ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)()
    libc.capget(header, data)
    data[2] |= 1 << number
    assert libc.capset(header, data) == 0
    assert libc.prctl(47, 2, number, 0, 0) == 0
assert process._refused_lock() is None
show = "grep -E 'CapAmb|VmLck' /proc/self/status; chrt -p $$"
async def main():
    loop = asyncio.get_running_loop()
    loop.set_default_executor(process.executor())
    process.refused_realtime()
    return await commands.run(["/bin/sh", "-c", show], 30)
print(asyncio.run(main()).output)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False)
    words = done.stdout.split()
    assert words[words.index("CapAmb:") + 1] == "0" * 16, done.stderr
    assert words[words.index("VmLck:") + 1] == "0"
    assert "SCHED_OTHER" in done.stdout
