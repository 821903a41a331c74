# Copyright: (c) 2026, duet.ha_pair contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Whom the agent tells what happens: the keys `notify`, `mail` and `webhooks` of the configuration."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Callable
from urllib.parse import urlsplit

from . import schema
from .schema import ConfigError, Object

EVENTS = (
    *("transition", "check", "conflict", "not_heard_by", "still_master", "switchover"),
    *("started", "stopped", "reload", "upgrade", "drained", "undrained"),
)
_COMMANDS_MAX = _WEBHOOKS_MAX = 16
_PORTS = {"none": 25, "starttls": 587, "implicit": 465}

_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_{|}~-]{1,64}@[A-Za-z0-9.-]{1,253}")
_SERVER = re.compile(r"[A-Za-z0-9][A-Za-z0-9.:-]{0,252}|::[0-9A-Fa-f:]*")
_USER = re.compile(r"[a-z_][a-z0-9_.-]{0,31}")
_PATH = re.compile(r"/[^\0\n]{0,4094}")

_path = schema.matching(_PATH, "a file's whole path, from / on")


@dataclass(frozen=True)
class Choice:
    """Which events somebody wants to hear of."""

    events: tuple[str, ...] = EVENTS
    instances: tuple[str, ...] | None = None

    def takes(self, event: str, instance: str | None) -> bool:
        """Whether an event is one of them."""
        return event in self.events and (self.instances is None or instance in self.instances)


@dataclass(frozen=True)
class NotifyCommand:
    """A command to run on each transition; a sync group is chosen by its name, as an instance is."""

    command: tuple[str, ...]
    timeout_s: float
    user: str | None
    instances: tuple[str, ...] | None

    @property
    def identity(self) -> tuple[Any, ...]:
        """What makes it the same command, with another timeout too."""
        return (self.command, self.user, self.instances)


@dataclass(frozen=True)
class Mail:
    """Who gets mail from whom, and by which server."""

    sender: str
    to: tuple[str, ...]
    server: str
    port: int
    tls: str
    username: str | None
    password: str | None = field(repr=False)
    password_file: str | None
    ca_file: str | None
    choice: Choice


