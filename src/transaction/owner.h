#pragma once
// Whose message is it? Computed, never looked up (design decision 6). A response: slot and generation are in our
// topmost Via branch. A request on a stream: the worker that owns the connection, nothing to ask. A request in a
// datagram: a keyed hash, so that INVITE, its retransmissions, CANCEL and the ACK to a non-2xx meet in one worker
// whatever socket they came in on.

#include <cstdint>
#include <optional>

#include "sipwsd/connection_id.h"
#include "src/base/siphash.h"
#include "src/sip/message.h"
#include "src/transaction/branch.h"

namespace sipwsd::transaction {

struct Owner {
  WorkerSlot slot = WorkerSlot::none;
  std::uint32_t generation = 0;  // a replaced process knows nothing of its predecessor's transactions
  friend bool operator==(const Owner&, const Owner&) = default;
};

// Nothing: the topmost Via is not ours, the response belongs to nobody here (RFC 3261 18.1.2).
[[nodiscard]] std::optional<Owner> owner_of_response(const BranchKey& key, const sip::MessageView& response);

// Of a secret that is the same in every worker.
[[nodiscard]] base::SipHashKey datagram_key(const base::SipHashKey& secret) noexcept;
// `workers` > 0. `key` is the datagram_key.
[[nodiscard]] WorkerSlot owner_of_datagram(const base::SipHashKey& key, const sip::MessageView& request,
                                           std::uint16_t workers);

}  // namespace sipwsd::transaction
