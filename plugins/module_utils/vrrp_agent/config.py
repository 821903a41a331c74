# Copyright: (c) 2026, duet.ha_pair contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""The one schema: a JSON document becomes frozen dataclasses, or errors that carry the key's path.

The agent, the modules on the nodes and the preflight on the controller all read a configuration through this file,
so that none of them can accept what another refuses. It is pure: no file, socket or clock.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Callable

from . import check_schema, metrics_config, notification, schema
from .protocol import checks, credentials, sync_config, tracked
from .protocol.contradictions import contradictions
from .protocol.settings import Authentication, IPAddress, IPInterface, Settings
from .protocol.sync_config import SyncGroup
from .schema import ConfigError, Object

# RFC 9568 5.2.5: IPvX Addr Count is one octet.
ADDRESSES_MAX = 255
# An IPv6 advertisement must fit the smallest link: (1280 - 40 - 8) / 16 addresses.
ADDRESSES_MAX_IPV6 = 77


@dataclass(frozen=True)
class Instance(Settings):
    """One virtual router on one interface of this node."""

    name: str
    interface: str
    use_vmac: bool
    track_interfaces: tuple[tracked.TrackedInterface, ...]
    checks: tuple[checks.Check, ...]

    @property
    def identity(self) -> tuple[str, int, int]:
        """What makes it the same virtual router (RFC 9568 5.2.3): the interface, the family and the VRID."""
        return (self.interface, self.family, self.virtual_router_id)


@dataclass(frozen=True)
class Config:
    """Everything that one node's agent is told."""

    router_id: str
    instances: tuple[Instance, ...]
    sync_groups: tuple[SyncGroup, ...] = ()
    voice: notification.Voice = notification.Voice()
    metrics: metrics_config.Metrics = metrics_config.Metrics()


def load(text: str) -> Config:
    """The configuration in a JSON text; raises ConfigError for the first thing that is wrong with it."""
    return parse(decode(text))


def decode(text: str) -> Any:
    """The JSON document in a text; a key that stands twice in one object is an error, not a silent last-one-wins."""
    try:
        return json.loads(text, object_pairs_hook=_unique_keys)
    except json.JSONDecodeError as error:
        raise ConfigError("", f"not JSON: {error.msg} at line {error.lineno}, column {error.colno}") from None
    except (ValueError, RecursionError):
        raise ConfigError("", "not a configuration: nested too deeply, or a number of too many digits") from None


def parse(document: Any) -> Config:
    """The configuration in a decoded JSON document; raises ConfigError for the first thing that is wrong with it."""
    config, problems = _read(document)
    if problems:
        raise problems[0]
    return config


def validate(document: Any) -> list[ConfigError]:
    """Everything that is wrong with a decoded JSON document, in its own order."""
    return _read(document)[1]


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for key, value in pairs:
        if key in result:
            raise ConfigError(key, "stands twice in one object; keep one of the two")
        result[key] = value
    return result


def _read(document: Any) -> tuple[Config, list[ConfigError]]:
    problems: list[ConfigError] = []
    top = Object(document, "", problems)
    router_id = top.take("router_id", schema.name)
    items = top.take("instances", schema.any_list, [])
    instances = [_read_instance(item, f"instances[{index}]", problems) for index, item in enumerate(items or [])]
    groups = [
        _read_sync_group(item, f"sync_groups[{index}]", problems)
        for index, item in enumerate(top.take("sync_groups", schema.any_list, []) or [])
    ]
    voice = notification.read(top)
    metrics = metrics_config.read(top)
    top.finish()
    complete = [(index, instance) for index, instance in enumerate(instances) if instance is not None]
    _check_unique(complete, problems)
    if None not in instances:  # else a name may be missing only because its instance is wrong
        known = {instance.name: instance for index, instance in complete}
        problems += [ConfigError(path, why) for path, why in sync_config.mistakes(groups, known)]
        problems += notification.mistakes(voice, known, [group.name for group in groups])
    found = tuple(instance for index, instance in complete)
    return Config(router_id or "", found, tuple(groups), voice, metrics), problems


def _read_sync_group(value: Any, path: str, problems: list[ConfigError]) -> SyncGroup:
    source = Object(value, path, problems)
    name = source.take("name", schema.name)
    instances = source.take("instances", _members)
    source.finish()
    return SyncGroup(name or "", instances or ())


