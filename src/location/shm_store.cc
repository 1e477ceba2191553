#include "src/location/shm_store.h"

#include <algorithm>

#include "src/sip/header_list.h"
#include "src/sip/name_addr.h"

namespace sipwsd::location {
namespace {

bool is_active(const shm::Binding& binding) noexcept { return binding.state == shm::BindingState::active; }

std::vector<std::string> route_of(const shm::Binding& binding) {
  std::vector<std::string> route;
  for (const auto& hop : sip::values(binding.path)) route.emplace_back(hop.text);
  return route;
}

Target target_of(const shm::Binding& binding) {
  Target target{.request_uri = std::string(binding.contact),
                .to = {},
                .next_hop = {},
                .client = binding.client,
                .route = route_of(binding),
                .q = binding.q < 0 ? 1000 : binding.q};
  if (!is_active(binding)) return target;
  target.to = binding.to;
  // An operator's own entry, or one that a server of ours sent along a connection that is not its client's (RFC 3327 5.3).
  if (!target.to.is_known()) {
    target.next_hop = target.request_uri;
    if (!target.route.empty())
      if (const auto hop = sip::parse_name_addr(target.route.front())) target.next_hop = hop->uri.text;
  }
  return target;
}

// Of each client one: active before suspended, then the newest. In the order of the snapshot otherwise.
template <typename Wanted>
std::vector<Target> targets_of(const shm::BindingSnapshot& bindings, Wanted wanted) {
  std::vector<Target> targets;
  targets.reserve(bindings.size());
  for (const shm::Binding& binding : bindings) {
    if (!wanted(binding)) continue;
    const auto is_better = [&](const shm::Binding& other) {
      if (other.client != binding.client || &other == &binding || !wanted(other)) return false;
      if (is_active(other) != is_active(binding)) return is_active(other);
      return other.serial > binding.serial;
    };
    if (std::none_of(bindings.begin(), bindings.end(), is_better)) targets.push_back(target_of(binding));
  }
  std::stable_sort(targets.begin(), targets.end(), [](const Target& a, const Target& b) { return a.q > b.q; });
  return targets;
}

}  // namespace

std::vector<Target> ShmStore::lookup(std::string_view aor) {
  table_.lookup(aor, base::whole_seconds(clock_.now()), scratch_, shm::Suspended::included);
  return targets_of(scratch_, [](const shm::Binding&) { return true; });
}

Result<std::vector<Target>> ShmStore::lookup(const sip::Uri& request_uri) {
  const auto gr = request_uri.gr();
  if (!gr) return lookup(sip::canonical_aor(request_uri));
  const std::int64_t now = base::whole_seconds(clock_.now());
  if (gr->empty()) {
    const auto gruu = gruus_.read(request_uri.user);
    if (!gruu) return Errc::not_found;
    const shm::Binding* binding = table_.find_client(gruu->client, now, scratch_);
    if (binding == nullptr) return std::vector<Target>{};
    if (!gruus_.is_for(*gruu, binding->call_id)) return Errc::not_found;
    return std::vector<Target>{target_of(*binding)};
  }
  table_.lookup(sip::canonical_aor(request_uri), now, scratch_, shm::Suspended::included);
  const std::string instance = sip::unescape(*gr);
  auto targets = targets_of(scratch_, [&](const shm::Binding& binding) { return binding.instance == instance; });
  // Somebody else's phone must not answer for it; whether this one ever was there is known only while others are.
  if (targets.empty() && !scratch_.empty()) return Errc::not_found;
  return targets;
}

std::optional<Whereabouts> ShmStore::find(ClientId client) {
  const shm::Binding* binding = table_.find_client(client, base::whole_seconds(clock_.now()), scratch_);
  if (binding == nullptr) return std::nullopt;
  Whereabouts found{.request_uri = std::string(binding->contact), .to = {}, .route = route_of(*binding)};
  if (is_active(*binding)) {
    found.to = binding->to;
  } else {
    found.expected_until = binding->suspended_until;
    if (binding->expires_at != 0) found.expected_until = std::min(found.expected_until, binding->expires_at);
  }
  return found;
}

void ShmStore::snapshot(std::string_view aor, shm::BindingSnapshot& out) { table_.snapshot(aor, out); }

Result<void> ShmStore::commit(std::string_view aor, std::uint64_t version, std::span<const shm::BindingChange> changes) {
  return table_.commit(self_, aor, version, changes);
}

std::size_t ShmStore::drop_flow(Flow flow, std::span<const std::string> aors, shm::FlowLoss loss) {
  std::size_t dropped = 0;
  for (const auto& aor : aors) dropped += table_.drop_flow(self_, aor, flow, loss);
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
      if (!is_active(binding)) continue;
      if (binding.expires_at != 0 && binding.expires_at <= now) continue;
      if (std::find(aors.begin(), aors.end(), binding.aor) == aors.end()) aors.emplace_back(binding.aor);
    }
  }
  return aors;
}

}  // namespace sipwsd::location
