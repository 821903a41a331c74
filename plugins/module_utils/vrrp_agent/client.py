# Copyright: (c) 2026, duet.ha_pair contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""The control socket's other end, for modules and for people: one JSON line asks, one JSON line answers."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import time
from typing import Any, cast

RUNTIME_DIR = "/run/vrrp-agent"
SOCKET_NAME = "control.sock"
# A successor may take an interval, of at most 40.95 s, to answer.
HANDOVER_TIMEOUT_S = 60.0
# The agent answers who follows its events after 20 s at the latest.
FOLLOW_TIMEOUT_S = 30.0
# An agent with a thousand instances answers with about 1 MB.
_ANSWER_MAX_OCTETS = 64 * 1024 * 1024


class ControlError(Exception):
    """The agent could not be asked, or refused: `code` is for programs, `message` for people.

    Codes of this side: `not_running`, `not_permitted`, `timeout`, `bad_answer`; any other comes from the agent.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def status(runtime_dir: str = RUNTIME_DIR, timeout_s: float = 5.0) -> dict[str, Any]:
    """The agent's status document."""
    return request({"command": "status"}, runtime_dir, timeout_s)


def reload(runtime_dir: str = RUNTIME_DIR, timeout_s: float = 30.0) -> dict[str, Any]:
    """Make the agent read its configuration again; returns what changed, raises ControlError `config_invalid`."""
    return request({"command": "reload"}, runtime_dir, timeout_s)


def events(lines: int = 20, runtime_dir: str = RUNTIME_DIR, timeout_s: float = 5.0) -> dict[str, Any]:
    """The last events, at most 500, the oldest first, as `events`; `last` is the number to follow from."""
    return request({"command": "events", "lines": lines}, runtime_dir, timeout_s)


def follow(after: int, runtime_dir: str = RUNTIME_DIR, timeout_s: float = FOLLOW_TIMEOUT_S) -> dict[str, Any]:
    """What has happened after an event's number, as `events` and `last`; waits up to 20 s for something to happen."""
    return request({"command": "follow", "after": after}, runtime_dir, timeout_s)


def switchover(
    instance: str, force: bool = False, runtime_dir: str = RUNTIME_DIR, timeout_s: float = HANDOVER_TIMEOUT_S
) -> dict[str, Any]:
    """Give the role of an instance to the peer, and wait for that; raises ControlError `no_successor`."""
    return request({"command": "switchover", "instance": instance, "force": force}, runtime_dir, timeout_s)


def drain(force: bool = False, runtime_dir: str = RUNTIME_DIR, timeout_s: float = HANDOVER_TIMEOUT_S) -> dict[str, Any]:
    """Hand every role over and take no part any more, over restarts too; raises ControlError `no_successor`."""
    return request({"command": "drain", "force": force}, runtime_dir, timeout_s)


def undrain(runtime_dir: str = RUNTIME_DIR, timeout_s: float = 30.0) -> dict[str, Any]:
    """Take part again, as at a start."""
    return request({"command": "undrain"}, runtime_dir, timeout_s)


def upgrade(runtime_dir: str = RUNTIME_DIR, timeout_s: float = 120.0) -> dict[str, Any]:
    """Have a new process with the installed code take over; raises ControlError `upgrade_failed` if it could not."""
    return request({"command": "upgrade"}, runtime_dir, timeout_s)


def request(message: dict[str, Any], runtime_dir: str = RUNTIME_DIR, timeout_s: float = 5.0) -> dict[str, Any]:
    """Ask the agent one thing and return the `result` of its answer; raises ControlError."""
    path = os.path.join(runtime_dir, SOCKET_NAME)
    deadline = time.monotonic() + timeout_s
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        try:
            connection.settimeout(timeout_s)
            connection.connect(path)
            with contextlib.suppress(BrokenPipeError):  # refused unread: the answer says why
                connection.sendall(json.dumps(message).encode() + b"\n")
            answer = _read_line(connection, deadline)
        except (FileNotFoundError, ConnectionRefusedError) as error:
            raise ControlError("not_running", f"the agent is not running (nothing listens on {path})") from error
        except PermissionError as error:
            raise ControlError(
                "not_permitted", f"no permission to use {path}; become root, or a member of the agent's group"
            ) from error
        except BlockingIOError as error:
            # Its queue is full: it hangs, or is flooded.
            raise ControlError("timeout", f"no answer on {path}: too many are waiting for one") from error
        except socket.timeout as error:
            raise ControlError("timeout", f"no answer on {path} within {timeout_s:g} s") from error
        except OSError as error:
            raise ControlError("not_running", f"{path}: {error.strerror or error}") from error
    return _result(answer, path)


def _read_line(connection: socket.socket, deadline: float) -> bytes:
    received = bytearray()
    while not received.endswith(b"\n") and len(received) < _ANSWER_MAX_OCTETS:
        remaining_s = deadline - time.monotonic()
        if remaining_s <= 0:
            raise socket.timeout()
        connection.settimeout(remaining_s)
        chunk = connection.recv(65536)
        if not chunk:
            break
        received += chunk
    return bytes(received)


def _result(answer: bytes, path: str) -> dict[str, Any]:
    try:
        document = json.loads(answer)
        if document["ok"] is True:
            return cast(dict[str, Any], document["result"])
        error = document["error"]
        code, message = str(error["code"]), str(error["message"])
    except (ValueError, KeyError, TypeError) as problem:
        raise ControlError("bad_answer", f"what answered on {path} is not this agent") from problem
    raise ControlError(code, message)
