# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The file that remembers a drain: there or not, and never by half."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from vrrp_agent.service.drain_mark import DrainMark, MarkError


def test_its_life(tmp_path: Path) -> None:
    mark = DrainMark(str(tmp_path / "state"))
    assert mark.exists() is False
    mark.prepare()
    assert mark.exists() is False
    mark.commit()
    assert mark.exists() is True
    assert [file.name for file in (tmp_path / "state").iterdir()] == ["drained"]
    mark.remove()
    assert mark.exists() is False
    mark.remove()


def test_what_was_prepared_can_be_forgotten(tmp_path: Path) -> None:
    mark = DrainMark(str(tmp_path))
    mark.prepare()
    mark.discard()
    mark.discard()
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("")
    mark, path = DrainMark(str(tmp_path / "state")), tmp_path / "state" / "drained"
    with pytest.raises(MarkError, match=f"cannot tell whether this node is drained: {path}: Not a directory"):
        mark.exists()
    with pytest.raises(MarkError, match=f"cannot remember that this node is drained: {path}: "):
        mark.prepare()
    with pytest.raises(MarkError, match=f"cannot forget that this node is drained: {path}: Not a directory"):
        mark.remove()


def test_a_full_disk_is_known_before_anything_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    mark = DrainMark(str(tmp_path))
    with pytest.raises(MarkError, match="drained: No space left on device"):
        mark.prepare()
    assert mark.exists() is False
