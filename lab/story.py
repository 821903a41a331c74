# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A story on the terminal: numbered chapters, lines below them, and how long each took."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

BOLD, GREEN, RED, PLAIN = "\x1b[1m", "\x1b[32m", "\x1b[31m", "\x1b[0m"


class Story:
    """Tells what happens while it happens, from chapter 2 on; `rows` become the closing table."""

    def __init__(self) -> None:
        self.rows: list[tuple[str, str]] = []
        self._chapter = 1
        self._coloured = sys.stdout.isatty() and "NO_COLOR" not in os.environ

    @contextmanager
    def chapter(self, title: str) -> Iterator[None]:
        """Head what follows; at its end say how long it took."""
        self._chapter += 1
        print(f"\n{self._paint(BOLD, f'{self._chapter}. {title}')}", flush=True)
        began = time.monotonic()
        yield
        self.tell(f"({time.monotonic() - began:.1f} s)")

    def tell(self, text: str = "") -> None:
        """Print a line, or several, below the chapter's heading."""
        for line in text.splitlines() or [""]:
            print(f"   {line}".rstrip(), flush=True)

    def good(self, text: str) -> None:
        """Tell that something is as it was promised."""
        self.tell(self._paint(GREEN, text))

    def bad(self, text: str) -> None:
        """Tell that something is not."""
        self.tell(self._paint(RED, text))

    def row(self, what: str, value: str) -> None:
        """Keep a line for the closing table."""
        self.rows.append((what, value))

    def table(self, rows: Sequence[tuple[str, ...]]) -> None:
        """Tell rows in columns as wide as they need."""
        widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
        for row in rows:
            self.tell("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)))

    def _paint(self, colour: str, text: str) -> str:
        return f"{colour}{text}{PLAIN}" if self._coloured else text
