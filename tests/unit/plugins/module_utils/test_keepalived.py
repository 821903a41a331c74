# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a running keepalived was told: the options of its process, its files."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.duet.ha_pair.plugins.module_utils.keepalived import (
    CONFIG,
    Options,
    listens,
    read_files,
    read_options,
)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([""], Options(CONFIG, "lb1")),
        (["/usr/sbin/keepalived", "--dont-fork"], Options(CONFIG, "lb1")),
        (["keepalived", "-f", "/a.conf", "-i", "main"], Options("/a.conf", "main")),
        (["keepalived", "-f/a.conf", "--config-id=main"], Options("/a.conf", "main")),
        (["keepalived", "--use-file", "/a.conf", "-imain"], Options("/a.conf", "main")),
        (["keepalived", "-f"], Options(CONFIG, "lb1")),
    ],
)
def test_options(words: list[str], expected: Options) -> None:
    assert read_options(words, "lb1.example.com") == expected


def test_files_are_followed_once(tmp_path: Path) -> None:
    folder = tmp_path / "etc/keepalived/conf.d"
    folder.mkdir(parents=True)
    (folder.parent / "keepalived.conf").write_text("a\n  include conf.d/*.conf # more\ninclude none\n")
    (folder / "b.conf").write_text("include ../keepalived.conf\nincludea /etc/keepalived/c\n")
    (folder.parent / "c").write_text("c")
    assert sorted(read_files(CONFIG, str(tmp_path))) == [
        "/etc/keepalived/c",
        "/etc/keepalived/conf.d/b.conf",
        "/etc/keepalived/keepalived.conf",
    ]
    assert read_files("/none", str(tmp_path)) == {}


def test_a_socket_of_vrrp() -> None:
    head = "  sl  local_address rem_address   st tx_queue\n"
    assert listens(head + " 112: 00000000:0070 00000000:0000 07 00000000:00000000\n")
    assert not listens(head + "   1: 00000000:0001 00000000:0000 07 00000000:00000000\n")
    assert not listens("")
