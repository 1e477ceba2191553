#pragma once
// Connections that this worker makes itself, to a SIP server or a phone that listens: over TCP, or TLS with a check of
// whose certificate it is (RFC 5922). One to each place: found by its address, also when its other end has made it and
// asks to be reached over it (RFC 5923). What can't be made is not tried again for a moment, so that a burst of messages is
// no burst of connects.

#include <array>
#include <cstddef>
#include <memory>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "sipwsd/endpoint.h"
#include "sipwsd/result.h"
#include "src/net/connection_context.h"
#include "src/net/own_addresses.h"
#include "src/net/stream_connection.h"

namespace sipwsd::net {

class Dialer {
 public:
  Dialer(ConnectionContext& context, OwnAddresses& own_addresses) : context_(context), own_addresses_(own_addresses) {}

  // A connection on its way there, which is in the table already. gone: it has failed a moment ago, or no way leads there;
  // full: no more of them, no room in the table; refused: that is a WebSocket listener of ours; unsupported: no TLS.
  Result<std::unique_ptr<StreamConnection>> dial(ConnectionId id, const Endpoint& remote, std::string_view server_name);
  void failed(const StreamConnection& connection);

  // Who asks to be reached there from now on, over what he has made; one address a connection.
  void reach(const StreamConnection& connection, const Endpoint& at);
  void forget(const StreamConnection& connection);
  // Those that may lead there: candidates, some may be closing.
  template <typename Use>
  void for_each_to(const Endpoint& remote, Use&& use) const {
    const auto [begin, end] = by_address_.equal_range(remote);
    for (auto i = begin; i != end; ++i) use(i->second);
  }

 private:
  struct Hash {
    std::size_t operator()(const Endpoint& at) const noexcept;
  };
  struct Failure {
    Endpoint remote;
    std::size_t server_name = 0;  // its hash
    base::TimePoint until{};
  };
  void unlink(ConnectionId id, const Endpoint& at);
  bool has_just_failed(const Endpoint& remote, std::string_view server_name) const;

  ConnectionContext& context_;
  OwnAddresses& own_addresses_;
  std::size_t dialled_ = 0;  // and not yet forgotten
  std::unordered_multimap<Endpoint, ConnectionId, Hash> by_address_;
  std::unordered_map<ConnectionId, Endpoint> reached_at_;
  std::array<Failure, 64> failures_{};
  std::size_t next_failure_ = 0;
};

}  // namespace sipwsd::net
