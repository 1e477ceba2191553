#pragma once
// A client's SIP over UDP, as far as a load generator needs it: one socket, connected to the server, a message a datagram.
// Nothing is sent twice: on loopback nothing is lost that was not lost by somebody's fault, and then the run says so.

#include <cstdint>
#include <string_view>

#include "tests/bench/loop.h"

namespace sipwsd::bench {

class DatagramClient final : private Loop::Watcher {
 public:
  class Events {
   public:
    virtual void on_datagram(std::string_view message) = 0;

   protected:
    ~Events() = default;
  };

  // The socket is there at once, so that its port can be named in a Contact. Throws std::system_error.
  DatagramClient(Loop& loop, Events& events);
  DatagramClient(const DatagramClient&) = delete;
  DatagramClient& operator=(const DatagramClient&) = delete;

  void connect(std::uint16_t server_port);  // on 127.0.0.1
  void send(std::string_view message);
  std::uint16_t port() const noexcept { return port_; }

 private:
  void on_ready(std::uint32_t events) override;

  Events& events_;
  Fd fd_;
  std::uint16_t port_ = 0;
};

}  // namespace sipwsd::bench
