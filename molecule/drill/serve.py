# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What serves behind the virtual address: it names its host, as nginx of the role does."""

from __future__ import annotations

import socket
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Handler(BaseHTTPRequestHandler):
    """Answers everything by OK."""

    def do_GET(self) -> None:
        """Answer."""
        self.send_response(200)
        self.send_header("X-Served-By", socket.gethostname())
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *arguments: object) -> None:
        """Log nothing."""


ThreadingHTTPServer.request_queue_size = 128
ThreadingHTTPServer(("", 80), Handler).serve_forever()
