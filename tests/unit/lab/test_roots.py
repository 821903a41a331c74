# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a root file system is built from, and when a cached one may be used."""

from __future__ import annotations

import pytest

from lab import roots
from lab.errors import LabError

TARGETS = """\
http://mirror.example/debian/ bookworm main Debian
http://mirror.example/debian/ bookworm-updates main Debian
http://mirror.example/debian/ bookworm contrib Debian
http://security.example/debian-security/ bookworm-security main Debian
https://shop.example/apt/ bookworm main Shop Inc.
"""


def test_the_machines_own_mirror_serves_other_releases_too() -> None:
    assert roots.sources("trixie", "bookworm", TARGETS) == [
        "deb http://mirror.example/debian/ trixie main",
        "deb http://mirror.example/debian/ trixie-updates main",
        "deb http://security.example/debian-security/ trixie-security main",
    ]


def test_a_machine_without_debian_sources_leaves_the_mirror_to_mmdebstrap() -> None:
    assert roots.sources("trixie", "noble", "http://other.example/ noble main Other\n") == []


def test_the_cache_key_depends_on_what_goes_in_and_not_on_its_order() -> None:
    assert roots.name("bookworm", ["b", "a"]) == roots.name("bookworm", ["a", "b", "a"])
    assert len({roots.name("bookworm"), roots.name("trixie"), roots.name("bookworm", ["keepalived"])}) == 3


def test_an_unknown_release_is_refused() -> None:
    with pytest.raises(LabError, match="'sarge' is not one of"):
        roots.ensure("sarge")
