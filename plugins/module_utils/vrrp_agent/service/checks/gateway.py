# Copyright: (c) 2026, duet.ha_pair contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""The probe for the way out: the default gateway, or hosts that are named, answer by ARP, its IPv6 kin, or ping."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
from contextlib import closing
from ipaddress import ip_address
from typing import Callable, NamedTuple, Protocol

from ...linux.echo import EchoSocket
from ...linux.errors import KernelError
from ...linux.neighbours import NeighbourSocket
from ...linux.routes import default_gateway
from ...protocol import announce, echo
from ...protocol.checks import Gateway
from ...protocol.settings import IPAddress
from .failure import CannotRun, Failure

# One packet may be lost; a host that is gone must be known before the time is up, so that it can be named.
_TURNS = 3
_OF_TIMEOUT = 0.9
# A flood is read in sips, and the kernel drops the rest.
_SIP_S = 0.02
_ANY_PORT = 9
_TOLD_MAX = 200


class _Target(NamedTuple):
    """Whom to ask, and the interface that leads there where it is a neighbour."""

    address: IPAddress
    interface: str


class _Socket(Protocol):
    def fileno(self) -> int: ...

    def send(self, question: bytes, /) -> None: ...

    def receive(self) -> list[bytes]: ...


async def gateway(what: Gateway, timeout_s: float) -> str:
    """Ask until enough of them have answered; who did. Raises Failure, naming who did not."""
    targets = [_Target(address, what.interface) for address in what.targets] or [await _default(what.family)]
    asking = [asyncio.ensure_future(_ask(what.method, target, timeout_s * _OF_TIMEOUT)) for target in targets]
    answered, wrong = [], []
    try:
        for answer in asyncio.as_completed(asking):
            target, why = await answer
            if why is not None:
                wrong.append(why)
                continue
            answered.append(str(target.address))
            if not what.every:
                break
    finally:
        for one in asking:
            one.cancel()
    if wrong and (what.every or not answered):
        raise Failure(", ".join(sorted(wrong))[:_TOLD_MAX])
    return f"answered: {', '.join(sorted(answered))}"[:_TOLD_MAX]


async def _default(family: int) -> _Target:
    # Off the loop: a router's table may be long.
    found = await asyncio.get_running_loop().run_in_executor(None, default_gateway, family)
    if found is None:
        raise Failure(f"this host has no default gateway for IPv{family}")
    return _Target(ip_address(found.address), found.interface)


async def _ask(method: str, target: _Target, timeout_s: float) -> tuple[_Target, str | None]:
    """A host, and why it does not count as there: None when it has answered."""
    try:
        ask = _ping if method == "ping" else _call
        return target, await ask(target, timeout_s)
    except KernelError as error:
        if error.errno in (errno.EPERM, errno.EACCES):
            raise CannotRun(f"{error}; the agent needs CAP_NET_RAW") from None
        return target, str(error)
    except OSError as error:
        return target, f"{target.address}: {os.strerror(error.errno or errno.EIO)}"


async def _ping(target: _Target, timeout_s: float) -> str | None:
    family, token = target.address.version, os.urandom(echo.TOKEN_OCTETS)

    def is_reply(message: bytes) -> bool:
        return echo.is_reply(family, message, token)

    index = _index(target) if target.address.is_link_local else 0
    with closing(EchoSocket(str(target.address), index)) as opened:
        heard = await _hear(opened, echo.request(family, token), is_reply, timeout_s)
    return None if heard else f"no answer to a ping from {target.address}"


async def _call(target: _Target, timeout_s: float) -> str | None:
    index, wanted = _index(target), target.address.packed

    def is_answer(frame: bytes) -> bool:
        return announce.answer_in(frame) == wanted

    with closing(NeighbourSocket(index, target.address.version)) as opened:
        opened.watch([wanted])
        if opened.mac is None:
            raise CannotRun(f"{target.interface} is no Ethernet interface, which knows no ARP; set method: ping")
        question = announce.request(opened.mac, _source(target, index), target.address)
        heard = await _hear(opened, question, is_answer, timeout_s)
    what = "ARP" if target.address.version == 4 else "neighbour discovery"
    return None if heard else f"no answer to {what} from {target.address} on {target.interface}"


def _index(target: _Target) -> int:
    try:
        return socket.if_nametoindex(target.interface)
    except OSError:
        raise KernelError(f"ask {target.address} on {target.interface}", errno.ENODEV) from None


def _source(target: _Target, index: int) -> IPAddress:
    """The address of this host that the kernel would send from."""
    domain = socket.AF_INET if target.address.version == 4 else socket.AF_INET6
    with socket.socket(domain, socket.SOCK_DGRAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, target.interface.encode() + b"\0")
        where = (str(target.address), _ANY_PORT)
        probe.connect(where if target.address.version == 4 else (*where, 0, index))
        return ip_address(probe.getsockname()[0].partition("%")[0])


async def _hear(opened: _Socket, question: bytes, judge: Callable[[bytes], bool], timeout_s: float) -> bool:
    """Ask a few times; whether the answer came."""
    until_s = asyncio.get_running_loop().time()
    for _turn in range(_TURNS):
        opened.send(question)
        until_s += timeout_s / _TURNS
        while await _readable(opened, until_s):
            if any(map(judge, opened.receive())):
                return True
            await asyncio.sleep(_SIP_S)
    return False


async def _readable(opened: _Socket, until_s: float) -> bool:
    """Whether there is something to read, once there is or the time is up."""
    loop = asyncio.get_running_loop()
    ready = asyncio.Event()
    loop.add_reader(opened.fileno(), ready.set)
    try:
        await asyncio.wait_for(ready.wait(), until_s - loop.time())
    except asyncio.TimeoutError:
        return False
    finally:
        loop.remove_reader(opened.fileno())
    return True
