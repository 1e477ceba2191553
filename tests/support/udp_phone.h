#pragma once
// A SIP element on UDP, for tests: a socket on loopback, messages as a test writes them, answers cut into headers.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/sip_client.h"

namespace sipwsd::test {

class UdpPhone {
 public:
  // `address`: any of 127.0.0.0/8, or ::1; port 0 takes a free one.
  explicit UdpPhone(std::string user, std::string address = "127.0.0.1", std::uint16_t port = 0);
  ~UdpPhone();
  UdpPhone(const UdpPhone&) = delete;
  UdpPhone& operator=(const UdpPhone&) = delete;

  [[nodiscard]] std::uint16_t port() const { return port_; }
  [[nodiscard]] std::string host_port() const;
  [[nodiscard]] std::string contact() const { return "sip:" + user + "@" + host_port(); }
  [[nodiscard]] std::string aor() const { return "sip:" + user + "@example.org"; }

  void send(std::string_view bytes, std::uint16_t to_port);
  [[nodiscard]] SipMessage receive();
  // Skips provisional responses and what was sent again.
  [[nodiscard]] SipMessage receive_request(std::string_view method);
  [[nodiscard]] SipMessage receive_response(int status);
  [[nodiscard]] bool hears_nothing_for(std::chrono::milliseconds time);

  [[nodiscard]] SipRequest make(std::string method, std::string uri) const;
  [[nodiscard]] std::string text(const SipRequest& request) const;
  [[nodiscard]] std::string answer(const SipMessage& request, int status, std::string_view reason,
                                   const std::vector<std::string>& headers = {}, std::string_view body = {}) const;

  std::string user;
  std::uint16_t came_from = 0;  // the port of what was received last
  std::string last_bytes;       // and its bytes

 private:
  std::string host_;
  int fd_ = -1;
  bool is_ipv6_ = false;
  std::uint16_t port_ = 0;
};

}  // namespace sipwsd::test
