# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Exchanges with the kernel that go wrong: late, missing and interrupted answers, seen through a scripted socket."""

from __future__ import annotations

import errno
import socket
import struct
import subprocess
import sys
from collections.abc import Callable, Iterable
from ipaddress import ip_address, ip_interface
from typing import Any

import pytest
from pyroute2.netlink.rtnl.ifaddrmsg import ifaddrmsg
from segment import Namespace
from vrrp_agent.linux import netlink
from vrrp_agent.linux.errors import KernelError
from vrrp_agent.linux.netlink import Answer, RequestSocket

KERNEL_PORT = (0, 0)
Reply = Callable[[int], bytes]  # from the sequence number of the request


class ScriptedSocket:
    """Answers from a script; at its end it behaves like a receive timeout."""

    def __init__(self, script: Iterable[Reply]) -> None:
        self.script = iter(script)
        self.sequence = 0

    def sendmsg(self, buffers: list[bytes]) -> None:
        """Remember the sequence number of the first request."""
        self.sequence = struct.unpack_from("=I", buffers[0], 8)[0]

    def recvfrom(self, size: int) -> tuple[bytes, tuple[int, int]]:
        """The next answer."""
        for reply in self.script:
            return reply(self.sequence), KERNEL_PORT
        raise BlockingIOError(errno.EAGAIN, "no answer")


@pytest.fixture
def requests(monkeypatch: pytest.MonkeyPatch) -> Callable[[Iterable[Reply]], RequestSocket]:
    """A request socket that talks to a script instead of the kernel."""

    def scripted(script: Iterable[Reply]) -> RequestSocket:
        request_socket = RequestSocket()
        request_socket.close()
        monkeypatch.setattr(request_socket, "_socket", ScriptedSocket(script))
        return request_socket

    return scripted


def frame(kind: int, payload: bytes = b"", flags: int = 0, late: int = 0) -> Reply:
    """A message that answers the present request, or the one before it."""
    return lambda sequence: struct.pack("=IHHII", 16 + len(payload), kind, flags, sequence - late, 0) + payload


def ack(code: int, late: int = 0) -> Reply:
    """The kernel's answer to a request: 0 or an errno."""
    return frame(netlink.NLMSG_ERROR, struct.pack("=i", -code) + bytes(16), late=late)


DONE = frame(netlink.NLMSG_DONE, struct.pack("=i", 0))


def execute(request_socket: RequestSocket, count: int = 1) -> list[Answer]:
    """Some request."""
    return request_socket.execute(netlink.RTM_NEWADDR, 0, [netlink.address_query() for _each in range(count)])


def dump(request_socket: RequestSocket) -> list[Any]:
    """Some dump."""
    return request_socket.dump(netlink.RTM_GETADDR, netlink.address_query(), "list addresses")


def test_a_late_answer_to_an_earlier_request_is_not_taken_for_ours(requests: Any) -> None:
    request_socket = requests([ack(0, late=1), ack(errno.EPERM)])
    assert execute(request_socket) == [Answer(errno.EPERM)]


def test_a_missing_answer_is_a_timeout_of_that_message_alone(requests: Any) -> None:
    request_socket = requests([ack(errno.EPERM)])
    assert execute(request_socket, count=2) == [Answer(errno.EPERM), Answer(errno.ETIMEDOUT)]


def test_sequence_numbers_start_again_before_they_overflow(requests: Any) -> None:
    request_socket = requests([ack(0), ack(0)])
    request_socket._next_sequence = netlink.SEQUENCE_END - 1
    assert execute(request_socket) == [Answer(0)]
    assert execute(request_socket) == [Answer(0)]
    assert request_socket._next_sequence == 2


def test_an_interrupted_dump_is_taken_again(requests: Any) -> None:
    entry, interrupted = frame(netlink.RTM_NEWADDR), frame(netlink.RTM_NEWADDR, flags=netlink.NLM_F_DUMP_INTR)
    assert len(dump(requests([entry, interrupted, DONE, entry, entry, entry, DONE]))) == 3


def test_a_dump_that_is_interrupted_every_time_is_given_up(requests: Any) -> None:
    interrupted = frame(netlink.NLMSG_DONE, struct.pack("=i", 0), flags=netlink.NLM_F_DUMP_INTR)
    with pytest.raises(KernelError) as caught:
        dump(requests([interrupted] * (netlink.DUMP_ATTEMPTS + 1)))
    assert (caught.value.op, caught.value.errno) == ("list addresses", errno.EAGAIN)


def test_what_is_left_of_an_earlier_dump_is_not_taken_for_ours(requests: Any) -> None:
    earlier = [frame(netlink.RTM_NEWADDR, late=1)] * 2 + [frame(netlink.NLMSG_DONE, struct.pack("=i", 0), late=1)]
    assert len(dump(requests([*earlier, frame(netlink.RTM_NEWADDR), DONE]))) == 1


@pytest.mark.parametrize(
    "refusal",
    [ack(errno.EPERM), frame(netlink.NLMSG_DONE, struct.pack("=i", -errno.EPERM))],
    ids=["at once", "at its end"],
)
def test_a_refused_dump_is_an_error(requests: Any, refusal: Reply) -> None:
    with pytest.raises(KernelError, match="^list addresses: Operation not permitted$"):
        dump(requests([refusal]))


def test_an_unanswered_dump_is_an_error(requests: Any) -> None:
    with pytest.raises(KernelError, match="^list addresses: Connection timed out$"):
        dump(requests([]))


