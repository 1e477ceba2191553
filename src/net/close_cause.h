#pragma once
// Why a connection ended: THE table. The words stand in the log and in websocket:closed; each has a statistic, and some
// are held against the address (S44).

#include <array>
#include <cstdint>
#include <string_view>

#include "shm/ban_reason.h"
#include "shm/counters.h"

namespace sipwsd::net {

enum class CloseCause : std::uint8_t {
  closed_by_peer,
  closed,  // we began, the peer answered
  connection_lost,
  send_failed,
  no_pong,
  close_timeout,
  message_timeout,
  idle_too_long,
  not_registered,
  slow_reader,
  protocol_error,
  bad_text,
  too_big,
  flood,
  too_fast,
  stage,
  operator_said,
  drained,
  shutdown,
  worker_died,
  banned,
  out_of_memory,
  // before the handshake was through: no event, no row in ws.dump
  handshake_timeout,
  handshake_crowded,
  handshake_refused,
  malformed_http,
  not_welcome,
  tls_failed,
  bad_proxy_header,
  // one that we were making
  dial_failed,
  dial_timeout,
};

// Whether somebody meant it to end, or the client may not even know and is expected back: its bindings are removed at
// once, or wait for it.
enum class Ending : std::uint8_t { abnormal, clean };

struct CloseCauseRow {
  CloseCause cause;
  std::string_view words;
  shm::Counter counter;
  shm::BanReason strike = shm::BanReason::none;
  Ending ending = Ending::abnormal;
};

inline constexpr auto close_causes = std::to_array<CloseCauseRow>({
    {CloseCause::closed_by_peer, "closed by peer", shm::Counter::closed_by_peer, shm::BanReason::none, Ending::clean},
    {CloseCause::closed, "closed", shm::Counter::closed_by_us, shm::BanReason::none, Ending::clean},
    {CloseCause::connection_lost, "connection lost", shm::Counter::closed_connection_lost},
    {CloseCause::send_failed, "send failed", shm::Counter::closed_send_failed},
    {CloseCause::no_pong, "no pong", shm::Counter::closed_no_pong},
    {CloseCause::close_timeout, "close timeout", shm::Counter::closed_close_timeout},
    {CloseCause::message_timeout, "message timeout", shm::Counter::closed_message_timeout, shm::BanReason::message_timeout},
    {CloseCause::idle_too_long, "idle too long", shm::Counter::closed_idle, shm::BanReason::none, Ending::clean},
    {CloseCause::not_registered, "not registered", shm::Counter::closed_not_registered, shm::BanReason::none, Ending::clean},
    {CloseCause::slow_reader, "slow reader", shm::Counter::closed_slow_reader, shm::BanReason::slow_reader},
    {CloseCause::protocol_error, "protocol error", shm::Counter::closed_protocol_error, shm::BanReason::protocol_error},
    {CloseCause::bad_text, "bad text", shm::Counter::closed_bad_text, shm::BanReason::protocol_error},
    {CloseCause::too_big, "too big", shm::Counter::closed_too_big, shm::BanReason::oversized},
    {CloseCause::flood, "flood", shm::Counter::closed_flood, shm::BanReason::ping_flood, Ending::clean},
    {CloseCause::too_fast, "too fast", shm::Counter::closed_too_fast, shm::BanReason::flood, Ending::clean},
    {CloseCause::stage, "closed by the routing stage", shm::Counter::closed_by_stage, shm::BanReason::none, Ending::clean},
    {CloseCause::operator_said, "closed by the operator", shm::Counter::closed_by_operator, shm::BanReason::none, Ending::clean},
    {CloseCause::drained, "drained", shm::Counter::closed_drained, shm::BanReason::none, Ending::clean},
    {CloseCause::shutdown, "shutdown", shm::Counter::closed_shutdown, shm::BanReason::none, Ending::clean},
    {CloseCause::worker_died, "worker died", shm::Counter::closed_worker_died},
    {CloseCause::banned, "banned", shm::Counter::closed_banned, shm::BanReason::none, Ending::clean},
    {CloseCause::out_of_memory, "out of memory", shm::Counter::closed_out_of_memory},
    {CloseCause::handshake_timeout, "handshake timeout", shm::Counter::handshake_timeouts, shm::BanReason::handshake_timeout},
    {CloseCause::handshake_crowded, "too many handshakes", shm::Counter::handshakes_crowded_out},
    {CloseCause::handshake_refused, "handshake refused", shm::Counter::closed_handshake_refused},
    {CloseCause::malformed_http, "malformed HTTP", shm::Counter::closed_malformed_http, shm::BanReason::malformed_http},
    {CloseCause::not_welcome, "not welcome", shm::Counter::closed_not_welcome},
    {CloseCause::tls_failed, "TLS failed", shm::Counter::closed_tls_failed, shm::BanReason::tls_failure},
    {CloseCause::bad_proxy_header, "bad PROXY header", shm::Counter::bad_proxy_headers},
    {CloseCause::dial_failed, "could not connect", shm::Counter::closed_dial_failed},
    {CloseCause::dial_timeout, "connect timeout", shm::Counter::closed_dial_timeout},
});

constexpr const CloseCauseRow& row(CloseCause cause) noexcept { return close_causes[static_cast<std::size_t>(cause)]; }
constexpr std::string_view name(CloseCause cause) noexcept { return row(cause).words; }

static_assert([] {
  for (std::size_t i = 0; i < close_causes.size(); ++i)
    if (close_causes[i].cause != static_cast<CloseCause>(i)) return false;
  return true;
}());

}  // namespace sipwsd::net