@dataclass(frozen=True)
class Webhook:
    """Where each event is posted to, and what signs it; the address may be a secret too."""

    url: str = field(repr=False)
    secret: str | None = field(repr=False)
    secret_file: str | None
    timeout_s: float
    ca_file: str | None
    choice: Choice

    @property
    def host(self) -> str:
        """What of the address may be shown."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc}"


@dataclass(frozen=True)
class Voice:
    """All of it."""

    notify: tuple[NotifyCommand, ...] = ()
    mail: Mail | None = None
    webhooks: tuple[Webhook, ...] = ()


def read(top: Object) -> Voice:
    """Take the three keys out of the document."""
    mails = _items(top, "mail", _one)
    return Voice(
        tuple(_read_command(item) for item in _items(top, "notify", _list_of(_COMMANDS_MAX))),
        _read_mail(mails[0]) if mails else None,
        tuple(_read_webhook(item) for item in _items(top, "webhooks", _list_of(_WEBHOOKS_MAX))),
    )


def mistakes(voice: Voice, instances: Iterable[str], groups: Iterable[str]) -> list[ConfigError]:
    """Names that there are not, which only the whole document shows."""
    known = list(instances)
    wanted: list[tuple[str, tuple[str, ...] | None, list[str]]] = [
        (f"notify[{place}]", one.instances, [*known, *groups]) for place, one in enumerate(voice.notify)
    ]
    wanted += [("mail", voice.mail.choice.instances, known)] if voice.mail else []
    wanted += [(f"webhooks[{place}]", one.choice.instances, known) for place, one in enumerate(voice.webhooks)]
    return [
        ConfigError(f"{path}.instances", f"no instance is called {name}; there are: {', '.join(there)}")
        for path, names, there in wanted
        for name in names or ()
        if name not in there
    ]


def _items(top: Object, key: str, convert: Callable[[Any], list[Any]]) -> list[Object]:
    found = top.take(key, schema.or_null(convert, []), []) or []
    paths = [top.at(key)] if convert is _one else [f"{top.at(key)}[{place}]" for place in range(len(found))]
    return [Object(item, path, top.problems) for item, path in zip(found, paths)]


def _one(value: Any) -> list[Any]:
    return [value]


def _list_of(most: int) -> Callable[[Any], list[Any]]:
    def _convert(value: Any) -> list[Any]:
        if len(schema.any_list(value)) > most:
            raise ValueError(f"{len(value)} are too many; {most} are possible")
        return list(value)

    return _convert


def _read_command(source: Object) -> NotifyCommand:
    made = NotifyCommand(
        source.take("command", _command) or (),
        source.take("timeout", _seconds(0.1, 3600), 30.0) or 0.0,
        source.take("user", schema.or_null(schema.matching(_USER, "the name of a user"), None), None),
        source.take("instances", schema.or_null(_names, None), None),
    )
    source.finish()
    return made


def _read_mail(source: Object) -> Mail:
    tls = source.take("tls", schema.one_of(*_PORTS), "none")
    made = Mail(
        sender=source.take("from", _address) or "",
        to=source.take("to", _addresses) or (),
        server=source.take("server", schema.matching(_SERVER, "a host's name or address")) or "",
        port=source.take("port", schema.integer(1, 65535), _PORTS.get(tls, 25)) or 25,
        tls=tls or "none",
        username=source.take("username", schema.or_null(_line, None), None),
        password=source.take("password", schema.or_null(_secret(1), None), None),
        password_file=source.take("password_file", schema.or_null(_path, None), None),
        ca_file=source.take("ca_file", schema.or_null(_path, None), None),
        choice=_read_choice(source, ("transition",)),
    )
    passwords = [key for key in ("password", "password_file") if source.values.get(key) is not None]
    if made.username and not passwords:
        source.problem("password", "is missing beside username; set password (from a vault) or password_file")
    if passwords and not source.values.get("username"):
        source.problem(passwords[0], "is nobody's without a username; set username, or remove it")
    if made.username and made.tls == "none" and made.server not in ("localhost", "127.0.0.1", "::1"):
        source.problem("tls", "a password would be readable on the wire; set tls: starttls, or implicit")
    _only_one(source, passwords)
    source.finish()
    return made


def _read_webhook(source: Object) -> Webhook:
    made = Webhook(
        url=source.take("url", _url) or "",
        secret=source.take("secret", schema.or_null(_secret(16), None), None),
        secret_file=source.take("secret_file", schema.or_null(_path, None), None),
        timeout_s=source.take("timeout", _seconds(0.1, 60), 10.0) or 0.0,
        ca_file=source.take("ca_file", schema.or_null(_path, None), None),
        choice=_read_choice(source, EVENTS),
    )
    secrets = [key for key in ("secret", "secret_file") if source.values.get(key) is not None]
    if not secrets:
        source.problem("secret", "is missing: every message is signed; set secret (from a vault) or secret_file")
    _only_one(source, secrets)
    source.finish()
    return made


def _only_one(source: Object, keys: list[str]) -> None:
    if len(keys) > 1:
        source.problem(keys[1], f"stands beside {keys[0]}; keep one of the two")


def _read_choice(source: Object, default: tuple[str, ...]) -> Choice:
    events = source.take("events", schema.or_null(_events, default), default)
    return Choice(events or default, source.take("instances", schema.or_null(_names, None), None))


def _command(value: Any) -> tuple[str, ...]:
    words = schema.any_list(value)
    if not words or not all(isinstance(word, str) and "\0" not in word for word in words):
        raise ValueError("must be a list of texts: the program's whole path, then its arguments")
    if not words[0].startswith("/"):
        raise ValueError(f"{schema.show(words[0])} is not a whole path; a program is named from / on")
    return tuple(words)


def _names(value: Any) -> tuple[str, ...]:
    names = tuple(schema.name(item) for item in schema.any_list(value))
    if not names:
        raise ValueError("names nobody; leave it out for all")
    return names


def _events(value: Any) -> tuple[str, ...]:
    kinds = tuple(schema.one_of(*EVENTS)(item) for item in schema.any_list(value))
    if not kinds:
        raise ValueError("names none; leave it out for the usual ones")
    return kinds


_address = schema.matching(_ADDRESS, "an e-mail address, as ops@example.com")


def _addresses(value: Any) -> tuple[str, ...]:
    addresses = tuple(_address(item) for item in ([value] if isinstance(value, str) else schema.any_list(value)))
    if not 1 <= len(addresses) <= 50:
        raise ValueError(f"has {len(addresses)} addresses; 1 to 50 are possible")
    return addresses


def _line(value: Any) -> str:
    if not isinstance(value, str) or not value or not value.isprintable() or len(value) > 256:
        raise ValueError("must be one line of text, 1 to 256 characters")
    return value


def _secret(shortest: int) -> Callable[[Any], str]:
    """Never shown, not even when it is wrong."""

    def _convert(value: Any) -> str:
        if not isinstance(value, str) or not value.isprintable() or not shortest <= len(value) <= 1024:
            raise ValueError(f"must be a text of {shortest} to 1024 printable characters; put it in quotes")
        return value

    return _convert


def _url(value: Any) -> str:
    """Not shown either: many a receiver's address is its password."""
    text = value if isinstance(value, str) and value.isascii() and value.isprintable() and " " not in value else ""
    try:
        parts = urlsplit(text)
        sound = parts.scheme in ("http", "https") and parts.hostname and "@" not in parts.netloc and parts.port != 0
    except ValueError:
        sound = False
    if not sound or len(text) > 2048:
        raise ValueError("must be an address such as https://example.com/hook, without a user's name in it")
    return text


def _seconds(low: float, high: float) -> Callable[[Any], float]:
    def _convert(value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise ValueError(f"{schema.show(value)} is not a number of seconds")
        if not low <= value <= high:
            raise ValueError(f"{value} is not in {low:g}..{high:g} seconds")
        return float(value)

    return _convert
