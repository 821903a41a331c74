# Copyright: (c) 2026, duet.ha_pair contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""What keepalived was told on this host: its options, its files. Only reads."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass

CONFIG = "/etc/keepalived/keepalived.conf"

_INCLUDE = re.compile(r"^[ \t]*include[rmwba]?[ \t]+([^\n#!]+)", re.MULTILINE)
# A configuration beyond that is none.
_FILES_MAX, _OCTETS_MAX = 200, 1_000_000


@dataclass(frozen=True)
class Options:
    """The options of a keepalived's command line that decide what it reads."""

    path: str = CONFIG
    config_id: str = ""


def read_options(words: Sequence[str], node_name: str) -> Options:
    """`-f FILE` and `-i ID`, in all their spellings; the id is the first part of the host's name by default."""
    found = {"f": CONFIG, "i": node_name.partition(".")[0]}
    names = {"-f": "f", "--use-file": "f", "-i": "i", "--config-id": "i"}
    for position, word in enumerate(words):
        name, equals, value = word.partition("=")
        if word in names and position + 1 < len(words):
            found[names[word]] = words[position + 1]
        elif name in ("--use-file", "--config-id") and equals:
            found[names[name]] = value
        elif word[:2] in ("-f", "-i") and len(word) > 2:
            found[word[1]] = word[2:]
    return Options(found["f"], found["i"])


def read_files(path: str, root: str = "/") -> dict[str, str]:
    """The text of a configuration and of all that it includes, by their paths; what cannot be read is not there."""
    texts: dict[str, str] = {}
    waiting = [path]
    while waiting and len(texts) < _FILES_MAX:
        current = waiting.pop()
        text = _text(os.path.join(root, current.lstrip("/")))
        if current in texts or text is None:
            continue
        texts[current] = text
        for pattern in _INCLUDE.findall(text):
            wanted = os.path.normpath(os.path.join(os.path.dirname(current), pattern.strip().strip('"')))
            found = glob.glob(os.path.join(root, wanted.lstrip("/")))
            waiting += sorted("/" + os.path.relpath(name, root) for name in found if os.path.isfile(name))
    return texts


def listens(table: str) -> bool:
    """Whether /proc/net/raw, or raw6, has a socket of protocol 112: keepalived hears VRRP."""
    return any(line.split()[1].endswith(":0070") for line in table.splitlines()[1:] if len(line.split()) > 1)


def _text(path: str) -> str | None:
    try:
        with open(path, encoding="utf-8", errors="replace") as source:
            return source.read(_OCTETS_MAX)
    except OSError:
        return None
