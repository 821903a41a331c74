# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What labs change in the machine's kernel is never less than before, and is as it was when the last one is gone."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab import lab


@pytest.fixture
def kernel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A /proc/sys of its own."""
    for name in lab.KERNEL:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    monkeypatch.setattr(lab, "PROC", tmp_path)
    monkeypatch.setattr(lab, "RUN", tmp_path)
    return tmp_path


@pytest.mark.parametrize(("watches", "meanwhile"), [("128\n", "2048"), ("8192\n", "8192")])
def test_as_it_was(kernel: Path, watches: str, meanwhile: str) -> None:
    forward, limit = kernel / "net/ipv4/ip_forward", kernel / "fs/inotify/max_user_instances"
    forward.write_text("0\n")
    limit.write_text(watches)
    for _lab in range(2):
        lab._set_up_kernel()
        assert (forward.read_text().strip(), limit.read_text().strip()) == ("1", meanwhile)
    lab._restore_kernel()
    assert (forward.read_text(), limit.read_text()) == ("0\n", watches)
    lab._restore_kernel()
    assert limit.read_text() == watches
