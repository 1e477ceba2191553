#include "tests/support/udp_phone.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>

#include "sipwsd/bytes.h"

namespace sipwsd::test {
namespace {

struct Address {
  sockaddr_storage storage{};
  socklen_t length = 0;
};

Address address_of(const std::string& host, std::uint16_t port) {
  Address out;
  if (host.find(':') == std::string::npos) {
    auto* in = reinterpret_cast<sockaddr_in*>(&out.storage);
    in->sin_family = AF_INET;
    in->sin_port = htons(port);
    inet_pton(AF_INET, host.c_str(), &in->sin_addr);
    out.length = sizeof *in;
  } else {
    auto* in = reinterpret_cast<sockaddr_in6*>(&out.storage);
    in->sin6_family = AF_INET6;
    in->sin6_port = htons(port);
    inet_pton(AF_INET6, host.c_str(), &in->sin6_addr);
    out.length = sizeof *in;
  }
  return out;
}

std::uint16_t port_in(const sockaddr_storage& storage) {
  return ntohs(storage.ss_family == AF_INET ? reinterpret_cast<const sockaddr_in&>(storage).sin_port
                                            : reinterpret_cast<const sockaddr_in6&>(storage).sin6_port);
}

std::string unique(std::string_view prefix) {
  static unsigned count = 0;
  return std::string(prefix) + std::to_string(getpid()) + "." + std::to_string(++count);
}

bool makes_dialog(std::string_view method) { return method == "INVITE" || method == "SUBSCRIBE" || method == "REFER"; }

}  // namespace

UdpPhone::UdpPhone(std::string name, std::string address, std::uint16_t port)
    : user(std::move(name)), host_(std::move(address)), is_ipv6_(host_.find(':') != std::string::npos) {
  fd_ = ::socket(is_ipv6_ ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  const Address at = address_of(host_, port);
  if (::bind(fd_, reinterpret_cast<const sockaddr*>(&at.storage), at.length) != 0) throw Disappointed("cannot bind " + host_);
  sockaddr_storage bound{};
  socklen_t length = sizeof bound;
  ::getsockname(fd_, reinterpret_cast<sockaddr*>(&bound), &length);
  port_ = port_in(bound);
}

UdpPhone::~UdpPhone() { ::close(fd_); }

std::string UdpPhone::host_port() const { return (is_ipv6_ ? "[" + host_ + "]" : host_) + ":" + std::to_string(port_); }

void UdpPhone::send(std::string_view bytes, std::uint16_t to_port) {
  const Address to = address_of(is_ipv6_ ? "::1" : "127.0.0.1", to_port);
  if (::sendto(fd_, bytes.data(), bytes.size(), 0, reinterpret_cast<const sockaddr*>(&to.storage), to.length) < 0)
    throw Disappointed("cannot send a datagram: " + std::string(std::strerror(errno)));
}

SipMessage UdpPhone::receive() {
  pollfd waiting{fd_, POLLIN, 0};
  if (::poll(&waiting, 1, Deadline{}.left_ms()) <= 0) throw Disappointed(user + " waits for a datagram in vain");
  std::string bytes(65536, '\0');
  sockaddr_storage from{};
  socklen_t length = sizeof from;
  const auto size = ::recvfrom(fd_, bytes.data(), bytes.size(), 0, reinterpret_cast<sockaddr*>(&from), &length);
  if (size < 0) throw Disappointed("cannot receive: " + std::string(std::strerror(errno)));
  bytes.resize(static_cast<std::size_t>(size));
  came_from = port_in(from);
  last_bytes = bytes;
  return SipMessage::parse(bytes);
}

SipMessage UdpPhone::receive_request(std::string_view method) {
  std::string seen;
  for (int i = 0; i < 20; ++i) {
    auto message = receive();
    if (message.status() == 0 && message.method() == method) return message;
    seen += message.start_line + "; ";
  }
  throw Disappointed(user + " waits for " + std::string(method) + ", but there came: " + seen);
}

SipMessage UdpPhone::receive_response(int status) {
  std::string seen;
  for (int i = 0; i < 20; ++i) {
    auto message = receive();
    if (message.status() == status) return message;
    seen += message.start_line + "; ";
    if (message.status() >= 200) break;
  }
  throw Disappointed(user + " waits for " + std::to_string(status) + ", but there came: " + seen);
}

bool UdpPhone::hears_nothing_for(std::chrono::milliseconds time) {
  pollfd waiting{fd_, POLLIN, 0};
  return ::poll(&waiting, 1, static_cast<int>(time.count())) == 0;
}

SipRequest UdpPhone::make(std::string method, std::string uri) const {
  SipRequest request;
  request.method = std::move(method);
  request.uri = std::move(uri);
  request.from = "<" + aor() + ">;tag=" + user;
  request.to = "<" + request.uri + ">";
  request.call_id = unique("udp-" + user + "-");
  request.branch = unique("z9hG4bK-udp-" + user + "-");
  if (makes_dialog(request.method)) request.headers.push_back("Contact: <" + contact() + ">");
  return request;
}

std::string UdpPhone::text(const SipRequest& r) const {
  std::string out = r.method + " " + r.uri + " SIP/2.0\r\nVia: SIP/2.0/UDP " + host_port() + ";rport;branch=" + r.branch +
                    "\r\nMax-Forwards: 70\r\nFrom: " + r.from + "\r\nTo: " + r.to + "\r\nCall-ID: " + r.call_id +
                    "\r\nCSeq: " + std::to_string(r.cseq) + " " + r.method + "\r\n";
  for (const auto& line : r.headers) out += line + "\r\n";
  return out + "Content-Length: " + std::to_string(r.body.size()) + "\r\n\r\n" + r.body;
}

std::string UdpPhone::answer(const SipMessage& request, int status, std::string_view reason,
                             const std::vector<std::string>& headers, std::string_view body) const {
  std::string out = "SIP/2.0 " + std::to_string(status) + " " + std::string(reason) + "\r\n";
  for (const auto& [name, value] : request.headers) {
    const bool is_to = equals_nocase(name, "To");
    if (!is_to && !equals_nocase(name, "Via") && !equals_nocase(name, "From") && !equals_nocase(name, "Call-ID") &&
        !equals_nocase(name, "CSeq") && !equals_nocase(name, "Record-Route"))
      continue;
    out += name + ": " + value;
    if (is_to && status > 100 && parameter(value, "tag").empty()) out += ";tag=" + user;
    out += "\r\n";
  }
  if (makes_dialog(request.method()) && status > 100 && status < 300) out += "Contact: <" + contact() + ">\r\n";
  for (const auto& line : headers) out += line + "\r\n";
  return out + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + std::string(body);
}

}  // namespace sipwsd::test
