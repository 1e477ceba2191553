#pragma once
// Locating SIP servers (RFC 3263): from the host, port and transport of a URI to an ordered list of places. One a worker.
// It never waits: what is numeric, in the hosts file or in the cache is answered at once, the rest later from the event
// loop. Equal questions in flight are one question.
//
//   - A host below `.invalid`, and localhost, never reach DNS (RFC 6761 6.3, 6.4; S27): browsers' Contacts are full of
//     the first.
//   - A name in the hosts file is an address: neither NAPTR nor SRV is asked for it.
//   - Names are whole: no search domains.
//   - Everything is bounded: questions in flight, time, the cache, places of one answer.
//   - A place that failed a moment ago stands behind the others, so that not every call tries the dead server first.
//   - A changed resolv.conf or hosts file is noticed within seconds, by whoever resolves next.

#include "sipwsd/endpoint.h"

#include "shm/counters.h"
#include "src/base/random.h"
#include "src/config/settings.h"
#include "src/dns/channel.h"
#include "src/dns/place.h"
#include "src/os/event_loop.h"

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace sipwsd::dns {

// Of the parameters, what the resolver goes by; their defaults are in src/config/settings.h.
struct Rules {
  ChannelRules channel;
  std::string hosts_file;                  // empty: none
  base::Milliseconds time_limit{};         // of one resolution; what is known by then is the answer
  std::size_t max_questions = 0;           // in flight
  Choices choices;
  base::Seconds min_ttl{}, max_ttl{}, negative_ttl{};
  std::size_t cache_bytes = 0;
  base::Seconds penalty{};                 // how long a failed place stands behind the others

  static Rules from(const config::Settings& settings);
  friend bool operator==(const Rules&, const Rules&) = default;
};

class Listener {
 public:
  // Exactly once for each Found::When::later that wasn't cancelled; from the event loop, never within resolve(). No places:
  // there are none. The listener may resolve and cancel.
  virtual void on_resolved(std::uint64_t ticket, std::span<const Place> places) = 0;

 protected:
  ~Listener() = default;
};

struct Found {
  enum class When : std::uint8_t { now, later, nowhere };
  When when = When::nowhere;
  std::vector<Place> places;  // now: at least one, in the order to try them
};

class Resolver final {
 public:
  // After the fork; the loop and the listener outlive it.
  Resolver(os::EventLoop& loop, base::Random& random, shm::OwnCounters counters, const Reach& reach, const Rules& rules,
           Listener& listener);
  ~Resolver();
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;

  // `ticket` is the asker's name for it, unlike any other that waits.
  Found resolve(const Query& query, std::uint64_t ticket);
  void cancel(std::uint64_t ticket) noexcept;  // on_resolved() won't be called for it; unknown tickets are no matter

  // A connection that wasn't made, an ICMP error, a timeout, a 503 (RFC 3263 4.3).
  void report_failure(const Endpoint& remote);

  // After a reload. Questions in flight are asked again if they now go to others.
  void configure(const Rules& rules);

  [[nodiscard]] std::size_t waiting() const noexcept;    // resolutions
  [[nodiscard]] std::size_t in_flight() const noexcept;  // questions
  [[nodiscard]] std::size_t cached() const noexcept;     // answers

 private:
  class State;
  std::unique_ptr<State> state_;
};

}  // namespace sipwsd::dns
