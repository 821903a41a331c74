# Copyright: (c) 2026, duet.ha_pair contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""keepalived's keywords that become no key of ours, and what each means for the user who moves."""

from __future__ import annotations

import difflib

from .grammar import Statement
from .remark import ERROR, INFO, LOST, Remark

_HOOKS = "the script is no longer run: the agent runs no hooks"
_CHECKS = "the check no longer moves the role: the agent runs no checks"
_MAIL = "no mail is sent any more"
_OWN_SCHEDULE = "the agent announces by its own schedule: at once, after 0.1 s, 1 s and 5 s, and again when it has to"
_REFRESH = "addresses are no longer announced again and again"
_BY_ITSELF = "the agent does so by itself"
_PROCESS = "a setting of keepalived's own process; the agent's unit has its own"
_NOT_VRRP = "no part of VRRP"
_ROUTES = "the agent moves addresses, no routes and rules"
_STATIC = "keepalived takes it away when it stops"
_REPORTS = "keepalived no longer reports it; ask vrrp-agent status --json"
_WATCH = "watch vrrp-agent status --json"
_ELSEWHERE = "configure it in the host's own network configuration, before keepalived is stopped"
_LVS = "keepalived balances connections here too (LVS), and stopping it would stop that"
_MOVE_LVS = "move the load balancing away from this keepalived first"

Word = tuple[str, str, str]


def _words(severity: str, means: str, do: str, names: str) -> dict[str, Word]:
    return dict.fromkeys(names.split(), (severity, means, do))


INSTANCE: dict[str, Word] = {
    **_words(INFO, "the host with the highest priority is MASTER; there is no state to declare", "nothing", "state"),
    **_words(
        INFO,
        _OWN_SCHEDULE,
        "nothing",
        "garp_master_delay garp_master_repeat garp_lower_prio_delay garp_lower_prio_repeat",
    ),
    **_words(LOST, _REFRESH, _WATCH, "garp_master_refresh garp_extra_if vmac_garp_intvl"),
    **_words(INFO, _REFRESH, "nothing", "garp_master_refresh_repeat"),
    **_words(
        INFO,
        _BY_ITSELF,
        "nothing",
        "accept check_unicast_src higher_prio_send_advert promote_secondaries preempt skip_check_adv_addr"
        " linkbeat_use_polling timer_expired_backup thread_timer_expired track_src_ip unicast_fault_no_peer",
    ),
    **_words(INFO, _PROCESS, "nothing", "debug kernel_rx_buf_size"),
    **_words(INFO, "the agent answers a lesser master at once (RFC 9568 6.4.3)", "nothing", "lower_prio_no_advert"),
    **_words(INFO, "the agent hears other owners, as RFC 9568 has it", "nothing", "owner_ignore_adverts"),
    **_words(
        LOST,
        "the host answers on the virtual addresses while it is MASTER",
        "close them in the firewall if nobody may reach the host there",
        "no_accept",
    ),
    **_words(LOST, "an interface that is down is always a FAULT", _WATCH, "dont_track_primary"),
    **_words(
        LOST,
        _HOOKS,
        "have something else watch the role: vrrp-agent status --json",
        "notify notify_master notify_backup notify_fault notify_stop notify_deleted notify_master_rx_lower_pri",
    ),
    **_words(INFO, "there are no hooks to tell", "nothing", "notify_priority_changes"),
    **_words(LOST, _CHECKS, "watch the service by other means", "track_script track_file track_process track_bfd"),
    **_words(LOST, _ROUTES, "let the host have them all the time", "virtual_routes virtual_rules"),
    **_words(LOST, _LVS, _MOVE_LVS, "lvs_sync_daemon_interface"),
    **_words(
        ERROR, "adverts go to the groups of the RFC alone", "remove it on all hosts, and reload them", "mcast_dst_ip"
    ),
    **_words(
        ERROR,
        "the agent knows a macvlan with the virtual router's MAC only",
        "use use_vmac, or neither",
        "use_ipvlan use_vmac_addr",
    ),
    **_words(INFO, "adverts come from the virtual MAC too", "nothing", "vmac_xmit_base"),
    **_words(ERROR, "the agent works in the main routing table", "remove it", "vrf"),
    **_words(
        ERROR, "there is no virtual router without an address", "give it one that is advertised", "no_virtual_ipaddress"
    ),
}

SYNC_GROUP: dict[str, Word] = {
    **{name: word for name, word in INSTANCE.items() if name.startswith(("notify", "track_"))},
    **_words(INFO, _BY_ITSELF, "nothing", "global_tracking"),
}

