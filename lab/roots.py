# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Root file systems of Debian releases, built once with mmdebstrap and shared read-only by every host."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

from .errors import LabError
from .shell import run, say

RECIPE = 1  # raise it when a change below must not meet an old cache
SUITES = ("bullseye", "bookworm", "trixie")
# What a plain server carries and no more: nothing of nginx or of ours.
PACKAGES = (
    "systemd", "systemd-sysv", "dbus", "python3", "iproute2", "nftables", "openssh-server",
    "ca-certificates", "procps", "iputils-ping", "netbase",
)  # fmt: skip
CUSTOMIZE = (
    'chroot "$1" systemctl enable systemd-networkd ssh',
    # A timer that locks apt in the middle of a test would be a fault nobody asked for.
    'chroot "$1" systemctl mask apt-daily.timer apt-daily-upgrade.timer',
    'rm -f "$1/etc/machine-id" "$1/etc/hostname" "$1/etc/resolv.conf"',
)


def cache() -> Path:
    """Return the directory of everything that is worth keeping between labs."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "duet-ha-pair"


def ensure(suite: str = "bookworm", include: Sequence[str] = ()) -> Path:
    """Return the root of a release with these packages added, building it if it is not in the cache.

    Nobody may write to it: hosts lay an overlay on it, others chroot into it for programs only.
    """
    if suite not in SUITES:
        raise LabError(f"release {suite!r} is not one of {', '.join(SUITES)}")
    root = cache() / "roots" / name(suite, include)
    if root.is_dir():
        return root
    root.parent.mkdir(parents=True, exist_ok=True)
    with open(f"{root}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not root.is_dir():
            _build(suite, include, root)
    return root


def name(suite: str, include: Sequence[str] = ()) -> str:
    """Return the cache's key: it changes with everything that the result depends on."""
    recipe = json.dumps([RECIPE, suite, PACKAGES, sorted(set(include)), CUSTOMIZE])
    return f"{suite}-{hashlib.sha256(recipe.encode()).hexdigest()[:12]}"


def sources(suite: str, machine: str, targets: str) -> list[str]:
    """Turn the machine's own Debian sources (`apt-get indextargets`) into those of another release.

    Lines of `targets` are "URI RELEASE COMPONENT ORIGIN"; `machine` is the code name of the machine's release.
    """
    lines = []
    for uri, release, component, origin in (line.split(None, 3) for line in targets.splitlines()):
        pocket = release.removeprefix(machine)
        if origin == "Debian" and component == "main" and pocket in ("", "-updates", "-security"):
            lines.append(f"deb {uri} {suite}{pocket} main")
    return lines


def _machine_sources(suite: str) -> list[str]:
    """Return the sources to build from; none (mmdebstrap's default) if the machine's apt names no Debian."""
    release = dict(line.split("=", 1) for line in Path("/etc/os-release").read_text().splitlines() if "=" in line)
    machine = release.get("VERSION_CODENAME", "").strip('"')
    form = "$(REPO_URI) $(RELEASE) $(COMPONENT) $(ORIGIN)"
    return sources(suite, machine, run("apt-get", "indextargets", "--format", form, "Created-By: Packages"))


def _build(suite: str, include: Sequence[str], root: Path) -> None:
    """Build beside the final name and rename, so that a root that is there is whole."""
    partial = Path(f"{root}.partial")
    run("rm", "-rf", "--one-file-system", str(partial))
    say(f"building the root file system {root.name} (about half a minute)")
    argv = ["mmdebstrap", "--mode=root", "--variant=minbase", f"--include={','.join([*PACKAGES, *include])}"]
    argv += [f"--customize-hook={hook}" for hook in CUSTOMIZE]
    argv += [suite, str(partial), *_machine_sources(suite)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    if done.returncode:
        run("rm", "-rf", "--one-file-system", str(partial))
        raise LabError(f"mmdebstrap {suite}:\n{done.stdout[-1000:]}{done.stderr[-3000:]}")
    os.chmod(partial, 0o755)
    partial.rename(root)
