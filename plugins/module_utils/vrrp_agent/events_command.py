# Copyright: (c) 2026, duet.ha_pair contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""`vrrp-agent events`: what has happened and why, from the running agent, or from the file of one that runs no more."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterable
from typing import Any

from . import client
from .service.event_file import EventFile
from .service.event_text import line

_AGAIN_S = 1.0
_GONE = ("not_running", "timeout", "bad_answer", "busy")


def show(lines: int, follow: bool, as_json: bool, runtime_dir: str, state_dir: str) -> None:
    """Write the last events, then those that come, if wanted; raises ControlError."""
    try:
        answer = client.events(lines, runtime_dir)
    except client.ControlError as error:
        found = EventFile(state_dir).last(lines) if error.code == "not_running" else []
        if not found and not follow:
            raise
        answer = {"events": found, "last": found[-1]["seq"] if found else 0}
    _write(answer["events"], as_json)
    while follow:
        answer = _more(answer["last"], runtime_dir)
        _write(answer["events"], as_json)


def _more(after: int, runtime_dir: str) -> dict[str, Any]:
    """What has come since; an agent that is being started again is waited for."""
    while True:
        try:
            return client.follow(after, runtime_dir)
        except client.ControlError as error:
            if error.code not in _GONE:
                raise
        time.sleep(_AGAIN_S)


def _write(events: Iterable[dict[str, Any]], as_json: bool) -> None:
    for event in events:
        sys.stdout.write((json.dumps(event) if as_json else line(event)) + "\n")
    sys.stdout.flush()
