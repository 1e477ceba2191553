#include "src/net/own_addresses.h"

#include <algorithm>
#include <functional>
#include <string_view>

#include "src/os/udp_socket.h"

namespace sipwsd::net {
namespace {

constexpr std::chrono::seconds remembered_for{10};

bool is_every_address(const Endpoint& at) noexcept { return at.address == decltype(at.address){}; }
bool is_same_address(const Endpoint& a, const Endpoint& b) noexcept { return a.family == b.family && a.address == b.address; }

}  // namespace

const Endpoint& OwnAddresses::way_to(const Endpoint& remote, base::TimePoint now) {
  const std::string_view bytes(reinterpret_cast<const char*>(remote.address.data()), remote.address.size());
  Way& way = ways_[std::hash<std::string_view>{}(bytes) % ways_.size()];
  if (is_same_address(way.to, remote) && now < way.until) return way.source;
  const auto source = os::source_towards(remote);
  way = {remote, source ? *source : Endpoint{}, now + remembered_for};
  return way.source;
}

const Endpoint* OwnAddresses::socket_for(const Endpoint& remote, base::TimePoint now) {
  const auto fits = [&](const Endpoint& at) { return at.protocol == remote.protocol && at.family == remote.family; };
  const auto first = std::find_if(bound_.begin(), bound_.end(), fits);
  if (first == bound_.end()) return nullptr;
  if (std::find_if(first + 1, bound_.end(), fits) == bound_.end()) return &*first;
  const Endpoint& source = way_to(remote, now);
  const Endpoint* best = &*first;
  int best_fitness = -1;
  for (const Endpoint& at : bound_) {
    if (!fits(at)) continue;
    const int fitness = is_same_address(at, source) ? 3 : is_every_address(at) ? 2 : at.is_loopback() == remote.is_loopback() ? 1 : 0;
    if (fitness <= best_fitness) continue;
    best = &at;
    best_fitness = fitness;
  }
  return best;
}

std::optional<Endpoint> OwnAddresses::source_for(const Endpoint& remote, base::TimePoint now) {
  const Endpoint* socket = socket_for(remote, now);
  if (socket == nullptr) return std::nullopt;
  if (!is_every_address(*socket)) return *socket;
  const Endpoint& way = way_to(remote, now);
  if (way.family == AddressFamily::none) return std::nullopt;
  Endpoint source = way;
  source.protocol = socket->protocol;
  source.port = socket->port;
  return source;
}

// The way to an address of this machine begins there.
const Endpoint* OwnAddresses::listener_at(const Endpoint& at, base::TimePoint now) {
  for (const Endpoint& ours : bound_) {
    if (ours.port != at.port || ours.family != at.family || ours.protocol == TransportProtocol::udp) continue;
    if (is_same_address(ours, at) || (is_every_address(ours) && is_same_address(way_to(at, now), at))) return &ours;
  }
  return nullptr;
}

}  // namespace sipwsd::net
