# Copyright: (c) 2026, duet.ha_pair contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Where the metrics go: to node_exporter, over HTTP, both, or nowhere. A failure costs metrics, and no role."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import Awaitable
from typing import Any, Callable

from ..metrics_config import Metrics
from .http_endpoint import HttpEndpoint
from .log import LOGGER
from .metrics import render
from .status import iso_time

WRITE_EVERY_S = 10.0
# However many ask: the document is made in the loop that the adverts are sent from.
_FRESH_S = 1.0


class Exporter:
    """Writes and serves what it is configured to; `status` makes the status document."""

    def __init__(self, status: Callable[[], Awaitable[dict[str, Any]]]) -> None:
        self._make_status = status
        self._metrics = Metrics()
        self._loop = asyncio.get_running_loop()
        self._endpoint: HttpEndpoint | None = None
        self._writing: asyncio.Task[None] | None = None
        self._opening: asyncio.Task[None] | None = None
        self._making = asyncio.Lock()
        self._page, self._made_s = b"", float("-inf")
        self._written_s: float | None = None
        self._errors: dict[str, str] = {}

    def configure(self, metrics: Metrics) -> None:
        """Write and serve there from now on."""
        before, self._metrics = self._metrics, metrics
        if metrics.textfile != before.textfile:
            self._stop_writing(before.textfile)
            if metrics.textfile is not None:
                self._writing = self._loop.create_task(self._write_again(metrics.textfile))
        if metrics.listen != before.listen:
            self._stop_serving()
            if metrics.listen is not None:
                self._endpoint = HttpEndpoint(metrics.listen, self._fresh_page)
        self.look_again()

    def look_again(self) -> None:
        """Listen if it could not be done until now; called every few seconds."""
        if self._endpoint is not None and not self._endpoint.listening and self._opening is None:
            self._opening = self._loop.create_task(self._open(self._endpoint))

    def close(self) -> None:
        """Write and serve no more; the file is removed, as it would tell yesterday's truth for ever."""
        self._stop_writing(self._metrics.textfile)
        self._stop_serving()
        self._metrics = Metrics()

    def status(self) -> dict[str, Any]:
        """Its part of the status document; null for what is not configured."""
        textfile, listen = self._metrics.textfile, self._metrics.listen
        written = None if self._written_s is None else iso_time(self._written_s)
        return {
            "textfile": textfile and {"path": textfile, "written": written, "error": self._errors.get("textfile")},
            "listen": listen and {"address": str(listen), "error": self._errors.get("listen")},
        }

    # --- the page

    async def _fresh_page(self) -> bytes:
        """The metrics, at most a second old; made off the loop but for the document itself."""
        async with self._making:
            if self._loop.time() - self._made_s > _FRESH_S:
                document = await self._make_status()
                self._page = (await self._loop.run_in_executor(None, render, document)).encode()
                self._made_s = self._loop.time()
            return self._page

    # --- HTTP

    async def _open(self, endpoint: HttpEndpoint) -> None:
        try:
            await endpoint.open()
            self._note("listen", None)
            LOGGER.info("metrics: served at http://%s/metrics", endpoint.listen)
            if endpoint is not self._endpoint:  # configured otherwise meanwhile
                endpoint.close()
        except OSError as error:
            self._note("listen", f"cannot listen on {endpoint.listen}: {error.strerror or error}")
        finally:
            self._opening = None

    def _stop_serving(self) -> None:
        if self._endpoint is not None:
            self._endpoint.close()
            self._endpoint = None
        self._errors.pop("listen", None)

    # --- the file

    async def _write_again(self, path: str) -> None:
        while True:
            error = None
            try:
                page = await self._fresh_page()
                await self._loop.run_in_executor(None, write, path, page)
                self._written_s = time.time()
            except OSError as problem:
                error = f"cannot write {path}: {problem.strerror or problem}"
            except Exception as problem:  # a bug, or nothing to be had from the kernel: no reason to give up a role
                error = f"no metrics for {path}: {problem}"
            self._note("textfile", error)
            await asyncio.sleep(WRITE_EVERY_S)

    def _stop_writing(self, path: str | None) -> None:
        if self._writing is not None and path is not None:
            self._writing.cancel()
            self._writing = self._written_s = None
            with contextlib.suppress(OSError):
                os.unlink(path)
        self._errors.pop("textfile", None)

    def _note(self, what: str, error: str | None) -> None:
        """Log a failure once, and its end."""
        before = self._errors.pop(what, None)
        if error is not None:
            self._errors[what] = error
        if error is not None and error != before:
            LOGGER.warning("metrics: %s; trying again, everything else goes on", error)
        elif error is None and before is not None:
            LOGGER.info("metrics: %s works again", what)


def write(path: str, content: bytes) -> None:
    """Replace a file in one step, readable for all: who reads it meanwhile sees all of one or of the other."""
    folder, name = os.path.split(path)
    # node_exporter passes over what does not end in .prom.
    temporary = os.path.join(folder, f".{name}.new")
    with contextlib.suppress(FileNotFoundError):
        os.unlink(temporary)
    # Never through a link that somebody else has put there.
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)
    try:
        with open(descriptor, "wb") as file:
            file.write(content)
            os.fchmod(descriptor, 0o644)  # whatever the umask is
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise
