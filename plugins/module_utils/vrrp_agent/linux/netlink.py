# Copyright: (c) 2026, duet.ha_pair contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""rtnetlink over sockets of our own, with pyroute2's message class as the codec of links; addresses are done by hand.

Between a master's death and the first answer of its successor lies one request for each address, and pyroute2 needs a
tenth of a millisecond for each; and the news of a thousand that were claimed would hold up those that are yet to be.

The kernel answers an rtnetlink request inside sendmsg, so requests are made inline on a blocking socket; what the
kernel reports by itself arrives on another, non-blocking one. pyroute2's own sockets are not used:
from 0.9 on they bring an event loop of their own, and before that they have none.
"""

from __future__ import annotations

import contextlib
import errno
import socket
import struct
from collections.abc import Iterable, Iterator, Sequence
from ipaddress import IPv4Interface, IPv6Interface
from typing import Any, NamedTuple, Union

from . import filters, messages
from .errors import KernelError

try:
    ifinfmsg = messages.of_links()
except ImportError as missing:
    PYROUTE2_ERROR: ImportError | None = missing
else:
    PYROUTE2_ERROR = None

IPInterface = Union[IPv4Interface, IPv6Interface]

RTM_NEWLINK, RTM_DELLINK, RTM_GETLINK = 16, 17, 18
RTM_NEWADDR, RTM_DELADDR, RTM_GETADDR = 20, 21, 22

NLMSG_ERROR, NLMSG_DONE = 2, 3
NLM_F_REQUEST, NLM_F_ACK, NLM_F_DUMP = 0x01, 0x04, 0x300
NLM_F_REPLACE, NLM_F_EXCL, NLM_F_CREATE = 0x100, 0x200, 0x400
NLM_F_DUMP_INTR = 0x10  # in an answer: the table changed while it was being dumped
NLM_F_ACK_TLVS = 0x200  # in an answer: attributes follow the error code
NLMSGERR_ATTR_MSG = 1

GROUPS = 0x1 | 0x10 | 0x100  # RTMGRP_LINK, RTMGRP_IPV4_IFADDR, RTMGRP_IPV6_IFADDR

SOL_NETLINK, NETLINK_CAP_ACK, NETLINK_EXT_ACK = 270, 10, 11
SO_RCVBUFFORCE = 33  # not in the socket module

IFA_ADDRESS, IFA_LOCAL, IFA_CACHEINFO, IFA_FLAGS, IFA_PROTO = 1, 2, 6, 8, 11
IFA_F_NODAD, IFA_F_NOPREFIXROUTE = 0x02, 0x200
RTEXT_FILTER_SKIP_STATS = 0x08  # counters are most of a link's message and nobody here reads them
INFINITE_S = 0xFFFFFFFF

# Tags our addresses in `ip -d address` and for the clean-up after an earlier life. The kernel reserves 1-3; 112 is
# VRRP's IP protocol number. Linux < 5.18 ignores the attribute.
ADDRESS_PROTOCOL = 112

BATCH = 100  # refusals of one batch must fit into the socket's receive buffer, and the event loop waits meanwhile
DUMP_ATTEMPTS = 8
ANSWER_TIMEOUT_S = 2  # only a guard: the answer is there when sendmsg returns
EVENT_BUFFER_BYTES = 4 << 20  # some 4,000 address events
RECEIVE_BYTES = 1 << 16
SEQUENCE_END = 1 << 31

_HEADER = struct.Struct("=IHHII")  # length, type, flags, sequence number, port
_IFADDRMSG = struct.Struct("=BBBBI")  # family, prefix length, flags, scope, index
_ATTRIBUTE = struct.Struct("=HH")  # length, type
_CACHEINFO = struct.Struct("=IIII")  # preferred and valid for so many seconds, made, changed
_FLAGS = struct.Struct("=I")


class Answer(NamedTuple):
    """How one request ended: errno (0 is success) and the kernel's explanation, if it gave one."""

    errno: int
    detail: str = ""


class Request(NamedTuple):
    """What the kernel shall do: the message's type, its flags and its body."""

    kind: int
    flags: int
    body: bytes


class Frame(NamedTuple):
    """One netlink message, still encoded, header included."""

    type: int
    flags: int
    sequence: int
    data: bytes


def split(data: bytes) -> Iterator[Frame]:
    """The messages of one datagram."""
    offset = 0
    while offset + _HEADER.size <= len(data):
        length, kind, flags, sequence = _HEADER.unpack_from(data, offset)[:4]
        if length < _HEADER.size:
            return
        yield Frame(kind, flags, sequence, data[offset : offset + length])
        offset += (length + 3) & ~3


def encode(kind: int, flags: int, sequence: int, body: bytes) -> bytes:
    """A request: the body with its header."""
    return _HEADER.pack(_HEADER.size + len(body), kind, flags | NLM_F_REQUEST, sequence, 0) + body


def decode_link(frame: Frame) -> Any:
    """A link message as pyroute2's dictionary; read attributes with get_attr(): get() finds none on 0.7."""
    message = ifinfmsg(frame.data)
    message.decode()
    return message


class AddressMessage(NamedTuple):
    """An address as the kernel tells of it (rtnetlink(7)), by the index of its link; empty where it has none."""

    family: int
    prefix_length: int
    flags: int
    link: int
    address: bytes
    valid_s: int
    protocol: int


def decode_address(frame: Frame) -> AddressMessage:
    """What is in an address message."""
    data, offset = frame.data, _HEADER.size
    family, prefix_length, flags, unused_scope, index = _IFADDRMSG.unpack_from(data, offset)
    offset += _IFADDRMSG.size
    values: dict[int, bytes] = {}
    while offset + _ATTRIBUTE.size <= len(data):
        length, kind = _ATTRIBUTE.unpack_from(data, offset)
        values[kind] = data[offset + _ATTRIBUTE.size : offset + length]
        offset += max(_ATTRIBUTE.size, (length + 3) & ~3)
    if IFA_FLAGS in values:
        [flags] = _FLAGS.unpack_from(values[IFA_FLAGS])
    valid_s = _CACHEINFO.unpack_from(values[IFA_CACHEINFO])[1] if IFA_CACHEINFO in values else 0
    # On a point-to-point link IFA_ADDRESS is the peer's; IPv6 has IFA_LOCAL only there.
    address = values.get(IFA_LOCAL) or values.get(IFA_ADDRESS, b"")
    return AddressMessage(family, prefix_length, flags, index, address, valid_s, values.get(IFA_PROTO, b"\0")[0])


def link_query() -> bytes:
    """The body of a dump of all links."""
    return link_body(IFLA_EXT_MASK=RTEXT_FILTER_SKIP_STATS)


def link_body(index: int = 0, flags: int = 0, change: int = 0, **attributes: Any) -> bytes:
    """The body that describes a link: attributes by pyroute2's names; of the `flags` those in `change` count."""
    message = ifinfmsg()
    message["index"], message["flags"], message["change"] = index, flags, change
    message["attrs"] = list(attributes.items())
    message.reset()
    message.encode()
    return bytes(message.data[_HEADER.size :])


def address_query() -> bytes:
    """The body of a dump of all addresses of all families."""
    return _IFADDRMSG.pack(socket.AF_UNSPEC, 0, 0, 0, 0)


def address_body(index: int, interface: IPInterface) -> bytes:
    """The body that names one address of one interface, as a removal needs it (rtnetlink(7), struct ifaddrmsg)."""
    family = socket.AF_INET if interface.version == 4 else socket.AF_INET6
    address = interface.ip.packed
    # IPv4 needs both: IFA_LOCAL is the address, and the kernel compares the prefix length only if it has IFA_ADDRESS.
    return (
        _IFADDRMSG.pack(family, interface.network.prefixlen, 0, 0, index)
        + _attribute(IFA_LOCAL, address)
        + _attribute(IFA_ADDRESS, address)
    )


