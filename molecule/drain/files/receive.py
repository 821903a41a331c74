# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Receives mail on port 25 and webhooks on port 8000, and prints them."""

from __future__ import annotations

import asyncore
import hashlib
import hmac
import http.server
import smtpd
import threading

SECRET = b"s3cret-s3cret-s3cret"


class Webhook(http.server.BaseHTTPRequestHandler):
    """Says whether a message is signed by who has the secret."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        signed = self.headers["X-VRRP-Timestamp"].encode() + b"." + body
        expected = "sha256=" + hmac.new(SECRET, signed, hashlib.sha256).hexdigest()
        right = hmac.compare_digest(expected, self.headers["X-VRRP-Signature"])
        print(f"signed: {'yes' if right else 'no'}: {body.decode()}")
        self.send_response(204)
        self.end_headers()


class Mail(smtpd.SMTPServer):
    """Prints each mail."""

    def process_message(self, peer: object, mailfrom: str, rcpttos: list[str], data: bytes, **more: object) -> None:
        print(data.decode())


mail = Mail(("127.0.0.1", 25), None)
threading.Thread(target=http.server.HTTPServer(("127.0.0.1", 8000), Webhook).serve_forever, daemon=True).start()
asyncore.loop()