def test_without_privileges_each_address_says_so(netns: Callable[[str], Namespace]) -> None:
    script = """
import os
from ipaddress import ip_interface
from vrrp_agent.linux.interfaces import Kernel
os.setuid(65534)  # after the imports: the interpreter may be readable by root alone
print(*Kernel().add_addresses(1, [ip_interface("10.139.1.1/24")], None))
"""
    done = netns("lone").run([sys.executable, "-c", script])
    assert done.stdout == "add 10.139.1.1/24 to lo: Operation not permitted\n"


def test_without_pyroute2_the_modules_import_and_the_first_use_says_what_is_missing() -> None:
    script = """
import sys
sys.modules["pyroute2"] = None
from vrrp_agent.linux import interfaces, sockets
try:
    interfaces.Kernel()
except ImportError as error:
    print(error.name)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("pyroute2")


def test_pyroute2_comes_without_multiprocessing_and_others_get_it_whole() -> None:
    script = """
import sys
from vrrp_agent.linux import netlink
assert netlink.PYROUTE2_ERROR is None
print("multiprocessing" in sys.modules)
import multiprocessing
print(multiprocessing.Process.__name__)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "Process"]


@pytest.mark.parametrize("prefix_route", [True, False])
@pytest.mark.parametrize("text", ["192.0.2.1/24", "2001:db8::1/64", "fe80::1/64"])
def test_an_address_is_put_down_as_pyroute2_reads_it(text: str, prefix_route: bool) -> None:
    interface = ip_interface(text)
    body = netlink.new_address_body(7, interface, 60, prefix_route)
    [sent] = netlink.split(netlink.encode(netlink.RTM_NEWADDR, netlink.NLM_F_CREATE, 9, body))
    assert (sent.type, sent.flags, sent.sequence) == (netlink.RTM_NEWADDR, netlink.NLM_F_CREATE | 1, 9)
    message = ifaddrmsg(sent.data)
    message.decode()
    ipv6 = interface.version == 6
    assert (message["family"], message["prefixlen"], message["index"]) == (
        socket.AF_INET6 if ipv6 else socket.AF_INET,
        interface.network.prefixlen,
        7,
    )
    routed = prefix_route or interface.ip.is_link_local
    lifetimes = message.get_attr("IFA_CACHEINFO")
    assert message.get_attr("IFA_LOCAL") == message.get_attr("IFA_ADDRESS") == str(interface.ip)
    assert message.get_attr("IFA_FLAGS") == ipv6 * netlink.IFA_F_NODAD | (not routed) * netlink.IFA_F_NOPREFIXROUTE
    assert (lifetimes["ifa_preferred"], lifetimes["ifa_valid"]) == (0 if ipv6 else 60, 60)
    assert message.get_attr("IFA_PROTO") == netlink.ADDRESS_PROTOCOL


def test_an_address_is_read_as_pyroute2_reads_it(netns: Callable[[str], Namespace]) -> None:
    """With a peer, for a time only, a second one of its subnet, one that is being detected, one that is ours."""
    node = netns("node")
    node.ip("link", "add", "eth0", "type", "veth", "peer", "name", "eth1")
    for device in ("eth0", "eth1"):
        node.ip("link", "set", "dev", device, "up")
    for address in (
        *(["192.0.2.1", "peer", "192.0.2.9/32"], ["192.0.2.65/26", "valid_lft", "900", "preferred_lft", "300"]),
        *(["192.0.2.66/26"], ["2001:db8::1/64"], ["2001:db8:1::1", "peer", "2001:db8:1::2/128"]),
    ):
        node.ip("address", "add", *address, "dev", "eth0")
    with node.entered():
        requests = netlink.RequestSocket()
        [answer] = requests.execute(
            netlink.RTM_NEWADDR, netlink.NLM_F_CREATE, [netlink.new_address_body(2, ip_interface("192.0.2.99/32"), 60)]
        )
        frames = requests.dump(netlink.RTM_GETADDR, netlink.address_query(), "list addresses")
        requests.close()
    assert answer.errno == 0 and len(frames) >= 8
    for frame in frames:
        found, message = netlink.decode_address(frame), ifaddrmsg(frame.data)
        message.decode()
        address = message.get_attr("IFA_LOCAL") or message.get_attr("IFA_ADDRESS")
        assert found == (
            message["family"],
            message["prefixlen"],
            message.get_attr("IFA_FLAGS"),
            message["index"],
            ip_address(address).packed,
            message.get_attr("IFA_CACHEINFO")["ifa_valid"],
            message.get_attr("IFA_PROTO", 0),
        )
    assert netlink.ADDRESS_PROTOCOL in [netlink.decode_address(frame).protocol for frame in frames]


def test_an_address_is_read_whatever_follows_it() -> None:
    """Attributes may be missing, unknown, or longer than they are today."""
    body = netlink.address_body(7, ip_interface("192.0.2.1/24"))
    longer = b"".join(netlink._attribute(kind, bytes(24)) for kind in (netlink.IFA_CACHEINFO, netlink.IFA_FLAGS, 99))
    for octets in (body[:8], body[:10], body[:15], body, body + bytes(5), body + longer):
        [frame] = netlink.split(netlink.encode(netlink.RTM_NEWADDR, 0, 1, octets))
        assert netlink.decode_address(frame)[:4] == (socket.AF_INET, 24, 0, 7)
