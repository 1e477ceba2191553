#pragma once
// Statistics: one row of numbers per process, each with one writer, so that counting is an addition to a word nobody
// else writes; they are summed when somebody asks. A row belongs to a process slot and outlives the process.
// What can be derived from a table (how many connections live now) is derived, not counted, so that a death cannot
// make it wrong: kind `live`; SharedState::value() knows how.
//
// To add one: a name in the enum and a row in the table below; `get_statistics` and the metrics page list the table.
// Writers: the process whose slot the row is. Locks: none. After a death: the replacement counts on.

#include "shm/limits.h"
#include "shm/process_slot.h"
#include "shm/segment.h"

#include <array>
#include <atomic>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace sipwsd::shm {

enum class Counter : std::uint16_t {
  // core
  rcv_requests,
  rcv_replies,
  fwd_requests,
  fwd_replies,
  drop_requests,
  drop_replies,
  err_requests,
  err_replies,
  bad_URIs_rcvd,
  unsupported_methods,
  bad_msg_hdr,
  rcv_requests_invite,
  rcv_requests_cancel,
  rcv_requests_ack,
  rcv_requests_bye,
  rcv_requests_info,
  rcv_requests_register,
  rcv_requests_subscribe,
  rcv_requests_notify,
  rcv_requests_message,
  rcv_requests_options,
  rcv_requests_prack,
  rcv_requests_update,
  rcv_requests_refer,
  rcv_requests_publish,
  // tcp
  tcp_established,
  tcp_passive_open,
  tcp_connect_success,
  tcp_connect_failed,
  tcp_local_reject,
  tcp_con_timeout,
  tcp_con_reset,
  tcp_send_timeout,
  tcp_sendq_full,
  tcp_current_opened_connections,
  tcp_current_write_queue_size,
  // websocket
  ws_current_connections,
  ws_max_concurrent_connections,
  ws_sip_current_connections,
  ws_sip_max_concurrent_connections,
  ws_msrp_current_connections,
  ws_msrp_max_concurrent_connections,
  ws_failed_connections,
  ws_local_closed_connections,
  ws_remote_closed_connections,
  ws_received_frames,
  ws_transmitted_frames,
  ws_sip_failed_connections,
  ws_sip_local_closed_connections,
  ws_sip_remote_closed_connections,
  ws_sip_received_frames,
  ws_sip_transmitted_frames,
  ws_msrp_failed_connections,
  ws_msrp_local_closed_connections,
  ws_msrp_remote_closed_connections,
  ws_msrp_received_frames,
  ws_msrp_transmitted_frames,
  ws_failed_handshakes,
  ws_successful_handshakes,
  ws_sip_successful_handshakes,
  ws_msrp_successful_handshakes,
  // sl
  sl_1xx_replies,
  sl_200_replies,
  sl_202_replies,
  sl_2xx_replies,
  sl_300_replies,
  sl_301_replies,
  sl_302_replies,
  sl_3xx_replies,
  sl_400_replies,
  sl_401_replies,
  sl_403_replies,
  sl_404_replies,
  sl_407_replies,
  sl_408_replies,
  sl_483_replies,
  sl_4xx_replies,
  sl_500_replies,
  sl_5xx_replies,
  sl_6xx_replies,
  sl_xxx_replies,
  sl_sent_replies,
  sl_sent_err_replies,
  sl_failures,
  sl_received_ACKs,
  // tmx
  tmx_UAS_transactions,
  tmx_UAC_transactions,
  tmx_2xx_transactions,
  tmx_3xx_transactions,
  tmx_4xx_transactions,
  tmx_5xx_transactions,
  tmx_6xx_transactions,
  tmx_inuse_transactions,
  tmx_active_transactions,
  tmx_received_replies,
  tmx_relayed_replies,
  tmx_local_replies,
  // usrloc
  usrloc_registered_users,
  usrloc_location_users,
  usrloc_location_contacts,
  usrloc_location_expires,
  // registrar
  registrar_max_expires,
  registrar_max_contacts,
  registrar_default_expire,
  registrar_default_expires_range,
  registrar_accepted_regs,
  registrar_rejected_regs,
  // shmem
  shmem_total_size,
  shmem_used_size,
  shmem_real_used_size,
  shmem_max_used_size,
  shmem_free_size,
  shmem_fragments,
  // tls
  tls_handshakes,
  tls_resumptions,
  tls_failures_no_tls,
  tls_failures_negotiation,
  tls_failures_certificate,
  tls_failures_protocol,
  tls_failures_flood,
  tls_certificate_days_left,
  // sipwsd
  full_table_refusals,
  handshake_refused_400,
  handshake_refused_403,
  handshake_refused_404,
  handshake_refused_405,
  handshake_refused_426,
  handshake_refused_431,
  handshake_refused_503,
  handshake_timeouts,
  http_requests,
  closed_events,
  closed_by_peer,
  closed_by_us,
  closed_connection_lost,
  closed_send_failed,
  closed_no_pong,
  closed_close_timeout,
  closed_message_timeout,
  closed_idle,
  closed_not_registered,
  closed_slow_reader,
  closed_protocol_error,
  closed_bad_text,
  closed_too_big,
  closed_flood,
  closed_too_fast,
  closed_by_stage,
  closed_by_operator,
  closed_drained,
  closed_shutdown,
  closed_worker_died,
  closed_banned,
  closed_out_of_memory,
  handshakes_crowded_out,
  closed_handshake_refused,
  closed_malformed_http,
  closed_not_welcome,
  reads_paused,
  closed_tls_failed,
  bad_proxy_headers,
  slow_peers_dropped,
  oversized_messages,
  protocol_errors,
  utf8_errors,
  ping_floods,
  message_timeouts,
  accept_failures,
  pings_sent,
  pongs_sent,
  keepalive_drops,
  messages_relayed,
  bytes_received,
  bytes_sent,
  letters_posted,
  letters_refused,
  letters_handled,
  letters_malformed,
  wake_ups,
  late_answers,
  bindings_full_refusals,
  bindings_dropped,
  worker_deaths,
  worker_stalls,
  process_deaths,
  connections_lost,
  mi_commands,
  mi_errors,
  banned_refusals,
  handshake_rate_refusals,
  address_refusals,
  unregistered_refusals,
  memory_refusals,
  address_table_full,
  strikes,
  bans_made,
  unregistered_connections,
  connection_transactions_refused,
  transactions_refused,
  poison_messages,
  memory_private,
  memory_shared,
  memory_used,
  stripe_repairs,
  count,
};
constexpr std::size_t counter_count = static_cast<std::size_t>(Counter::count);

