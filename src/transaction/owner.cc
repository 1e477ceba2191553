#include "src/transaction/owner.h"

#include "src/sip/via.h"
#include "src/transaction/key.h"

namespace sipwsd::transaction {

std::optional<Owner> owner_of_response(const BranchKey& key, const sip::MessageView& response) {
  const auto branch = key.of_topmost_via(response);
  if (!branch) return std::nullopt;
  return Owner{branch->slot, branch->generation};
}

base::SipHashKey datagram_key(const base::SipHashKey& secret) noexcept { return derive(secret, "datagram owner"); }

WorkerSlot owner_of_datagram(const base::SipHashKey& key, const sip::MessageView& request, std::uint16_t workers) {
  if (workers == 1) return WorkerSlot{0};
  const auto via = sip::topmost_via(request);
  if (!via) return WorkerSlot{0};  // nobody will answer it; anybody may drop it
  const auto hash = transaction_hash(key, request, *via, ConnectionId::none);
  return static_cast<WorkerSlot>(hash % workers);
}

}  // namespace sipwsd::transaction
