#pragma once
// What all workers together know of one source address (S40): how many connections it has now, how fast it makes new
// ones. Counted by subject: IPv6 by its /64 (src/base/network.h). An address without a connection whose bucket is full
// is as good as unknown and makes room; where everybody is somebody, the newcomer is not counted and the answer says so.
//
// A count is one tally for each worker, so that nobody has to undo what a dead one did: the reaper clears its column.
//
// Writers: an entry, any worker; a tally, its worker, and the reaper once that worker is dead.
// Locks:   entries change under the stripe's lock, tallies are atomics: they grow under the lock, so that an entry with
//          connections is never given away, and shrink without it.
// After a death: an entry is filled before it is named as somebody's, so nothing is half there; the column is cleared.

#include "sipwsd/connection_id.h"
#include "sipwsd/endpoint.h"

#include "src/base/siphash.h"
#include "src/base/token_bucket.h"

#include "shm/limits.h"
#include "shm/segment.h"
#include "shm/stripe.h"

#include <array>
#include <chrono>
#include <cstdint>
#include <span>

namespace sipwsd::shm {

// Which entry a connection is counted in; kept by the worker as long as the connection lives.
enum class AddressPlace : std::uint32_t { none = 0xffffffff };

struct AddressLimits {
  std::uint32_t max_connections = 0;  // 0: any
  base::Rate handshakes;
};

class AddressTable {
 public:
  static std::size_t bytes_needed(const Limits& limits);
  static AddressTable construct(Segment& segment, const Limits& limits, const base::SipHashKey& key);

  enum class Outcome : std::uint8_t {
    counted,
    uncounted,  // the table has no room; let it in
    too_fast,
    too_many,
  };
  struct Answer {
    Outcome outcome = Outcome::uncounted;
    AddressPlace place = AddressPlace::none;  // of counted
    std::chrono::nanoseconds wait{0};         // of too_fast: until it may come again
  };
  Answer arrive(const Endpoint& source, WorkerSlot self, base::TimePoint now, const AddressLimits& limits);
  void leave(AddressPlace place, WorkerSlot self) noexcept;  // none: nothing to do

  std::uint32_t connections(const Endpoint& source) const;  // of all workers
  std::size_t capacity() const noexcept { return sets_.size() * ways; }
  void forget_worker(WorkerSlot dead) noexcept;  // the reaper
  std::uint32_t repairs() const noexcept;

 private:
  static constexpr std::uint32_t ways = 16;
  struct Entry {
    std::array<std::uint8_t, 16> address;  // of the subject
    base::TokenBucket handshakes;
    std::uint8_t family;  // 0: free. Written last
    std::uint8_t unused[7];
  };
  struct Set {
    Entry entries[ways];
  };
  struct alignas(64) Stripe {
    StripeHead head;
  };
  struct Header {
    base::SipHashKey key;
  };
  static std::uint32_t sets_for(const Limits& limits) noexcept;
  std::uint32_t set_of(const Endpoint& subject) const noexcept;
  static Entry* find_entry(Set& set, const Endpoint& subject) noexcept;
  Entry* make_room(std::uint32_t set, base::TimePoint now) const noexcept;
  std::uint32_t place_of(std::uint32_t set, const Entry& entry) const noexcept;
  std::uint32_t count(std::uint32_t place) const noexcept;
  std::uint32_t& tally(std::uint32_t place, std::uint16_t worker) const noexcept {
    return tallies_[worker * capacity() + place];
  }

  Header* header_ = nullptr;
  std::span<Stripe> stripes_;
  std::span<Set> sets_;
  std::span<std::uint32_t> tallies_;  // a column a worker
  std::uint16_t workers_ = 0;
};

}  // namespace sipwsd::shm
