#pragma once
// A net::Transport that keeps what it was given, and fails where a test says so. A client of a test has a number: it is
// its connection, and, when it uses datagrams, a part of its address. Connections that are dialled have numbers above
// those: one for each address.

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "src/net/transport.h"

namespace sipwsd::test {

class FakeTransport final : public net::Transport {
 public:
  struct Sent {
    Destination to;  // as it was given
    Flow flow;       // what it went along; none for a datagram
    std::string bytes;
    std::uint64_t ticket = 0;
    std::string server_name;
    [[nodiscard]] std::string_view first_line() const { return std::string_view{bytes}.substr(0, bytes.find('\r')); }
    [[nodiscard]] bool is(std::string_view beginning) const { return bytes.starts_with(beginning); }
  };
  static constexpr WorkerSlot own_slot = static_cast<WorkerSlot>(2);
  static constexpr std::uint32_t first_dialled = 1'000'000;

  static Endpoint address_of(ConnectionId client, TransportProtocol protocol, std::uint16_t port = 5060) {
    Endpoint at;
    at.address = {10, 0, static_cast<std::uint8_t>(number(client) >> 8), static_cast<std::uint8_t>(number(client))};
    at.port = port;
    at.family = AddressFamily::ipv4;
    at.protocol = protocol;
    return at;
  }
  // Who gets what goes there.
  static ConnectionId client_at(const Destination& to) {
    if (to.is_flow() && number(to.flow.connection) < first_dialled) return to.flow.connection;
    return static_cast<ConnectionId>(to.remote.address[2] << 8 | to.remote.address[3]);
  }
  static Flow dialled(const Endpoint& remote) {
    const std::uint32_t client = number(client_at({.flow = {}, .remote = remote, .local = {}}));
    return {static_cast<ConnectionId>(first_dialled + client), own_slot};
  }

  Result<Flow> send(const Destination& to, std::string_view message, std::uint64_t ticket,
                    std::string_view server_name) override {
    if (on_send) on_send(to.flow);
    if (const auto failure = failures.find(client_at(to)); failure != failures.end()) {
      ++refused;
      return failure->second;
    }
    if (refuses && refuses(to)) {
      ++refused;
      return Errc::unsupported;
    }
    const Flow flow = to.is_flow() || to.is_datagram() ? to.flow : dialled(to.remote);
    sent.push_back({to, flow, std::string{message}, ticket, std::string{server_name}});
    return flow;
  }

  // What was sent since the last take(), in order.
  std::vector<Sent> take() { return std::exchange(sent, {}); }
  [[nodiscard]] std::vector<Sent> to(ConnectionId client) const {
    std::vector<Sent> found;
    for (const Sent& one : sent)
      if (client_at(one.to) == client) found.push_back(one);
    return found;
  }

  std::vector<Sent> sent;
  std::map<ConnectionId, Errc> failures;           // send() to that client says this
  std::function<bool(const Destination&)> refuses; // no socket for that: unsupported
  std::function<void(Flow)> on_send;               // called first, as a real transport may call back
  std::size_t refused = 0;
};

}  // namespace sipwsd::test
