#pragma once
// Which names are ours: `alias` and the listening sockets (RFC 3261 16.4, 16.5; RFC 6455 4.2.2 for Host).
// A name without a port stands for every port, and a URI without a port asks for none.

#include <string>
#include <string_view>
#include <vector>

#include "sipwsd/endpoint.h"
#include "src/config/settings.h"
#include "src/sip/uri.h"
#include "src/ws/handshake.h"

namespace sipwsd::route {

class ServedNames {
 public:
  // `listeners` are the real addresses, ports resolved.
  ServedNames(const config::Settings& settings, const std::vector<Endpoint>& listeners);

  bool is_ours(const sip::Uri& uri) const noexcept;
  bool is_ours(std::string_view uri) const noexcept;
  // The same, or the very socket the request came in on: a wildcard listener has as many names as the machine has
  // addresses.
  bool is_ours(const sip::Uri& uri, const Endpoint& arrived_at) const noexcept;
  // A Host header of HTTP (RFC 9110 7.2).
  bool serves_host(std::string_view host, const Endpoint& arrived_at) const noexcept;
  // For the handshake's Host check; empty: any host will do (a wildcard listener and no alias).
  const std::vector<ws::ServedHost>& http_hosts() const noexcept { return http_hosts_; }

 private:
  struct Name {
    std::string host;        // lower case, no brackets
    std::uint16_t port = 0;  // 0: any
  };
  void add(std::string host, std::uint16_t port);

  std::vector<Name> names_;
  std::vector<ws::ServedHost> http_hosts_;
};

}  // namespace sipwsd::route
