#pragma once
// How our sockets read in Via, Record-Route and Path (RFC 3261 18.1.1, 16.6): by their own address and port, or by what is
// advertised for them.

#include <string>
#include <string_view>
#include <vector>

#include "sipwsd/endpoint.h"

namespace sipwsd::route {

struct Listener {
  Endpoint at;             // as bound, port resolved
  std::string advertised;  // host:port for Via and Record-Route instead of its own; may be empty
};

class OwnNames {
 public:
  explicit OwnNames(std::vector<Listener> listeners) : listeners_(std::move(listeners)) {}

  // host:port. The text stays good until some others were asked for.
  std::string_view host_port(const Endpoint& local);

  bool has_datagrams(AddressFamily family) const noexcept;
  bool has_family(AddressFamily family) const noexcept;
  // The sockets datagrams leave from, in the order of the configuration.
  std::vector<Endpoint> datagram_sockets() const;

 private:
  std::vector<Listener> listeners_;
  std::vector<std::pair<Endpoint, std::string>> texts_;  // usually one or two
  std::size_t oldest_ = 0;
};

}  // namespace sipwsd::route
