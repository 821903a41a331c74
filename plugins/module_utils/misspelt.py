# Copyright: (c) 2026, duet.ha_pair contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Variables that look like the role's and are not: nothing would read them, and nobody would be told.

Pure: names in, words out. A variable of the user's own, named vrrp_something, is none of our business.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping

from .inventory import VARIABLES
from .vrrp_agent import config

# What the role and the playbooks read beside the configuration; a test compares it with argument_specs.
OTHERS = (
    *("vrrp_group", "vrrp_instance", "vrrp_lock_memory", "vrrp_manage_firewall", "vrrp_realtime"),
    *("vrrp_settle_timeout", "vrrp_sysctls", "vrrp_to"),
)
_SIMILAR = 0.85


def warnings(names: Mapping[str, Iterable[str]]) -> list[str]:
    """What `{host: names of its variables}` has that is probably meant for the role, in words with the mend."""
    holders: dict[str, list[str]] = {}
    for host, found in names.items():
        for name in sorted(found):
            holders.setdefault(name, []).append(host)
    return [
        f"{', '.join(hosts)}: {name} has no effect; {hint}" for name, hosts in holders.items() for hint in _hints(name)
    ]


def _hints(name: str) -> Iterator[str]:
    known = (*VARIABLES, *OTHERS)
    if not name.startswith("vrrp_") or name in known:
        return
    key = name[len("vrrp_") :]
    near = difflib.get_close_matches(name, known, n=1, cutoff=_SIMILAR)
    if _of_an_instance(key):
        yield f"{key} is a key of an instance: write it in vrrp_instances"
    elif near:
        yield f"did you mean {near[0]}?"


def _of_an_instance(key: str) -> bool:
    path = f"instances[0].{key}"
    return not any(
        error.path == path and error.why.startswith("unknown key")
        for error in config.validate({"instances": [{key: None}]})
    )