def _members(value: Any) -> tuple[str, ...]:
    names = schema.any_list(value)
    for name in names:
        if not isinstance(name, str):
            raise ValueError(f"{schema.show(name)} is not the name of an instance")
        if names.count(name) > 1:
            raise ValueError(f"{name} stands twice")
    if len(names) < 2:
        raise ValueError(f"a sync group needs two instances at least, here are {len(names)}; add one, or remove it")
    return tuple(names)


def _read_instance(value: Any, path: str, problems: list[ConfigError]) -> Instance | None:
    before = len(problems)
    source = Object(value, path, problems)
    version = source.take("version", schema.one_of(2, 3), 3)
    fields = {
        "name": source.take("name", schema.name),
        "interface": source.take("interface", schema.interface_name),
        "virtual_router_id": source.take("virtual_router_id", schema.integer(1, 255)),
        "version": version,
        "priority": source.take("priority", schema.integer(1, 255), 100),
        "advert_interval_cs": source.take("advert_interval", _interval_of(version), 100),
        "preempt": source.take("preempt", schema.boolean, True),
        "use_vmac": source.take("use_vmac", schema.boolean, False),
        "virtual_addresses": source.take("virtual_addresses", _virtual_addresses),
        "extra_addresses": source.take("extra_addresses", _addresses, ()),
        "authentication": _read_authentication(source, version),
        "track_interfaces": _read_tracked(source),
        "checks": check_schema.read(source),
        "source_address": source.take("source_address", schema.or_null(schema.ip_address, None), None),
        "unicast_peers": source.take("unicast_peers", schema.or_null(_peers, ()), ()),
        "unicast_min_ttl": source.take("unicast_min_ttl", schema.integer(1, 255), 255),
        "preempt_delay_ms": source.take("preempt_delay", schema.delay_ms, 0),
        "startup_delay_ms": source.take("startup_delay", schema.delay_ms, 0),
        "checksum": source.take(
            "checksum", schema.one_of("auto", "with_pseudo_header", "without_pseudo_header"), "auto"
        ),
        "last_resort": source.take("last_resort", schema.boolean, False),
    }
    source.finish()
    if len(problems) > before:
        return None
    instance = Instance(**fields)
    _check_instance(instance, source)
    return instance if len(problems) == before else None


_UNAUTHENTICATED = Authentication()


def _read_authentication(parent: Object, version: int | None) -> Authentication:
    parent.known.append("authentication")
    if "authentication" not in parent.values:
        return _UNAUTHENTICATED
    source = Object(parent.values["authentication"], parent.at("authentication"), parent.problems)
    kind = source.take("type", credentials.choice("none", "pass", "hmac"), "none")
    if kind == "pass":
        password = source.take("password", credentials.password)
        if version == 3:
            source.problem(
                "type", "'pass' exists in version 2 only (RFC 9568 has none); set version: 2, or type: hmac or none"
            )
    else:
        password = source.take("password", credentials.unused("pass"), "")
    if kind == "hmac":
        mode, keys = source.take("mode", credentials.choice(*credentials.MODES), "enforce"), _read_keys(source)
    else:
        mode, keys = (
            source.take("mode", credentials.unused("hmac"), "enforce"),
            source.take("keys", credentials.unused("hmac"), ()),
        )
    source.finish()
    return Authentication(kind or "none", password or "", mode or "", keys or ())


def _read_keys(parent: Object) -> tuple[tuple[int, bytes], ...]:
    """The keys of `hmac`, the one that signs first."""
    keys: list[tuple[int, bytes]] = []
    for index, item in enumerate(parent.take("keys", credentials.keys) or ()):
        source = Object(item, f"{parent.at('keys')}[{index}]", parent.problems)
        if not isinstance(item, dict):
            continue
        key_id, key = source.take("id", schema.integer(1, 255)), source.take("key", credentials.key)
        if key_id is not None and key_id in dict(keys):
            source.problem("id", f"{key_id} stands twice; each key has an id of its own")
        source.finish()
        keys.append((key_id, key))
    return tuple(keys)


def _read_tracked(parent: Object) -> tuple[tracked.TrackedInterface, ...]:
    found = []
    for number, item in enumerate(parent.take("track_interfaces", schema.any_list, []) or []):
        source = Object(item, f"{parent.at('track_interfaces')}[{number}]", parent.problems)
        name = source.take("name", schema.interface_name)
        found.append(tracked.TrackedInterface(name, source.take("on_fail", tracked.on_fail, None)))
        source.finish()
    return tuple(found)


