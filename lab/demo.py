# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`make demo`: two plain hosts become an nginx pair behind virtual addresses, and a failover is measured."""

from __future__ import annotations

import argparse
import importlib.metadata
import re
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from .controller import CHECKOUT, Controller
from .errors import LabError
from .lab import Lab
from .outage import Report
from .probe import Prober
from .shell import wait_until
from .story import Story

NAME = "demo"
HOSTS = ("lb1", "lb2")
INVENTORY = CHECKOUT / "lab/demo_inventory.yml"
PLAYBOOK = "playbooks/site.yml"
CALM_S = 1.0  # before and after a fault, so that the series shows what was usual
ALLOWANCE_S = 1.0  # above the protocol's bound, for a busy machine; more is a failure


@dataclass(frozen=True)
class Pair:
    """Who has which role, as the nodes themselves say."""

    master: str
    backup: str
    virtual_addresses: tuple[str, ...]
    bound_s: float


class Demo:
    """The demo, chapter by chapter; LabError when something is not as it was promised."""

    def __init__(self, began_s: float) -> None:
        self._began_s = began_s  # seconds since the epoch
        self._story = Story()
        self._lab = Lab(NAME)

    def run(self) -> None:
        """Tell the whole story, the virtual environment being there."""
        self._tell_bootstrap()
        with self._story.chapter(f"The lab: two plain hosts, {' and '.join(HOSTS)}, and a client on one switch"):
            inventory = self._make_lab()
        controller = Controller([self._lab.inventory_file, inventory])
        with self._story.chapter(f"The real thing: ansible-playbook {PLAYBOOK}"):
            self._converge(controller, inventory)
        with self._story.chapter("Who is MASTER, and what the virtual addresses serve"):
            pair = self._show_pair(controller)
        with self._story.chapter(f"The failover: the switch port of {pair.master}, the MASTER, goes down"):
            self._fail_over(pair)
            self._show_new_owner(controller, pair)
        with self._story.chapter(f"The return: {pair.master} is plugged in again"):
            self._give_back(controller, pair)
        self._close(pair)

    # 1. and 2.

    def _tell_bootstrap(self) -> None:
        """End the first chapter, which lab/demo.sh began."""
        names = ("ansible-core", "pyroute2", "molecule")
        took = f"{time.time() - self._began_s:.1f} s"
        self._story.tell(", ".join(f"{name} {importlib.metadata.version(name)}" for name in names))
        self._story.tell(f"({took})")
        self._story.row("bootstrap", took)

    def _make_lab(self) -> Path:
        began = time.monotonic()
        self._lab.up(HOSTS)
        lab = self._lab.plan
        hosts = [(name, host.address, f"Debian, {host.plan.suite}") for name, host in self._lab.hosts.items()]
        self._story.table([*hosts, ("client", lab.subnet.address(100), "asks the virtual addresses")])
        self._story.row("lab", f"{time.monotonic() - began:.1f} s")
        return self._inventory()

    def _inventory(self) -> Path:
        """Return the user's inventory, with this lab's addresses where it is not the first of the machine."""
        text = INVENTORY.read_text()
        if self._lab.plan.number == 1:
            return INVENTORY
        path = self._lab.directory / INVENTORY.name
        path.write_text(text.replace("10.139.1.", f"10.139.{self._lab.plan.number}."))
        return path

    # 3. and 4.

    def _converge(self, controller: Controller, inventory: Path) -> None:
        """Run site.yml; where it ran before, it must find nothing to change."""
        self._story.tell(f"{inventory}:\n\n{inventory.read_text()}")
        mark = self._lab.directory / "converged"
        again = mark.exists()
        began = time.monotonic()
        changed = sum(controller.playbook(PLAYBOOK).values())
        took = f"{time.monotonic() - began:.1f} s"
        mark.touch()
        if again and changed:
            mend = "run it again, or `make down` first if the collection has changed since"
            raise LabError(f"{PLAYBOOK} ran before on these hosts and still changed {changed} things: {mend}")
        if again:
            self._story.good("It has run before on these hosts: changed=0, as promised.")
        self._story.row(PLAYBOOK, f"{took}, changed={changed}")

    def _show_pair(self, controller: Controller) -> Pair:
        """Ask both nodes for their roles, and the virtual addresses for their page."""
        instances = _instances(controller, "ha_pair")
        self._tell_instances(instances)
        pair = read_pair(instances)
        for address in pair.virtual_addresses:
            served_by, page = _page(address)
            if served_by != pair.master:
                raise LabError(f"http://{address}/ is served by {served_by}, but {pair.master} is MASTER")
            self._story.good(f'http://{address}/ is served by {served_by}: "{page}"')
        return pair

    # 5.

    def _fail_over(self, pair: Pair) -> None:
        """Cut the MASTER off while a client asks every 10 ms, and measure what it sees."""
        url = f"http://{pair.virtual_addresses[0]}/"
        self._story.tell(f"The client asks {url} every 10 ms, each time on a new connection.")
        with Prober(self._lab, url) as prober:
            time.sleep(CALM_S)
            self._lab.cut(pair.master)
            self._story.tell(f"cut: the port of {pair.master} is down")
            _wait_served(pair.virtual_addresses[0], pair.backup, pair.bound_s + 10)
            time.sleep(CALM_S)
            report = prober.stop()
        self._judge(report, pair)

    def _judge(self, report: Report, pair: Pair) -> None:
        outage_s = max(report.longest_gap_ms, report.longest_silence_ms) / 1000
        found = f"outage {outage_s:.2f} s, {report.lost} of {report.sent} requests lost"
        bound = f"the protocol's bound is {pair.bound_s:.2f} s: 3 x interval + skew"
        if outage_s > pair.bound_s + ALLOWANCE_S:
            raise LabError(f"{found}, but {bound}")
        self._story.good(f"takeover: {pair.backup} answers")
        self._story.good(f"{found}; {bound}")
        self._story.row("failover", f"outage {outage_s:.2f} s (bound {pair.bound_s:.2f} s), {report.lost} lost")

    def _show_new_owner(self, controller: Controller, pair: Pair) -> None:
        """Ask the new owner by Ansible, and the one that was cut off by its console."""
        instances = _instances(controller, pair.backup)
        self._tell_instances(instances)
        if instances[pair.backup]["state"] != "MASTER":
            raise LabError(f"{pair.backup} answers, but says that it is {instances[pair.backup]['state']}")
        self._story.tell(
            f"{pair.master} itself, by its console:\n{self._lab.exec(pair.master, 'vrrp-agent', 'status')}"
        )

    # 6.

    def _give_back(self, controller: Controller, pair: Pair) -> None:
        """Plug the better node in and see it take its role back."""
        with Prober(self._lab, f"http://{pair.virtual_addresses[0]}/") as prober:
            began = time.monotonic()
            self._lab.plug(pair.master)
            _wait_served(pair.virtual_addresses[0], pair.master, 2 * pair.bound_s + 10)
            took_s = time.monotonic() - began
            time.sleep(CALM_S)
            report = prober.stop()
        instances = _instances(controller, "ha_pair")
        self._tell_instances(instances)
        if read_pair(instances).master != pair.master:
            raise LabError(f"{pair.master} answers again, but {read_pair(instances).master} says that it is MASTER")
        found = f"{pair.master} is MASTER again after {took_s:.1f} s, {report.lost} of {report.sent} requests lost"
        self._story.good(found)
        self._story.row("return", f"after {took_s:.1f} s, {report.lost} lost")

    def _tell_instances(self, instances: dict[str, dict[str, object]]) -> None:
        rows = [("host", "state", "priority", "holds", "since")]
        for host, instance in sorted(instances.items()):
            held = ", ".join(_texts(instance["addresses_present"])) or "-"
            rows.append((host, str(instance["state"]), str(instance["priority"]), held, str(instance["since"])))
        self._story.table(rows)

    def _close(self, pair: Pair) -> None:
        print()
        self._story.row("all of it", f"{time.time() - self._began_s:.0f} s")
        self._story.table(self._story.rows)
        self._story.tell()
        self._story.table(
            [
                ("enter a host", f"python3 -m lab ssh {NAME} {pair.master}     then: vrrp-agent status"),
                ("see the page", f"curl http://{pair.virtual_addresses[0]}/"),
                ("break more", "lab/README.md"),
                ("run it again", "make demo"),
                ("remove the hosts", "make down"),
                ("remove everything", "make clean"),
            ]
        )


