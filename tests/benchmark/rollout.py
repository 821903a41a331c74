# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long site.yml takes on real hosts, and vrrp_verify: python3 -m tests.benchmark.rollout --pairs 20.

With --keepalived-role FOLDER also how long that role takes for the same pairs, in a lab of its own, by the variables of
evrardjp.keepalived, which is no part of this repository. Nothing is judged.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from lab import Lab

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
FIRST_VIP = 60
VERIFY = [
    {
        "hosts": "ha_pair",
        "become": True,
        "gather_facts": False,
        "tasks": [
            {"duet.ha_pair.vrrp_info": {}, "register": "vrrp_live"},
            {"duet.ha_pair.vrrp_verify": {}, "run_once": True},
        ],
    }
]


def pairs_of(lab: Lab, pairs: int) -> dict[str, tuple[list[str], str, int]]:
    """Each pair's name -> its hosts, its virtual address and its virtual_router_id."""
    hosts = list(lab.hosts)
    address = lab.plan.subnet.address
    return {
        f"pair{number}": (hosts[2 * number : 2 * number + 2], f"{address(FIRST_VIP + number)}/24", 1 + number)
        for number in range(pairs)
    }


def ours(found: dict[str, tuple[list[str], str, int]]) -> dict[str, Any]:
    """The inventory of our playbook."""
    return {
        name: {
            "hosts": dict.fromkeys(hosts),
            "vars": {
                "vrrp_group": name,
                "vrrp_instances": [{"name": "web", "virtual_router_id": number, "virtual_addresses": [vip]}],
            },
        }
        for name, (hosts, vip, number) in found.items()
    }


def theirs(found: dict[str, tuple[list[str], str, int]]) -> dict[str, Any]:
    """The same pairs in the variables of the role for keepalived."""
    return {
        name: {
            "hosts": {
                host: {
                    "keepalived_instances": {
                        "web": {
                            "interface": "eth0",
                            "state": state,
                            "virtual_router_id": number,
                            "priority": priority,
                            "vips": [f"{vip} dev eth0"],
                        }
                    }
                }
                for host, (state, priority) in zip(hosts, (("MASTER", 150), ("BACKUP", 100)))
            }
        }
        for name, (hosts, vip, number) in found.items()
    }


def controller_cpu_s() -> float:
    """What the playbooks have computed so far, which a loaded machine does not change much."""
    times = os.times()
    return times.children_user + times.children_system


def measure(lab: Lab, folder: Path, playbook: str, forks: int) -> None:
    """Print the seconds of one run."""
    command = [str(BIN / "ansible-playbook"), playbook, "-e", "nginx_enabled=false", f"--forks={forks}"]
    command += ["-i", str(lab.inventory_file), "-i", str(folder / "inventory.yml")]
    collections = os.environ.get("ANSIBLE_COLLECTIONS_PATH", "")
    environment = {**os.environ, "ANSIBLE_COLLECTIONS_PATH": f"{ROOT / '.build'}:{collections}".rstrip(":")}
    started_s, cpu_s = time.monotonic(), controller_cpu_s()
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    took_s, busy_s = time.monotonic() - started_s, controller_cpu_s() - cpu_s
    if done.returncode:
        raise SystemExit(done.stdout[-4000:] + done.stderr[-2000:])
    changed = sum("changed=0" not in line for line in done.stdout.splitlines() if " ok=" in line)
    told = f"of the controller's processors {busy_s:.1f} s, {changed} hosts changed"
    print(f"  {playbook}: {took_s:.1f} s, {told}", flush=True)


def main() -> None:
    """Measure what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=1)
    parser.add_argument("--forks", type=int, default=5)
    parser.add_argument("--keepalived-role", type=Path)
    options = parser.parse_args()
    names = [f"lb{number}" for number in range(1, 2 * options.pairs + 1)]
    for who in ("duet", "role") if options.keepalived_role else ("duet",):
        lab = Lab(f"bench-{who}-{os.getpid()}")
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            try:
                lab.up(names)
                found = pairs_of(lab, options.pairs)
                print(f"{who}: {options.pairs} pairs", flush=True)
                if who == "duet":
                    children, runs = ours(found), ["duet.ha_pair.site", "duet.ha_pair.site", "verify.yml"]
                    (folder / "verify.yml").write_text(json.dumps(VERIFY))
                else:
                    children, runs = theirs(found), ["role.yml", "role.yml"]
                    role = [{"hosts": "ha_pair", "become": True, "roles": [str(options.keepalived_role.resolve())]}]
                    (folder / "role.yml").write_text(json.dumps(role))
                (folder / "inventory.yml").write_text(json.dumps({"ha_pair": {"children": children}}))
                for playbook in runs:
                    measure(lab, folder, playbook, options.forks)
            finally:
                lab.down()


if __name__ == "__main__":
    main()
