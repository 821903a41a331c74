# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All nodes of one virtual router on one segment, and the two bounds within which they must agree."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vrrp_agent.protocol.master import ANSWERS_A_SECOND
from vrrp_agent.protocol.settings import Settings

from .rfc import interval_ns, skew_ns
from .segment import Segment
from .signed import signs
from .world import NEVER_NS, SECOND_NS, Broken, World

if TYPE_CHECKING:
    from .node import Node


# An advert that cannot be dated, the question, and four round trips (docs/security.md).
_PROOF_DELAYS = 2 + 4 * 2
# A MASTER that has heard a better one waits so long for each of two answers at most, or two intervals.
_YIELDS_NS = 200_000_000


def yields_ns(settings: Settings) -> int:
    """How long a master that yields waits for an answer."""
    return min(_YIELDS_NS, 2 * interval_ns(settings.advert_interval_cs))


class Group:
    """One virtual router.

    `calm` is when the last fault is over and every packet that was sent before its end has landed. From then on:

    1. After 3 * interval + skew + 2 * (delay + moment) + 3 * lateness exactly one node that can be master is.
       One delay, because the last stale packet may depose a master (a reload has lowered the priority that it tells),
       whose own last advert then lands, and sets timers, up to one delay after calm. The other one, because the first
       advert of whoever takes the role takes so long to make another master yield. Nothing is added for preemption: a
       backup that may preempt discards the adverts of the lower master, so its timer is not set again.
       `interval` is the longest and `skew` the one of the lowest priority that a node has had since the last agreement:
       timers of the old settings may still run. `moment` is how long a master that yields answers on, which ends by a
       timer and with another last advert: it comes with each of the two delays.
       Where adverts are signed, whoever was restarted, or was silent while its clock stepped, is to be proven alive
       first: 10 * delay more (one for the advert, one for the question, four round trips for the proof). No interval:
       a master that is there at calm sends an advert within one interval, and if its sender was asked less than an
       eighth of an interval before, so that it is not asked again, another one within two. The proof is done before
       the timer of anybody who listens since calm, after three. If there is none, the first claim comes in time, as
       without signatures; whoever claims before it is proven sends an advert that begins the same exchange. An exchange
       does not stall: a question is always answered, what is delivered twice or overtaken begins no second one, and
       nobody sends more adverts in one round trip than are remembered.
    2. One delay later the clients' caches lead to that master: it has heard, and answered, the last advert of whoever
       yielded to it. Not asked for where it cannot know: the last who announced has crashed since, or has yielded while
       packets were lost; nor where adverts are signed, because the winner may not have proof yet that the loser is
       alive when it says its last.
    3. To the next fault no node changes its state after the first bound, and only timers send adverts after the second.
       Where adverts are signed, one proof later, and one interval: who has just asked a node that then becomes master
       asks it again for its next advert. And a question is answered whenever it comes; recordings provoke some.
       Where intervals differ by more than 2.5, the protocol cannot promise that: a late advert of the loser may set a
       third node to its interval, in three of which the winner is not heard. Then a transition starts the bounds anew.
    """

    def __init__(self, world: World, segment: Segment, virtual_router_id: int) -> None:
        self.world = world
        self.segment = segment
        self.virtual_router_id = virtual_router_id
        self.nodes: list[Node] = []
        self.landed_ns = 0
        self.check_ns = NEVER_NS
        self.one_master = False
        self.clients_led = False
        self._quiet_ns = NEVER_NS
        self.agreements = 0
        self._disturbances = 0
        self._calm_ns = 0
        self._longest_ns = 0
        self._lowest_priority = 255
        self._master: Node | None = None
        world.checks.append(self)

    # --- what disturbs

    def note(self, settings: Settings) -> None:
        """Timers may run on these settings until the next agreement."""
        self._longest_ns = max(self._longest_ns, interval_ns(settings.advert_interval_cs))
        self._lowest_priority = min(self._lowest_priority, settings.priority)

    def disturb(self, change: int) -> None:
        """A fault that lasts begins (1) or ends (-1)."""
        self._disturbances += change
        self.touch()

    def touch(self) -> None:
        """A fault has happened: agreement is due when its last packet has landed and the bound is over."""
        self.one_master = self.clients_led = False
        for node in self.nodes:
            if node.yielded_ns is not None and node.yielded_ns + self.segment.delay_ns >= self.world.now_ns:
                node.yielded_ns = None  # its last advert may not arrive
        self._calm_ns = max(self.world.now_ns, self.landed_ns)
        self.check_ns = NEVER_NS if self._disturbances else self._calm_ns + self.bound_ns

    @property
    def bound_ns(self) -> int:
        """3 * interval + skew + 2 * (delay + moment) + lateness of three timers."""
        version = self.nodes[0].settings.version
        skew = skew_ns(version, self._lowest_priority, self._longest_ns)
        moment_ns = 2 * min(_YIELDS_NS, 2 * self._longest_ns)
        yielded_ns = self.segment.normal_delay_ns + moment_ns + self.world.late_ns
        return 3 * self._longest_ns + skew + 2 * yielded_ns + self.world.late_ns + self.proof_ns

    @property
    def proof_ns(self) -> int:
        """How long nodes that cannot date each other's adverts need to prove that they are alive."""
        if not signs(self.nodes[0].settings):
            return 0
        return _PROOF_DELAYS * self.segment.normal_delay_ns

    @property
    def agreement_ns(self) -> int:
        """When everything must have been agreed on, clients included; the past, if it has."""
        return self.world.now_ns if self.check_ns == NEVER_NS else self.check_ns + self.segment.normal_delay_ns + 1

    # --- what must hold

    def check(self) -> None:
        """Agreement first, and one delay later the clients."""
        if not self.one_master:
            self._check_one_master()
            self.one_master = True
            self.check_ns += self.segment.normal_delay_ns
        elif self._holds_back():
            self.check_ns += SECOND_NS + self.segment.normal_delay_ns
        else:
            self._check_clients()
            self.clients_led = True
            self._quiet_ns = self.world.now_ns + (self._longest_ns + self.proof_ns if self.proof_ns else 0)
            self.check_ns = NEVER_NS
            self.agreements += 1

    def note_transition(self, node: Node, what: str) -> None:
        """A node changes its state; in calm nobody has a reason to."""
        if self.one_master:
            self._expect_apart(f"{node.name} {what}")
            self.touch()

    def note_yield(self, node: Node) -> None:
        """A node has given the role to a better master, and nothing keeps that one from hearing of it."""
        unheard = self._disturbances or signs(node.settings)
        node.yielded_ns = None if unheard else self.world.now_ns

    def note_answer(self, node: Node, to: str) -> None:
        """A node sends an advert out of turn; in calm nobody has a reason to."""
        if self.clients_led and self.world.now_ns > self._quiet_ns:
            self._expect_apart(f"{node.name} sends an advert on {to}")

    def _expect_apart(self, what: str) -> None:
        intervals = [node.settings.advert_interval_cs for node in self.nodes]
        if max(intervals) <= 2.5 * min(intervals):
            raise Broken(f"{what}, although all had agreed and nothing has happened since")

    def _check_one_master(self) -> None:
        able = [node for node in self.nodes if node.able]
        masters = [node for node in able if node.is_master]
        if len(masters) != min(1, len(able)):
            names = ", ".join(node.name for node in masters) or "nobody"
            raise Broken(f"master {self.bound_ns / SECOND_NS:.4f} s after the last fault: {names}")
        self._master = masters[0] if masters else None
        for node in able:
            if (
                self._master is not None
                and node.may_preempt
                and node.settings.priority > self._master.settings.priority
            ):
                raise Broken(f"{node.name} may preempt, but {self._master.name} of lower priority is master")
        self._longest_ns, self._lowest_priority = 0, 255
        for node in self.nodes:
            self.note(node.settings)

    def _holds_back(self) -> bool:
        """Whether the master has answered so often that its announcement comes at the end of the second only.

        So it does with a flood of losing adverts; a delay of many short intervals, which end at once, looks alike.
        """
        router = getattr(self._master, "router", None)
        if router is None:
            return False
        since_ns, count = router._answers
        return bool(count >= ANSWERS_A_SECOND and self.world.now_ns - since_ns <= SECOND_NS)

    def _check_clients(self) -> None:
        master = self._master
        if master is None or not master.is_ours:
            return
        for address in master.settings.addresses:
            learned = self.segment.learned.get((self.virtual_router_id, address.ip))
            if learned is None or (learned is not master and learned.yielded_ns is not None):
                where = learned.name if learned else "nobody"
                raise Broken(f"clients send to {where} for {address.ip}, but {master.name} is master")
