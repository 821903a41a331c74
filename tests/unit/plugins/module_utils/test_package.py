# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The agent's package: the same digest on both sides, whole or not there, the previous one kept."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from ansible_collections.duet.ha_pair.plugins.module_utils import package
from ansible_collections.duet.ha_pair.plugins.module_utils.installation import Installation, InstallationError

GOOD = {
    "pyroute2/__init__.py": b"",
    "vrrp_agent/__init__.py": b"",
    "vrrp_agent/cli.py": b"import pyroute2\n\ndef main():\n    print('agent one')\n    return 7\n",
}


@pytest.fixture(name="node")
def _node(tmp_path: Path) -> Installation:
    return Installation(str(tmp_path / "node"))


def install(node: Installation, files: dict[str, bytes], folder: Path) -> str:
    """Send a package to a node as the modules do; its digest."""
    name = package.digest(files)
    archive = folder / "package.zip"
    archive.write_bytes(package.pack(files))
    node.unpack(str(archive), name, sys.executable)
    node.activate(name)
    return name


def launch(node: Installation) -> subprocess.CompletedProcess[str]:
    """Run the launcher."""
    os.makedirs(os.path.dirname(node.launcher), exist_ok=True)
    Path(node.launcher).write_text(node.launcher_text(sys.executable))
    os.chmod(node.launcher, 0o755)
    return subprocess.run([node.launcher], capture_output=True, text=True, check=False)


def test_only_sources_are_collected(tmp_path: Path) -> None:
    for name in ("__init__.py", "__pycache__/a.pyc", "__pycache__/a.py", "tests/test_a.py", "sub/b.py", "notes.txt"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("")
    assert sorted(package.collect(str(tmp_path), "agent")) == ["agent/__init__.py", "agent/sub/b.py"]


def test_the_digest_is_that_of_names_and_contents() -> None:
    assert package.digest(GOOD) == package.digest(dict(reversed(GOOD.items())))
    moved = {**GOOD, "vrrp_agent/other.py": GOOD["vrrp_agent/cli.py"]}
    del moved["vrrp_agent/cli.py"]
    others = [moved, {**GOOD, "a.py": b""}, {**GOOD, "vrrp_agent/cli.py": b""}, {"ab": b"c"}, {"a": b"bc"}]
    assert len({package.digest(files) for files in (GOOD, *others)}) == 6


def test_the_archive_is_the_same_every_time() -> None:
    assert package.pack(GOOD) == package.pack(dict(reversed(GOOD.items())))


def test_install_and_run(node: Installation, tmp_path: Path) -> None:
    assert node.current() is None
    name = install(node, GOOD, tmp_path)
    assert node.current() == name
    done = launch(node)
    assert (done.stdout, done.returncode) == ("agent one\n", 7)
    assert list(Path(node.home, name).rglob("*.pyc"))


def test_the_previous_package_stays_and_older_ones_go(node: Installation, tmp_path: Path) -> None:
    names = [install(node, {**GOOD, "vrrp_agent/x.py": str(number).encode()}, tmp_path) for number in range(3)]
    assert node.current() == names[2]
    assert sorted(os.listdir(node.home)) == sorted(["current", *names[1:]])
    assert node.has(names[1])
    assert not node.has(names[0])


def test_what_runs_stays_until_another_one_does(node: Installation, tmp_path: Path) -> None:
    """Two packages that never came to run were installed since."""
    names = [install(node, {**GOOD, "vrrp_agent/x.py": str(number).encode()}, tmp_path) for number in range(2)]
    third = {**GOOD, "vrrp_agent/x.py": b"2"}
    (tmp_path / "package.zip").write_bytes(package.pack(third))
    node.unpack(str(tmp_path / "package.zip"), package.digest(third), sys.executable)
    node.activate(package.digest(third), running=names[0])
    assert node.has(names[0])


@pytest.mark.parametrize("broken", [b"import no_such_module\n", b"this is no Python\n"])
def test_a_package_that_does_not_run_changes_nothing(node: Installation, tmp_path: Path, broken: bytes) -> None:
    name = install(node, GOOD, tmp_path)
    with pytest.raises(InstallationError):
        install(node, {**GOOD, "vrrp_agent/daemon.py": broken}, tmp_path)
    assert node.current() == name
    assert sorted(os.listdir(node.home)) == sorted(["current", name])


@pytest.mark.parametrize("damage", ["change", "remove", "add"])
def test_a_damaged_package_is_noticed_and_replaced(node: Installation, tmp_path: Path, damage: str) -> None:
    name = install(node, GOOD, tmp_path)
    victim = Path(node.home, name, "vrrp_agent", "cli.py")
    if damage == "remove":
        victim.unlink()
    else:
        victim.with_name("cli.py" if damage == "change" else "more.py").write_text("x = 1\n")
    assert node.current() is None
    assert install(node, GOOD, tmp_path) == name
    assert node.current() == name
    assert launch(node).returncode == 7


def test_what_a_node_gets_runs_there_and_is_a_part_of_pyroute2(node: Installation, tmp_path: Path) -> None:
    """pyroute2's own start file would import all of it, at three times the agent's own memory."""
    [pyroute2] = pytest.importorskip("pyroute2").__path__
    agent = Path(package.__file__).parent / "vrrp_agent"
    name = install(node, package.contents(str(agent), pyroute2), tmp_path)
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); from vrrp_agent.linux import netlink; import pyroute2; "
        "assert pyroute2.__file__.startswith(sys.argv[1]) and netlink.PYROUTE2_ERROR is None; "
        "print(sum(name.startswith('pyroute2') for name in sys.modules))"
    )
    home = os.path.join(node.home, name)
    done = subprocess.run([sys.executable, "-I", "-c", code, home], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 40


def test_a_pyroute2_that_cannot_be_imported_is_noticed(node: Installation, tmp_path: Path) -> None:
    netlink = b"try:\n    import pyroute2.x\nexcept ImportError as missing:\n    PYROUTE2_ERROR = missing\n"
    files = {**GOOD, "vrrp_agent/linux/__init__.py": b"", "vrrp_agent/linux/netlink.py": netlink}
    with pytest.raises(InstallationError, match=r"No module named 'pyroute2\.x'"):
        install(node, files, tmp_path)
