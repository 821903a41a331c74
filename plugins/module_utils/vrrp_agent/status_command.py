# Copyright: (c) 2026, duet.ha_pair contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""`vrrp-agent status`: what is live, as JSON, once or again each second, on a terminal or for a program."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import sys
import time
from collections.abc import Iterator
from types import FrameType
from typing import Any

from . import client
from .status_table import Style, table

_AGAIN_S = 1.0
# A screen of its own, without a cursor; and back, with all that was on the terminal before.
_ENTER, _LEAVE = "\033[?1049h\033[?25l", "\033[?25h\033[?1049l"
_HOME, _REST_OF_LINE, _REST_OF_SCREEN = "\033[H", "\033[K", "\033[J"


class _Ended(Exception):
    """Somebody wants it to end: ^C, SIGTERM or SIGHUP."""


def show(as_json: bool, watch: bool, runtime_dir: str) -> None:
    """Write what is live; with `watch` again each second, until interrupted. Raises ControlError, but not then."""
    if not watch:
        document = client.status(runtime_dir)
        sys.stdout.write(json.dumps(document, indent=2) + "\n" if as_json else _text(document))
        return
    with contextlib.suppress(_Ended), _ended_by_signals():
        if sys.stdout.isatty() and not as_json:
            _redraw(runtime_dir)
        else:
            _repeat(as_json, runtime_dir)


def _text(document: dict[str, Any]) -> str:
    """The table as it fits what it is written to; plain and as wide as it needs to be for a program."""
    if not sys.stdout.isatty():
        return table(document, time.time())
    return table(document, time.time(), shutil.get_terminal_size().columns, _style())


def _style() -> Style:
    """Colours unless somebody does not want them (no-color.org), or the terminal has none."""
    return Style(not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb")


# --- again and again


def _repeat(as_json: bool, runtime_dir: str) -> None:
    """For a program: a JSON document a line, or the table after a line with the time."""
    while True:
        try:
            document = client.status(runtime_dir)
            text = json.dumps(document) + "\n" if as_json else f"{_now()}\n{table(document, time.time())}\n"
        except client.ControlError as error:
            text = "" if as_json else f"{_now()}\nvrrp-agent: {error}\n\n"
        sys.stdout.write(text)
        sys.stdout.flush()
        time.sleep(_AGAIN_S)


def _redraw(runtime_dir: str) -> None:
    """For people: in place, on a screen that goes away at the end."""
    sys.stdout.write(_ENTER)
    try:
        while True:
            columns, rows = shutil.get_terminal_size()
            lines = _picture(runtime_dir, columns).splitlines()
            if len(lines) > rows:
                lines = [*lines[: rows - 1], f"({len(lines) - rows + 1} more lines)"[:columns]]
            # No newline after the last one, which would scroll.
            drawn = "\n".join(f"{line}{_REST_OF_LINE}" for line in lines)
            sys.stdout.write(f"{_HOME}{drawn}{_REST_OF_SCREEN}")
            sys.stdout.flush()
            time.sleep(_AGAIN_S)
    finally:
        with contextlib.suppress(OSError):  # a terminal that is gone needs no cleaning
            sys.stdout.write(_LEAVE)
            sys.stdout.flush()


def _picture(runtime_dir: str, columns: int) -> str:
    """What the screen shows; an agent that is being started again is waited for."""
    try:
        document = client.status(runtime_dir)
    except client.ControlError as error:
        return f"{_now()}\n\nvrrp-agent: {error}"[: 4 * columns]
    heading = f"{document.get('router_id', '')}  {_now()}"[:columns]
    return f"{heading}\n\n{table(document, time.time(), columns, _style())}"


def _now() -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S")


@contextlib.contextmanager
def _ended_by_signals() -> Iterator[None]:
    """Signals that end a program become an _Ended here, so that everything is left in order."""
    before = {number: signal.signal(number, _end) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _end(number: int, frame: FrameType | None) -> None:
    raise _Ended
