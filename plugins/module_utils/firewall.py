# Copyright: (c) 2026, duet.ha_pair contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Lets traffic pass a node's firewall, live and for good, and takes that back: firewalld, ufw or nftables.service.

What to allow is written as `vrrp`, `80/tcp`, `53/udp`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol

from . import files

# Runs a command: (exit code, standard output, standard error).
Run = Callable[[Sequence[str]], "tuple[int, str, str]"]

VRRP_PROTOCOL = 112
_OWNER = "duet.ha_pair"


class FirewallError(Exception):
    """A firewall refused what it was told; the message holds its own words."""


class Firewall(Protocol):
    """What every kind of firewall can do."""

    name: str

    def closed(self, allow: str) -> bool:
        """Whether this is not allowed yet, now or after a restart."""

    def open(self, allow: Sequence[str]) -> None:
        """Allow it, now and after a restart."""

    def has_rule(self, allow: str) -> bool:
        """Whether there is a rule for this that `close` would remove."""

    def close(self, allow: Sequence[str]) -> None:
        """Take the rules back, now and after a restart."""


def find(run: Run, interfaces: Sequence[str], root: str = "") -> Firewall | None:
    """The firewall that is active on this node."""
    if _succeeds(run, "firewall-cmd", "--state"):
        return Firewalld(run, interfaces)
    if "Status: active" in _output(run, "ufw", "status"):
        return Ufw(run, root)
    if _succeeds(run, "systemctl", "is-active", "--quiet", "nftables.service"):
        return Nftables(run, root)
    return None


class Firewalld:
    """firewalld: the zones of the interfaces."""

    name = "firewalld"

    def __init__(self, run: Run, interfaces: Sequence[str]) -> None:
        self._run = run
        zones = [_output(run, "firewall-cmd", f"--get-zone-of-interface={name}").strip() for name in interfaces]
        default = _output(run, "firewall-cmd", "--get-default-zone").strip()
        self._zones = list(dict.fromkeys(zone or default for zone in zones)) or [default]

    def closed(self, allow: str) -> bool:
        """One zone without it, live or permanent, is enough."""
        return bool(list(self._missing(allow)))

    def open(self, allow: Sequence[str]) -> None:
        """Live and permanent are told separately, so that nothing else of the permanent configuration goes live."""
        for item in allow:
            for words in self._missing(item):
                _demand(self._run, *words, _firewalld_option("add", item))

    def has_rule(self, allow: str) -> bool:
        """firewalld does not know who has added what."""
        return bool(list(self._there(allow)))

    def close(self, allow: Sequence[str]) -> None:
        """Live and permanent, as in `open`."""
        for item in allow:
            for words in self._there(item):
                _demand(self._run, *words, _firewalld_option("remove", item))

    def _missing(self, allow: str) -> Iterator[tuple[str, ...]]:
        return (words for words in self._scopes() if not self._allows(words, allow))

    def _there(self, allow: str) -> Iterator[tuple[str, ...]]:
        return (words for words in self._scopes() if self._allows(words, allow))

    def _allows(self, words: tuple[str, ...], allow: str) -> bool:
        return _succeeds(self._run, *words, _firewalld_option("query", allow))

    def _scopes(self) -> Iterator[tuple[str, ...]]:
        for zone in self._zones:
            for scope in ((), ("--permanent",)):
                yield ("firewall-cmd", f"--zone={zone}", *scope)


class Ufw:
    """ufw: ports by its command; VRRP, which older versions cannot name, by its before.rules."""

    name = "ufw"
    _RULES = (("etc/ufw/before.rules", "ufw-before-input"), ("etc/ufw/before6.rules", "ufw6-before-input"))

    def __init__(self, run: Run, root: str = "") -> None:
        self._run = run
        self._root = root

    def closed(self, allow: str) -> bool:
        """ufw keeps live and file in step by itself; a rules file counts when it was loaded."""
        if allow == "vrrp":
            return any(f"# {_OWNER}" not in text for path, chain, text in self._rule_files()) or not _succeeds(
                self._run, "iptables", "-C", "ufw-before-input", "-p", str(VRRP_PROTOCOL), "-j", "ACCEPT"
            )
        return not re.search(rf"^ufw allow {re.escape(allow)}$", _output(self._run, "ufw", "show", "added"), re.M)

    def open(self, allow: Sequence[str]) -> None:
        """A changed rules file is loaded by a reload, which keeps connections."""
        for item in allow:
            if item != "vrrp":
                _demand(self._run, "ufw", "allow", item)
        if "vrrp" in allow:
            for path, chain, text in self._rule_files():
                if f"# {_OWNER}" not in text:
                    files.replace(path, _with_rule(text, chain).encode(), files.mode(path) or 0o640)
            _demand(self._run, "ufw", "reload")

    def has_rule(self, allow: str) -> bool:
        """What `open` would have written."""
        if allow == "vrrp":
            return any(_ufw_rule(chain) in text for path, chain, text in self._rule_files())
        return not self.closed(allow)

    def close(self, allow: Sequence[str]) -> None:
        """The reload takes the rule out of the kernel as well."""
        for item in allow:
            if item != "vrrp":
                _demand(self._run, "ufw", "delete", "allow", item)
        if "vrrp" in allow:
            for path, chain, text in self._rule_files():
                if _ufw_rule(chain) in text:
                    files.replace(path, text.replace(_ufw_rule(chain), "").encode(), files.mode(path) or 0o640)
            _demand(self._run, "ufw", "reload")

    def _rule_files(self) -> Iterator[tuple[str, str, str]]:
        for name, chain in self._RULES:
            content = files.read(f"{self._root}/{name}")
            if content is not None:
                yield f"{self._root}/{name}", chain, content.decode()