enum class CounterKind : std::uint8_t {
  sum,      // only grows; reset_statistics sets it back
  gauge,    // each process says how many it has now: set(), forgotten when the process dies
  setting,  // a parameter shown as a statistic; set once
  live,     // asked from a table
};

struct CounterRow {
  Counter counter;
  std::string_view group, name;  // printed as `group:name = value`
  CounterKind kind;
  std::string_view help = {};
};

inline constexpr auto counter_table = std::to_array<CounterRow>({
    {Counter::rcv_requests, "core", "rcv_requests", CounterKind::sum},
    {Counter::rcv_replies, "core", "rcv_replies", CounterKind::sum},
    {Counter::fwd_requests, "core", "fwd_requests", CounterKind::sum},
    {Counter::fwd_replies, "core", "fwd_replies", CounterKind::sum},
    {Counter::drop_requests, "core", "drop_requests", CounterKind::sum},
    {Counter::drop_replies, "core", "drop_replies", CounterKind::sum},
    {Counter::err_requests, "core", "err_requests", CounterKind::sum},
    {Counter::err_replies, "core", "err_replies", CounterKind::sum},
    {Counter::bad_URIs_rcvd, "core", "bad_URIs_rcvd", CounterKind::sum},
    {Counter::unsupported_methods, "core", "unsupported_methods", CounterKind::sum},
    {Counter::bad_msg_hdr, "core", "bad_msg_hdr", CounterKind::sum},
    {Counter::rcv_requests_invite, "core", "rcv_requests_invite", CounterKind::sum},
    {Counter::rcv_requests_cancel, "core", "rcv_requests_cancel", CounterKind::sum},
    {Counter::rcv_requests_ack, "core", "rcv_requests_ack", CounterKind::sum},
    {Counter::rcv_requests_bye, "core", "rcv_requests_bye", CounterKind::sum},
    {Counter::rcv_requests_info, "core", "rcv_requests_info", CounterKind::sum},
    {Counter::rcv_requests_register, "core", "rcv_requests_register", CounterKind::sum},
    {Counter::rcv_requests_subscribe, "core", "rcv_requests_subscribe", CounterKind::sum},
    {Counter::rcv_requests_notify, "core", "rcv_requests_notify", CounterKind::sum},
    {Counter::rcv_requests_message, "core", "rcv_requests_message", CounterKind::sum},
    {Counter::rcv_requests_options, "core", "rcv_requests_options", CounterKind::sum},
    {Counter::rcv_requests_prack, "core", "rcv_requests_prack", CounterKind::sum},
    {Counter::rcv_requests_update, "core", "rcv_requests_update", CounterKind::sum},
    {Counter::rcv_requests_refer, "core", "rcv_requests_refer", CounterKind::sum},
    {Counter::rcv_requests_publish, "core", "rcv_requests_publish", CounterKind::sum},
    {Counter::tcp_established, "tcp", "established", CounterKind::sum},
    {Counter::tcp_passive_open, "tcp", "passive_open", CounterKind::sum},
    {Counter::tcp_connect_success, "tcp", "connect_success", CounterKind::sum},
    {Counter::tcp_connect_failed, "tcp", "connect_failed", CounterKind::sum},
    {Counter::tcp_local_reject, "tcp", "local_reject", CounterKind::sum},
    {Counter::tcp_con_timeout, "tcp", "con_timeout", CounterKind::sum},
    {Counter::tcp_con_reset, "tcp", "con_reset", CounterKind::sum},
    {Counter::tcp_send_timeout, "tcp", "send_timeout", CounterKind::sum},
    {Counter::tcp_sendq_full, "tcp", "sendq_full", CounterKind::sum},
    {Counter::tcp_current_opened_connections, "tcp", "current_opened_connections", CounterKind::live},
    {Counter::tcp_current_write_queue_size, "tcp", "current_write_queue_size", CounterKind::gauge},
    {Counter::ws_current_connections, "websocket", "ws_current_connections", CounterKind::live},
    {Counter::ws_max_concurrent_connections, "websocket", "ws_max_concurrent_connections", CounterKind::live},
    {Counter::ws_sip_current_connections, "websocket", "ws_sip_current_connections", CounterKind::live},
    {Counter::ws_sip_max_concurrent_connections, "websocket", "ws_sip_max_concurrent_connections", CounterKind::live},
    {Counter::ws_msrp_current_connections, "websocket", "ws_msrp_current_connections", CounterKind::live},
    {Counter::ws_msrp_max_concurrent_connections, "websocket", "ws_msrp_max_concurrent_connections", CounterKind::live},
    {Counter::ws_failed_connections, "websocket", "ws_failed_connections", CounterKind::sum},
    {Counter::ws_local_closed_connections, "websocket", "ws_local_closed_connections", CounterKind::sum},
    {Counter::ws_remote_closed_connections, "websocket", "ws_remote_closed_connections", CounterKind::sum},
    {Counter::ws_received_frames, "websocket", "ws_received_frames", CounterKind::sum},
    {Counter::ws_transmitted_frames, "websocket", "ws_transmitted_frames", CounterKind::sum},
    {Counter::ws_sip_failed_connections, "websocket", "ws_sip_failed_connections", CounterKind::sum},
    {Counter::ws_sip_local_closed_connections, "websocket", "ws_sip_local_closed_connections", CounterKind::sum},
    {Counter::ws_sip_remote_closed_connections, "websocket", "ws_sip_remote_closed_connections", CounterKind::sum},
    {Counter::ws_sip_received_frames, "websocket", "ws_sip_received_frames", CounterKind::sum},
    {Counter::ws_sip_transmitted_frames, "websocket", "ws_sip_transmitted_frames", CounterKind::sum},
    {Counter::ws_msrp_failed_connections, "websocket", "ws_msrp_failed_connections", CounterKind::sum},
    {Counter::ws_msrp_local_closed_connections, "websocket", "ws_msrp_local_closed_connections", CounterKind::sum},
    {Counter::ws_msrp_remote_closed_connections, "websocket", "ws_msrp_remote_closed_connections", CounterKind::sum},
    {Counter::ws_msrp_received_frames, "websocket", "ws_msrp_received_frames", CounterKind::sum},
    {Counter::ws_msrp_transmitted_frames, "websocket", "ws_msrp_transmitted_frames", CounterKind::sum},
    {Counter::ws_failed_handshakes, "websocket", "ws_failed_handshakes", CounterKind::sum},
    {Counter::ws_successful_handshakes, "websocket", "ws_successful_handshakes", CounterKind::sum},
    {Counter::ws_sip_successful_handshakes, "websocket", "ws_sip_successful_handshakes", CounterKind::sum},
    {Counter::ws_msrp_successful_handshakes, "websocket", "ws_msrp_successful_handshakes", CounterKind::sum},
    {Counter::sl_1xx_replies, "sl", "1xx_replies", CounterKind::sum},
    {Counter::sl_200_replies, "sl", "200_replies", CounterKind::sum},
    {Counter::sl_202_replies, "sl", "202_replies", CounterKind::sum},
    {Counter::sl_2xx_replies, "sl", "2xx_replies", CounterKind::sum},
    {Counter::sl_300_replies, "sl", "300_replies", CounterKind::sum},
    {Counter::sl_301_replies, "sl", "301_replies", CounterKind::sum},
    {Counter::sl_302_replies, "sl", "302_replies", CounterKind::sum},
    {Counter::sl_3xx_replies, "sl", "3xx_replies", CounterKind::sum},
    {Counter::sl_400_replies, "sl", "400_replies", CounterKind::sum},
    {Counter::sl_401_replies, "sl", "401_replies", CounterKind::sum},
    {Counter::sl_403_replies, "sl", "403_replies", CounterKind::sum},
    {Counter::sl_404_replies, "sl", "404_replies", CounterKind::sum},
    {Counter::sl_407_replies, "sl", "407_replies", CounterKind::sum},
    {Counter::sl_408_replies, "sl", "408_replies", CounterKind::sum},
    {Counter::sl_483_replies, "sl", "483_replies", CounterKind::sum},
    {Counter::sl_4xx_replies, "sl", "4xx_replies", CounterKind::sum},
    {Counter::sl_500_replies, "sl", "500_replies", CounterKind::sum},
    {Counter::sl_5xx_replies, "sl", "5xx_replies", CounterKind::sum},
    {Counter::sl_6xx_replies, "sl", "6xx_replies", CounterKind::sum},
    {Counter::sl_xxx_replies, "sl", "xxx_replies", CounterKind::sum},
    {Counter::sl_sent_replies, "sl", "sent_replies", CounterKind::sum},
    {Counter::sl_sent_err_replies, "sl", "sent_err_replies", CounterKind::sum},
    {Counter::sl_failures, "sl", "failures", CounterKind::sum},
    {Counter::sl_received_ACKs, "sl", "received_ACKs", CounterKind::sum},
    {Counter::tmx_UAS_transactions, "tmx", "UAS_transactions", CounterKind::sum},
    {Counter::tmx_UAC_transactions, "tmx", "UAC_transactions", CounterKind::sum},
    {Counter::tmx_2xx_transactions, "tmx", "2xx_transactions", CounterKind::sum},
    {Counter::tmx_3xx_transactions, "tmx", "3xx_transactions", CounterKind::sum},
    {Counter::tmx_4xx_transactions, "tmx", "4xx_transactions", CounterKind::sum},
    {Counter::tmx_5xx_transactions, "tmx", "5xx_transactions", CounterKind::sum},
    {Counter::tmx_6xx_transactions, "tmx", "6xx_transactions", CounterKind::sum},
    {Counter::tmx_inuse_transactions, "tmx", "inuse_transactions", CounterKind::gauge},
    {Counter::tmx_active_transactions, "tmx", "active_transactions", CounterKind::gauge},
    {Counter::tmx_received_replies, "tmx", "received_replies", CounterKind::sum},
    {Counter::tmx_relayed_replies, "tmx", "relayed_replies", CounterKind::sum},
    {Counter::tmx_local_replies, "tmx", "local_replies", CounterKind::sum},
    {Counter::usrloc_registered_users, "usrloc", "registered_users", CounterKind::live},
    {Counter::usrloc_location_users, "usrloc", "location-users", CounterKind::live},
    {Counter::usrloc_location_contacts, "usrloc", "location-contacts", CounterKind::live},
    {Counter::usrloc_location_expires, "usrloc", "location-expires", CounterKind::sum},
    {Counter::registrar_max_expires, "registrar", "max_expires", CounterKind::setting},
    {Counter::registrar_max_contacts, "registrar", "max_contacts", CounterKind::setting},
    {Counter::registrar_default_expire, "registrar", "default_expire", CounterKind::setting},
    {Counter::registrar_default_expires_range, "registrar", "default_expires_range", CounterKind::setting},
    {Counter::registrar_accepted_regs, "registrar", "accepted_regs", CounterKind::sum},
    {Counter::registrar_rejected_regs, "registrar", "rejected_regs", CounterKind::sum},
    {Counter::shmem_total_size, "shmem", "total_size", CounterKind::live},
    {Counter::shmem_used_size, "shmem", "used_size", CounterKind::live},
    {Counter::shmem_real_used_size, "shmem", "real_used_size", CounterKind::live},
    {Counter::shmem_max_used_size, "shmem", "max_used_size", CounterKind::live},
    {Counter::shmem_free_size, "shmem", "free_size", CounterKind::live},
    {Counter::shmem_fragments, "shmem", "fragments", CounterKind::live},
    {Counter::tls_handshakes, "tls", "tls_handshakes", CounterKind::sum, "TLS handshakes that succeeded, resumed ones too"},
    {Counter::tls_resumptions, "tls", "tls_resumptions", CounterKind::sum, "TLS handshakes that resumed a session by a ticket"},
    {Counter::tls_failures_no_tls, "tls", "tls_failures_no_tls", CounterKind::sum, "connections to a TLS port that spoke no TLS"},
    {Counter::tls_failures_negotiation, "tls", "tls_failures_negotiation", CounterKind::sum, "TLS handshakes without a common version, cipher or group"},
    {Counter::tls_failures_certificate, "tls", "tls_failures_certificate", CounterKind::sum, "TLS handshakes that ended over a certificate, ours or theirs"},
    {Counter::tls_failures_protocol, "tls", "tls_failures_protocol", CounterKind::sum, "TLS connections that ended over a broken record or message"},
    {Counter::tls_failures_flood, "tls", "tls_failures_flood", CounterKind::sum, "TLS connections ended because of records without data or a handshake without end"},
    {Counter::tls_certificate_days_left, "tls", "tls_certificate_days_left", CounterKind::live, "whole days until the first certificate in use ends; 0 when it has ended or there is none"},
    {Counter::full_table_refusals, "sipwsd", "full_table_refusals", CounterKind::sum, "connections refused with 503 because the connection table was full"},
    {Counter::handshake_refused_400, "sipwsd", "handshake_refused_400", CounterKind::sum, "handshakes answered 400"},
    {Counter::handshake_refused_403, "sipwsd", "handshake_refused_403", CounterKind::sum, "handshakes answered 403 (origin, host, path policy)"},
    {Counter::handshake_refused_404, "sipwsd", "handshake_refused_404", CounterKind::sum, "requests for an unknown path"},
    {Counter::handshake_refused_405, "sipwsd", "handshake_refused_405", CounterKind::sum, "handshakes with another method than GET"},
    {Counter::handshake_refused_426, "sipwsd", "handshake_refused_426", CounterKind::sum, "handshakes of another WebSocket version"},
    {Counter::handshake_refused_431, "sipwsd", "handshake_refused_431", CounterKind::sum, "heads above their size limit"},
    {Counter::handshake_refused_503, "sipwsd", "handshake_refused_503", CounterKind::sum, "handshakes while disabled, draining or full"},
    {Counter::handshake_timeouts, "sipwsd", "handshake_timeouts", CounterKind::sum, "connections that did not finish their handshake in time"},
    {Counter::http_requests, "sipwsd", "http_requests", CounterKind::sum, "HTTP heads read"},
    {Counter::closed_events, "sipwsd", "closed_events", CounterKind::sum, "websocket:closed events run"},
    {Counter::closed_by_peer, "sipwsd", "closed_by_peer", CounterKind::sum, "connections the peer closed with a Close frame"},
    {Counter::closed_by_us, "sipwsd", "closed_by_us", CounterKind::sum, "connections we closed and whose peer answered"},
    {Counter::closed_connection_lost, "sipwsd", "closed_connection_lost", CounterKind::sum, "connections that ended without a Close frame"},
    {Counter::closed_send_failed, "sipwsd", "closed_send_failed", CounterKind::sum, "connections whose socket failed on a write"},
    {Counter::closed_no_pong, "sipwsd", "closed_no_pong", CounterKind::sum, "connections dropped because a Ping was not answered"},
    {Counter::closed_close_timeout, "sipwsd", "closed_close_timeout", CounterKind::sum, "connections dropped because our Close was not answered"},
    {Counter::closed_message_timeout, "sipwsd", "closed_message_timeout", CounterKind::sum, "connections closed because a message took too long"},
    {Counter::closed_idle, "sipwsd", "closed_idle", CounterKind::sum, "connections closed by tcp_connection_lifetime"},
    {Counter::closed_not_registered, "sipwsd", "closed_not_registered", CounterKind::sum, "connections closed by idle_timeout"},
    {Counter::closed_slow_reader, "sipwsd", "closed_slow_reader", CounterKind::sum, "connections dropped because the peer did not read"},
    {Counter::closed_protocol_error, "sipwsd", "closed_protocol_error", CounterKind::sum, "connections failed with 1002"},
    {Counter::closed_bad_text, "sipwsd", "closed_bad_text", CounterKind::sum, "connections failed with 1007"},
    {Counter::closed_too_big, "sipwsd", "closed_too_big", CounterKind::sum, "connections failed with 1009"},
    {Counter::closed_flood, "sipwsd", "closed_flood", CounterKind::sum, "connections closed with 1008 for too many pings, fragments or bytes"},
    {Counter::closed_too_fast, "sipwsd", "closed_too_fast", CounterKind::sum, "connections closed because they stayed above message_rate or byte_rate for rate_patience"},
    {Counter::closed_by_stage, "sipwsd", "closed_by_stage", CounterKind::sum, "connections closed by the routing stage"},
    {Counter::closed_by_operator, "sipwsd", "closed_by_operator", CounterKind::sum, "connections closed by ws.close"},
    {Counter::closed_drained, "sipwsd", "closed_drained", CounterKind::sum, "idle connections closed with 1012 while draining"},
    {Counter::closed_shutdown, "sipwsd", "closed_shutdown", CounterKind::sum, "connections closed with 1001 at shutdown"},
    {Counter::closed_worker_died, "sipwsd", "closed_worker_died", CounterKind::sum, "connections that ended with their worker"},
    {Counter::closed_banned, "sipwsd", "closed_banned", CounterKind::sum, "connections ended because their address was banned"},
    {Counter::closed_out_of_memory, "sipwsd", "closed_out_of_memory", CounterKind::sum, "connections dropped because the kernel had no memory for them"},
    {Counter::handshakes_crowded_out, "sipwsd", "handshakes_crowded_out", CounterKind::sum, "connections dropped before their handshake because more than max_pending_handshakes waited"},
    {Counter::closed_handshake_refused, "sipwsd", "closed_handshake_refused", CounterKind::sum, "connections that ended with an HTTP answer or none"},
    {Counter::closed_malformed_http, "sipwsd", "closed_malformed_http", CounterKind::sum, "connections ended over an HTTP request that was none"},
    {Counter::closed_not_welcome, "sipwsd", "closed_not_welcome", CounterKind::sum, "connections refused before their request; the refusals of each kind have their own statistic"},
    {Counter::reads_paused, "sipwsd", "reads_paused", CounterKind::sum, "times a connection above message_rate or byte_rate was not read for a while"},
    {Counter::closed_tls_failed, "sipwsd", "closed_tls_failed", CounterKind::sum, "connections whose TLS handshake or records were no good"},
    {Counter::bad_proxy_headers, "sipwsd", "bad_proxy_headers", CounterKind::sum, "connections from a trusted proxy whose PROXY header was malformed"},
    {Counter::slow_peers_dropped, "sipwsd", "slow_peers_dropped", CounterKind::sum, "connections dropped because their outbox overflowed"},
    {Counter::oversized_messages, "sipwsd", "oversized_messages", CounterKind::sum, "messages refused with 1009"},
    {Counter::protocol_errors, "sipwsd", "protocol_errors", CounterKind::sum, "connections failed with 1002"},
    {Counter::utf8_errors, "sipwsd", "utf8_errors", CounterKind::sum, "connections failed with 1007"},
    {Counter::ping_floods, "sipwsd", "ping_floods", CounterKind::sum, "connections failed with 1008 because they pinged too often"},
    {Counter::message_timeouts, "sipwsd", "message_timeouts", CounterKind::sum, "connections failed with 1008 because a message did not end in time"},
    {Counter::accept_failures, "sipwsd", "accept_failures", CounterKind::sum, "accepts that failed for want of descriptors or memory"},
    {Counter::pings_sent, "sipwsd", "pings_sent", CounterKind::sum, "keepalive Pings"},
    {Counter::pongs_sent, "sipwsd", "pongs_sent", CounterKind::sum, "keepalive Pongs"},
    {Counter::keepalive_drops, "sipwsd", "keepalive_drops", CounterKind::sum, "connections dropped because the last Ping was not answered"},
    {Counter::messages_relayed, "sipwsd", "messages_relayed", CounterKind::sum, "SIP messages sent on to another peer"},
    {Counter::bytes_received, "sipwsd", "bytes_received", CounterKind::sum, "bytes read from stream sockets"},
    {Counter::bytes_sent, "sipwsd", "bytes_sent", CounterKind::sum, "bytes written to stream sockets"},
    {Counter::letters_posted, "sipwsd", "letters_posted", CounterKind::sum, "letters put into a ring"},
    {Counter::letters_refused, "sipwsd", "letters_refused", CounterKind::sum, "letters that found their ring full"},
    {Counter::letters_handled, "sipwsd", "letters_handled", CounterKind::sum, "letters taken from a ring"},
    {Counter::letters_malformed, "sipwsd", "letters_malformed", CounterKind::sum, "letters that could not be read"},
    {Counter::wake_ups, "sipwsd", "wake_ups", CounterKind::sum, "eventfds written"},
    {Counter::late_answers, "sipwsd", "late_answers", CounterKind::sum, "answers to tickets that had expired"},
    {Counter::bindings_full_refusals, "sipwsd", "bindings_full_refusals", CounterKind::sum, "registrations refused because the binding table was full"},
    {Counter::bindings_dropped, "sipwsd", "bindings_dropped", CounterKind::sum, "bindings removed or suspended because their connection was lost"},
    {Counter::worker_deaths, "sipwsd", "worker_deaths", CounterKind::sum, "worker processes that died"},
    {Counter::worker_stalls, "sipwsd", "worker_stalls", CounterKind::sum, "worker processes killed because their heartbeat stopped"},
    {Counter::process_deaths, "sipwsd", "process_deaths", CounterKind::sum, "other processes that died"},
    {Counter::connections_lost, "sipwsd", "connections_lost", CounterKind::sum, "connections whose owner died"},
    {Counter::mi_commands, "sipwsd", "mi_commands", CounterKind::sum, "management commands run"},
    {Counter::mi_errors, "sipwsd", "mi_errors", CounterKind::sum, "management commands refused"},
    {Counter::banned_refusals, "sipwsd", "banned_refusals", CounterKind::sum, "connections refused because their address is banned"},
    {Counter::handshake_rate_refusals, "sipwsd", "handshake_rate_refusals", CounterKind::sum, "connections refused because their address made too many a second"},
    {Counter::address_refusals, "sipwsd", "address_refusals", CounterKind::sum, "connections refused because their address had too many"},
    {Counter::unregistered_refusals, "sipwsd", "unregistered_refusals", CounterKind::sum, "connections refused because too many were open that nobody had registered on"},
    {Counter::memory_refusals, "sipwsd", "memory_refusals", CounterKind::sum, "connections and transactions refused because memory was short"},
    {Counter::address_table_full, "sipwsd", "address_table_full", CounterKind::sum, "connections that were not counted by address because the table had no room"},
    {Counter::strikes, "sipwsd", "strikes", CounterKind::sum, "offences counted against an address"},
    {Counter::bans_made, "sipwsd", "bans_made", CounterKind::sum, "addresses banned for their offences"},
    {Counter::unregistered_connections, "sipwsd", "unregistered_connections", CounterKind::gauge, "connections over which nobody has registered yet"},
    {Counter::connection_transactions_refused, "sipwsd", "connection_transactions_refused", CounterKind::sum, "requests answered 503 because their connection had too many transactions"},
    {Counter::transactions_refused, "sipwsd", "transactions_refused", CounterKind::sum, "requests answered 503 because the worker had too many transactions"},
    {Counter::poison_messages, "sipwsd", "poison_messages", CounterKind::sum, "deaths of a worker over a message that had killed one before"},
    {Counter::memory_private, "sipwsd", "memory_private", CounterKind::gauge, "bytes of memory of all processes, without what they share"},
    {Counter::memory_shared, "sipwsd", "memory_shared", CounterKind::live, "bytes of shared memory that have been touched"},
    {Counter::memory_used, "sipwsd", "memory_used", CounterKind::live, "bytes of memory of all processes together"},
    {Counter::stripe_repairs, "sipwsd", "stripe_repairs", CounterKind::live, "stripes repaired after the death of a lock holder"},
});
static_assert(counter_table.size() == counter_count);
static_assert([] {
  for (std::size_t i = 0; i < counter_count; ++i)
    if (static_cast<std::size_t>(counter_table[i].counter) != i) return false;
  return true;
}(), "rows stand in the order of the enum");

