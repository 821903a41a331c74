# Copyright: (c) 2026, duet.ha_pair contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""How an instance's `checks` are read: what all types have in common, and the keys of each."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from typing import Any, Callable
from urllib.parse import urlsplit

from . import schema
from .protocol import tracked
from .protocol.checks import Check, File, Gateway, Http, Probe, Process, Script, Systemd, Tcp
from .protocol.settings import IPAddress
from .schema import Object

CHECKS_MAX = 500
_INTERVAL_S = 2.0
_TIMEOUT_S = 2.0
_SECONDS = (0.1, 3600)
_TARGETS_MAX = 16
_LOCALHOST = "127.0.0.1"
_UNIT = re.compile(r"[A-Za-z0-9:_.\\@][A-Za-z0-9:_.\\@-]{0,250}")
_HEADER_TEXT = re.compile(r"[\x21-\x7e]+")


def read(parent: Object) -> tuple[Check, ...]:
    """The checks of an instance; what is wrong with them is noted."""
    items = parent.take("checks", schema.any_list, []) or []
    if len(items) > CHECKS_MAX:
        parent.problem("checks", f"has {len(items)} checks, at most {CHECKS_MAX} are possible; join some in a script")
    found = [
        _read(Object(item, f"{parent.at('checks')}[{n}]", parent.problems), parent) for n, item in enumerate(items)
    ]
    return tuple(check for check in found if check is not None)


def _read(source: Object, parent: Object) -> Check | None:
    before = len(source.problems)
    kind = source.take("type", schema.one_of(*_READERS, "gateway"))
    name = source.take("name", schema.name, kind)
    interval_ms = source.take("interval", _duration_ms, round(_INTERVAL_S * 1000))
    default_ms = min(round(_TIMEOUT_S * 1000), interval_ms or round(_TIMEOUT_S * 1000))
    timeout_ms = source.take("timeout", _duration_ms, default_ms)
    if interval_ms and timeout_ms and timeout_ms > interval_ms:
        why = f"{timeout_ms / 1000:g} is longer than the interval ({interval_ms / 1000:g} s); lower it"
        source.problem("timeout", f"{why}, or raise the interval")
    rise, fall = (source.take(key, schema.integer(1, 100), 2) for key in ("rise", "fall"))
    priority = source.take("on_fail", tracked.on_fail, None)
    if kind is None:
        return None
    probe = _gateway(source, parent) if kind == "gateway" else _READERS[kind](source)
    source.finish()
    if len(source.problems) > before or probe is None:
        return None
    return Check(name, kind, interval_ms, timeout_ms, rise, fall, priority, probe)


# --- the types


def _http(source: Object) -> Http | None:
    url = source.take("url", _url)
    unix_socket = source.take("unix_socket", schema.or_null(_path, None), None)
    address = source.take("address", schema.or_null(_address, None), None)
    statuses = source.take("status", _statuses, ())
    text = source.take("text", schema.or_null(_text, None), None)
    verify = source.take("verify", schema.boolean, True)
    ca_file = source.take("ca_file", schema.or_null(_path, None), None)
    if url is None:
        return None
    if address and unix_socket:
        source.problem("address", "stands beside unix_socket, and only one can be asked; remove one of the two")
    address = address or _address_of(url.hostname)
    if address is None and unix_socket is None:
        why = f"{url.hostname} is a name, and a check must not fail with the name service"
        source.problem("url", f"{why}; add address: with the address to connect to, or write that instead of the name")
        return None
    tls, path = url.scheme == "https", (url.path or "/") + (f"?{url.query}" if url.query else "")
    port = url.port or (443 if tls else 80)
    return Http(
        tls, address or "", port, unix_socket, url.netloc, path, statuses or (), text, verify is not False, ca_file
    )


def _tcp(source: Object) -> Tcp:
    return Tcp(source.take("address", _address, _LOCALHOST), source.take("port", schema.integer(1, 65535)))


def _script(source: Object) -> Script:
    return Script(source.take("command", _command), source.take("user", schema.or_null(_user, None), None))


def _systemd(source: Object) -> Systemd:
    return Systemd(source.take("unit", schema.matching(_UNIT, "the name of a systemd unit, e.g. nginx.service")))


