# Copyright: (c) 2026, duet.ha_pair contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""The file that keeps a node drained over a restart and a reboot: it is there, or it is not."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator


class MarkError(OSError):
    """The file could not be written, removed or looked for, and why."""


class DrainMark:
    """The file in the state directory; writing is in two steps, so that a full disk is known before anything moves."""

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._path = os.path.join(folder, "drained")

    def exists(self) -> bool:
        """Whether this node was drained in an earlier life."""
        with _explained(f"cannot tell whether this node is drained: {self._path}"):
            try:
                os.stat(self._path)
            except FileNotFoundError:
                return False
            return True

    def prepare(self) -> None:
        """Write the file under another name, onto the disk itself."""
        with _explained(f"cannot remember that this node is drained: {self._path}"):
            os.makedirs(self._folder, mode=0o700, exist_ok=True)
            with open(self._new, "w", encoding="ascii") as file:
                file.write("vrrp-agent undrain ends this\n")
                file.flush()
                os.fsync(file.fileno())

    def commit(self) -> None:
        """Make what was prepared count."""
        with _explained(f"cannot remember that this node is drained: {self._path}"):
            os.replace(self._new, self._path)
            self._sync_folder()

    def discard(self) -> None:
        """Forget what was prepared."""
        with contextlib.suppress(OSError):
            os.unlink(self._new)

    def remove(self) -> None:
        """Be drained no more."""
        with _explained(f"cannot forget that this node is drained: {self._path}"):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self._path)
            self._sync_folder()

    @property
    def _new(self) -> str:
        return f"{self._path}.new"

    def _sync_folder(self) -> None:
        """A name is on the disk when its folder is."""
        folder = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


@contextlib.contextmanager
def _explained(what: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise MarkError(f"{what}: {error.strerror or error}") from None
