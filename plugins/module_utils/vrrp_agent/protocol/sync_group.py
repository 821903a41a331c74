# Copyright: (c) 2026, duet.ha_pair contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Routers that move together: all are MASTER or none, and a FAULT of one is the FAULT of all.

After every event of a member, `decide(now_ns)` looks at all of them and returns what each is to be told; once that is
done it is asked again, until it has nothing more to say. Its rules follow from the members' own states, so that no
order of events can lock it:

1. A member whose own interface or addresses fail puts the others into FAULT. Only such a failure of its own does: a
   FAULT that came from the group never feeds back.
2. One who leaves MASTER takes the others along. They say goodbye, so that the peer has the group within Skew_Time.
3. A member whose timer has run out claims the role and waits. All take it when all claim it, or when the master of one
   has said goodbye: a master that is in the same group has left everywhere. A master that is silent on one segment and
   heard on another is alive, and keeps the role on both.
4. Members that are asked to resign let go when each has heard its successor; when one stays, all stay.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from . import timers
from .events import GroupBackup, GroupEvent, GroupFault, GroupMaster, GroupResigned, GroupStays, State
from .member import Claim, follows_master
from .router import Router


@dataclass(frozen=True)
class Order:
    """What a member is to be told."""

    member: str
    event: GroupEvent


Orders = tuple[Order, ...]


class SyncGroup:
    """The decisions of one group over its members' routers, by the names of their instances."""

    def __init__(self, name: str, members: Mapping[str, Router]) -> None:
        self.name = name
        self.members = dict(members)
        # Who joins a group that is MASTER listens first, as everybody does at the start; the others go on meanwhile.
        self._joining = {member for member, router in members.items() if router.state is not State.MASTER}
        self._not_before_ns: int | None = None

    @property
    def state(self) -> State:
        """The state of the whole; a member that has not yet joined in counts for nothing beside one that is MASTER."""
        states = {router.state for router in self.members.values()}
        order = (State.FAULT, State.MASTER, State.INIT, State.BACKUP)
        return next(state for state in order if state in states)

    @property
    def fault(self) -> str | None:
        """Which member keeps the group in FAULT, and why."""
        return self._fault_beside("")

    def decide(self, now_ns: int) -> Orders:
        """What the members are to be told now; nothing when all is settled."""
        return self._spread_faults() or self._resign() or self._leave(now_ns) or self._take_over(now_ns)

    def _spread_faults(self) -> Orders:
        """Rule 1; also who is in FAULT already, or not started, hears of the others' faults, and of their end."""
        orders = []
        for member, router in self.members.items():
            fault = self._fault_beside(member)
            if fault is not None and fault != router.group.fault:
                orders.append(Order(member, GroupFault(fault)))
            elif fault is None and router.group.fault is not None:
                orders.append(Order(member, GroupBackup(f"recovered: {router.group.fault}")))
        return tuple(orders)

    def _fault_beside(self, member: str) -> str | None:
        for other, router in self.members.items():
            if other != member and router.state is State.FAULT and router.fault is not None:
                return f"sync group {self.name}: {other} is in FAULT: {router.fault}"
        return None

    def _leave(self, now_ns: int) -> Orders:
        """Rule 2."""
        masters = [member for member, router in self.members.items() if router.state is State.MASTER]
        self._joining = self._joining - set(masters) if masters else set()
        if not masters:
            return ()
        for place, (member, router) in enumerate(self.members.items()):
            if router.state is State.MASTER or self._is_joining(member):
                continue
            self._hold_back(place, router, now_ns)
            why = f"sync group {self.name}: {member} is {router.state.value}: {router.reason}"
            return tuple(Order(master, GroupBackup(why)) for master in masters)
        return ()

    def _resign(self) -> Orders:
        """Rule 4."""
        masters = {member: router for member, router in self.members.items() if router.state is State.MASTER}
        pending = {member: router.resigning for member, router in masters.items() if router.resigning is not None}
        staying = [member for member in masters if member not in pending]
        if staying:
            why = f"sync group {self.name}: {staying[0]} is still MASTER"
            return tuple(Order(member, GroupStays(why)) for member in pending)
        if all(resignation.ready for resignation in pending.values()):
            return tuple(Order(member, GroupResigned()) for member in pending)
        return ()

    def _is_joining(self, member: str) -> bool:
        """Whether a member that is not MASTER has yet to find out if there is a better one on its segment."""
        return member in self._joining and not follows_master(self.members[member])

    def _hold_back(self, place: int, router: Router, now_ns: int) -> None:
        """Between equal priorities addresses decide, and may decide for one node here and for the other there.

        Then both leave, and would come back at the same moment for ever. The place in the group of the member that
        lost is never the same on both: two intervals for each place are more than the Skew_Time that both wait.
        """
        if router.master is not None and router.master.priority == router.settings.priority:
            self._not_before_ns = now_ns + 2 * place * timers.interval_ns(router.settings.advert_interval_cs)

    def _take_over(self, now_ns: int) -> Orders:
        """Rule 3."""
        routers = self.members.values()
        waiting = {member: router for member, router in self.members.items() if router.state is State.BACKUP}
        claims = {member: router.group.claim for member, router in waiting.items() if router.group.claim is not None}
        if not claims or any(router.state not in (State.BACKUP, State.MASTER) for router in routers):
            return ()
        if len(waiting) < len(self.members):  # the others are MASTER
            waiting = {member: waiting[member] for member in claims}
        elif len(claims) < len(waiting) and not any(claim.resigned for claim in claims.values()):
            return ()
        if self._not_before_ns is not None and now_ns < self._not_before_ns:
            event = GroupBackup("another of equal priority goes first", self._not_before_ns)
            return tuple(Order(member, event) for member in claims)
        self._not_before_ns = None
        leader = next((member for member, claim in claims.items() if claim.resigned), next(iter(claims)))
        return tuple(Order(member, self._grant(claims.get(member), leader, claims[leader])) for member in waiting)

    def _grant(self, own: Claim | None, leader: str, leading: Claim) -> GroupMaster:
        if own is not None:
            return GroupMaster(f"sync group {self.name}: {own.reason}", own.code)
        return GroupMaster(f"sync group {self.name}: {leader} takes over: {leading.reason}", leading.code)
