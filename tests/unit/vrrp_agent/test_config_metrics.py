# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The configuration's key `metrics`: what is taken, and what is refused, with the mend."""

from __future__ import annotations

from typing import Any

import pytest
from vrrp_agent import config
from vrrp_agent.metrics_config import Listen, Metrics

NO_PATH = "is no absolute path of at most 255 letters, digits and ._@+- that ends in .prom"
INSTANCE = {"name": "web", "interface": "eth0", "virtual_router_id": 51, "virtual_addresses": ["10.139.1.1/24"]}


def read(metrics: Any) -> Metrics:
    return config.parse({"router_id": "lb1", "instances": [INSTANCE], "metrics": metrics}).metrics


def problems(metrics: Any) -> list[str]:
    document = {"router_id": "lb1", "instances": [INSTANCE], "metrics": metrics}
    return [str(error) for error in config.validate(document)]


def test_by_default_there_are_none() -> None:
    assert config.parse({"router_id": "lb1", "instances": [INSTANCE]}).metrics == Metrics(None, None)
    for nothing in (None, {}, {"textfile": None, "listen": None}):
        assert read(nothing) == Metrics(None, None)


def test_a_file_and_an_address() -> None:
    both = {"textfile": "/var/lib/node_exporter/vrrp.prom", "listen": "192.0.2.11:9650"}
    assert read(both) == Metrics("/var/lib/node_exporter/vrrp.prom", Listen("192.0.2.11", 9650))


@pytest.mark.parametrize("text", ["0.0.0.0:9650", "[::]:1024", "[2001:db8::11]:65535", "127.0.0.1:9650"])
def test_addresses(text: str) -> None:
    assert str(read({"listen": text}).listen) == text


@pytest.mark.parametrize(
    ("metrics", "text"),
    [
        ([], "metrics: must be an object with keys and values"),
        ({"listening": "::"}, "metrics.listening: unknown key; did you mean listen?"),
        (
            {"listen": 9650},
            "listen: 9650 is no address and port; write 192.0.2.11:9650, or [2001:db8::11]:9650",
        ),
        ({"listen": "127.0.0.1:80"}, "metrics.listen: port 80 is not in 1024..65535"),
        ({"listen": "127.0.0.1:65536"}, "metrics.listen: port 65536 is not in 1024..65535"),
        ({"textfile": 1}, f"metrics.textfile: 1 {NO_PATH}"),
        ({"textfile": "/" + 255 * "a" + ".prom"}, NO_PATH),
        ({"textfile": "/a b.prom"}, NO_PATH),
        ({"textfile": "/a\n.prom"}, NO_PATH),
        ({"textfile": "vrrp.prom"}, f'metrics.textfile: "vrrp.prom" {NO_PATH}'),
        ({"textfile": "/var/../etc/a.prom"}, NO_PATH),
        ({"textfile": "/var//a.prom"}, NO_PATH),
        ({"textfile": "/var/lib/vrrp.txt"}, "node_exporter reads nothing else"),
        ({"textfile": "/var/lib/.prom"}, NO_PATH),
    ],
)
def test_refused(metrics: Any, text: str) -> None:
    [problem] = problems(metrics)
    assert problem.startswith("metrics") and text in problem


@pytest.mark.parametrize(
    "listen", ["localhost:9650", "::1:9650", "[127.0.0.1]:9650", "1.2.3:9650", ":9650", "[fe80::1%eth0]:9650", "a", ""]
)
def test_no_address(listen: str) -> None:
    [problem] = problems({"listen": listen})
    assert "is no address and port" in problem
