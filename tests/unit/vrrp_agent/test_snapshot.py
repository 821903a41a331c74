# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A router's memory as a document: it is complete, tells no secret, and who has read it goes on as the other would."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from signed_story import ENFORCE, KEY, SIGNED, UTC
from story import EXTRA, HIGHER, LOWER, MASTER, OURS, SECOND_VIP, US, VIP, S, T, backup, heard, master
from test_router_invariants import others, settings
from vrrp_agent.protocol import events, freshness, member, resigning, snapshot, yielding
from vrrp_agent.protocol.events import InterfaceUp, Master, PacketReceived, PacketRejected, SendAdvert, Start, TimerDue
from vrrp_agent.protocol.router import Router
from vrrp_agent.protocol.settings import Authentication, Settings


def utc_ns() -> int:
    """A wall clock that stands still."""
    return UTC


def signing() -> Router:
    """A MASTER whose adverts are signed."""
    router = Router(SIGNED, utc_ns)
    router.handle(InterfaceUp(US), T)
    router.handle(Start(), T)
    router.handle(TimerDue(), T + 4 * S)
    return router


def copied(router: Router, like: Settings | None = None) -> Router:
    """Another router that has read the first one's document; the configuration is read anew."""
    other = Router(like or router.settings, utc_ns)
    snapshot.restore(other, json.loads(json.dumps(snapshot.write(router))))
    return other


# --- complete

CODEC = Router(OURS)._codec
PARTS = {
    "Router": (Router(OURS), snapshot.ROUTER),
    "Codec": (CODEC, snapshot.CODEC),
    "Authenticator": (CODEC._authenticator, snapshot.AUTHENTICATOR),
    "Sender": (freshness.Sender(), snapshot.SENDER),
    "Receiver": (freshness.Receiver(), snapshot.RECEIVER),
    "Membership": (member.Membership(), snapshot.MEMBERSHIP),
}
VALUES = {
    "Settings": (Settings, snapshot.SETTINGS),
    "Master": (Master, snapshot.MASTER),
    "Claim": (member.Claim, snapshot.CLAIM),
    "Resignation": (resigning.Resignation, snapshot.RESIGNATION),
    "Yielding": (yielding.Yielding, snapshot.YIELDING),
    "Heard": (freshness._Heard, snapshot.HEARD),
}
MEND = "a field of {} that protocol/snapshot.py does not know: add it to the table there, or to LEFT_OUT"


@pytest.mark.parametrize("name", PARTS)
def test_every_field_of_an_object_has_its_place(name: str) -> None:
    thing, fields = PARTS[name]
    assert set(vars(thing)) == set(fields) | snapshot.LEFT_OUT.get(name, set()), MEND.format(name)


@pytest.mark.parametrize("name", VALUES)
def test_every_field_of_a_value_has_its_place(name: str) -> None:
    kind, fields = VALUES[name]
    found = set(getattr(kind, "_fields", ())) or {field.name for field in dataclasses.fields(kind)}
    assert found == set(fields) | snapshot.LEFT_OUT.get(name, set()), MEND.format(name)


def test_nested_tables_are_those_of_the_parts() -> None:
    nested = [fields[name] for fields in (snapshot.ROUTER, snapshot.CODEC, snapshot.AUTHENTICATOR) for name in fields]
    tables = [fields for fields in nested if not isinstance(fields, snapshot.Shape)]
    assert tables == [
        snapshot.MEMBERSHIP,
        snapshot.CODEC,
        snapshot.AUTHENTICATOR,
    ]
    written = snapshot.write(signing())["_codec"]["_authenticator"]
    assert {name: set(part) for name, part in written.items()} == {
        "_sender": set(snapshot.SENDER),
        "_receiver": set(snapshot.RECEIVER),
    }


# --- the same behaviour