GLOBAL: dict[str, Word] = {
    **_words(INFO, "status and logs have the host's name in the inventory", "set vrrp_router_id", "router_id"),
    **_words(
        INFO,
        _OWN_SCHEDULE,
        "nothing",
        "vrrp_garp_master_delay vrrp_garp_master_repeat vrrp_garp_lower_prio_delay vrrp_garp_lower_prio_repeat"
        " vrrp_garp_interval vrrp_gna_interval vrrp_min_garp",
    ),
    **_words(LOST, _REFRESH, _WATCH, "vrrp_garp_master_refresh vrrp_garp_extra_if vrrp_vmac_garp_intvl"),
    **_words(INFO, _REFRESH, "nothing", "vrrp_garp_master_refresh_repeat"),
    **_words(
        INFO,
        "mails are sent only where smtp_alert is on, of which there is a remark",
        "nothing",
        "notification_email notification_email_from smtp_server smtp_helo_name smtp_connect_timeout no_email_faults",
    ),
    **_words(LOST, _HOOKS, "have systemd run it", "startup_script shutdown_script"),
    **_words(INFO, _HOOKS, "nothing", "startup_script_timeout shutdown_script_timeout"),
    **_words(
        LOST,
        "nobody writes to the FIFO any more",
        _WATCH,
        "notify_fifo notify_fifo_script vrrp_notify_fifo vrrp_notify_fifo_script",
    ),
    **_words(
        LOST,
        _REPORTS,
        "have your monitoring ask that",
        "enable_traps enable_snmp_vrrp enable_snmp_keepalived enable_snmp_rfc enable_snmp_rfcv2 enable_snmp_rfcv3"
        " enable_dbus",
    ),
    **_words(
        INFO,
        _NOT_VRRP,
        "nothing",
        "lvs_timeouts lvs_flush lvs_flush_on_stop lvs_flush_onstop lvs_notify_fifo lvs_notify_fifo_script"
        " smtp_alert_checker checker_log_all_failures no_checker_emails rs_init_notifies enable_snmp_checker"
        " snmp_socket snmp_vs_stats_update_interval snmp_rs_stats_update_interval dbus_service_name"
        " dbus_no_interface_name"
        " nftables_ipvs nftables_ipvs_priority nftables_ipvs_start_fwmark json_version",
    ),
    **_words(LOST, _LVS, _MOVE_LVS, "lvs_sync_daemon"),
    **_words(
        INFO,
        "belongs to no_accept and use_vmac, which need no rules here",
        "nothing",
        "vrrp_iptables vrrp_ipsets nftables nftables_priority nftables_counters nftables_ifindex disable_local_igmp",
    ),
    **_words(
        INFO,
        "belongs to scripts, of which there is a remark",
        "nothing",
        "script_user enable_script_security vrrp_notify_priority_changes fifo_write_vrrp_states_on_reload",
    ),
    **_words(
        INFO,
        _BY_ITSELF,
        "nothing",
        "dynamic_interfaces vrrp_check_unicast_src vrrp_skip_check_adv_addr vrrp_higher_prio_send_advert"
        " log_unknown_vrids vrrp_delay_after_boot",
    ),
    **_words(
        INFO,
        "the agent answers a lesser master at once (RFC 9568 6.4.3)",
        "nothing",
        "vrrp_lower_prio_no_advert vrrp_owner_ignore_adverts",
    ),
    **_words(
        INFO,
        _PROCESS,
        "nothing",
        "process_names process_name vrrp_process_name checker_process_name lvs_process_name bfd_process_name"
        " use_symlink_paths set_supplementary_groups max_auto_priority min_auto_priority_delay default_interface"
        " vrrp_priority vrrp_no_swap vrrp_rt_priority vrrp_cpu_affinity vrrp_rlimit_rttime vrrp_rlimit_rtime"
        " checker_priority checker_no_swap checker_rt_priority checker_cpu_affinity checker_rlimit_rttime"
        " checker_rlimit_rtime bfd_priority bfd_no_swap bfd_rt_priority bfd_cpu_affinity bfd_rlimit_rttime"
        " bfd_rlimit_rtime vrrp_netlink_cmd_rcv_bufs vrrp_netlink_cmd_rcv_bufs_force vrrp_netlink_monitor_rcv_bufs"
        " vrrp_netlink_monitor_rcv_bufs_force process_monitor_rcv_bufs process_monitor_rcv_bufs_force"
        " lvs_netlink_cmd_rcv_bufs lvs_netlink_cmd_rcv_bufs_force lvs_netlink_monitor_rcv_bufs"
        " lvs_netlink_monitor_rcv_bufs_force vrrp_rx_bufs_policy vrrp_rx_bufs_multiplier vmac_prefix vmac_addr_prefix"
        " umask random_seed reload_check_config reload_time_file reload_repeat reload_file include_check"
        " config_save_dir tmp_config_directory data_use_instance iproute_usr_dir iproute_etc_dir state_dump_file"
        " stats_dump_file json_dump_file instance use_pid_dir net_namespace_ipvs namespace_with_ipsets child_wait_time"
        " linkbeat_use_polling",
    ),
    **_words(ERROR, "keepalived works in another network namespace", "let it work in the host's own", "net_namespace"),
}

