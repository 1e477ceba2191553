#pragma once
// The response context of a proxied request (RFC 3261 16.2): its server transaction, its branches (each a client
// transaction or a target that waits for its turn), and what the choice of the final response needs (16.7 step 6).
// Plain data with no behaviour of its own; proxy_core.h acts on it. Lives in the pools of transaction_table.h and
// is named by index: an index is four bytes and survives whatever happens to the pools.
//
//   1. `pending` counts the branches that were sent and have no final response yet; `waiting` those not yet sent.
//   2. The request is kept while something may have to be made out of it: the next group of targets, a CANCEL, an
//      ACK, a response of our own, on datagrams a retransmission. A completed call keeps a few hundred bytes.
//   3. A branch that is held is pending, but no client transaction of it is under way: its place is being found out, or
//      its client is expected back. `unplaced` counts those of them that were never sent anywhere.
//   4. What few requests need is in Rare, so that the others don't pay for it.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "sipwsd/connection_id.h"
#include "sipwsd/destination.h"
#include "sipwsd/endpoint.h"
#include "src/base/clock.h"
#include "src/os/timer_wheel.h"
#include "src/sip/method.h"
#include "src/transaction/branch.h"
#include "src/transaction/client_invite.h"
#include "src/transaction/client_non_invite.h"
#include "src/transaction/server_invite.h"
#include "src/transaction/server_non_invite.h"
#include "src/transaction/stay.h"
#include "src/transaction/timers.h"

namespace sipwsd::transaction {

using PoolIndex = std::uint32_t;
inline constexpr PoolIndex nobody = 0xffffffff;
inline constexpr base::TimePoint never = base::TimePoint::max();

// Who is on the free list, and which life this is.
struct PoolItem {
  PoolIndex index = nobody;
  std::uint32_t serial = 0;
  bool alive = false;
};
// A place in the list of those that use one connection or, while it is away, one client.
struct ListLink {
  static constexpr std::uint16_t no_list = 0xffff;
  PoolIndex next = nobody, previous = nobody;
  std::uint16_t list = no_list;
};

// A part of ProxyContext::kept.
struct Text {
  std::uint32_t offset = 0, size = 0;
};

enum class CancelState : std::uint8_t {
  none,
  wanted,  // RFC 3261 9.1: not before a provisional response has come
  sent,
  answered,
};
enum class CancelCause : std::uint8_t {
  caller,               // a CANCEL came
  caller_lost,          // the caller's connection is gone
  completed_elsewhere,  // another branch said 2xx
  declined_elsewhere,   // another branch said 6xx
  timer_c,
};

// Of one branch, from connection to connection of its client.
inline constexpr std::uint8_t max_moves = 15;

// Why a pending branch has nowhere to go.
enum class Hold : std::uint8_t {
  none,
  resolving,  // Core::on_located will say
  away,       // its client's connection is gone: Core::on_client_moved will say
};

struct ClientBranch : PoolItem {
  PoolIndex context = nobody;
  PoolIndex next = nobody;  // in the context, in the order of trying
  ListLink link;
  Destination to;
  ClientId client = ClientId::none;

  bool waiting = true;  // a target that was not tried yet
  bool sent = false;    // a copy has left with this branch's token
  bool by_address = false;  // not along a client's flow: whoever is there is a server
  bool sized = false;   // RFC 3261 18.1.1 has been seen to: what is too long goes as a datagram all the same
  Hold hold = Hold::none;
  std::uint8_t moves = 0;
  Reliability reliability = Reliability::reliable;
  client_invite::State invite = client_invite::State::calling;
  client_non_invite::State other = client_non_invite::State::trying;
  CancelState cancel = CancelState::none;
  CancelCause cancel_cause = CancelCause::caller;
  std::int32_t q = 1000;

  base::TimePoint due = never;         // B, C or the end of a cancelled one; D; M. F; K. While it is held: of that
  base::TimePoint retransmit = never;  // A; E; E of the CANCEL
  base::Milliseconds interval{0};

  // What is particular to this copy of the request (16.6).
  Text request_uri, prepend, append;  // known from the start
  Text next_hop;                      // a name to be resolved
  Text sent_by, outfit;               // when it is known where it goes
  TransportProtocol transport = TransportProtocol::none;
  std::uint16_t consumed_routes = 0;
  bool alias = false;

  [[nodiscard]] bool is_pending(bool is_invite) const noexcept {
    if (!alive || waiting) return false;
    return is_invite ? invite == client_invite::State::calling || invite == client_invite::State::proceeding
                     : other == client_non_invite::State::trying || other == client_non_invite::State::proceeding;
  }
  // No final response can come any more: the transport or the time said so.
  void terminate() noexcept {
    invite = client_invite::State::terminated;
    other = client_non_invite::State::terminated;
    due = retransmit = never;
  }
  [[nodiscard]] bool is_unanswered(bool is_invite) const noexcept {
    return is_invite ? invite == client_invite::State::calling : other == client_non_invite::State::trying;
  }
};

// The best final response so far (16.7 step 6), while other branches are pending.
struct BestResponse {
  std::uint16_t status = 0;
  bool is_local = false;   // made here: the reason is the standard one
  std::string reason;      // of a local one; empty: the standard one
  std::string bytes;       // as it arrived
  std::string challenges;  // WWW-Authenticate and Proxy-Authenticate lines of all the others, each with its CRLF
};

// Where else a branch may go (RFC 3263 4.3).
struct FurtherPlace {
  PoolIndex branch = nobody;
  Destination to;
  std::string server_name;
  bool sized = false;
};

// A response whose receiver is away.
struct HeldResponse {
  std::uint16_t status = 0;
  std::string bytes;
};

struct Rare {
  BestResponse best;  // status 0: none yet
  std::vector<FurtherPlace> places;
  std::vector<HeldResponse> responses;
  base::TimePoint deadline = never;  // the caller is given up; a deferred request is answered with 503
};

struct ProxyContext : PoolItem {
  std::uint64_t hash = 0;        // transaction_hash
  std::uint64_t merge_hash = 0;  // 0: not looked for
  Destination upstream;  // where responses go
  ClientId caller = ClientId::none;
  Endpoint remote;  // where the request came from: for `received` of our own responses
  ListLink link;