def new_address_body(index: int, interface: IPInterface, lifetime_s: int | None, prefix_route: bool = True) -> bytes:
    """The body that adds an address, or renews its lifetime.

    No broadcast address, as with keepalived: a VIP is one service address, and the subnet's broadcast belongs to the
    host's own address. An IPv6 VIP is preferred for 0 s: it answers, but is not chosen as source of the host's own
    connections, which would die when it moves (RFC 6724 rule 3). IPv4 chooses the primary address by itself.
    Without `prefix_route` the address brings no route to its subnet; a link-local one needs it to be of any use.
    """
    valid_s = INFINITE_S if lifetime_s is None else lifetime_s
    preferred_s = valid_s if interface.version == 4 else 0
    flags = IFA_F_NODAD if interface.version == 6 else 0
    if not prefix_route and not interface.ip.is_link_local:
        flags |= IFA_F_NOPREFIXROUTE
    return (
        address_body(index, interface)
        + _attribute(IFA_CACHEINFO, _CACHEINFO.pack(preferred_s, valid_s, 0, 0))
        + _attribute(IFA_FLAGS, _FLAGS.pack(flags))
        + _attribute(IFA_PROTO, bytes([ADDRESS_PROTOCOL]))
    )


def _attribute(kind: int, value: bytes) -> bytes:
    """One attribute (rtnetlink(7), struct rtattr), filled up to four octets."""
    return _ATTRIBUTE.pack(_ATTRIBUTE.size + len(value), kind) + value + bytes(-len(value) % 4)


def open_socket(groups: int, buffer_bytes: int) -> socket.socket:
    """A bound rtnetlink socket."""
    if PYROUTE2_ERROR is not None:
        raise PYROUTE2_ERROR
    try:
        netlink = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)
    except OSError as error:
        raise KernelError("open a netlink socket", error.errno or errno.EIO) from None
    netlink.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer_bytes)
    with contextlib.suppress(PermissionError):  # without CAP_NET_ADMIN the limit of net.core.rmem_max holds
        netlink.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, buffer_bytes)
    netlink.bind((0, groups))
    return netlink


class RequestSocket:
    """Requests and their answers, one exchange after the other."""

    def __init__(self) -> None:
        self._next_sequence = 1
        self._socket = open_socket(groups=0, buffer_bytes=1 << 20)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("@ll", ANSWER_TIMEOUT_S, 0))
        self._socket.setsockopt(SOL_NETLINK, NETLINK_CAP_ACK, 1)
        self._socket.setsockopt(SOL_NETLINK, NETLINK_EXT_ACK, 1)

    def execute(self, kind: int, flags: int, bodies: Iterable[bytes]) -> list[Answer]:
        """Have the kernel carry out one request for each body; the answers are in their order."""
        return self.execute_all([Request(kind, flags, body) for body in bodies])

    def execute_all(self, requests: Sequence[Request]) -> list[Answer]:
        """Have the kernel carry out requests of any kind; up to BATCH of them cannot be torn apart by a kill."""
        answers: list[Answer] = []
        for start in range(0, len(requests), BATCH):
            answers += self._execute_batch(requests[start : start + BATCH])
        return answers

    def dump(self, kind: int, body: bytes, op: str) -> list[Frame]:
        """A whole kernel table, taken again when it changed under way; KernelError if it cannot be had."""
        for _attempt in range(DUMP_ATTEMPTS):
            frames = self._dump_once(kind, body, op)
            if not any(frame.flags & NLM_F_DUMP_INTR for frame in frames):
                return frames[:-1]
        raise KernelError(op, errno.EAGAIN, f"changed during each of {DUMP_ATTEMPTS} dumps")

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()

    def _execute_batch(self, requests: Sequence[Request]) -> list[Answer]:
        """One exchange; if the last answer does not come, each message without one has the error of the socket."""
        sequences = self._take_sequences(len(requests))
        last = sequences[-1]
        answers: dict[int, Answer] = {}
        failure = Answer(0)
        try:
            # They are carried out in turn, and a failure is answered in any case.
            self._socket.sendmsg(
                [
                    encode(one.kind, one.flags | (NLM_F_ACK if sequence == last else 0), sequence, one.body)
                    for sequence, one in zip(sequences, requests)
                ]
            )
            while last not in answers:
                for frame in self._receive():
                    if frame.type == NLMSG_ERROR and frame.sequence in sequences:
                        answers[frame.sequence] = _answer(frame)
        except OSError as error:
            failure = Answer(_errno(error))
        return [answers.get(sequence, failure) for sequence in sequences]

    def _dump_once(self, kind: int, body: bytes, op: str) -> list[Frame]:
        """The frames of one dump, the closing NLMSG_DONE last."""
        [sequence] = self._take_sequences(1)
        frames: list[Frame] = []
        try:
            self._socket.sendmsg([encode(kind, NLM_F_DUMP, sequence, body)])
            while not frames or frames[-1].type not in (NLMSG_DONE, NLMSG_ERROR):
                frames += [frame for frame in self._receive() if frame.sequence == sequence]
        except OSError as error:
            raise KernelError(op, _errno(error)) from None
        answer = _answer(frames[-1])
        if answer.errno:
            raise KernelError(op, answer.errno, answer.detail)
        return frames

    def _take_sequences(self, count: int) -> range:
        """Unused sequence numbers, by which a late answer to an earlier request is told from ours."""
        first = self._next_sequence if self._next_sequence + count <= SEQUENCE_END else 1
        self._next_sequence = first + count
        return range(first, first + count)

    def _receive(self) -> Iterator[Frame]:
        data, sender = self._socket.recvfrom(RECEIVE_BYTES)
        return split(data) if sender[0] == 0 else iter(())  # port 0 is the kernel