def bound_s(instance: dict[str, object]) -> float:
    """Return how long a BACKUP may take to notice that its MASTER is gone: 3 x interval + skew, in seconds."""
    interval_s = float(str(instance["advert_interval"]))
    # RFC 3768 6.1: in version 2 the skew is a part of a second, whatever the interval.
    unit_s = 1.0 if instance["version"] == 2 else interval_s
    return 3 * interval_s + (256 - int(str(instance["priority"]))) * unit_s / 256


def read_pair(instances: dict[str, dict[str, object]]) -> Pair:
    """Read the roles out of what both nodes tell; LabError if they are not those of a healthy pair."""
    masters = [host for host, instance in instances.items() if instance["state"] == "MASTER"]
    backups = [host for host, instance in instances.items() if instance["state"] == "BACKUP"]
    if len(masters) != 1 or len(backups) != 1:
        states = ", ".join(f"{host} is {instance['state']}" for host, instance in sorted(instances.items()))
        raise LabError(f"one MASTER and one BACKUP are wanted, but {states}")
    held = _texts(instances[masters[0]]["addresses_present"])
    declared = _texts(instances[masters[0]]["virtual_addresses"])
    if sorted(held) != sorted(declared):
        raise LabError(f"{masters[0]} is MASTER and should hold {', '.join(declared)}, but holds {', '.join(held)}")
    addresses = tuple(address.partition("/")[0] for address in declared)
    return Pair(masters[0], backups[0], addresses, bound_s(instances[backups[0]]))