group_events = st.one_of(
    st.builds(events.GroupJoined),
    st.builds(events.GroupLeft),
    st.builds(events.GroupMaster, st.just("the group"), st.just("priority")),
    st.builds(events.GroupBackup, st.just("the group"), st.none() | st.just(T + 20 * S)),
    st.builds(events.GroupFault, st.just("another")),
)
kinds = st.one_of(
    settings,
    st.builds(replace, settings, authentication=st.just(ENFORCE)),
    st.builds(replace, settings, preempt_delay_ms=st.just(1500), startup_delay_ms=st.just(2500)),
    st.builds(replace, settings, unicast_peers=st.just((LOWER, HIGHER))),
    st.builds(replace, settings, last_resort=st.just(True)),
)
stories = st.lists(
    st.tuples(
        st.sampled_from(["deadline", "deadline", 0, S // 10, S]),
        st.one_of(st.builds(TimerDue), st.builds(heard, st.sampled_from([0, 1, 20, 100, 200])), others, group_events),
    ),
    max_size=25,
)


def tell(router: Router, wait: object, event: object, now_ns: int) -> tuple[object, int]:
    """One step of a story: what the router wants done, and the time then."""
    if wait == "deadline":
        now_ns, event = max(now_ns, router.deadline_ns or 0), TimerDue()
    else:
        now_ns += wait
    return router.handle(event, now_ns), now_ns


@given(first=kinds, before=stories, after=stories)
def test_who_goes_on_behaves_the_same(first: Settings, before: object, after: object) -> None:
    one, now_ns = Router(first, utc_ns), T
    one.handle(InterfaceUp(US), now_ns)
    one.handle(Start(), now_ns)
    for wait, event in before:
        now_ns = tell(one, wait, event, now_ns)[1]
    other = copied(one)
    assert other.deadline_ns == one.deadline_ns
    for wait, event in after:
        expected, until_ns = tell(one, wait, event, now_ns)
        found, unused = tell(other, wait, event, now_ns)
        assert (found, other.deadline_ns, other.state) == (expected, one.deadline_ns, one.state)
        now_ns = until_ns
    assert snapshot.write(other) == snapshot.write(one)


def test_it_remembers_what_it_has_heard_of_signed_adverts() -> None:
    """Who takes over knows a recording, and its own sequence grows."""
    router = Router(SIGNED, utc_ns)
    router.handle(InterfaceUp(US), T)
    router.handle(Start(), T)
    sender = Router(replace(SIGNED, priority=200), utc_ns)
    sender.handle(InterfaceUp(HIGHER), T)
    sender.handle(Start(), T)
    effects = sender.handle(TimerDue(), T + 4 * S)
    [advert] = [effect for effect in effects if isinstance(effect, SendAdvert)]
    packet = PacketReceived(advert.message, HIGHER, advert.destination, 255)
    router.handle(packet, T + S)
    other = copied(router)
    other.handle(packet, T + S + 1)
    assert other.counters["auth_ext_replay"] == 1
    last = sender._codec._authenticator._sender._last
    assert last is not None
    assert copied(sender)._codec._authenticator._sender._last == last


def test_what_it_has_heard_of_signed_adverts_outlives_its_keys() -> None:
    """They may come back by the next reload."""
    router = signing()
    router.handle(events.Reconfigured(OURS), T + 20 * S)
    other = copied(router)
    assert other.settings == OURS
    assert snapshot.write(other)["_codec"]["_authenticator"] == snapshot.write(router)["_codec"]["_authenticator"]
    assert other._codec._authenticator._sender._last is not None
    assert snapshot.write(Router(OURS))["_codec"]["_authenticator"] == {"_sender": None, "_receiver": None}


def test_keys_that_come_with_the_other_process_count_at_once() -> None:
    """An upgrade reads a configuration that has them for the first time."""
    other = copied(backup(), like=SIGNED)
    unsigned = heard(200)
    assert [type(effect) for effect in other.handle(unsigned, T + S)] == [PacketRejected]
    assert other.counters["auth_ext_missing"] == 1
    effects = other.handle(TimerDue(), T + 20 * S)
    [advert] = [effect for effect in effects if isinstance(effect, SendAdvert)]
    assert len(advert.message) == len(unsigned.message) + 28


def test_it_answers_in_the_style_of_checksum_that_it_has_heard() -> None:
    router = backup(unicast_peers=(HIGHER,))
    router._codec._note_style(HIGHER, pseudo_header=False)
    assert copied(router)._codec._without_pseudo_header == {HIGHER}


# --- what comes from the configuration, and what other versions write


def test_it_tells_no_secret() -> None:
    secrets = replace(SIGNED, version=2, authentication=Authentication("pass", password="s3cret"))
    for settings_, secret in ((SIGNED, KEY.hex()), (secrets, "s3cret")):
        assert secret not in json.dumps(snapshot.write(Router(settings_, utc_ns)))


def test_settings_are_those_that_the_router_had() -> None:
    """Its addresses are on the interface: what the new configuration has instead is told by a Reconfigured."""
    new = replace(OURS, priority=77, virtual_addresses=(SECOND_VIP,), extra_addresses=(EXTRA,), authentication=ENFORCE)
    other = copied(master(), like=new)
    assert other.settings == replace(OURS, authentication=ENFORCE)
    effects = other.handle(events.Reconfigured(new), T + 1)
    assert effects[0] == events.ReleaseAddresses((VIP,))
    assert effects[1] == events.ClaimAddresses((SECOND_VIP, EXTRA))
    assert other.state is MASTER


def test_another_version_may_know_a_field_more_or_less() -> None:
    router = master()
    document = {**snapshot.write(router), "never_heard_of": 1}
    document["counters"] = {"advertisement_sent": 7, "never_heard_of": 2}
    del document["_answers"]
    other = Router(OURS)
    snapshot.restore(other, document)
    assert (other.state, other._answers) == (MASTER, (0, 0))
    assert other.counters.all() == {**dict.fromkeys(router.counters.all(), 0), "advertisement_sent": 7}
    assert "never_heard_of" not in other.counters
