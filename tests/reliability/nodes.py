# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The two kinds of daemon on a node, under a supervisor that does what systemd would with their units."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

from peers import Keepalived, OurAgent, Peer, Wire
from segment import Namespace

from . import faulty

# Of the role's unit: Restart=always, RestartSec=100ms. keepalived's unit has no Restart=.
RESTART_S = 0.1


class Node(Protocol):
    """What the events ask of a node."""

    kind: str

    @property
    def peer(self) -> Peer:
        """The daemon's process and files."""

    def configure(self, wire: Wire, priority: int) -> None:
        """Write the configuration."""

    def upgrade(self) -> None:
        """Put new code in the place of what runs."""

    def start(self) -> None:
        """Start, and do not wait for anything."""

    def stop(self) -> None:
        """systemctl stop: return when it has ended."""

    def reload(self) -> None:
        """systemctl reload."""

    def misspell(self) -> None:
        """Write a configuration with a misspelt key."""

    def add_unicast_peer(self, address: str) -> None:
        """Write a configuration with one more."""

    def crash(self, for_good: bool = False) -> None:
        """kill -9 of everything; `for_good`: its supervisor cannot help."""

    def fail(self) -> None:
        """Let it meet a bug of its own."""

    def freeze(self) -> None:
        """Stop the processes where they are."""

    def thaw(self) -> None:
        """Let them go on."""

    def abandon(self) -> None:
        """Start it no more; what runs is killed with its namespace."""

    def command(self, *arguments: str) -> None:
        """Run an operator's command, which must succeed."""

    def moves(self) -> int:
        """How often it has become MASTER."""


class OurNode:
    """Our agent."""

    kind = "ours"

    def __init__(self, node: Namespace, folder: Path) -> None:
        self.peer = OurAgent(node, folder)
        self._wanted = False

    def configure(self, wire: Wire, priority: int) -> None:
        self.peer.write(_from_here(wire, self.peer.node.label == "a"), priority)

    def start(self) -> None:
        self._wanted = True
        self._launch()

    def stop(self) -> None:
        self._wanted = False
        self.peer.stop()

    def reload(self) -> None:
        self.peer.command("reload")

    def misspell(self) -> None:
        self.peer.rewrite(prioritee=150)

    def add_unicast_peer(self, address: str) -> None:
        def add(instances: list[Any]) -> list[Any]:
            return [{**one, "unicast_peers": [*one["unicast_peers"], address]} for one in instances]

        self.peer.rewrite_instances(add)

    def crash(self, for_good: bool = False) -> None:
        self._wanted = self._wanted and not for_good
        self._signal(signal.SIGKILL)

    def fail(self) -> None:
        self._signal(faulty.SIGNAL)

    def freeze(self) -> None:
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def abandon(self) -> None:
        self._wanted = False

    def command(self, *arguments: str) -> None:
        done = self.peer.command(*arguments)
        if done.returncode:
            raise AssertionError(f"{' '.join(arguments)}: {done.stderr or done.stdout}")

    def upgrade(self) -> None:
        """Have a new process take over, which is the supervisor's from then on."""
        self._wanted = False
        self.command("upgrade")

    def moves(self) -> int:
        return self.peer.log.count("-> MASTER")

    def _launch(self) -> None:
        _python, _module, _name, *arguments = self.peer.run_command()
        self.peer.launch([sys.executable, faulty.__file__, *arguments])
        assert self.peer.process is not None
        threading.Thread(target=self._supervise, args=(self.peer.process,), daemon=True).start()

    def _supervise(self, process: subprocess.Popen[bytes]) -> None:
        process.wait()
        if self._wanted:
            time.sleep(RESTART_S)
            if self._wanted:
                self._launch()

    def _signal(self, number: int) -> None:
        assert self.peer.process is not None
        self.peer.process.send_signal(number)


class KeepalivedNode:
    """keepalived: a parent that watches, and a child that speaks VRRP."""

    kind = "keepalived"

    def __init__(self, node: Namespace, folder: Path, root: Path) -> None:
        """`root`: the root file system with the keepalived."""
        self.peer = Keepalived(node, folder, root)

    def configure(self, wire: Wire, priority: int) -> None:
        self.peer.write(_from_here(wire, self.peer.node.label == "b"), priority)

    def start(self) -> None:
        self.peer.launch(self.peer.run_command())

    def stop(self) -> None:
        self.peer.stop()

    def reload(self) -> None:
        self.peer.reload()

    def misspell(self) -> None:
        self._edit(r"\bpriority\b", "prioritee")

    def add_unicast_peer(self, address: str) -> None:
        self._edit(r"unicast_peer \{", f"unicast_peer {{\n{address}")

    def _edit(self, pattern: str, replacement: str) -> None:
        file = self.peer.folder / "keepalived.conf"
        file.write_text(re.sub(pattern, replacement, file.read_text()))

    def crash(self, for_good: bool = False) -> None:
        self.peer.kill()

    def fail(self) -> None:
        os.kill(self._pids()[1], signal.SIGSEGV)  # the child's, which the parent starts again

    def freeze(self) -> None:
        for pid in self._pids():
            os.kill(pid, signal.SIGSTOP)

    def thaw(self) -> None:
        for pid in self._pids():
            os.kill(pid, signal.SIGCONT)

    def abandon(self) -> None:
        pass

    def command(self, *arguments: str) -> None:
        raise AssertionError(f"keepalived has no command {arguments[0]}")

    def upgrade(self) -> None:
        """What a package's upgrade does."""
        self.stop()
        self.start()

    def moves(self) -> int:
        return self.peer.log.count("Entering MASTER STATE")

    def _pids(self) -> list[int]:
        assert self.peer.process is not None
        pid = self.peer.process.pid
        return [pid, *map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())]


def _from_here(wire: Wire, ours_first: bool) -> Wire:
    """The wire as one node configures it: of the two unicast addresses peers.py wants the agent's own first, and
    keepalived's own last."""
    return wire if ours_first else replace(wire, unicast=wire.unicast[::-1])
