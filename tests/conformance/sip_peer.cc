#include "tests/conformance/sip_peer.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <utility>

#include "tests/conformance/bytes.h"
#include "tests/conformance/raw_message.h"

namespace sipwsd::test::conformance {
namespace {

constexpr std::size_t single_bytes = 700, piece = 1021;  // of SipCut::bytes

sockaddr_in loopback(std::uint32_t host, std::uint16_t port) {
  sockaddr_in out{};
  out.sin_family = AF_INET;
  out.sin_addr.s_addr = htonl(host);
  out.sin_port = htons(port);
  return out;
}

// An address of this process alone, so that any port can be had: another one than the daemon's, which has 127.0.0.1.
std::uint32_t our_address() { return 0x7f400000u | (static_cast<std::uint32_t>(getpid()) & 0x3fffffu); }

int connected(SipTransport transport, std::uint16_t server_port, std::uint16_t port) {
  const bool is_udp = transport == SipTransport::udp;
  const int fd = socket(AF_INET, (is_udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC, 0);
  const int on = 1;
  if (is_udp) {
    const auto here = loopback(our_address(), port);
    if (bind(fd, reinterpret_cast<const sockaddr*>(&here), sizeof here) != 0) throw Disappointed("no UDP port " + std::to_string(port));
  } else {
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  }
  const auto there = loopback(INADDR_LOOPBACK, server_port);
  if (connect(fd, reinterpret_cast<const sockaddr*>(&there), sizeof there) != 0) throw Disappointed("the daemon lets nobody in");
  return fd;
}

bool is_ascii(std::string_view text) {
  return std::none_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) >= 0x80; });
}

std::string framed(const std::string& message, SipCut cut) {
  if (cut != SipCut::fragments) return frame(is_ascii(message) ? op::text : op::binary, message);
  std::vector<std::string> pieces;
  for (std::size_t at = 0; at < message.size(); at += 7) pieces.push_back(message.substr(at, 7));
  // A message has 64 fragments at most (S14).
  while (pieces.size() > 60) {
    pieces[pieces.size() - 2] += pieces.back();
    pieces.pop_back();
  }
  return fragments(is_ascii(message) ? op::first_text : op::first_binary, pieces);
}

}  // namespace

std::string name_of(SipTransport transport) {
  static constexpr std::array<const char*, 5> names{"ws", "wss", "tcp", "tls", "udp"};
  return names.at(static_cast<std::size_t>(transport));
}

std::string name_of(SipCut cut) {
  static constexpr std::array<const char*, 4> names{"whole", "byte by byte", "between neighbours", "in fragments"};
  return names.at(static_cast<std::size_t>(cut));
}

SipPeer::SipPeer(SipTransport transport, std::uint16_t server_port, std::uint16_t port, const TlsSession& session) : transport_(transport) {
  const TlsOptions options{.session = session};
  if (is_websocket(transport)) {
    websocket_.emplace(transport == SipTransport::ws ? WsClient(server_port) : WsClient::connect(server_port, options));
    if (websocket_->handshake().status() != 101) throw Disappointed("handshake refused");
    return;
  }
  fd_ = connected(transport, server_port, port);
  if (transport == SipTransport::tls) tls_.emplace(fd_, options);
  if (!is_stream(transport)) return;
  // A keepalive first: the listener then knows that this is SIP, however the row begins.
  write("\r\n\r\n");
  while (received_.size() < 2 && read_more()) {}
  received_.erase(0, 2);
}

SipPeer::~SipPeer() {
  tls_.reset();
  if (fd_ >= 0) close(fd_);
}

TlsSession SipPeer::session() const {
  if (tls_) return tls_->session();
  return websocket_ && transport_ == SipTransport::wss ? websocket_->tls().session() : TlsSession{};
}

// The daemon may end the connection while we are still sending: then there is something to read, or the end.
void SipPeer::write(std::string_view bytes) {
  if (websocket_) {
    static_cast<void>(websocket_->try_send_raw(bytes));
  } else if (tls_) {
    static_cast<void>(tls_->send(bytes));
  } else {
    while (!bytes.empty()) {
      const ssize_t n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (n <= 0) return;
      bytes.remove_prefix(static_cast<std::size_t>(n));
    }
  }
}

void SipPeer::send(const std::vector<std::string>& messages, SipCut cut) {
  if (transport_ == SipTransport::udp) {
    for (const auto& message : messages) static_cast<void>(::send(fd_, message.data(), message.size(), MSG_NOSIGNAL));
    return;
  }
  std::string bytes;
  for (const auto& message : messages) bytes += websocket_ ? framed(message, cut) : message;
  if (cut != SipCut::bytes) return write(bytes);
  for (std::size_t at = 0; at < bytes.size();) {
    const std::size_t size = at < single_bytes ? 1 : piece;
    write(std::string_view(bytes).substr(at, size));
    at += size;
  }
}

bool SipPeer::read_more() {
  const Deadline deadline;
  if (tls_) {
    const auto got = tls_->receive(received_, deadline);
    if (got == TlsChannel::Got::nothing) throw Disappointed("nothing came from the daemon");
    was_reset_ = got == TlsChannel::Got::reset;
    return got == TlsChannel::Got::bytes;
  }
  pollfd readable{fd_, POLLIN, 0};
  if (poll(&readable, 1, deadline.left_ms()) == 0) throw Disappointed("nothing came from the daemon");
  std::array<char, 65536> bytes;
  const ssize_t n = recv(fd_, bytes.data(), bytes.size(), 0);
  was_reset_ = n < 0;
  if (n > 0) received_.append(bytes.data(), static_cast<std::size_t>(n));
  return n > 0;
}

std::optional<std::string> SipPeer::receive() {
  if (websocket_) {
    const auto frame = websocket_->receive_or_end();
    if (frame && frame->is_close()) throw Disappointed("a Close came: " + std::to_string(frame->close_code()));
    return frame ? std::optional(frame->payload) : std::nullopt;
  }
  if (transport_ == SipTransport::udp) {
    if (!read_more()) throw Disappointed("the daemon's port is closed");
    return std::exchange(received_, {});
  }
  while (whole_message(received_) == 0)
    if (!read_more()) return std::nullopt;
  const auto size = whole_message(received_);
  auto message = received_.substr(0, size);
  received_.erase(0, size);
  return message;
}

void SipPeer::end_sending() {
  if (websocket_) return websocket_->end_sending();
  if (tls_) tls_->end_sending();
  shutdown(fd_, SHUT_WR);
}

bool SipPeer::ended_well() { return websocket_ ? websocket_->expect_end() : !was_reset_ && received_.empty(); }

}  // namespace sipwsd::test::conformance