# These may stand outside of global_defs too.
_OF_THE_TOP = (
    "use_pid_dir",
    "instance",
    "net_namespace",
    "net_namespace_ipvs",
    "namespace_with_ipsets",
    "child_wait_time",
)

TOP: dict[str, Word] = {
    **{name: GLOBAL[name] for name in (*_OF_THE_TOP, "linkbeat_use_polling")},
    **_words(
        INFO,
        "matters only where something tracks it, of which there is a remark",
        "nothing",
        "vrrp_script vrrp_track_process vrrp_track_file track_file bfd_instance",
    ),
    **_words(LOST, _STATIC, _ELSEWHERE, "static_ipaddress static_routes static_rules"),
    **_words(INFO, "belongs to static addresses, of which there is a remark", "nothing", "track_group"),
    **_words(INFO, _OWN_SCHEDULE, "nothing", "garp_group"),
    **_words(INFO, _BY_ITSELF, "nothing", "linkbeat_interfaces"),
    **_words(
        LOST, "a link that is down counts at once", "let the links settle by other means", "interface_up_down_delays"
    ),
    **_words(ERROR, _LVS, _MOVE_LVS, "virtual_server virtual_server_group SSL"),
}

# What keepalived writes behind an address; with True a word of its own follows.
ADDRESS_OPTIONS: dict[str, tuple[bool, Word]] = {
    "brd": (True, (INFO, "the address gets no broadcast address; its subnet has one", "nothing")),
    "broadcast": (True, (INFO, "the address gets no broadcast address; its subnet has one", "nothing")),
    "label": (True, (INFO, "the address has no label", "use the address where scripts use the label")),
    "scope": (True, (LOST, "the address has the scope global", "watch what picks source addresses by their scope")),
    "peer": (True, (ERROR, "the agent holds no point-to-point addresses", "remove it")),
    "preferred_lft": (True, (LOST, "the host may use the address as its own source", "set sources in its routes")),
    "home": (False, (LOST, "the address is no Mobile IPv6 home address", "nothing")),
    "-nodad": (False, (INFO, "IPv6 addresses answer at once", "nothing")),
    "mngtmpaddr": (False, (LOST, "no temporary addresses are made from it", "nothing")),
    "noprefixroute": (False, (LOST, "the subnet's route comes with the address", "write it with /32 or /128")),
    "autojoin": (False, (LOST, "no multicast group is joined by it", "nothing")),
    "no_track": (False, (INFO, "an address that somebody removes comes back at once", "nothing")),
    "use_vmac": (False, (ERROR, "an instance has all addresses behind the virtual MAC or none", "remove it")),
}

_OFF = ("off", "false", "no", "0")


def remark(table: dict[str, Word], statement: Statement, known: tuple[str, ...] = (), instance: str = "") -> Remark:
    """What a table says about a statement's keyword.

    Of a keyword that nobody knows only the line is told: a password may stand in its place.
    """
    found = table.get(statement.keyword)
    if found is not None:
        severity, means, do = found
        if is_off(statement):
            severity, means, do = INFO, "is off", "nothing"
        return Remark(severity, statement.line, statement.keyword, means, do, instance, statement.file)
    near = difflib.get_close_matches(statement.keyword[:40], (*table, *known), n=1, cutoff=0.8)
    guess = f"; did you mean {near[0]}?" if near else ""
    means = "keepalived knows no such keyword here and ignores it, and so do we"
    return Remark(INFO, statement.line, "unknown keyword", means + guess, "nothing", instance, statement.file)


def is_off(statement: Statement) -> bool:
    """Whether a statement says no: `smtp_alert false`, `garp_master_refresh 0`."""
    return len(statement.words) == 2 and statement.words[1].lower() in _OFF


def mail(statement: Statement, instance: str = "") -> Remark:
    """smtp_alert, wherever it stands."""
    severity, means = (INFO, "is off") if is_off(statement) else (LOST, _MAIL)
    do = "nothing" if is_off(statement) else "have your monitoring tell who is MASTER"
    return Remark(severity, statement.line, statement.keyword, means, do, instance, statement.file)