def _instances(controller: Controller, hosts: str) -> dict[str, dict[str, object]]:
    """Return each host's instance, once its agent has settled."""
    results = controller.module("duet.ha_pair.vrrp_info", "wait=30", hosts)
    for host, result in results.items():
        if not result["running"]:
            raise LabError(f"the agent on {host} does not answer: {result.get('reason', 'no reason given')}")
    return {host: result["instances"][0] for host, result in results.items()}  # type: ignore[index]


def _texts(value: object) -> list[str]:
    return [str(item) for item in value] if isinstance(value, list) else []


def _page(address: str) -> tuple[str | None, str]:
    """Return which node serves an address, and the text of its page."""
    with urllib.request.urlopen(f"http://{address}/", timeout=0.5) as answer:
        body = re.search(r"<body>(.*)</body>", answer.read().decode(), re.DOTALL)
        text = re.sub(r"<[^>]+>", " ", body.group(1)) if body else ""
        return answer.headers.get("X-Served-By"), " ".join(text.split())


def _wait_served(address: str, host: str, timeout_s: float) -> None:
    """Return when the address is served by that host."""

    def served() -> bool:
        try:
            return _page(address)[0] == host
        except OSError:
            return False

    wait_until(f"http://{address}/ served by {host}", served, timeout_s, every_s=0.05)


def main() -> int:
    """Run the demo; the exit code is 0 only if all was as promised."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--began", type=float, default=time.time(), help="when bootstrap began, in seconds since the epoch"
    )
    demo = Demo(parser.parse_args().began)
    try:
        demo.run()
    except LabError as error:
        Story().bad(f"The demo stops here: {error}")
        Story().tell(
            f"The hosts stay for a look: python3 -m lab exec {NAME} lb1. `make demo` mends, `make clean` removes."
        )
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
