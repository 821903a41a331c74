# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the metrics' file is replaced, and that a failure of the metrics is nobody else's."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

import pytest
from vrrp_agent.metrics_config import Metrics
from vrrp_agent.service import exporter
from vrrp_agent.service.exporter import Exporter, write


def test_a_file_is_replaced_in_one_step(tmp_path: Path) -> None:
    path = tmp_path / "vrrp.prom"
    write(str(path), b"one\n")
    with open(path) as before:
        write(str(path), b"two\n")
        assert before.read() == "one\n"
    assert path.read_text() == "two\n" and os.listdir(tmp_path) == ["vrrp.prom"]


def test_what_node_exporter_can_read_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        write(str(tmp_path / "vrrp.prom"), b"")
    finally:
        os.umask(before)
    assert (tmp_path / "vrrp.prom").stat().st_mode & 0o777 == 0o644


def test_never_through_a_link(tmp_path: Path) -> None:
    """Where others may write into the folder, they could name any file of ours."""
    victim, path = tmp_path / "victim", tmp_path / "vrrp.prom"
    victim.write_text("mine")
    (tmp_path / ".vrrp.prom.new").symlink_to(victim)
    path.symlink_to(victim)
    write(str(path), b"metrics\n")
    assert victim.read_text() == "mine" and path.read_text() == "metrics\n" and not path.is_symlink()


def test_a_failure_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "vrrp.prom").mkdir()
    with pytest.raises(OSError):
        write(str(tmp_path / "vrrp.prom"), b"")
    assert os.listdir(tmp_path) == ["vrrp.prom"]


def play(story: Any) -> None:
    asyncio.run(asyncio.wait_for(story(), 20))


async def until(condition: Any) -> None:
    while not condition():
        await asyncio.sleep(0.01)


def test_a_bug_costs_metrics_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An exception that nobody takes would have the agent resign."""
    monkeypatch.setattr(exporter, "WRITE_EVERY_S", 0.01)
    path = str(tmp_path / "vrrp.prom")
    documents: list[dict[str, Any]] = [{}]

    async def status() -> dict[str, Any]:
        return documents[0]

    async def story() -> None:
        complaints: list[Any] = []
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: complaints.append(context))
        exports = Exporter(status)
        exports.configure(Metrics(path))
        await until(lambda: exports.status()["textfile"]["error"])
        assert exports.status()["textfile"]["error"] == f"no metrics for {path}: 'version'"
        monkeypatch.setattr(exporter, "render", lambda document: "well\n")
        await until(lambda: exports.status()["textfile"]["error"] is None)
        assert Path(path).read_text() == "well\n"
        exports.close()
        assert not os.path.exists(path) and complaints == []

    play(story)


def test_however_many_ask_the_document_is_made_once_a_second(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exporter, "render", lambda document: "well\n")
    made = []

    async def status() -> dict[str, Any]:
        made.append(1)
        return {}

    async def story() -> None:
        exports = Exporter(status)
        pages = await asyncio.gather(*(exports._fresh_page() for unused in range(100)))
        assert set(pages) == {b"well\n"} and len(made) == 1

    play(story)
