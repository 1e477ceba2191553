#pragma once
// Who may come in (S40, S43, S44): asked once for each connection as soon as its real address is known, which behind a
// trusted proxy is later than at accept. What all workers must agree on (counts by address, bans, memory) is in shared
// memory; this object is one worker's door to it.
//
// limits_exempt, trusted_proxies and peers are never counted, never slowed, never banned: behind a proxy's address stand
// all its users. They are refused only when there is no room for anybody.

#include <chrono>
#include <cstdint>
#include <string_view>

#include "shm/ban_reason.h"
#include "shm/layout.h"
#include "sipwsd/endpoint.h"
#include "src/base/clock.h"
#include "src/config/settings.h"
#include "src/http/status.h"

namespace sipwsd::net {

enum class Verdict : std::uint8_t {
  welcome,
  banned,
  too_fast,           // handshake_rate
  too_many,           // max_connections_per_address
  too_unregistered,   // max_unregistered, of everybody together
  full,               // max_connections
  memory_short,       // memory_limit
};

// What is done with who is not welcome. Before a TLS handshake nothing can be said, so there every refusal is a silent
// close; that is also what makes it cheap.
struct Refusal {
  Verdict verdict;
  shm::Counter counter;  // counted by arrive()
  bool is_silent;        // closed without a word, in the clear too
  http::Status status;   // 429 for what only this address has too much of, 503 for what nobody gets; with Retry-After
  std::string_view word;
};
[[nodiscard]] const Refusal& refusal_of(Verdict verdict) noexcept;  // not of welcome

// What a connection remembers of being let in; left() needs it. Zero is somebody who was never there.
class Guest {
 public:
  [[nodiscard]] bool is_in() const noexcept { return in_; }
  [[nodiscard]] bool is_registered() const noexcept { return in_ && !unregistered_; }

 private:
  friend class Admission;
  shm::AddressPlace place_ = shm::AddressPlace::none;
  bool in_ = false;
  bool unregistered_ = false;  // counted in the gauge
};

class Admission {
 public:
  Admission(const config::Settings& settings, shm::SharedState& shared, shm::OwnCounters counters, WorkerSlot slot);

  // `guest` is in when the answer is welcome. May be asked again for the same guest when an address turns out to be a
  // proxy's and the real one becomes known.
  [[nodiscard]] Verdict arrive(Guest& guest, const Endpoint& remote, base::TimePoint now);
  // It has registered, or has shown that it knows a password: it does not count as unregistered any more.
  void registered(Guest& guest) noexcept;
  void left(Guest& guest) noexcept;  // may be called twice

  // What Retry-After says to who was refused.
  [[nodiscard]] std::chrono::seconds retry_after(Verdict verdict) const noexcept;

  // One thing `remote` should not have done. True: with this one it is banned.
  bool strike(const Endpoint& remote, shm::BanReason reason, base::TimePoint now);

  // From limits, rates and bans: limits_exempt, trusted_proxies and peers.
  [[nodiscard]] bool is_exempt(const Endpoint& remote) const noexcept;
  [[nodiscard]] bool is_banned(const Endpoint& remote, base::TimePoint now) const;

 private:
  [[nodiscard]] Verdict judge(Guest& guest, const Endpoint& remote, base::TimePoint now);
  void set_unregistered(Guest& guest, bool unregistered) noexcept;

  const config::Settings& settings_;
  shm::SharedState& shared_;
  shm::OwnCounters counters_;
  WorkerSlot slot_;
  std::uint64_t unregistered_ = 0;  // of this worker
};

}  // namespace sipwsd::net
