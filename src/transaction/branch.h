#pragma once
// Our Via branches (RFC 3261 8.1.1.7, 16.6 step 8): the magic cookie, then who made it (worker slot and generation),
// which client transaction (a token that is an index, so nothing is searched for), a hash of what routing looked at
// (16.3 step 4: the same hash in a Via of ours is a loop), and a short MAC. A branch whose MAC is wrong is foreign:
// nobody can aim a response at another client's transaction or at another worker by counting tokens.
//
// 25 bytes in lower-case base32 (RFC 4648 6 alphabet): branches are compared without case (RFC 3261 7.3.1), so
// nothing that needs case. The key is made before the first fork and is the same in every worker.

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "sipwsd/connection_id.h"
#include "src/base/siphash.h"
#include "src/sip/message.h"

namespace sipwsd::transaction {

// A client transaction, in this process. 0 is none. Also the ticket given to net::Transport::send.
enum class Token : std::uint64_t { none = 0 };
constexpr std::uint64_t number(Token token) noexcept { return static_cast<std::uint64_t>(token); }

struct Branch {
  WorkerSlot slot = WorkerSlot::none;
  std::uint32_t generation = 0;  // of the process in that slot
  Token token = Token::none;
  std::uint32_t loop_hash = 0;
  friend bool operator==(const Branch&, const Branch&) = default;
};

class BranchText {
 public:
  static constexpr std::size_t size = 7 + 40;
  constexpr operator std::string_view() const noexcept { return {text_.data(), text_.size()}; }

 private:
  friend class BranchKey;
  std::array<char, size> text_;
};

class BranchKey {
 public:
  explicit BranchKey(const base::SipHashKey& key) noexcept : key_(key) {}

  [[nodiscard]] BranchText make(const Branch& branch) const noexcept;
  // Nothing for a foreign branch: another length, another alphabet, a MAC that isn't ours.
  [[nodiscard]] std::optional<Branch> recognise(std::string_view text) const noexcept;
  // The one in the topmost Via, when that is ours.
  [[nodiscard]] std::optional<Branch> of_topmost_via(const sip::MessageView& response) const;

 private:
  base::SipHashKey key_;
};

}  // namespace sipwsd::transaction
