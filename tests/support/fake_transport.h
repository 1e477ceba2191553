#pragma once
// A net::Transport that keeps what it was given, and fails where a test says so.

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
    Flow flow;
    std::string bytes;
    std::uint64_t ticket = 0;
    [[nodiscard]] std::string_view first_line() const { return std::string_view{bytes}.substr(0, bytes.find('\r')); }
    [[nodiscard]] bool is(std::string_view beginning) const { return bytes.starts_with(beginning); }
  };

  Result<void> send(Flow flow, std::string_view message, std::uint64_t ticket) override {
    if (on_send) on_send(flow);
    if (const auto failure = failures.find(flow.connection); failure != failures.end()) {
      ++refused;
      return failure->second;
    }
    sent.push_back({flow, std::string{message}, ticket});
    return {};
  }

  // What was sent since the last take(), in order.
  std::vector<Sent> take() { return std::exchange(sent, {}); }
  [[nodiscard]] std::vector<Sent> to(ConnectionId connection) const {
    std::vector<Sent> found;
    for (const Sent& one : sent)
      if (one.flow.connection == connection) found.push_back(one);
    return found;
  }

  std::vector<Sent> sent;
  std::map<ConnectionId, Errc> failures;  // send() on that connection says this
  std::function<void(Flow)> on_send;      // called first, as a real transport may call back
  std::size_t refused = 0;
};

}  // namespace sipwsd::test