def _check_instance(instance: Instance, source: Object) -> None:
    """What no key can be blamed for alone."""
    for key, why in contradictions(instance):
        source.problem(key, why)
    for why in tracked.contradictions(instance.interface, instance.priority, instance.track_interfaces):
        source.problem("track_interfaces", why)
    for why in checks.contradictions(instance.priority, instance.checks):
        source.problem("checks", why)
    if instance.last_resort and not any(check.priority is None for check in instance.checks):
        source.problem("last_resort", "means nothing without a check that has on_fail: release; add one, or remove it")
    seen: dict[str, str] = {}
    for key in ("virtual_addresses", "extra_addresses"):
        for address in getattr(instance, key):
            if str(address.ip) in seen:
                source.problem(key, f"{address.ip} stands twice")
            seen[str(address.ip)] = key
    if instance.use_vmac and instance.interface == "lo":
        source.problem("use_vmac", "lo cannot carry a virtual MAC; name an Ethernet interface, or set use_vmac: false")
    if instance.use_vmac and instance.unicast_peers:
        source.problem("use_vmac", "a virtual MAC is for multicast on one LAN; remove unicast_peers, or use_vmac")
    if instance.family == 6 and instance.version == 2:
        source.problem("version", "version 2 knows no IPv6 (RFC 3768); set version: 3")
    # RFC 9568 5.2.9: the first IPv6 address is the link-local address of the virtual router.
    if instance.family == 6 and not instance.virtual_addresses[0].is_link_local:
        source.problem("virtual_addresses", "the first IPv6 address must be a link-local one; put fe80::.../64 first")


def _check_unique(instances: list[tuple[int, Instance]], problems: list[ConfigError]) -> None:
    """No name, virtual router or address belongs to two instances."""
    owners: dict[Any, str] = {}
    for index, instance in instances:
        path = f"instances[{index}]"
        claims: list[tuple[Any, str, str]] = [
            (("name", instance.name), "name", f"{instance.name!r}"),
            (instance.identity, "virtual_router_id", f"{instance.virtual_router_id} on {instance.interface}"),
        ]
        for key in ("virtual_addresses", "extra_addresses"):
            claims += [(("address", address.ip), key, str(address.ip)) for address in getattr(instance, key)]
        for claim, key, text in claims:
            if claim in owners:
                problems.append(ConfigError(f"{path}.{key}", f"{text} is already used by {owners[claim]}"))
            owners.setdefault(claim, path)


def _interval_of(version: int | None) -> Callable[[Any], int]:
    """Seconds to centiseconds, in the range that the version can carry on the wire."""

    def convert(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise ValueError(f"{schema.show(value)} is not a number of seconds")
        # The range first, which infinity and its like do not pass.
        if version == 2 and (not 1 <= value <= 255 or value % 1):
            raise ValueError(f"{value} is not a whole number of seconds in 1..255, as version 2 needs")
        if version != 2 and (not 0.01 <= value <= 40.95 or round(value, 2) != value):
            raise ValueError(f"{value} is not in 0.01..40.95 seconds, in steps of 0.01")
        return round(value * 100)

    return convert


def _addresses(value: Any) -> tuple[IPInterface, ...]:
    return tuple(schema.ip_interface(item) for item in schema.any_list(value))


def _virtual_addresses(value: Any) -> tuple[IPInterface, ...]:
    addresses = _addresses(value)
    if not addresses:
        raise ValueError("has no address; a virtual router needs one at least")
    if len({address.version for address in addresses}) > 1:
        raise ValueError("mixes IPv4 and IPv6; advertise one family and move the other along in extra_addresses")
    limit = ADDRESSES_MAX if addresses[0].version == 4 else ADDRESSES_MAX_IPV6
    if len(addresses) > limit:
        raise ValueError(f"has {len(addresses)} addresses, an advert carries {limit}; move some to extra_addresses")
    return addresses


def _peers(value: Any) -> tuple[IPAddress, ...]:
    peers = tuple(schema.ip_address(item) for item in schema.any_list(value))
    if not peers:
        raise ValueError("has no address; list the other nodes' addresses, or leave the key out for multicast")
    return peers
