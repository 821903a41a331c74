# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The collection as a user gets it: built, installed, and used from a place that knows no checkout."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
PARTS = (
    *("CHANGELOG", "COPYING", "LICENSES", "README.md", "changelogs", "docs", "extensions", "meta", "playbooks"),
    *("plugins", "roles"),
)
MODULES = sorted(path.stem for path in (ROOT / "plugins/modules").glob("*.py"))
PLAYBOOKS = sorted(path.stem for path in (ROOT / "playbooks").glob("*.yml"))

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session")
def tarball(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tarball, built from what git lists: what is ignored or lies about is no part of it."""
    source, target = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("target")
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, check=True, capture_output=True,
    ).stdout  # fmt: skip
    command = ["tar", "--create", "--null", "--files-from=-", "--ignore-failed-read"]
    archive = subprocess.run(command, cwd=ROOT, input=listed, check=False, capture_output=True).stdout
    subprocess.run(["tar", "--extract"], cwd=source, input=archive, check=True)
    command = [str(BIN / "ansible-galaxy"), "collection", "build", str(source), "--output-path", str(target)]
    subprocess.run(command, check=True, capture_output=True)
    [built] = target.iterdir()
    return built


@pytest.fixture(scope="session")
def run(tarball: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Runs a program of Ansible in an empty folder, where nothing but the installed collection is found."""
    home = tmp_path_factory.mktemp("home")
    names = ("PATH", "LANG")
    environment = {name: os.environ[name] for name in names if name in os.environ}
    environment.update(HOME=str(home), ANSIBLE_COLLECTIONS_PATH=str(home / "collections"), NO_COLOR="1")

    def run(program: str, *arguments: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        command = [str(BIN / program), *arguments]
        done = subprocess.run(command, cwd=home, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == code, done.stdout + done.stderr
        return done

    run("ansible-galaxy", "collection", "install", "--offline", str(tarball))
    return run


def test_the_tarball_holds_the_collection_and_no_debris(tarball: Path) -> None:
    with tarfile.open(tarball) as archive:
        names = [name for name in archive.getnames() if name != "."]
    strange = [name for name in names if name.split("/")[0] not in (*PARTS, "MANIFEST.json", "FILES.json")]
    assert [name for name in strange if name not in ("requirements.txt", "bindep.txt")] == []
    assert [name for name in names if "__pycache__" in name or name.endswith(".pyc") or "/." in name] == []
    for needed in (
        "plugins/module_utils/vrrp_agent/protocol/router.py",
        "roles/vrrp/tasks/main.yml",
        "playbooks/site.yml",
        "extensions/eda/plugins/event_source/vrrp_events.py",
        "extensions/prometheus/vrrp_alerts.yml",
    ):
        assert needed in names


@pytest.mark.parametrize("module", MODULES)
def test_each_module_has_a_page(run: Run, module: str) -> None:
    [page] = json.loads(run("ansible-doc", "--json", f"duet.ha_pair.{module}").stdout).values()
    assert page["doc"]["short_description"]
    assert page["examples"]


@pytest.mark.parametrize("role", ["vrrp", "nginx"])
def test_each_role_has_a_page(run: Run, role: str) -> None:
    [page] = json.loads(run("ansible-doc", "--json", "-t", "role", f"duet.ha_pair.{role}").stdout).values()
    for option in page["entry_points"]["main"]["options"].values():
        assert option["description"]


@pytest.mark.parametrize("playbook", PLAYBOOKS)
def test_a_playbook_works_without_what_galaxy_may_remove(run: Run, playbook: str) -> None:
    """Everything that it names is in meta, plugins, roles and playbooks."""
    run("ansible-playbook", "--syntax-check", "-i", "localhost,", f"duet.ha_pair.{playbook}")


@pytest.mark.parametrize("name", ["vrrp_table", "vrrp_waves"])
def test_a_filter_has_a_page(run: Run, name: str) -> None:
    [page] = json.loads(run("ansible-doc", "--json", "-t", "filter", f"duet.ha_pair.{name}").stdout).values()
    assert page["doc"]["short_description"]


def test_the_documentation_is_what_docsites_accept(tmp_path: Path) -> None:
    environment = {**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}"}
    command = [str(BIN / "antsibull-docs"), "lint-collection-docs", "--plugin-docs", str(ROOT)]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr


def test_galaxy_accepts_the_tarball(tarball: Path, tmp_path: Path) -> None:
    """galaxy-importer, which Galaxy itself runs on an upload; it ends with 0 also where it has refused."""
    environment = {**os.environ, "HOME": str(tmp_path), "PATH": f"{BIN}:{os.environ['PATH']}"}
    command = [sys.executable, "-m", "galaxy_importer.main", str(tarball)]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    words = done.stdout + done.stderr
    assert done.returncode == 0 and "Importer processing completed successfully" in words, words
    assert [line for line in words.splitlines() if line.startswith(("WARNING", "ERROR"))] == []


BAD = {
    "two hosts with the same priority": ("priorities: {lb1: 100, lb2: 100}", "priority"),
    "no address": ("virtual_addresses: []", "virtual_addresses"),
    "an address that is none": ("virtual_addresses: [10.139.1.300]", "10.139.1.300"),
    "a virtual_router_id out of range": ("virtual_router_id: 256", "256 is not in 1..255"),
    "a password that is too long": ("authentication: {type: pass, password: s3cr3t-too-long}", "version 2 carries 8"),
    "an unknown key": ("prioritee: 100", "did you mean priority"),
}


@pytest.mark.parametrize(("line", "words"), BAD.values(), ids=BAD)
def test_bad_input_is_refused_before_any_host_is_reached(run: Run, tmp_path: Path, line: str, words: str) -> None:
    """The hosts do not even exist: nothing was asked of them, so nothing can have changed on them."""
    good = {
        "name": "web",
        "virtual_router_id": 51,
        "version": 2,
        "virtual_addresses": ["10.139.1.1/24"],
        "authentication": {"type": "pass", "password": "s3cr3t"},
    }
    key, value = line.split(": ", 1)
    instance = {name: json.dumps(text) for name, text in good.items()} | {key: value}
    inventory = tmp_path / "inventory.yml"
    inventory.write_text(
        "ha_pair:\n  hosts: {lb1: {ansible_host: 192.0.2.1}, lb2: {ansible_host: 192.0.2.2}}\n  vars:\n"
        "    vrrp_instances:\n      - " + "\n        ".join(f"{name}: {text}" for name, text in instance.items()) + "\n"
    )
    done = run("ansible-playbook", "duet.ha_pair.site", "-i", str(inventory), code=2)
    assert words in done.stdout + done.stderr
    assert "unreachable=1" not in done.stdout
    assert not re.search("s3cr3t", done.stdout + done.stderr)
