# Copyright: (c) 2026, duet.ha_pair contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""A program of its own: delivers one mail, or one webhook's messages, and says what became of it.

It reads a JSON document, secrets and all, from its standard input, and imports nothing of the agent. In a process that
can be killed, since a name server that hangs cannot be timed out in any other way, and so that no TLS handshake makes
an advert late.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import socket
import sys
import time
from typing import Any

# No new message is begun after this: what is left comes in the next try.
_BEGUN_WITHIN_S = 40.0


class Refused(Exception):
    """The receiver will never take it."""


def main() -> int:
    """Deliver what standard input says; the result goes to standard output."""
    request = json.load(sys.stdin)
    result = mail(request) if request["kind"] == "mail" else webhook(request)
    sys.stdout.write(json.dumps(result))
    return 0


def mail(request: dict[str, Any]) -> dict[str, Any]:
    """One mail for all its events: all or nothing."""
    import smtplib

    try:
        problem = _send(request)
    except smtplib.SMTPAuthenticationError as error:  # which the operator will mend
        return _result(0, error=f"login refused: {error.smtp_code} {_text(error.smtp_error)}")
    except (smtplib.SMTPSenderRefused, smtplib.SMTPDataError) as error:
        text = f"{error.smtp_code} {_text(error.smtp_error)}"
        return _result(1, refused=text) if error.smtp_code >= 500 else _result(0, error=text)
    except smtplib.SMTPRecipientsRefused as error:
        text = _recipients(error.recipients)
        for_ever = all(code >= 500 for code, unused_text in error.recipients.values())
        return _result(1, refused=text) if for_ever else _result(0, error=text)
    except (smtplib.SMTPException, OSError, ValueError) as error:
        return _result(0, error=_text(error))
    return _result(1, refused=problem)


def _send(request: dict[str, Any]) -> str | None:
    """Send it; which recipients the server does not know while it takes the others."""
    import smtplib
    from email.message import EmailMessage
    from email.utils import formatdate, make_msgid

    message = EmailMessage()
    for name in ("From", "To", "Subject"):
        message[name] = request[name.lower()]
    message["Date"] = formatdate()
    message["Message-ID"] = make_msgid(domain=request["from"].rpartition("@")[2])
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(request["body"])
    # The name is given, or it would be asked of a name server.
    place = {"host": request["server"], "port": request["port"], "timeout": request["timeout"]}
    place["local_hostname"] = socket.gethostname()
    if request["tls"] == "implicit":
        server: smtplib.SMTP = smtplib.SMTP_SSL(**place, context=_tls(request))
    else:
        server = smtplib.SMTP(**place)
    with server:
        if request["tls"] == "starttls":
            server.starttls(context=_tls(request))
        if request["username"]:
            server.login(request["username"], _secret(request, "password"))
        unknown = server.send_message(message, request["from"], request["to_list"])
    return _recipients(unknown) if unknown else None


def webhook(request: dict[str, Any]) -> dict[str, Any]:
    """One message after the other, in order; the first that cannot be delivered now ends it."""
    began_s, handled, refused = time.monotonic(), 0, None
    try:
        key = _secret(request, "secret").encode()
        for body in request["bodies"]:
            if time.monotonic() - began_s > _BEGUN_WITHIN_S:
                break
            try:
                _post(request, key, body.encode())
            except Refused as error:
                refused = str(error)
            handled += 1
    except (OSError, ValueError, ConnectionError) as error:
        return _result(handled, refused, _text(error))
    return _result(handled, refused)


def _post(request: dict[str, Any], key: bytes, body: bytes) -> None:
    import http.client
    from urllib.parse import urlsplit

    parts = urlsplit(request["url"])
    host, port = parts.hostname or "", parts.port
    if parts.scheme == "https":
        connection: http.client.HTTPConnection = http.client.HTTPSConnection(
            host, port, timeout=request["timeout"], context=_tls(request)
        )
    else:
        connection = http.client.HTTPConnection(host, port, timeout=request["timeout"])
    timestamp = str(int(time.time()))
    signature = hmac.new(key, timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()
    headers = {
        "Content-Type": "application/json",
        "User-Agent": request["user_agent"],
        "X-VRRP-Timestamp": timestamp,
        "X-VRRP-Signature": f"sha256={signature}",
    }
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    try:
        connection.request("POST", target, body, headers)
        status = connection.getresponse().status
    except http.client.HTTPException as error:
        raise OSError(f"no HTTP answer: {type(error).__name__}") from None
    finally:
        connection.close()
    if 300 <= status < 500:
        raise Refused(f"answered {status}{': give the address that it redirects to' if status < 400 else ''}")
    if not 200 <= status < 300:
        raise OSError(f"answered {status}")


def _tls(request: dict[str, Any]) -> Any:
    """The receiver must be who it says: its certificate is verified, and its name."""
    import ssl

    return ssl.create_default_context(cafile=request["ca_file"])


def _secret(request: dict[str, Any], name: str) -> str:
    path = request[f"{name}_file"]
    if path is None:
        return str(request[name])
    try:
        with open(path, encoding="utf-8") as file:
            content = file.read(4096).rstrip("\r\n")
    except OSError as error:
        raise OSError(f"{name}_file {path}: {error.strerror}") from None
    if not content:
        raise OSError(f"{name}_file {path}: is empty")
    return content


def _result(handled: int, refused: str | None = None, error: str | None = None) -> dict[str, Any]:
    """`handled` messages are not to be tried again; `refused` is what became of the last that was not taken."""
    return {"handled": handled, "refused": refused, "error": error}


def _recipients(refused: dict[str, tuple[int, bytes]]) -> str:
    return "; ".join(f"{address}: {code} {_text(text)}" for address, (code, text) in refused.items())[:500]


def _text(error: object) -> str:
    text = error.decode(errors="replace") if isinstance(error, bytes) else str(error)
    return " ".join((text or type(error).__name__).split())[:300]


if __name__ == "__main__":
    raise SystemExit(main())