  sip::Method method = sip::Method::other;
  Reliability reliability = Reliability::reliable;  // of the upstream transport
  server_invite::State invite = server_invite::State::proceeding;
  server_non_invite::State other = server_non_invite::State::trying;
  bool counted_pending = false;  // in the table's count of its connection
  bool cancelled = false;    // by the caller: what fails from now on is a 487
  bool caller_away = false;  // responses wait for him
  bool deferred = false;     // the User will answer, no branch will
  bool told_to_wait = false; // that a callee is expected back
  bool one_by_one = false;   // RFC 5393: too little breadth for more than one group at a time

  PoolIndex first_branch = nobody;
  PoolIndex last_branch = nobody;
  std::uint16_t pending = 0;
  std::uint16_t waiting = 0;
  std::uint16_t unplaced = 0;

  std::uint32_t cseq = 0;
  std::uint32_t loop_hash = 0;
  std::uint16_t gone_status = 480;
  std::uint8_t max_forwards = 0;  // as sent
  std::uint8_t max_breadth = 0;   // of each branch
  Stay stay = Stay::none;

  os::TimerId timer = os::TimerId::none;
  base::TimePoint timer_at = never;
  base::TimePoint started{};
  base::TimePoint due = never;         // H; I; L. J, or the late 100 of RFC 4320
  base::TimePoint retransmit = never;  // G
  base::Milliseconds interval{0};

  std::string kept;                // the request as it arrived, then the texts of its branches
  std::uint32_t request_size = 0;
  std::uint32_t counted_bytes = 0;  // of `kept`, in the table's sum
  Text gone_reason;
  Text cancel_reason;              // Reason header lines of the caller's CANCEL
  Text consumed_realm;             // whose Proxy-Authorization was for us
  std::unique_ptr<Rare> rare;
  std::string last_response;       // datagrams only: what a retransmitted request gets

  [[nodiscard]] bool is_invite() const noexcept { return method == sip::Method::invite; }
  [[nodiscard]] bool is_terminated() const noexcept {
    return is_invite() ? invite == server_invite::State::terminated : other == server_non_invite::State::terminated;
  }
  [[nodiscard]] bool has_final() const noexcept {
    return is_invite() ? invite != server_invite::State::proceeding
                       : other == server_non_invite::State::completed || other == server_non_invite::State::terminated;
  }
  [[nodiscard]] std::string_view request_bytes() const noexcept { return std::string_view{kept}.substr(0, request_size); }
  [[nodiscard]] std::string_view text(Text part) const noexcept {
    return std::string_view{kept}.substr(part.offset, part.size);
  }
  [[nodiscard]] Rare& use_rare() {
    if (!rare) rare = std::make_unique<Rare>();
    return *rare;
  }
  [[nodiscard]] bool has_best() const noexcept { return rare && rare->best.status != 0; }
  // In place of what `part` was, where that is long enough: who moves often does not grow.
  void keep_instead(Text& part, std::string_view text) {
    if (text.size() > part.size) {
      part = keep(text);
      return;
    }
    kept.replace(part.offset, text.size(), text);
    part.size = static_cast<std::uint32_t>(text.size());
  }
  Text keep(std::string_view text) {
    const Text part{static_cast<std::uint32_t>(kept.size()), static_cast<std::uint32_t>(text.size())};
    kept.append(text);
    return part;
  }
};

// RFC 3261 16.7 step 6: a 6xx before all, then the lowest class; within 4xx what changes the next attempt (401, 407,
// 415, 420, 484) before the rest. Last of a class comes what says nothing of the callee: 408, 503, and what we made
// ourselves because a branch broke (a dead binding must not hide the 486 of a live one). Lower is better.
[[nodiscard]] constexpr int preference(std::uint16_t status, bool is_local) noexcept {
  if (status >= 600) return 0;
  const int of_class = status / 100 * 10;
  if (is_local || status == 408 || status == 503) return of_class + 2;
  const bool changes_next_attempt = status == 401 || status == 407 || status == 415 || status == 420 || status == 484;
  return of_class + (changes_next_attempt ? 0 : 1);
}
static_assert(preference(603, false) < preference(302, false) && preference(302, false) < preference(401, false));
static_assert(preference(407, false) < preference(404, false) && preference(486, false) < preference(480, true));
static_assert(preference(480, true) < preference(500, false) && preference(500, false) < preference(503, false));

}  // namespace sipwsd::transaction
