# Copyright: (c) 2026, duet.ha_pair contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""The command line: `vrrp-agent run | check | status | events | reload | upgrade | switchover | drain | undrain`."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from typing import Any

from . import client
from .version import VERSION

CONFIG_FILE = "/etc/vrrp-agent/config.json"
STATE_DIR = "/var/lib/vrrp-agent"

EXIT_FAILED = 1
EXIT_REFUSED = 2

_COLUMNS = 80  # where nobody says how wide the terminal is

_BAD_INPUT = ("unknown_instance", "bad_argument")


class _Formatter(argparse.HelpFormatter):
    """As wide as the terminal; argparse itself would ask shutil, which brings compressors along, 0.4 MB in a daemon."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, width=_columns() - 2)


class _Parser(argparse.ArgumentParser):
    """One with that formatter, and so are those of its commands."""

    def __init__(self, **options: Any) -> None:
        super().__init__(formatter_class=_Formatter, **options)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code: 0, 1 when it failed, 2 when the input was refused."""
    options = _parser().parse_args(arguments)
    command: int = options.command(options)
    return command


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="vrrp-agent", description="Holds virtual IP addresses by VRRP.")
    parser.add_argument("--version", action="version", version=f"vrrp-agent {VERSION}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    runtime = _Parser(add_help=False)
    runtime.add_argument(
        "--runtime-dir",
        default=client.RUNTIME_DIR,
        metavar="DIR",
        help="where the control socket is (default: %(default)s)",
    )
    config_file = _Parser(add_help=False)
    config_file.add_argument(
        "--config",
        default=CONFIG_FILE,
        metavar="FILE",
        help="the configuration, a JSON document (default: %(default)s)",
    )

    run = commands.add_parser("run", parents=[config_file, runtime], help="run in the foreground")
    run.add_argument(
        "--state-dir",
        default=os.environ.get("STATE_DIRECTORY", "").partition(":")[0] or None,
        metavar="DIR",
        help="where a drain and the events are remembered (default: $STATE_DIRECTORY, else the runtime directory)",
    )
    run.set_defaults(command=_run)
    _add_check(commands, config_file)
    _add_views(commands, runtime)
    again = commands.add_parser("reload", parents=[runtime], help="read the configuration again, without a restart")
    again.set_defaults(command=_reload)
    anew = commands.add_parser(
        "upgrade", parents=[runtime], help="run the installed code in a new process, without a change of any role"
    )
    anew.set_defaults(command=_upgrade)
    _add_maintenance(commands, runtime)
    return parser


def _columns() -> int:
    columns = os.environ.get("COLUMNS", "")
    if columns.isdecimal() and int(columns) > 0:
        return int(columns)
    try:
        return os.get_terminal_size().columns or _COLUMNS
    except OSError:
        return _COLUMNS  # no terminal


def _add_check(commands: Any, config_file: argparse.ArgumentParser) -> None:
    check = commands.add_parser(
        "check",
        parents=[config_file],
        help="check a configuration: exit 0, or 2 and why",
        description="Say what is wrong with a configuration; - reads it from the standard input.",
    )
    check.add_argument(
        "--try", action="store_true", dest="try_checks", help="run each check once, as this user: exit 1 if one fails"
    )
    check.add_argument("--json", action="store_true", help="with --try: what each check says, as JSON")
    check.set_defaults(command=_check)


def _add_views(commands: Any, runtime: argparse.ArgumentParser) -> None:
    """What is live, and what has happened."""
    show = commands.add_parser("status", parents=[runtime], help="show what is live")
    show.add_argument("--json", action="store_true", help="the whole status document; with --watch, one a line")
    show.add_argument("--watch", action="store_true", help="again each second, until interrupted")
    show.set_defaults(command=_status)
    events = commands.add_parser("events", parents=[runtime], help="show what has happened, and why")
    events.add_argument("--lines", type=int, default=20, metavar="N", help="the last N, at most 500 (default: 20)")
    events.add_argument("--follow", action="store_true", help="go on with what happens, until interrupted")
    events.add_argument("--json", action="store_true", help="a JSON document a line")
    events.add_argument(
        "--state-dir",
        default=STATE_DIR,
        metavar="DIR",
        help="where they are read when no agent runs (default: %(default)s)",
    )
    events.set_defaults(command=_events)


def _add_maintenance(commands: Any, runtime: argparse.ArgumentParser) -> None:
    """The operator's commands; each returns when it is done, or refused."""
    answer = _Parser(add_help=False)
    answer.add_argument("--json", action="store_true", help="before, after and how long, as JSON")
    force = _Parser(add_help=False)
    force.add_argument("--force", action="store_true", help="let go even if no peer answers: then nobody holds it")

    switchover = commands.add_parser(
        "switchover",
        parents=[runtime, answer, force],
        help="give the role of an instance to the peer",
        description="Let go when a peer has taken over; refused when none answers. No preemption afterwards.",
    )
    switchover.add_argument("instance", metavar="INSTANCE", help="its name; its sync group moves with it")
    switchover.set_defaults(ask=lambda given: client.switchover(given.instance, given.force, given.runtime_dir))
    drain = commands.add_parser(
        "drain",
        parents=[runtime, answer, force],
        help="hand every role over, then take no part",
        description="For maintenance; lasts over restarts. Refused as a whole when an instance finds no peer.",
    )
    drain.set_defaults(ask=lambda given: client.drain(given.force, given.runtime_dir))
    undrain = commands.add_parser("undrain", parents=[runtime, answer], help="take part again, after a drain")
    undrain.set_defaults(ask=lambda given: client.undrain(given.runtime_dir))
    for command in (switchover, drain, undrain):
        command.set_defaults(command=_maintain)


def _run(options: argparse.Namespace) -> int:
    # The daemon's imports are slow and nobody else's business.
    from .service.without_openssl import import_asyncio

    import_asyncio()
    return _serve(options)


def _serve(options: argparse.Namespace) -> int:
    import asyncio

    from .linux.errors import KernelError
    from .schema import ConfigError
    from .service import log
    from .service.agent import Agent
    from .service.only_one import StartError

    log.set_up()
    try:
        return asyncio.run(Agent(options.config, options.runtime_dir, options.state_dir).run())
    except ConfigError as error:
        log.LOGGER.error("%s: %s", options.config, error)
        return EXIT_REFUSED
    except (StartError, KernelError, OSError) as error:
        log.LOGGER.error("cannot start: %s", error)
        return EXIT_FAILED


def _check(options: argparse.Namespace) -> int:
    from . import check_command

    right = check_command.check(options.config)
    if right is None:
        return EXIT_REFUSED
    if options.try_checks and not check_command.try_checks(right, options.json):
        return EXIT_FAILED
    return 0


def _status(options: argparse.Namespace) -> int:
    from . import status_command

    try:
        status_command.show(options.json, options.watch, options.runtime_dir)
    except client.ControlError as error:
        return _fail(error)
    except BrokenPipeError:
        _say_no_more()
    return 0


def _events(options: argparse.Namespace) -> int:
    from . import events_command

    try:
        events_command.show(options.lines, options.follow, options.json, options.runtime_dir, options.state_dir)
    except client.ControlError as error:
        return _fail(error)
    except (KeyboardInterrupt, BrokenPipeError):
        _say_no_more()
    return 0


def _say_no_more() -> None:
    """Who reads has had enough; nothing is left to be flushed to nobody at the exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def _reload(options: argparse.Namespace) -> int:
    try:
        client.reload(options.runtime_dir)
    except client.ControlError as error:
        _fail(error)
        return EXIT_REFUSED if error.code == "config_invalid" else EXIT_FAILED
    return 0


def _maintain(options: argparse.Namespace) -> int:
    try:
        result = options.ask(options)
    except client.ControlError as error:
        _fail(error)
        if error.code == "no_successor":
            sys.stderr.write("Use --force to leave all the same: then nobody holds the addresses.\n")
        return EXIT_REFUSED if error.code in _BAD_INPUT else EXIT_FAILED
    sys.stdout.write(json.dumps(result, indent=2) + "\n" if options.json else _outcome(result))
    return 0


def _outcome(result: dict[str, Any]) -> str:
    return f"{result['message']} ({result['duration_s']:.2f} s)\n" if result["changed"] else f"{result['message']}\n"


def _upgrade(options: argparse.Namespace) -> int:
    try:
        client.upgrade(options.runtime_dir)
    except client.ControlError as error:
        return _fail(error)
    return 0


def _fail(error: client.ControlError) -> int:
    sys.stderr.write(f"vrrp-agent: {error}\n")
    return EXIT_FAILED


if __name__ == "__main__":
    raise SystemExit(main())