constexpr const CounterRow& row_of(Counter counter) noexcept {
  return counter_table[static_cast<std::size_t>(counter)];
}
// By the name alone (get_statistics rcv_requests); the first of that name.
std::optional<Counter> find_counter(std::string_view name) noexcept;

// The own row of one process; cheap to copy.
class OwnCounters {
 public:
  OwnCounters() = default;  // counts into nothing: for tests of lower floors
  explicit OwnCounters(std::span<std::uint64_t> row) noexcept : row_(row) {}

  void add(Counter counter, std::uint64_t n = 1) noexcept {
    if (row_.empty()) return;
    // One writer: a plain addition, only the store must not tear.
    std::atomic_ref word(row_[static_cast<std::size_t>(counter)]);
    word.store(word.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
  }
  void set(Counter counter, std::uint64_t value) noexcept {
    if (row_.empty()) return;
    std::atomic_ref(row_[static_cast<std::size_t>(counter)]).store(value, std::memory_order_relaxed);
  }

 private:
  std::span<std::uint64_t> row_;
};

class Counters {
 public:
  static std::size_t bytes_needed(const Limits& limits);
  static Counters construct(Segment& segment, const Limits& limits);

  OwnCounters row(ProcessSlot slot) const noexcept;
  // All processes together, since the last reset. 0 for kind live: ask SharedState::value().
  std::uint64_t sum(Counter counter) const noexcept;
  std::uint64_t of(ProcessSlot slot, Counter counter) const noexcept;
  // reset_statistics: later sums start at 0. Rows keep counting; the difference is remembered.
  void reset(Counter counter) noexcept;
  // The process is dead: what it has "now" is nothing. The reaper.
  void forget_gauges(ProcessSlot dead) noexcept;

 private:
  std::span<std::uint64_t> words_;
  std::span<std::uint64_t> zero_points_;
  std::uint16_t rows_ = 0;
};

}  // namespace sipwsd::shm