class EventSocket:
    """What the kernel reports about links and addresses."""

    def __init__(self) -> None:
        self._socket = open_socket(GROUPS, EVENT_BUFFER_BYTES)
        self._socket.setblocking(False)

    def attach(self, lines: Iterable[filters.Line]) -> None:
        """Have the kernel keep from this socket what a filter drops; without one everything comes."""
        with contextlib.suppress(OSError):  # it saves time, and nothing depends on it
            filters.attach(self._socket, lines)

    def fileno(self) -> int:
        """The descriptor for the event loop."""
        return self._socket.fileno()

    def read(self, limit: int) -> list[Frame] | None:
        """At most `limit` datagrams' messages, or None if the kernel had to drop some.

        After a loss what is still queued is older than the dump that must follow, so it is thrown away.
        """
        frames: list[Frame] = []
        for _turn in range(limit):
            try:
                data, sender = self._socket.recvfrom(RECEIVE_BYTES)
            except BlockingIOError:
                break
            except OSError as error:
                if error.errno != errno.ENOBUFS:
                    raise KernelError("read link and address events", _errno(error)) from None
                self._drain()
                return None
            if sender[0] == 0:  # the kernel
                frames += split(data)
        return frames

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()

    def _drain(self) -> None:
        while True:
            try:
                self._socket.recv(1)
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno != errno.ENOBUFS:
                    raise KernelError("read link and address events", _errno(error)) from None


def _answer(frame: Frame) -> Answer:
    """The outcome in an NLMSG_ERROR or NLMSG_DONE: a negative errno, the request's header, then attributes."""
    code = -struct.unpack_from("=i", frame.data, _HEADER.size)[0]
    if frame.type != NLMSG_ERROR or not frame.flags & NLM_F_ACK_TLVS:
        return Answer(code)
    offset = _HEADER.size + 4 + _HEADER.size
    while offset + 4 <= len(frame.data):
        length, kind = struct.unpack_from("=HH", frame.data, offset)
        if kind == NLMSGERR_ATTR_MSG:
            return Answer(code, frame.data[offset + 4 : offset + length].rstrip(b"\0").decode("utf-8", "replace"))
        offset += max(4, (length + 3) & ~3)
    return Answer(code)


def _errno(error: OSError) -> int:
    """The errno of a failed socket call; EAGAIN on the request socket is its receive timeout."""
    return errno.ETIMEDOUT if isinstance(error, BlockingIOError) else error.errno or errno.EIO
