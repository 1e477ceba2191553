#include "src/net/admission.h"

#include <algorithm>
#include <array>

#include "src/base/log.h"
#include "src/base/network.h"
#include "src/config/next_hop.h"

namespace sipwsd::net {
namespace {

using shm::BanReason;
using shm::Counter;

constexpr auto refusals = std::to_array<Refusal>({
    {Verdict::banned, Counter::banned_refusals, true, http::Status::forbidden, "banned"},
    {Verdict::too_fast, Counter::handshake_rate_refusals, false, http::Status::too_many_requests, "handshake_rate"},
    {Verdict::too_many, Counter::address_refusals, false, http::Status::too_many_requests, "max_connections_per_address"},
    {Verdict::too_unregistered, Counter::unregistered_refusals, false, http::Status::service_unavailable, "max_unregistered"},
    {Verdict::full, Counter::full_table_refusals, false, http::Status::service_unavailable, "max_connections"},
    {Verdict::memory_short, Counter::memory_refusals, false, http::Status::service_unavailable, "memory_limit"},
});
static_assert([] {
  for (std::size_t i = 0; i < refusals.size(); ++i)
    if (static_cast<std::size_t>(refusals[i].verdict) != i + 1) return false;
  return true;
}(), "rows stand in the order of the enum");

// Strikes for one offence. What happens to honest clients behind one NAT too (a train in a tunnel, a certificate its
// owner has yet to trust) weighs one; what no client does by accident weighs more.
struct Weight {
  BanReason reason;
  std::uint32_t strikes;
};
constexpr auto weights = std::to_array<Weight>({
    {BanReason::none, 0},
    {BanReason::by_operator, 0},
    {BanReason::handshake_timeout, 1},
    {BanReason::tls_failure, 1},
    {BanReason::malformed_http, 2},
    {BanReason::proxy_header, 2},
    {BanReason::protocol_error, 2},
    {BanReason::ping_flood, 5},
    {BanReason::oversized, 1},
    {BanReason::message_timeout, 1},
    {BanReason::slow_reader, 1},
    {BanReason::flood, 1},
    {BanReason::malformed_sip, 1},
    {BanReason::auth_failure, 1},
    {BanReason::poison, 5},
});
static_assert(weights.size() == static_cast<std::size_t>(BanReason::count) && [] {
  for (std::size_t i = 0; i < weights.size(); ++i)
    if (static_cast<std::size_t>(weights[i].reason) != i) return false;
  return true;
}(), "a row for each, in the order of the enum");

}  // namespace

const Refusal& refusal_of(Verdict verdict) noexcept { return refusals[static_cast<std::size_t>(verdict) - 1]; }

Admission::Admission(const config::Settings& settings, shm::SharedState& shared, shm::OwnCounters counters,
                     WorkerSlot slot)
    : settings_(settings), shared_(shared), counters_(counters), slot_(slot) {}

bool Admission::is_exempt(const Endpoint& remote) const noexcept {
  return settings_.limits_exempt.contains(remote) || settings_.trusted_proxies.contains(remote) ||
         config::is_server_of_ours(settings_, remote);
}

bool Admission::is_banned(const Endpoint& remote, base::TimePoint now) const {
  return shared_.bans.is_banned(remote, base::whole_seconds(now));
}

Verdict Admission::arrive(Guest& guest, const Endpoint& remote, base::TimePoint now) {
  const Verdict verdict = judge(guest, remote, now);
  if (verdict == Verdict::welcome) {
    if (!guest.in_) set_unregistered(guest, true);
    guest.in_ = true;
  } else {
    counters_.add(refusal_of(verdict).counter);
  }
  return verdict;
}

// Cheapest questions first; the one that changes something (the token, the tally) last.
Verdict Admission::judge(Guest& guest, const Endpoint& remote, base::TimePoint now) {
  const bool exempt = is_exempt(remote);
  if (!exempt && is_banned(remote, now)) return Verdict::banned;
  if (!guest.in_) {
    if (shared_.memory->is_short()) return Verdict::memory_short;
    if (shared_.connections.live().all >= shared_.connections.capacity()) return Verdict::full;
  }
  if (exempt) return Verdict::welcome;
  if (settings_.max_unregistered != 0 && shared_.counters.sum(Counter::unregistered_connections) >=
                                             settings_.max_unregistered + (guest.unregistered_ ? 1 : 0))
    return Verdict::too_unregistered;
  const auto answer = shared_.addresses.arrive(
      remote, slot_, now,
      {.max_connections = settings_.max_connections_per_address,
       .handshakes = {.per_second = settings_.handshake_rate, .burst = settings_.handshake_burst}});
  switch (answer.outcome) {
    case shm::AddressTable::Outcome::too_fast: return Verdict::too_fast;
    case shm::AddressTable::Outcome::too_many: return Verdict::too_many;
    case shm::AddressTable::Outcome::uncounted: counters_.add(Counter::address_table_full); break;
    case shm::AddressTable::Outcome::counted: break;
  }
  shared_.addresses.leave(guest.place_, slot_);
  guest.place_ = answer.place;
  return Verdict::welcome;
}

void Admission::registered(Guest& guest) noexcept { set_unregistered(guest, false); }

void Admission::left(Guest& guest) noexcept {
  set_unregistered(guest, false);
  shared_.addresses.leave(guest.place_, slot_);
  guest = {};
}

void Admission::set_unregistered(Guest& guest, bool unregistered) noexcept {
  if (guest.unregistered_ == unregistered) return;
  guest.unregistered_ = unregistered;
  unregistered_ += unregistered ? 1 : std::uint64_t{0} - 1;
  counters_.set(Counter::unregistered_connections, unregistered_);
}

// The bucket of handshakes is one second's matter; everything else takes as long as the operator says.
std::chrono::seconds Admission::retry_after(Verdict verdict) const noexcept {
  return verdict == Verdict::too_fast ? std::chrono::seconds{1} : settings_.retry_after;
}

bool Admission::strike(const Endpoint& remote, BanReason reason, base::TimePoint now) {
  const std::uint32_t strikes = weights[static_cast<std::size_t>(reason)].strikes;
  if (strikes == 0 || remote.family == AddressFamily::none || is_exempt(remote)) return false;
  counters_.add(Counter::strikes, strikes);
  const auto struck = shared_.bans.strike(remote, reason, strikes, base::whole_seconds(now),
                                          {.strikes = settings_.ban_strikes,
                                           .window = settings_.ban_window.count(),
                                           .ban_time = settings_.ban_time.count()});
  if (!struck.banned) return false;
  counters_.add(Counter::bans_made);
  log::warning("{} is banned for {} s: {}, {} strikes", base::subject_text(base::subject_of(remote)),
               settings_.ban_time.count(), shm::name(reason), struck.strikes);
  return true;
}

}  // namespace sipwsd::net
