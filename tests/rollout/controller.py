# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the playbooks as a user does, and tells what each task did; on request something bad happens on the way."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ansible.parsing.vault import VaultLib, VaultSecret

from lab import Lab

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
PATH = f"{BIN}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
DEADLINE_S = 300
VAULT_PASSWORD = "of the vault"
HOSTS = {"east": ("lb1", "lb2"), "west": ("lb3", "lb4")}


@dataclass
class Run:
    """One run of a playbook: its exit code and output, its tasks' names, and (host, task) of what it changed."""

    code: int
    output: str
    tasks: list[str] = field(default_factory=list)
    changes: list[tuple[str, str]] = field(default_factory=list)

    @property
    def words(self) -> str:
        """The output in one line, as Ansible breaks lines where it likes."""
        return " ".join(self.output.split())

    def green(self) -> Run:
        """The run itself, which must have succeeded."""
        assert self.code == 0, self.output[-6000:]
        return self


class Controller:
    """A lab's hosts with an inventory of two pairs, east and west, of which a run may see one."""

    def __init__(self, lab: Lab, folder: Path) -> None:
        self.lab = lab
        self._folder = folder
        (folder / "vault_password").write_text(VAULT_PASSWORD)
        self.collections = ROOT / ".build"
        self.vip = lab.plan.subnet.address
        self._deployed: dict[str, Any] = {}

    def write_inventory(self, **pairs: dict[str, Any]) -> None:
        """Declare the pairs `east`, `west` or both, each with its variables."""
        children = {
            name: {"hosts": dict.fromkeys(HOSTS[name]), "vars": {"vrrp_group": name, **variables}}
            for name, variables in pairs.items()
        }
        (self._folder / "inventory.yml").write_text(json.dumps({"ha_pair": {"children": children}}))

    def write_secret(self, pair: str, secret: str) -> str:
        """Put a pair's secret into a file that Ansible Vault encrypts; returns what the inventory says in its place."""
        vault = VaultLib([("default", VaultSecret(VAULT_PASSWORD.encode()))])
        file = self._folder / "group_vars" / f"{pair}.yml"
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(vault.encrypt(json.dumps({"vault_secret": secret})))
        return "{{ vault_secret }}"

    def instance(self, *vips: int, **keys: Any) -> dict[str, Any]:
        """The instance web with these virtual addresses."""
        addresses = [f"{self.vip(number)}/24" for number in vips]
        return {"name": "web", "virtual_router_id": 51, "virtual_addresses": addresses, **keys}

    def deploy(self, *words: str, **pairs: dict[str, Any]) -> Run | None:
        """Have the pairs run with these variables, unless they do already."""
        if all(self._deployed.get(name) == (variables, words) for name, variables in pairs.items()):
            return None
        self.forget(*pairs)
        self.write_inventory(**pairs)
        run = self.site(*words).green()
        self._deployed.update({name: (variables, words) for name, variables in pairs.items()})
        return run

    def forget(self, *pairs: str) -> None:
        """What these pairs run with is not known any more."""
        for name in pairs:
            self._deployed.pop(name, None)

    def site(self, *words: str, **watch: str) -> Run:
        """Run site.yml without nginx, unless `words` say otherwise."""
        return self.playbook("site", "-e", "nginx_enabled=false", *words, **watch)

    def playbook(self, name: str, *words: str, **watch: str) -> Run:
        """Run a playbook; `watch` is what rollout_watch is to do."""
        report = self._folder / "report.jsonl"
        report.write_text("")
        inventories = ["-i", str(self.lab.inventory_file), "-i", str(self._folder / "inventory.yml")]
        done = subprocess.run(
            [str(BIN / "ansible-playbook"), f"duet.ha_pair.{name}", *inventories, *words],
            cwd=self._folder,
            env=self._environment(WATCH_REPORT=str(report), **watch),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=DEADLINE_S,
            start_new_session=True,
        )
        lines = [json.loads(line) for line in report.read_text().splitlines()]
        return Run(
            done.returncode,
            done.stdout + done.stderr,
            [line["task"] for line in lines if "number" in line],
            [(line["host"], line["task"]) for line in lines if line.get("changed")],
        )

    def _environment(self, **watch: str) -> dict[str, str]:
        return {
            **os.environ,
            "PATH": PATH,
            "NO_COLOR": "1",
            "ANSIBLE_COLLECTIONS_PATH": str(self.collections),
            "ANSIBLE_HOME": str(self._folder / "ansible"),
            "ANSIBLE_VAULT_PASSWORD_FILE": str(self._folder / "vault_password"),
            "ANSIBLE_CALLBACK_PLUGINS": str(Path(__file__).parent / "callback"),
            "ANSIBLE_CALLBACKS_ENABLED": "rollout_watch",
            "PYTHONDONTWRITEBYTECODE": "1",
            **watch,
        }

    def web(self, *vips: int, **keys: Any) -> dict[str, Any]:
        """The variables of a pair with one instance, web, with these virtual addresses."""
        return {"vrrp_instances": [self.instance(*vips or (1,), **keys)]}

    def reaches(self, vip: int) -> None:
        """A client gets an answer from a virtual address."""
        self.lab.client("ping", "-c", "1", "-W", "2", self.vip(vip))

    def states(self, *hosts: str) -> list[str]:
        """The states of web on these hosts, as their agents say."""
        documents = [json.loads(self.lab.exec(host, "vrrp-agent", "status", "--json")) for host in hosts]
        return [one["state"] for document in documents for one in document["instances"]]
