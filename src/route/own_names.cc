#include "src/route/own_names.h"

#include <algorithm>

namespace sipwsd::route {
namespace {

constexpr std::size_t remembered_texts = 16;

bool is_wildcard(const Endpoint& at) {
  return std::all_of(at.address.begin(), at.address.end(), [](auto byte) { return byte == 0; });
}

}  // namespace

bool OwnNames::has_datagrams(AddressFamily family) const noexcept {
  return std::any_of(listeners_.begin(), listeners_.end(), [&](const Listener& listener) {
    return listener.at.family == family && listener.at.protocol == TransportProtocol::udp;
  });
}

bool OwnNames::has_family(AddressFamily family) const noexcept {
  return std::any_of(listeners_.begin(), listeners_.end(), [&](const Listener& listener) { return listener.at.family == family; });
}

std::vector<Endpoint> OwnNames::datagram_sockets() const {
  std::vector<Endpoint> out;
  for (const Listener& listener : listeners_)
    if (listener.at.protocol == TransportProtocol::udp) out.push_back(listener.at);
  return out;
}

std::string_view OwnNames::host_port(const Endpoint& local) {
  for (const auto& [at, text] : texts_)
    if (at == local) return text;
  std::string text = local.host_text() + ":" + std::to_string(local.port);
  for (const Listener& listener : listeners_)
    if (!listener.advertised.empty() && listener.at.port == local.port && listener.at.family == local.family &&
        (is_wildcard(listener.at) || listener.at.address == local.address))
      text = listener.advertised;
  if (texts_.size() < remembered_texts) return texts_.emplace_back(local, std::move(text)).second;
  oldest_ = (oldest_ + 1) % texts_.size();
  texts_[oldest_] = {local, std::move(text)};
  return texts_[oldest_].second;
}

}  // namespace sipwsd::route
