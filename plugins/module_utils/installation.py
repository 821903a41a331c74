# Copyright: (c) 2026, duet.ha_pair contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""The agent's files on a node: the package under its digest, the `current` link, the launcher and the unit.

Nothing is ever changed in place: a package is unpacked beside the others, compiled and tried, and then the link
moves in one step; so an interruption at any point leaves an agent that can be started.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import zipfile

from .package import collect, digest

PACKAGES = ("pyroute2", "vrrp_agent")

LAUNCHER = """\
#!{python} -I
# Runs the VRRP agent of the Ansible collection duet.ha_pair, which also writes this file.
import os
import sys

sys.path.insert(0, os.path.realpath("{home}/current"))
try:
    from vrrp_agent.cli import main
except ImportError as error:
    sys.stderr.write("{home}/current is missing or damaged (%s): run the role duet.ha_pair.vrrp again\\n" % error)
    raise SystemExit(2)

raise SystemExit(main())
"""

# Imports every module of the agent, as a proof that all of it runs with this Python and this pyroute2.
_TRY = """\
import importlib, pathlib, sys
home = sys.argv[1]
sys.path.insert(0, home)
for path in sorted(pathlib.Path(home, "vrrp_agent").rglob("*.py")):
    parts = path.relative_to(home).with_suffix("").parts
    importlib.import_module(".".join(part for part in parts if part != "__init__"))
netlink = sys.modules.get("vrrp_agent.linux.netlink")
if netlink and netlink.PYROUTE2_ERROR:
    raise netlink.PYROUTE2_ERROR
"""


class InstallationError(Exception):
    """The agent cannot be installed on this node; the message says why, and nothing was changed."""


class Installation:
    """Where the agent lives on a node."""

    def __init__(self, root: str = "/") -> None:
        self.home = os.path.join(root, "usr/lib/vrrp-agent")
        self.launcher = os.path.join(root, "usr/bin/vrrp-agent")
        self.unit = os.path.join(root, "etc/systemd/system/vrrp-agent.service")
        self._current = os.path.join(self.home, "current")

    def current(self) -> str | None:
        """The digest that is installed; None if there is none, or if its files are not what the digest says."""
        try:
            name = os.readlink(self._current)
        except OSError:
            return None
        return name if self._is_intact(name) else None

    def has(self, name: str) -> bool:
        """Whether a package is here already, complete, if only as the previous one."""
        return self._is_intact(name)

    def unpack(self, archive: str, name: str, python: str) -> None:
        """Unpack, compile and try a package; it has its name only when all of that went well."""
        os.umask(0o022)
        os.makedirs(self.home, exist_ok=True)
        folder = tempfile.mkdtemp(prefix=".", dir=self.home)
        try:
            with zipfile.ZipFile(archive) as source:
                source.extractall(folder)
            os.chmod(folder, 0o755)
            _compile(folder, python)
            _try(folder, python)
            target = os.path.join(self.home, name)
            if os.path.lexists(target):
                os.rename(target, os.path.join(folder, ".replaced"))
            os.rename(folder, target)
            shutil.rmtree(os.path.join(target, ".replaced"), ignore_errors=True)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise

    def activate(self, name: str, running: str | None = None) -> None:
        """Let `current` point to a package; remove all others but the one it pointed to before and the running one."""
        try:
            previous = os.readlink(self._current)
        except OSError:
            previous = ""
        link = os.path.join(self.home, f".current.{os.getpid()}")
        os.symlink(name, link)
        os.replace(link, self._current)
        for entry in os.listdir(self.home):
            if entry not in ("current", name, previous, running):
                shutil.rmtree(os.path.join(self.home, entry), ignore_errors=True)

    def launcher_text(self, python: str) -> str:
        """What /usr/bin/vrrp-agent holds."""
        return LAUNCHER.format(python=python, home=self.home)

    def _is_intact(self, name: str) -> bool:
        folder = os.path.join(self.home, name)
        files: dict[str, bytes] = {}
        for package in PACKAGES:
            files.update(collect(os.path.join(folder, package), package))
        return bool(files) and digest(files) == name


def _compile(folder: str, python: str) -> None:
    """A package never changes under its name, so its byte code need not be checked against its sources."""
    command = [python, "-I", "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash", folder]
    _run(command, "the node's Python cannot compile the agent")


def _try(folder: str, python: str) -> None:
    _run([python, "-I", "-c", _TRY, folder], "the agent does not run with the node's Python")


def _run(command: list[str], failure: str) -> None:
    # No module's run_command: nothing here knows Ansible.
    done = subprocess.run(  # pylint: disable=ansible-bad-function
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
    )
    if done.returncode != 0:
        last = done.stdout.decode(errors="replace").strip().splitlines()[-1:]
        raise InstallationError(f"{failure} ({command[0]}): {''.join(last)}")