def _process(source: Object) -> Process:
    process = source.take("process", schema.or_null(_process_name, None), None)
    pid_file = source.take("pid_file", schema.or_null(_path, None), None)
    if ("process" in source.values) == ("pid_file" in source.values):
        source.problem("process", "give either process, the name of a program, or pid_file")
    return Process(process, pid_file)


def _file(source: Object) -> File:
    expect = source.take("expect", schema.one_of("present", "absent"), "present")
    minimum = source.take("minimum", schema.or_null(schema.integer(-(2**31), 2**31), None), None)
    if expect == "absent" and minimum is not None:
        source.problem("minimum", "a file that is absent holds no number; remove expect, or minimum")
    return File(source.take("path", _path), expect != "absent", minimum)


def _gateway(source: Object, parent: Object) -> Gateway:
    targets = source.take("targets", schema.or_null(_targets, ()), ())
    every = source.take("require", schema.one_of("any", "all"), "any") == "all"
    method = source.take("method", schema.one_of("arp", "ping"), "arp")
    # Of the instance, whose own errors are noted elsewhere.
    addresses = parent.values.get("virtual_addresses")
    family = 6 if isinstance(addresses, list) and ":" in str(addresses[:1]) else 4
    return Gateway(targets or (), every, method or "", str(parent.values.get("interface")), family)


_READERS: Mapping[str, Callable[[Object], Probe | None]] = {
    "http": _http,
    "tcp": _tcp,
    "script": _script,
    "systemd": _systemd,
    "process": _process,
    "file": _file,
}


# --- converters


def _duration_ms(value: Any) -> int:
    low, high = _SECONDS
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ValueError(f"{schema.show(value)} is not a number of seconds")
    if not low <= value <= high:
        raise ValueError(f"{value} is not in {low:g}..{high:g} seconds")
    return round(value * 1000)


def _url(value: Any) -> Any:
    """An http or https URL, in parts."""
    wrong = ValueError(f"{schema.show(value)} is no URL such as http://127.0.0.1/health")
    if not isinstance(value, str) or not _HEADER_TEXT.fullmatch(value):
        raise wrong
    try:
        parts = urlsplit(value)
        complete = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        raise wrong from None
    if not complete:
        raise wrong
    if parts.username is not None:
        raise ValueError("has a user or a password, which every user of the host could see; ask a page without one")
    return parts


def _address_of(host: str) -> str | None:
    """The address that a URL's host part says without asking anybody."""
    try:
        return _LOCALHOST if host == "localhost" else _address(host)
    except ValueError:
        return None


def _address(value: Any) -> str:
    """An address to connect to; a name would have to be asked for."""
    try:
        return str(ipaddress.ip_address(value if isinstance(value, str) else ""))
    except ValueError:
        raise ValueError(f"{schema.show(value)} is no IP address") from None


def _targets(value: Any) -> tuple[IPAddress, ...]:
    targets = tuple(schema.ip_address(item) for item in schema.any_list(value))
    if not 1 <= len(targets) <= _TARGETS_MAX:
        raise ValueError(f"has {len(targets)} addresses, not 1 to {_TARGETS_MAX}; leave it out for the default gateway")
    for target in targets:
        if targets.count(target) > 1:
            raise ValueError(f"{target} stands twice")
    return targets


def _statuses(value: Any) -> tuple[int, ...]:
    statuses = value if isinstance(value, list) and value else [value]
    return tuple(schema.integer(100, 599)(status) for status in statuses)


def _text(value: Any) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= 1000:
        raise ValueError(f"{schema.show(value)} is no text of 1 to 1000 characters")
    return value


def _path(value: Any) -> str:
    if not isinstance(value, str) or not value.startswith("/") or "\0" in value:
        raise ValueError(f"{schema.show(value)} is not the full path of a file")
    return value


def _command(value: Any) -> tuple[str, ...]:
    """A program's full path and its arguments: no shell reads them, so that nothing in them has to be quoted."""
    words = schema.any_list(value)
    if not words or not all(isinstance(word, str) and "\0" not in word for word in words):
        raise ValueError("is not a list of words: the program, then its arguments")
    if not words[0].startswith("/"):
        raise ValueError(f"{schema.show(words[0])} is not the full path of a program")
    return tuple(words)


_user = schema.matching(re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,31}\$?"), "the name of a user")
_process_name = schema.matching(re.compile(r"[^/\0]{1,64}"), "the name of a program, without its folder")
