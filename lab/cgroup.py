# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Control groups: every process of a lab is in one, so that none is forgotten and none that is not ours is touched."""

from __future__ import annotations

import time
from pathlib import Path

from .errors import LabError


def mount_point() -> Path:
    """Return where the machine has cgroup2: all of /sys/fs/cgroup, or beside version 1."""
    for line in Path("/proc/mounts").read_text().splitlines():
        target, kind = line.split()[1:3]
        if kind == "cgroup2":
            return Path(target)
    raise LabError("the machine has no cgroup2 mounted: mount -t cgroup2 none /sys/fs/cgroup")


def make(lab: str, member: str) -> Path:
    """Make the group of a host or of the client, its controllers delegated where the machine has them."""
    group = mount_point()
    for step in ("duet-lab", lab, member):
        _delegate(group)
        group = group / step
        group.mkdir(exist_ok=True)
    return group


def labs() -> set[str]:
    """Return the names of all labs that have a group."""
    top = mount_point() / "duet-lab"
    return {entry.name for entry in top.iterdir() if entry.is_dir()} if top.is_dir() else set()


def kill(lab: str, member: str = "") -> None:
    """End every process of a member or of the whole lab, and remove the empty groups."""
    top = mount_point() / "duet-lab"
    group = top / lab / member
    if not group.is_dir():
        return
    (group / "cgroup.kill").write_text("1")
    for path in [*sorted(group.rglob("*/"), reverse=True), group, group.parent, top]:
        if path.is_dir() and path.is_relative_to(top):
            _remove(path, wait=path.is_relative_to(group))


def _remove(group: Path, wait: bool) -> None:
    """Remove a group; a dying process keeps its own busy for a moment."""
    deadline = time.monotonic() + 5
    while True:
        try:
            group.rmdir()
            return
        except OSError:
            if not wait:
                return  # another lab or host is in it
            if time.monotonic() > deadline:
                raise
            time.sleep(0.01)


def _delegate(group: Path) -> None:
    controllers = (group / "cgroup.controllers").read_text().split()
    if controllers:
        (group / "cgroup.subtree_control").write_text(" ".join(f"+{controller}" for controller in controllers))