class Nftables:
    """nftables.service: the input chains that drop what they do not accept."""

    name = "nftables"

    def __init__(self, run: Run, root: str = "") -> None:
        self._run = run
        self._file = f"{root}/etc/nftables.conf"

    def closed(self, allow: str) -> bool:
        """Closed is a chain that drops and has no rule of ours, live or in the file."""
        return any(not self._is_live(rule, chain) or rule not in self._text() for chain, rule in self._rules(allow))

    def open(self, allow: Sequence[str]) -> None:
        """Insert the rules in front, live; and at the end of the file, where all tables exist."""
        text = self._text()
        for item in allow:
            for chain, rule in self._rules(item):
                if not self._is_live(rule, chain):
                    _demand(self._run, "nft", rule)
                if rule not in text:
                    text = f"{text.rstrip()}\n{rule}\n"
        if text != self._text():
            files.replace(self._file, text.encode(), files.mode(self._file) or 0o755)

    def has_rule(self, allow: str) -> bool:
        """A rule with our comment, live or in the file."""
        return bool(list(self._live(allow))) or _nft_comment(allow) in self._text()

    def close(self, allow: Sequence[str]) -> None:
        """By the handles of the living rules; and the file without their lines."""
        for item in allow:
            for chain, handle in list(self._live(item)):
                _demand(self._run, "nft", "delete", "rule", *chain.split(), "handle", handle)
            kept = [line for line in self._text().splitlines(True) if _nft_comment(item) not in line]
            if len(kept) < len(self._text().splitlines()):
                files.replace(self._file, "".join(kept).encode(), files.mode(self._file) or 0o755)

    def _live(self, allow: str) -> Iterator[tuple[str, str]]:
        """`family table chain` and handle of each rule of ours."""
        for entry in self._ruleset():
            rule = entry.get("rule", {})
            if rule.get("comment") == f"{_OWNER} {allow}":
                yield _chain_of(rule), str(rule["handle"])

    def _rules(self, allow: str) -> Iterator[tuple[str, str]]:
        """Each chain that needs a rule, and the command that inserts it."""
        for chain in self._dropping_chains():
            yield chain, f"insert rule {chain} {_nft_match(allow)} accept {_nft_comment(allow)}"

    def _is_live(self, rule: str, chain: str) -> bool:
        """Rules are known by their comment: nft shows the rest in words of its own."""
        comment = rule[rule.index("comment") :]
        return comment in _output(self._run, "nft", "list", "chain", *chain.split())

    def _text(self) -> str:
        return (files.read(self._file) or b"#!/usr/sbin/nft -f\n").decode()

    def _dropping_chains(self) -> Iterator[str]:
        """`family table chain` of each input chain that ends in a drop or reject."""
        entries = self._ruleset()
        final = {_chain_of(rule): rule["expr"] for rule in (entry["rule"] for entry in entries if "rule" in entry)}
        for chain in (entry["chain"] for entry in entries if "chain" in entry):
            if chain.get("hook") == "input":
                place = f"{chain['family']} {chain['table']} {chain['name']}"
                if chain.get("policy") == "drop" or _drops_all(final.get(place, [])):
                    yield place

    def _ruleset(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(_output(self._run, "nft", "-j", "list", "ruleset") or "{}").get(
            "nftables", []
        )
        return found


def _chain_of(rule: dict[str, Any]) -> str:
    return f"{rule['family']} {rule['table']} {rule['chain']}"


def _drops_all(expression: list[dict[str, Any]]) -> bool:
    """A chain's last rule that drops or rejects whatever has come so far."""
    verdicts = [key for part in expression for key in part if key not in ("counter", "log")]
    return verdicts in (["drop"], ["reject"])


def _nft_match(allow: str) -> str:
    port, separator, protocol = allow.partition("/")
    return f"{protocol} dport {port}" if separator else f"meta l4proto {VRRP_PROTOCOL}"


def _nft_comment(allow: str) -> str:
    return f'comment "{_OWNER} {allow}"'


def _firewalld_option(verb: str, allow: str) -> str:
    return f"--{verb}-port={allow}" if "/" in allow else f"--{verb}-protocol={allow}"


def _ufw_rule(chain: str) -> str:
    return f"# {_OWNER}: VRRP adverts\n-A {chain} -p {VRRP_PROTOCOL} -j ACCEPT\n"


def _with_rule(text: str, chain: str) -> str:
    """An ufw rules file with our rule behind its required lines, or else before its last COMMIT."""
    rule = _ufw_rule(chain)
    marker = "# End required lines\n"
    if marker in text:
        return text.replace(marker, f"{marker}{rule}", 1)
    head, commit, tail = text.rpartition("COMMIT")
    return f"{head}{rule}{commit}{tail}"


def _succeeds(run: Run, *command: str) -> bool:
    return run(command)[0] == 0


def _output(run: Run, *command: str) -> str:
    return run(command)[1]


def _demand(run: Run, *command: str) -> None:
    code, out, err = run(command)
    if code != 0:
        raise FirewallError(f"{' '.join(command)}: {err.strip() or out.strip()}")
