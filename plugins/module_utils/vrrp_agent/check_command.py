# Copyright: (c) 2026, duet.ha_pair contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""`vrrp-agent check`: is a configuration right, and with `--try`, what do its checks of the service say?"""

from __future__ import annotations

import json
import sys
from typing import Any

from . import config
from .schema import ConfigError

_WORDS = {"good": "ok", "failed": "FAILED", "cannot_run": "CANNOT RUN"}


def check(path: str) -> config.Config | None:
    """The configuration in a file, or in what is read with `-`; None when it is wrong, which is told."""
    try:
        document = config.decode(_read(path))
        problems = config.validate(document)
    except ConfigError as error:
        problems = [error]
    except (OSError, UnicodeDecodeError) as error:
        problems = [ConfigError("", getattr(error, "strerror", None) or "not UTF-8 text")]
    for problem in problems:
        sys.stderr.write(f"{path}: {problem}\n")
    return None if problems else config.parse(document)


def try_checks(right: config.Config, as_json: bool) -> bool:
    """Run each check once, here and now, and tell what it says; whether all are good."""
    import asyncio

    from .service.checks.trial import try_all

    tried = asyncio.run(try_all(right.instances))
    sys.stdout.write(json.dumps({"checks": tried}, indent=2) + "\n" if as_json else "".join(map(_line, tried)))
    return all(one["result"] == "good" for one in tried)


def _read(path: str) -> str:
    if path == "-":
        return sys.stdin.buffer.read().decode()
    with open(path, encoding="utf-8") as file:
        return file.read()


def _line(one: dict[str, Any]) -> str:
    # What a service answers may hold anything, a terminal's commands too.
    text = "".join(character if character.isprintable() else "?" for character in one["detail"])
    return f"{_WORDS[one['result']]:<10}  {one['instance']}: {one['name']}: {text}\n"
