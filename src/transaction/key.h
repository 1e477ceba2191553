#pragma once
// Which server transaction a request belongs to (RFC 3261 17.2.3): branch, sent-by and method; without the magic
// cookie, for RFC 2543 clients, Request-URI, From tag, Call-ID, CSeq number and the topmost Via. The To tag such an
// ACK has is not compared: the CSeq number and the Via already name one INVITE.
//
// Two things are ours. The key is a keyed hash, so a finished transaction need not keep the request, and nobody can
// choose keys that collide. And on a stream the connection is part of it: retransmissions, CANCEL and the ACK to a
// non-2xx come over the connection of the request, so no client can touch the transactions of another one by
// writing its branch.

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "sipwsd/connection_id.h"
#include "src/base/siphash.h"
#include "src/sip/message.h"
#include "src/sip/via.h"

namespace sipwsd::transaction {

// Pieces of text as one input of a keyed hash, with their bounds: ("ab", "c") is not ("a", "bc").
class HashInput {
 public:
  explicit HashInput(const base::SipHashKey& key) noexcept : key_(key) {}
  HashInput& add(std::string_view piece) noexcept;
  HashInput& add(std::uint32_t value) noexcept;
  [[nodiscard]] std::uint64_t hash() const noexcept { return base::siphash(key_, {bytes_.data(), size_}); }

 private:
  void fold(std::string_view piece) noexcept;  // there is no room: what is there becomes its hash

  base::SipHashKey key_;
  std::size_t size_ = 0;
  std::array<char, 384> bytes_;
};

// A key for each purpose from the one that all workers share.
[[nodiscard]] base::SipHashKey derive(const base::SipHashKey& secret, std::string_view purpose) noexcept;

// The methods are left out: an ACK or CANCEL must find its INVITE. `scope` is none for a datagram.
[[nodiscard]] std::uint64_t transaction_hash(const base::SipHashKey& key, const sip::MessageView& request,
                                             const sip::Via& topmost_via, ConnectionId scope) noexcept;

// RFC 3261 8.2.2.2: From tag, Call-ID and CSeq. Two requests with one of these and two branches are merged requests.
[[nodiscard]] std::uint64_t merge_hash(const base::SipHashKey& key, const sip::MessageView& request) noexcept;

// RFC 3261 16.6 step 8 and RFC 5393 4.2.1: what the choice of targets depends on. The same value in one of our Vias
// means that the request comes round unchanged. `key` is the same in every worker.
[[nodiscard]] std::uint32_t loop_hash(const base::SipHashKey& key, const sip::MessageView& request) noexcept;

}  // namespace sipwsd::transaction
