# Copyright: (c) 2026, duet.ha_pair contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Probes that connect: a port that takes connections, and a GET that is answered as expected.

Addresses only, so that nobody has to be asked for a name; the answer is read no further than it matters.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import re
from typing import TYPE_CHECKING

from ...protocol.checks import Http, Tcp
from ..without_openssl import bring_tls
from .failure import Failure

if TYPE_CHECKING:
    import ssl

_STATUS = re.compile(rb"HTTP/1\.[01] ([1-5][0-9][0-9])(?: |\r?\n)")
_HEADERS_MAX = 200
_BODY_MAX_OCTETS = 1024 * 1024


async def tcp(what: Tcp) -> str:
    """Connect, and hang up."""
    _reader, writer = await asyncio.open_connection(what.address, what.port)
    writer.transport.abort()
    return f"connected to {what.address} port {what.port}"


async def http(what: Http) -> str:
    """Ask, and read the answer."""
    reader, writer = await _connect(what)
    try:
        writer.write(_request(what))
        status = await _read_status(reader)
        if status not in what.statuses if what.statuses else not 200 <= status < 300:
            wanted = " or ".join(map(str, what.statuses)) or "200..299"
            raise Failure(f"HTTP status {status}, not {wanted}")
        if what.text is not None:
            await _find(what.text.encode(), reader)
    except ValueError:
        raise Failure("the answer has too long a line") from None
    finally:
        writer.transport.abort()
    return f"HTTP status {status}"


async def _connect(what: Http) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    context, name = None, None
    if what.tls:
        # Off the loop: it brings TLS, and reads all authorities that the host trusts.
        loop = asyncio.get_running_loop()
        context = await loop.run_in_executor(None, _context, what.verify, what.ca_file)
        name = _name(what.host)
    try:
        if what.unix_socket is not None:
            return await asyncio.open_unix_connection(what.unix_socket, ssl=context, server_hostname=name)
        return await asyncio.open_connection(what.address, what.port, ssl=context, server_hostname=name)
    except OSError as error:
        if context is None:
            raise
        import ssl

        if not isinstance(error, ssl.SSLError):
            raise
        raise Failure(f"TLS: {getattr(error, 'verify_message', None) or error.reason or error}") from None


@functools.lru_cache(maxsize=32)
def _context(verify: bool, ca_file: str | None) -> ssl.SSLContext:
    import ssl

    bring_tls()
    context = ssl.create_default_context(cafile=ca_file)
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _name(host: str) -> str:
    """A Host header's name, without the port and without the brackets of an IPv6 address."""
    bracketed = re.match(r"\[([^]]*)\]", host)
    return bracketed.group(1) if bracketed else host.partition(":")[0]


def _request(what: Http) -> bytes:
    # Version 1.0, so that the body comes as it is, and ends with the connection.
    lines = (f"GET {what.path} HTTP/1.0", f"Host: {what.host}", "User-Agent: vrrp-agent", "Accept: */*")
    return "\r\n".join((*lines, "Connection: close", "", "")).encode()


async def _read_status(reader: asyncio.StreamReader) -> int:
    line = await reader.readline()
    found = _STATUS.match(line)
    if found is None:
        raise Failure("no HTTP answer" if line else "closed without an answer")
    return int(found.group(1))


async def _find(text: bytes, reader: asyncio.StreamReader) -> None:
    for _number in range(_HEADERS_MAX):
        if (await reader.readline()).strip() == b"":
            break
    seen = bytearray()
    with contextlib.suppress(ConnectionError):
        while len(seen) < _BODY_MAX_OCTETS:
            part = await reader.read(65536)
            if not part:
                break
            searched = max(0, len(seen) - len(text))
            seen += part
            if seen.find(text, searched) >= 0:
                return
    raise Failure(f"the answer does not contain {text.decode()!r}")
