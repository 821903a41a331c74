# Copyright: (c) 2026, duet.ha_pair contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Killed and started again at once: what an agent still is MASTER of, because nobody can have missed it yet.

A backup waits three intervals at least after an advert, and every renewal of the addresses is followed by one. So who
finds its addresses on the interface, all of them, renewed less than three intervals ago, goes on as MASTER. The kernel
itself tells how old a renewal is: by what is left of the lifetime. No clock of two lives is compared.

In doubt nothing is resumed, and the addresses are removed as ever: another configuration than the earlier life's
(another interval would be another patience), a host that was suspended meanwhile, an address that is missing or has
not our mark, a sync group with a member that cannot. What no timer excludes is a peer that has taken the role by its
higher priority in that moment: its first advert makes us yield, after one interval at most.
"""

from __future__ import annotations

import json
import os
import time
from typing import Any

from ..config import Config, Instance
from ..linux.netlink import ADDRESS_PROTOCOL
from ..protocol.settings import PRIORITY_OWNER
from .lifetimes import RESUME_MARGIN_S, ROUNDED_S, lifetime_s
from .log import LOGGER
from .network import Network

_RECORD = "last-life.json"
_SUSPENDED_TOLERANCE_NS = 10_000_000

_Identity = tuple[str, int, int]


def write_record(runtime_dir: str, config_digest: str) -> None:
    """Leave word to the next life of the configuration of this one; a disk that is full costs a resume, no more."""
    path = os.path.join(runtime_dir, _RECORD)
    try:
        with open(f"{path}.new", "w", encoding="utf-8") as file:
            json.dump({"config_digest": config_digest, "suspended_ns": _suspended_ns()}, file)
        os.replace(f"{path}.new", path)
    except OSError as error:
        LOGGER.warning("cannot write %s: %s", path, error.strerror)


def same_life(runtime_dir: str, config_digest: str) -> bool:
    """Whether the life before had this configuration, and the host has not been suspended since."""
    try:
        with open(os.path.join(runtime_dir, _RECORD), encoding="utf-8") as file:
            record: dict[str, Any] = json.load(file)
        slept_ns = _suspended_ns() - record["suspended_ns"]
        return bool(record["config_digest"] == config_digest and abs(slept_ns) < _SUSPENDED_TOLERANCE_NS)
    except (OSError, ValueError, KeyError, TypeError):
        return False


def held(config: Config, network: Network) -> dict[_Identity, float]:
    """The instances that an earlier life was MASTER of until now: how many seconds ago it renewed them at most."""
    found = {}
    for instance in config.instances:
        age_s = _age_s(instance, network)
        if age_s is not None and age_s + RESUME_MARGIN_S <= 3 * instance.advert_interval_cs / 100:
            found[instance.name] = age_s
    for group in config.sync_groups:
        if not found.keys() >= set(group.instances):
            for name in group.instances:
                found.pop(name, None)
    return {instance.identity: found[instance.name] for instance in config.instances if instance.name in found}


def _age_s(instance: Instance, network: Network) -> float | None:
    """How old the oldest renewal of its addresses is at most; None if that is not known."""
    index = _index(instance, network)
    if index is None or instance.priority == PRIORITY_OWNER:  # the owner is master at once anyway
        return None
    there = network.on(index)
    addresses = [there.get(address) for address in instance.addresses]
    remaining_s = [one.remaining_s for one in addresses if one is not None and one.protocol == ADDRESS_PROTOCOL]
    if len(remaining_s) < len(addresses) or not 0 < min(remaining_s) <= max(remaining_s) <= lifetime_s(instance):
        return None
    return lifetime_s(instance) - min(remaining_s) + ROUNDED_S


def _index(instance: Instance, network: Network) -> int | None:
    """Where its addresses would be: on its interface, or on the one with its virtual MAC."""
    if instance.use_vmac:
        return network.virtual_macs.left_by(instance)
    link = network.link(instance.interface)
    return None if link is None else link.index


def _suspended_ns() -> int:
    """For how long the host has been suspended since it was booted."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) - time.clock_gettime_ns(time.CLOCK_MONOTONIC)
