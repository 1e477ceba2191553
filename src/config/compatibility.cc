#include "src/config/compatibility.h"

#include <algorithm>
#include <array>

namespace sipwsd::config {
namespace {

constexpr auto names = std::to_array<OtherName>({
    {"tcp_children", "workers"},
    {"children", "workers"},
    {"tcp_max_connections", "max_connections"},
    {"tcp_conn_wq_max", "outbox_bytes"},
    {"uid", "user"},
    {"gid", "group"},
    {"log_stderr", "log_stderror"},
    {"pidfile", "pid_file"},
});

// reference/routing-language.md 2. What they ask for is either always so here, or has no counterpart.
constexpr auto globals = std::to_array<std::string_view>({
    "advertised_address", "advertised_port", "auto_aliases", "chroot", "disable_core_dump", "disable_tcp",
    "disable_tls", "dns", "dns_cache_init", "dns_naptr_ignore_rfc",
    "dns_search_full_match", "dns_servers_no", "dns_sctp_pref", "dns_srv_lb",
    "dns_tcp_pref", "dns_tls_pref", "dns_udp_pref", "dns_use_search_list",
    "enable_tls", "force_rport", "http_reply_parse", "log_prefix", "max_while_loops", "maxbuffer", "memdbg", "memlog",
    "mhomed", "mpath", "onsend_route_reply", "open_files_limit", "port", "pv_buffer_size", "pv_buffer_slots",
    "reply_to_via", "rev_dns", "shm_mem_size", "sip_warning", "socket_workers", "sql_buffer_size", "tcp_accept_aliases",
    "tcp_accept_no_cl", "tcp_async", "tcp_buf_write", "tcp_clone_rcvbuf", "tcp_crlf_ping",
    "tcp_defer_accept", "tcp_delayed_ack", "tcp_fd_cache", "tcp_keepcnt",
    "tcp_keepintvl", "tcp_linger2", "tcp_no_connect", "tcp_poll_method", "tcp_rd_buf_size", "tcp_send_timeout",
    "tcp_source_ipv4", "tcp_source_ipv6", "tcp_syncnt", "tcp_wq_blk_size", "tcp_wq_max", "tls_max_connections",
    "use_dns_cache", "use_dns_failover", "use_dst_blacklist", "user_agent_header", "workdir",
});

// What these modules do is built in; loading one says that its parameters may follow.
constexpr auto modules = std::to_array<std::string_view>({
    "auth", "auth_db", "cfgutils", "corex", "ctl", "htable", "kex", "maxfwd", "mi_fifo", "mi_rpc", "msrp", "nathelper",
    "outbound", "path", "pike", "pv", "registrar", "rr", "sanity", "siputils", "sl", "statistics", "textops",
    "textopsx", "tls", "tm", "tmx", "usrloc", "websocket", "xhttp", "xlog",
});

struct IgnoredParam {
  std::string_view module;
  std::string_view name;
};
// reference/websocket.md 1, reference/modules.md. Parameters that belong to route blocks are here until there are any.
constexpr auto params = std::to_array<IgnoredParam>({
    {"auth", "algorithm"}, {"auth", "nonce_auth_max_drift"}, {"auth", "nonce_count"},
    {"auth", "one_time_nonce"}, {"auth", "qop"}, {"auth", "realm_prefix"}, {"auth", "secret"},
    {"auth_db", "load_credentials"}, {"auth_db", "version_table"},
    {"ctl", "binrpc"}, {"ctl", "fifo"}, {"ctl", "mode"}, {"htable", "htable"},
    {"msrp", "auth_max_expires"}, {"msrp", "auth_min_expires"}, {"msrp", "cmap_size"}, {"msrp", "sipmsg"},
    {"msrp", "timer_interval"}, {"msrp", "use_path_addr"},
    {"nathelper", "alias_name"}, {"nathelper", "force_socket"}, {"nathelper", "keepalive_timeout"},
    {"nathelper", "natping_interval"}, {"nathelper", "natping_processes"}, {"nathelper", "natping_socket"},
    {"nathelper", "nortpproxy_str"}, {"nathelper", "ping_nated_only"}, {"nathelper", "received_avp"},
    {"nathelper", "sipping_bflag"}, {"nathelper", "sipping_from"}, {"nathelper", "sipping_method"},
    {"nathelper", "udpping_from_path"},
    {"outbound", "force_no_outbound_flag"}, {"outbound", "force_outbound_flag"},
    {"path", "use_received"}, {"pike", "pike_log_level"}, {"pike", "remove_latency"}, {"pike", "reqs_density_per_unit"},
    {"pike", "sampling_time_unit"}, {"pv", "shvset"}, {"pv", "varset"},
    {"registrar", "append_branches"}, {"registrar", "case_sensitive"}, {"registrar", "default_expires_range"},
    {"registrar", "default_q"},
    {"registrar", "method_filtering"}, {"registrar", "outbound_mode"},
    {"registrar", "path_use_received"}, {"registrar", "realm_prefix"}, {"registrar", "received_avp"},
    {"registrar", "received_param"}, {"registrar", "regid_mode"}, {"registrar", "sock_flag"},
    {"registrar", "sock_hdr_name"}, {"registrar", "use_path"},
    {"rr", "add_username"}, {"rr", "append_fromtag"}, {"rr", "custom_user_avp"}, {"rr", "enable_double_rr"},
    {"rr", "enable_full_lr"}, {"rr", "enable_socket_mismatch_warning"},
    {"sanity", "autodrop"}, {"sl", "bind_tm"}, {"sl", "default_code"}, {"sl", "default_reason"},
    {"tls", "con_ct_wq_max"}, {"tls", "connection_timeout"}, {"tls", "ct_wq_max"}, {"tls", "handshake_timeout"},
    {"tls", "low_mem_threshold1"}, {"tls", "low_mem_threshold2"}, {"tls", "renegotiation"}, {"tls", "send_close_notify"},
    {"tls", "send_timeout"}, {"tls", "session_cache"}, {"tls", "session_id"}, {"tls", "ssl_freelist_max_len"},
    {"tls", "ssl_max_send_fragment"}, {"tls", "ssl_read_ahead"}, {"tls", "ssl_release_buffers"},
    {"tls", "tls_debug"}, {"tls", "tls_disable_compression"}, {"tls", "tls_force_run"}, {"tls", "tls_log"},
    {"tm", "aggregate_challenges"}, {"tm", "auto_inv_100"}, {"tm", "auto_inv_100_reason"}, {"tm", "cancel_b_method"},
    {"tm", "contacts_avp"}, {"tm", "contact_flows_avp"}, {"tm", "default_code"}, {"tm", "default_reason"},
    {"tm", "delete_timer"}, {"tm", "disable_6xx_block"}, {"tm", "e2e_cancel_reason"}, {"tm", "failure_exec_mode"},
    {"tm", "failure_reply_mode"}, {"tm", "faked_reply_prio"}, {"tm", "fr_inv_timer_avp"}, {"tm", "fr_timer_avp"},
    {"tm", "local_ack_mode"}, {"tm", "local_cancel_reason"}, {"tm", "noisy_ctimer"}, {"tm", "pass_provisional_replies"},
    {"tm", "remap_503_500"}, {"tm", "reparse_invite"}, {"tm", "restart_fr_on_each_reply"}, {"tm", "ruri_matching"},
    {"tm", "unmatched_cancel"}, {"tm", "via1_matching"}, {"tm", "max_inv_lifetime"}, {"tm", "wt_timer"},
    {"usrloc", "cseq_delay"}, {"usrloc", "desc_time_order"},
    {"usrloc", "fetch_rows"}, {"usrloc", "handle_lost_tcp"}, {"usrloc", "hash_size"}, {"usrloc", "matching_mode"},
    {"usrloc", "nat_bflag"}, {"usrloc", "preload"}, {"usrloc", "timer_interval"}, {"usrloc", "timer_procs"},
    {"usrloc", "use_domain"},
    {"websocket", "event_callback"}, {"websocket", "rm_delay_interval"}, {"websocket", "timer_interval"},
    {"websocket", "verbose_list"},
    {"xhttp", "url_match"}, {"xhttp", "url_skip"},
    {"xlog", "buf_size"}, {"xlog", "force_color"}, {"xlog", "log_facility"}, {"xlog", "prefix"},
});

template <typename Words>
bool contains(const Words& words, std::string_view word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

}  // namespace

std::span<const OtherName> other_names() noexcept { return names; }

std::string_view level_of_debug(std::int64_t debug) noexcept {
  if (debug <= -2) return "fatal";
  if (debug >= 3) return "debug";
  constexpr auto levels = std::to_array<std::string_view>({"error", "warning", "notice", "info"});  // -1..2
  return levels[static_cast<std::size_t>(debug + 1)];
}

bool is_ignored_global(std::string_view name) noexcept { return contains(globals, name); }
bool is_module(std::string_view name) noexcept { return contains(modules, name); }
bool is_ignored_param(std::string_view module, std::string_view name) noexcept {
  return std::any_of(params.begin(), params.end(),
                     [&](const IgnoredParam& row) { return row.module == module && row.name == name; });
}

std::vector<std::string_view> global_names() {
  std::vector<std::string_view> all = param_names("core");
  for (const auto& row : names) all.push_back(row.name);
  all.insert(all.end(), {"debug", "loadmodule", "modparam"});
  all.insert(all.end(), globals.begin(), globals.end());
  return all;
}

std::vector<std::string_view> module_names() { return {modules.begin(), modules.end()}; }

std::vector<std::string_view> module_param_names(std::string_view module) {
  std::vector<std::string_view> all = param_names(module);
  for (const auto& row : params)
    if (row.module == module) all.push_back(row.name);
  return all;
}

}  // namespace sipwsd::config
