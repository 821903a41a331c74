# Copyright: (c) 2026, duet.ha_pair contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""asyncio and SHA-256 without OpenSSL, which is a fifth of the agent's memory and a third of its start.

asyncio imports it wherever Python was built with it, and does without where not. TLS comes with the first check that
asks by https. hashlib always loads OpenSSL; SHA-2 is taken from where Python's own module `random` takes it.
"""

from __future__ import annotations

import importlib
import sys
import threading
from typing import Any

_ONE_AT_A_TIME = threading.Lock()


def import_asyncio() -> None:
    """Import it without the module ssl, unless somebody has imported one of them already."""
    if "asyncio" in sys.modules or "ssl" in sys.modules:
        return
    sys.modules["ssl"] = None  # type: ignore[assignment]  # who imports it meanwhile gets an ImportError
    try:
        importlib.import_module("asyncio")
    finally:
        del sys.modules["ssl"]


def bring_tls() -> None:
    """Have asyncio speak TLS from now on. It takes some 40 ms: not for the thread that sends adverts."""
    with _ONE_AT_A_TIME:
        # Of asyncio's modules this one does the work; the others only refuse sockets of the module ssl.
        sslproto = importlib.import_module("asyncio.sslproto")
        if getattr(sslproto, "ssl", None) is None:
            importlib.reload(sslproto)


def sha256_hex(octets: bytes) -> str:
    """The SHA-256 digest, in hexadecimal digits."""
    digest: str = _sha256(octets).hexdigest()
    return digest


def _find_sha256() -> Any:
    # From Python 3.12 on, and before. A Python that leaves all hashes to OpenSSL, as for FIPS, has neither.
    for name in ("_sha2", "_sha256"):
        try:
            return importlib.import_module(name).sha256
        except ImportError:
            continue
    return importlib.import_module("hashlib").sha256


_sha256 = _find_sha256()
