# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line, `python3 -m lab`."""

from __future__ import annotations

import argparse
import json
import os
import shlex
import sys
import threading
import time
from collections.abc import Sequence

from . import lab as labs
from . import probe, roots, shell
from .errors import LabError
from .lab import Lab
from .shell import say


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; return its exit code."""
    arguments = _parser().parse_args(argv)
    try:
        if os.geteuid() != 0:
            raise LabError("the lab makes network namespaces and hosts: run it as root")
        arguments.run(arguments)
    except LabError as error:
        say(f"lab: {error}")
        return 1
    return 0


def _root(arguments: argparse.Namespace) -> None:
    print(roots.ensure(arguments.suite, arguments.include))


def _up(arguments: argparse.Namespace) -> None:
    began = time.monotonic()
    lab = Lab(arguments.name)
    lab.up(arguments.host or ["lb1", "lb2"], arguments.suite)
    say(f"lab {lab.name} is up after {time.monotonic() - began:.1f} s: {_describe(lab)}")


def _down(arguments: argparse.Namespace) -> None:
    if bool(arguments.name) == arguments.all:
        raise LabError("down takes a lab's name or --all")
    for name in labs.names() if arguments.all else [arguments.name]:
        Lab(name).down()
        say(f"lab {name} is removed")


def _list(arguments: argparse.Namespace) -> None:
    for name in labs.names():
        print(f"{name}: {_describe(Lab(name))}")


def _inventory(arguments: argparse.Namespace) -> None:
    sys.stdout.write(Lab(arguments.name).inventory_file.read_text())


def _ssh(arguments: argparse.Namespace) -> None:
    _become(Lab(arguments.name).ssh_command(arguments.host, *arguments.command))


def _exec(arguments: argparse.Namespace) -> None:
    _become(Lab(arguments.name).exec_command(arguments.host, *(arguments.command or ["bash", "-l"])))


def _client(arguments: argparse.Namespace) -> None:
    _become(Lab(arguments.name).client_command(*(arguments.command or ["bash"])))


def _fault(arguments: argparse.Namespace) -> None:
    getattr(Lab(arguments.name), arguments.action)(arguments.host)


def _block(arguments: argparse.Namespace) -> None:
    Lab(arguments.name).block(arguments.source, arguments.destination, arguments.vrrp)


def _unblock(arguments: argparse.Namespace) -> None:
    lab = Lab(arguments.name)
    if arguments.destination:
        lab.unblock(arguments.source, arguments.destination)
    else:
        lab.unblock_all()


def _probe(arguments: argparse.Namespace) -> None:
    prober = probe.Prober(Lab(arguments.name), arguments.url, arguments.interval_ms, arguments.timeout_ms)
    prober.start()
    try:
        if arguments.fault:
            shell.run(*shlex.split(arguments.fault))
        time.sleep(arguments.duration_s)
    except KeyboardInterrupt:
        pass
    document = prober.stop().to_document()
    if arguments.probes:
        document["probes"] = [vars(single) for single in prober.probes]
    print(json.dumps(document, indent=1))


def _describe(lab: Lab) -> str:
    try:
        plan = lab.plan
    except LabError:
        return "leftovers without a record; `down` removes them"
    hosts = [f"{name} {host.address} {'up' if host.leader() else 'off'}" for name, host in lab.hosts.items()]
    return f"{plan.subnet.ipv4}; {', '.join(hosts)}"


def _become(command: list[str]) -> None:
    """Replace this process by the command, so that terminal, signals and exit code are the command's."""
    os.execvp(command[0], command)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python3 -m lab", description="Real hosts on one Linux machine.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    root = commands.add_parser("root", help="build (or find in the cache) a root file system and print its path")
    root.add_argument("suite", nargs="?", default="bookworm", choices=roots.SUITES)
    root.add_argument("--include", action="append", default=[], metavar="PACKAGE", help="a variant with this package")
    root.set_defaults(run=_root)

    up = commands.add_parser("up", help="make a lab, or mend it")
    up.add_argument("name")
    up.add_argument("--host", action="append", help="a host's name (default: lb1 and lb2)")
    up.add_argument("--suite", action="append", default=[], metavar="[HOST:]SUITE", help="default: bookworm")
    up.set_defaults(run=_up)

    down = commands.add_parser("down", help="remove a lab and everything it made")
    down.add_argument("name", nargs="?")
    down.add_argument("--all", action="store_true", help="every lab of this machine")
    down.set_defaults(run=_down)

    commands.add_parser("list", help="the labs of this machine").set_defaults(run=_list)
    inventory = commands.add_parser("inventory", help="print how Ansible reaches the hosts")
    inventory.add_argument("name")
    inventory.set_defaults(run=_inventory)
    prober = commands.add_parser("probe", help="ask a URL from the client on and on; print a report as JSON")
    prober.add_argument("name")
    probe.add_arguments(prober)
    prober.add_argument("--duration-s", type=float, default=threading.TIMEOUT_MAX, help="default: until interrupted")
    prober.add_argument("--probes", action="store_true", help="with every single probe")
    prober.add_argument("--fault", metavar="COMMAND", help="run this first, and probe on for the duration")
    prober.set_defaults(run=_probe)
    _host_parsers(commands)
    return parser


def _host_parsers(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    for action, what, run in (
        ("ssh", "enter a host, or run a command there, over ssh", _ssh),
        ("exec", "the same as root without the network", _exec),
        ("client", "run a command in the client's network namespace", _client),
    ):
        command = commands.add_parser(action, help=what)
        command.add_argument("name")
        if action != "client":
            command.add_argument("host")
        command.add_argument("command", nargs=argparse.REMAINDER)
        command.set_defaults(run=run)
    for action, what in (
        ("cut", "take a host's switch port down"),
        ("plug", "take it up again"),
        ("kill", "cut a host's power"),
        ("boot", "boot it again on the same disk"),
    ):
        command = commands.add_parser(action, help=what)
        command.add_argument("name")
        command.add_argument("host")
        command.set_defaults(run=_fault, action=action)
    for action, what, run, count in (
        ("block", "drop packets one way", _block, None),
        ("unblock", "undo one block, or all", _unblock, "?"),
    ):
        command = commands.add_parser(action, help=what)
        command.add_argument("name")
        command.add_argument("source", metavar="FROM", nargs=count)
        command.add_argument("destination", metavar="TO", nargs=count)
        command.set_defaults(run=run)
        if action == "block":
            command.add_argument("--vrrp", action="store_true", help="of VRRP alone")
