# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The default gateway in routing tables as the kernel prints them."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from vrrp_agent.linux import routes
from vrrp_agent.linux.routes import Gateway, default_gateway

pytestmark = pytest.mark.skipif(sys.byteorder != "little", reason="the tables here are of a little-endian machine")

IPV4 = """Iface	Destination	Gateway 	Flags	RefCnt	Use	Metric	Mask		MTU	Window	IRTT
eth1	00000000	0102A8C0	0003	0	0	200	00000000	0	0	0
eth0	00000000	FE018B0A	0003	0	0	100	00000000	0	0	0
eth3	00000000	FD018B0A	0002	0	0	1	00000000	0	0	0
ppp0	00000000	00000000	0001	0	0	0	00000000	0	0	0
eth0	00000000	01018B0A	0003	0	0	0	000000FF	0	0	0
eth0	00018B0A	00000000	0001	0	0	0	00FFFFFF	0	0	0
"""
NOWHERE, ANY = "00000000000000000000000000000000 00", "0" * 32
IPV6 = f"""{ANY} 00 {NOWHERE} fe800000000000000000000000000002 00000400 00000003 00000000 00000003     eth1
{ANY} 00 {NOWHERE} fe800000000000000000000000000001 00000064 00000003 00000000 00450003     eth0
fd000139000000000000000000000000 40 {NOWHERE} {ANY} 00000100 00000003 00000000 00000001     eth0
{ANY} 00 {NOWHERE} {ANY} ffffffff 00000001 00000000 00200200       lo
"""


@pytest.mark.parametrize(
    ("family", "table", "expected"),
    [
        (4, IPV4, Gateway(100, "10.139.1.254", "eth0")),
        (6, IPV6, Gateway(100, "fe80::1", "eth0")),
        (4, IPV4.splitlines(True)[0], None),
        (6, "", None),
    ],
)
def test_the_one_that_the_kernel_prefers(
    family: int, table: str, expected: Gateway | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of those that are up and lead to a router, the one of the lowest metric."""
    (tmp_path / "table").write_text(table)
    monkeypatch.setitem(routes._TABLE, family, str(tmp_path / "table"))
    assert default_gateway(family) == expected
