# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each kind of firewall, played by commands that remember what they were told."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from ansible_collections.duet.ha_pair.plugins.module_utils.firewall import FirewallError, find

CHANGES = ("--add-", "--remove-", "insert rule", "delete", "ufw allow", "ufw reload")


class Node:
    """Answers commands; what is not listed is not installed. `told` are those that change something."""

    def __init__(self, answers: dict[str, tuple[int, str]]) -> None:
        self.answers = answers
        self.told: list[str] = []

    def run(self, command: Sequence[str]) -> tuple[int, str, str]:
        """One command."""
        text = " ".join(command)
        if any(word in text for word in CHANGES):
            self.told.append(text)
            return self.answers.get(text.split()[0] + " refuses", (0, ""))[0], "", "it refuses"
        code, out = self.answers.get(text, (127, ""))
        return code, out, ""


def test_no_firewall() -> None:
    assert find(Node({}).run, ["eth0"]) is None


def firewalld() -> Node:
    """firewalld with eth0 in the zone internal, and vrrp allowed there live but not for good."""
    return Node(
        {
            "firewall-cmd --state": (0, "running"),
            "firewall-cmd --get-zone-of-interface=eth0": (0, "internal\n"),
            "firewall-cmd --get-zone-of-interface=eth1": (2, ""),
            "firewall-cmd --get-default-zone": (0, "public\n"),
            "firewall-cmd --zone=internal --query-protocol=vrrp": (0, "yes"),
            "firewall-cmd --zone=public --query-port=80/tcp": (0, "yes"),
            "firewall-cmd --zone=public --permanent --query-port=80/tcp": (0, "yes"),
        }
    )


def test_firewalld_gets_what_is_missing_in_the_zones_of_the_interfaces() -> None:
    node = firewalld()
    firewall = find(node.run, ["eth0", "eth1"])
    assert firewall is not None
    assert firewall.closed("vrrp")
    firewall.open(["vrrp"])
    assert node.told == [
        "firewall-cmd --zone=internal --permanent --add-protocol=vrrp",
        "firewall-cmd --zone=public --add-protocol=vrrp",
        "firewall-cmd --zone=public --permanent --add-protocol=vrrp",
    ]


def test_firewalld_that_is_open() -> None:
    firewall = find(firewalld().run, ["eth1"])
    assert firewall is not None
    assert not firewall.closed("80/tcp")


def test_a_firewall_that_refuses() -> None:
    node = firewalld()
    node.answers["firewall-cmd refuses"] = (1, "")
    firewall = find(node.run, ["eth0"])
    assert firewall is not None
    with pytest.raises(FirewallError, match="it refuses"):
        firewall.open(["vrrp"])


def test_ufw(tmp_path: Path) -> None:
    rules = tmp_path / "etc/ufw/before.rules"
    rules.parent.mkdir(parents=True)
    rules.write_text("*filter\n:ufw-before-input - [0:0]\n# End required lines\n\nCOMMIT\n")
    node = Node({"ufw status": (0, "Status: active\n"), "ufw show added": (0, "ufw allow 22/tcp\n")})
    firewall = find(node.run, ["eth0"], str(tmp_path))
    assert firewall is not None
    assert firewall.closed("vrrp")
    assert firewall.closed("80/tcp")
    assert not firewall.closed("22/tcp")
    firewall.open(["vrrp", "80/tcp"])
    assert node.told == ["ufw allow 80/tcp", "ufw reload"]
    assert "-A ufw-before-input -p 112 -j ACCEPT\n" in rules.read_text().partition("COMMIT")[0]
    node.answers["iptables -C ufw-before-input -p 112 -j ACCEPT"] = (0, "")
    assert not firewall.closed("vrrp")


def chain(policy: str, *expressions: list[dict[str, object]]) -> str:
    """A ruleset with one input chain."""
    place = {"family": "inet", "table": "filter", "name": "input"}
    rules = [{"rule": {"family": "inet", "table": "filter", "chain": "input", "expr": item}} for item in expressions]
    return json.dumps({"nftables": [{"chain": {**place, "hook": "input", "policy": policy}}, *rules]})


