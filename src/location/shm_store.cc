#include "src/location/shm_store.h"

#include <algorithm>

#include "src/sip/header_list.h"
#include "src/sip/name_addr.h"

namespace sipwsd::location {

std::vector<Target> ShmStore::lookup(std::string_view aor) {
  table_.lookup(aor, base::whole_seconds(clock_.now()), scratch_);
  std::vector<Target> targets;
  targets.reserve(scratch_.size());
  for (const shm::Binding& binding : scratch_) {
    Target target{.request_uri = std::string(binding.contact),
                  .flow = binding.flow,
                  .route = {},
                  .q = binding.q < 0 ? 1000 : binding.q,
                  .record_route = {}};
    for (const auto& hop : sip::values(binding.path)) target.route.emplace_back(hop.text);
    targets.push_back(std::move(target));
  }
  std::stable_sort(targets.begin(), targets.end(), [](const Target& a, const Target& b) { return a.q > b.q; });
  return targets;
}

void ShmStore::snapshot(std::string_view aor, shm::BindingSnapshot& out) { table_.snapshot(aor, out); }

Result<void> ShmStore::commit(std::string_view aor, std::uint64_t version, std::span<const shm::BindingChange> changes) {
  return table_.commit(self_, aor, version, changes);
}

std::size_t ShmStore::drop_flow(Flow flow, std::span<const std::string> aors) {
  std::size_t dropped = 0;
  for (const auto& aor : aors) dropped += table_.drop_flow(self_, aor, flow, shm::FlowLoss::remove);
  return dropped;
}

std::vector<std::string> ShmStore::reachable(std::size_t limit) {
  std::vector<std::string> aors;
  const auto now = base::whole_seconds(clock_.now());
  shm::BindingSnapshot stripe;
  for (std::uint32_t i = 0; i < shm::BindingTable::stripes() && aors.size() < limit; ++i) {
    table_.copy_stripe(i, stripe);
    for (const shm::Binding& binding : stripe) {
      if (aors.size() >= limit) break;
      if (binding.state != shm::BindingState::active) continue;
      if (binding.expires_at != 0 && binding.expires_at <= now) continue;
      if (std::find(aors.begin(), aors.end(), binding.aor) == aors.end()) aors.emplace_back(binding.aor);
    }
  }
  return aors;
}

}  // namespace sipwsd::location
