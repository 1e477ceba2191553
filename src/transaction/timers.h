#pragma once
// The timers of RFC 3261 by their names (table 4, 17.1.1.2 .. 17.2.2, 16.6 step 11) with L and M of RFC 6026. On a
// reliable transport the waiting timers D, I, J and K are zero: state goes with the final response.

#include <algorithm>

#include "src/base/clock.h"

namespace sipwsd::transaction {

enum class Reliability : bool { unreliable, reliable };

struct Timers {
  using Milliseconds = base::Milliseconds;

  Milliseconds t1{500};      // round trip estimate
  Milliseconds t2{4'000};    // longest retransmission interval
  Milliseconds t4{5'000};    // how long a message stays in the network
  Milliseconds b{32'000};    // INVITE without any response: 64*T1
  Milliseconds f{32'000};    // non-INVITE without a final response: 64*T1
  Milliseconds c{180'000};   // proxied INVITE ringing; every provisional but 100 starts it again

  constexpr Milliseconds a() const noexcept { return t1; }
  constexpr Milliseconds e() const noexcept { return t1; }
  constexpr Milliseconds g() const noexcept { return t1; }
  constexpr Milliseconds h() const noexcept { return 64 * t1; }  // no ACK came
  constexpr Milliseconds l() const noexcept { return 64 * t1; }  // RFC 6026: accepted, server
  constexpr Milliseconds m() const noexcept { return 64 * t1; }  // RFC 6026: accepted, client
  constexpr Milliseconds d(Reliability r) const noexcept { return wait(r, Milliseconds{32'000}); }
  constexpr Milliseconds i(Reliability r) const noexcept { return wait(r, t4); }
  constexpr Milliseconds j(Reliability r) const noexcept { return wait(r, 64 * t1); }
  constexpr Milliseconds k(Reliability r) const noexcept { return wait(r, t4); }
  // RFC 3261 9.1: a cancelled INVITE without an answer is given up.
  constexpr Milliseconds cancelled() const noexcept { return 64 * t1; }
  // RFC 4320 4.1: a non-INVITE still without a final response gets a 100 when Timer E of its client has reached T2.
  constexpr Milliseconds late_trying() const noexcept {
    Milliseconds sum{0};
    for (Milliseconds interval = t1; interval > Milliseconds{0} && interval < t2; interval *= 2) sum += interval;
    return sum;
  }

  // A doubles without limit (17.1.1.2); E and G stop at T2 (17.1.2.2, 17.2.1).
  static constexpr Milliseconds next_a(Milliseconds interval) noexcept { return interval * 2; }
  constexpr Milliseconds next_e_or_g(Milliseconds interval) const noexcept { return std::min(interval * 2, t2); }

 private:
  static constexpr Milliseconds wait(Reliability r, Milliseconds unreliable) noexcept {
    return r == Reliability::reliable ? Milliseconds{0} : unreliable;
  }
};
static_assert(Timers{}.late_trying() == base::Milliseconds{3'500});

}  // namespace sipwsd::transaction