@pytest.mark.parametrize(
    ("ruleset", "closed"),
    [
        (chain("drop"), True),
        (chain("accept", [{"counter": None}, {"reject": None}]), True),
        (chain("accept", [{"match": {}}, {"drop": None}]), False),
        (chain("accept"), False),
        ("", False),
    ],
)
def test_nftables_is_closed_if_its_input_chain_drops(tmp_path: Path, ruleset: str, closed: bool) -> None:
    node = Node(
        {"systemctl is-active --quiet nftables.service": (0, ""), "nft -j list ruleset": (0, ruleset)},
    )
    firewall = find(node.run, ["eth0"], str(tmp_path))
    assert firewall is not None
    assert firewall.closed("vrrp") is closed


def test_nftables_is_opened_live_and_in_its_file(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    file = tmp_path / "etc/nftables.conf"
    file.write_text("flush ruleset\n")
    node = Node(
        {"systemctl is-active --quiet nftables.service": (0, ""), "nft -j list ruleset": (0, chain("drop"))},
    )
    firewall = find(node.run, ["eth0"], str(tmp_path))
    assert firewall is not None
    firewall.open(["vrrp", "80/tcp"])
    rule = 'insert rule inet filter input meta l4proto 112 accept comment "duet.ha_pair vrrp"'
    assert node.told[0] == f"nft {rule}"
    assert node.told[1].startswith("nft insert rule inet filter input tcp dport 80 accept")
    assert rule in file.read_text().splitlines()
    node.answers["nft list chain inet filter input"] = (0, 'comment "duet.ha_pair vrrp"')
    assert not firewall.closed("vrrp")
    before = file.read_text()
    firewall.open(["vrrp"])
    assert file.read_text() == before


def test_firewalld_is_closed_where_it_is_open() -> None:
    node = firewalld()
    firewall = find(node.run, ["eth0", "eth1"])
    assert firewall is not None
    assert firewall.has_rule("vrrp") and not firewall.has_rule("443/tcp")
    firewall.close(["vrrp"])
    assert node.told == ["firewall-cmd --zone=internal --remove-protocol=vrrp"]


def test_ufw_is_closed_as_it_was_before(tmp_path: Path) -> None:
    rules = tmp_path / "etc/ufw/before.rules"
    rules.parent.mkdir(parents=True)
    before = "*filter\n:ufw-before-input - [0:0]\n# End required lines\n\nCOMMIT\n"
    rules.write_text(before)
    node = Node({"ufw status": (0, "Status: active\n"), "ufw show added": (0, "ufw allow 80/tcp\n")})
    firewall = find(node.run, ["eth0"], str(tmp_path))
    assert firewall is not None
    assert not firewall.has_rule("vrrp")
    firewall.open(["vrrp"])
    assert firewall.has_rule("vrrp") and firewall.has_rule("80/tcp")
    firewall.close(["vrrp", "80/tcp"])
    assert rules.read_text() == before
    assert node.told == ["ufw reload", "ufw delete allow 80/tcp", "ufw reload"]


def test_nftables_is_closed_by_handle_and_in_its_file(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    file = tmp_path / "etc/nftables.conf"
    file.write_text("flush ruleset\n")
    ours = {
        "family": "inet",
        "table": "filter",
        "chain": "input",
        "expr": [],
        "comment": "duet.ha_pair vrrp",
        "handle": 7,
    }
    ruleset = json.loads(chain("drop"))
    node = Node(
        {"systemctl is-active --quiet nftables.service": (0, ""), "nft -j list ruleset": (0, json.dumps(ruleset))}
    )
    firewall = find(node.run, ["eth0"], str(tmp_path))
    assert firewall is not None
    assert not firewall.has_rule("vrrp")
    firewall.open(["vrrp"])
    ruleset["nftables"].append({"rule": ours})
    node.answers["nft -j list ruleset"] = (0, json.dumps(ruleset))
    assert firewall.has_rule("vrrp") and not firewall.has_rule("80/tcp")
    node.told.clear()
    firewall.close(["vrrp"])
    assert node.told == ["nft delete rule inet filter input handle 7"]
    assert file.read_text() == "flush ruleset\n"
