# Copyright: (c) 2026, duet.ha_pair contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Files that are replaced in one step, and the text that a diff shows of them."""

from __future__ import annotations

import os
import tempfile


def explain(error: OSError, place: str = "") -> str:
    """What a failed access to `place` says, with the mend where it is a matter of privileges.

    A full disk is told of a descriptor: such an error names no file of its own.
    """
    where = f"{error.filename or place}: " if error.filename or place else ""
    return f"{where}{error.strerror}{'; become root' if isinstance(error, PermissionError) else ''}"


def read(path: str) -> bytes | None:
    """A file's content; None if there is no such file."""
    try:
        with open(path, "rb") as source:
            return source.read()
    except (FileNotFoundError, NotADirectoryError):
        return None


def mode(path: str) -> int | None:
    """A file's permission bits; None if there is no such file."""
    try:
        return os.stat(path).st_mode & 0o7777
    except (FileNotFoundError, NotADirectoryError):
        return None


def owner(path: str) -> tuple[int, int] | None:
    """The numbers of a file's user and group; None if there is no such file."""
    try:
        found = os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    return found.st_uid, found.st_gid


def replace(path: str, content: bytes, permissions: int, owner: tuple[int, int] | None = None) -> None:
    """Write a file beside the old one and rename it over: a reader sees the old or the new one, whole.

    The new file belongs to root alone until it is complete; it is on the disk before its name is.
    """
    folder = os.path.dirname(path)
    descriptor, temporary = tempfile.mkstemp(prefix=f".{os.path.basename(path)}.", dir=folder)
    try:
        with os.fdopen(descriptor, "wb") as target:
            target.write(content)
            target.flush()
            os.fsync(target.fileno())
        if owner is not None:
            os.chown(temporary, *owner)
        os.chmod(temporary, permissions)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def difference(path: str, before: bytes | None, after: bytes | None) -> dict[str, str]:
    """Ansible's `diff` of one file."""
    texts = {"before": (before or b"").decode(errors="replace"), "after": (after or b"").decode(errors="replace")}
    return {"before_header": path, "after_header": path, **texts}
