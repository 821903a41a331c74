# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a failed access says."""

from __future__ import annotations

import errno

import pytest
from ansible_collections.duet.ha_pair.plugins.module_utils.files import explain


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (OSError(errno.EACCES, "Permission denied", "/etc/a"), "/etc/a: Permission denied; become root"),
        (OSError(errno.EROFS, "Read-only file system", "/etc/a"), "/etc/a: Read-only file system"),
        (OSError(errno.ENOSPC, "No space left on device"), "/etc/b: No space left on device"),
    ],
)
def test_the_place_and_the_mend(error: OSError, expected: str) -> None:
    assert explain(error, "/etc/b") == expected
