#include "tests/support/ws_client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "sipwsd/bytes.h"

namespace sipwsd::test {
namespace {

constexpr std::array<char, 4> mask{'\x37', '\xfa', '\x21', '\x3d'};

void append_number(std::string& out, std::uint64_t value, int bytes) {
  for (int i = bytes - 1; i >= 0; --i) out += static_cast<char>(value >> (8 * i) & 0xff);
}

std::uint64_t number(std::string_view bytes) {
  std::uint64_t value = 0;
  for (const char c : bytes) value = value << 8 | static_cast<unsigned char>(c);
  return value;
}

// A frame at the front of `bytes`, taken off it; nothing when it is not whole.
std::optional<Frame> take_frame(std::string& bytes) {
  if (bytes.size() < 2) return std::nullopt;
  Frame frame;
  frame.first = static_cast<std::uint8_t>(bytes[0]);
  frame.masked = (bytes[1] & 0x80) != 0;
  std::uint64_t length = bytes[1] & 0x7f;
  std::size_t at = 2;
  if (length >= 126) {
    const std::size_t size = length == 126 ? 2 : 8;
    if (bytes.size() < at + size) return std::nullopt;
    length = number(std::string_view(bytes).substr(at, size));
    at += size;
  }
  if (frame.masked) at += 4;
  if (bytes.size() < at + length) return std::nullopt;
  frame.payload = bytes.substr(at, length);
  bytes.erase(0, at + length);
  return frame;
}

}  // namespace

// --- values ----------------------------------------------------------------------------------------------------------

int HttpReply::status() const {
  return status_line.size() < 12 ? 0 : std::atoi(status_line.c_str() + 9);
}

std::optional<std::string> HttpReply::header(std::string_view name) const {
  for (const auto& [n, value] : headers)
    if (equals_nocase(n, name)) return value;
  return std::nullopt;
}

int Frame::close_code() const { return payload.size() < 2 ? 0 : static_cast<int>(number(std::string_view(payload).substr(0, 2))); }

std::string frame_header(std::uint8_t first, std::uint64_t announced) {
  std::string out(1, static_cast<char>(first));
  if (announced < 126) {
    out += static_cast<char>(0x80 | announced);
  } else if (announced <= 0xffff) {
    out += static_cast<char>(0x80 | 126);
    append_number(out, announced, 2);
  } else {
    out += static_cast<char>(0x80 | 127);
    append_number(out, announced, 8);
  }
  out.append(mask.data(), mask.size());
  return out;
}

std::string frame(std::uint8_t first, std::string_view payload) {
  std::string out = frame_header(first, payload.size());
  for (std::size_t i = 0; i < payload.size(); ++i) out += static_cast<char>(payload[i] ^ mask[i % 4]);
  return out;
}

std::string close_payload(int code, std::string_view reason) {
  std::string out;
  append_number(out, static_cast<std::uint64_t>(code), 2);
  out += reason;
  return out;
}

// --- the connection ----------------------------------------------------------------------------------------------------

WsClient::WsClient(std::uint16_t port, int receive_buffer) : port_(port) {
  fd_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (receive_buffer > 0) setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    const std::string why = std::strerror(errno);
    ::close(fd_);
    throw Disappointed("cannot connect to port " + std::to_string(port) + ": " + why);
  }
  const int on = 1;
  setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  sockaddr_in own{};
  socklen_t size = sizeof own;
  getsockname(fd_, reinterpret_cast<sockaddr*>(&own), &size);
  local_port_ = ntohs(own.sin_port);
}

WsClient WsClient::connect(std::uint16_t port, const std::optional<TlsOptions>& tls) {
  WsClient client(port);
  if (tls) client.tls_.emplace(client.fd_, *tls);
  return client;
}

WsClient::~WsClient() { disconnect(); }

WsClient::WsClient(WsClient&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)),
      port_(other.port_),
      local_port_(other.local_port_),
      received_(std::move(other.received_)),
      tls_(std::exchange(other.tls_, std::nullopt)) {}

WsClient& WsClient::operator=(WsClient&& other) noexcept {
  if (this == &other) return *this;
  disconnect();
  fd_ = std::exchange(other.fd_, -1);
  port_ = other.port_;
  local_port_ = other.local_port_;
  received_ = std::move(other.received_);
  tls_ = std::exchange(other.tls_, std::nullopt);
  return *this;
}

// Without close_notify, as most browsers leave.
void WsClient::disconnect() {
  tls_.reset();
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

void WsClient::abort() {
  const linger at_once{1, 0};
  setsockopt(fd_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  disconnect();
}

void WsClient::end_sending() {
  if (tls_) tls_->end_sending();
  shutdown(fd_, SHUT_WR);
}

std::string WsClient::request(std::uint16_t port, const Offer& offer) {
  std::string out = "GET " + offer.target + " HTTP/1.1\r\nHost: ";
  out += offer.host.empty() ? "127.0.0.1:" + std::to_string(port) : offer.host;
  out += "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: " + std::string(key) +
         "\r\nSec-WebSocket-Version: 13\r\n";
  if (!offer.protocol.empty()) out += "Sec-WebSocket-Protocol: " + offer.protocol + "\r\n";
  for (const auto& line : offer.headers) out += line + "\r\n";
  return out + "\r\n";
}

HttpReply WsClient::handshake(const Offer& offer) {
  send_raw(request(port_, offer));
  return read_reply();
}

WsClient WsClient::open(std::uint16_t port, const Offer& offer, const std::optional<TlsOptions>& tls) {
  auto client = connect(port, tls);
  const auto reply = client.handshake(offer);
  if (reply.status() != 101) throw Disappointed("handshake refused: " + reply.head);
  return client;
}

HttpReply WsClient::read_reply() {
  const Deadline deadline;
  std::size_t end = std::string::npos;
  while ((end = received_.find("\r\n\r\n")) == std::string::npos)
    if (read_more(deadline) != Got::bytes) throw Disappointed("the connection ended instead of a reply: " + received_);
  HttpReply reply;
  reply.head = received_.substr(0, end + 4);
  received_.erase(0, end + 4);
  std::size_t at = reply.head.find("\r\n");
  reply.status_line = reply.head.substr(0, at);
  for (at += 2; at < end;) {
    const auto line_end = reply.head.find("\r\n", at);
    const auto line = reply.head.substr(at, line_end - at);
    const auto colon = line.find(": ");
    reply.headers.emplace_back(line.substr(0, colon), colon == std::string::npos ? "" : line.substr(colon + 2));
    at = line_end + 2;
  }
  const std::size_t length = std::stoul(reply.header("Content-Length").value_or("0"));
  while (received_.size() < length)
    if (read_more(deadline) != Got::bytes) throw Disappointed("the connection ended inside a reply's body");
  reply.body = received_.substr(0, length);
  received_.erase(0, length);
  return reply;
}

bool WsClient::try_send_raw(std::string_view bytes) {
  if (tls_) return tls_->send(bytes);
  const Deadline deadline;
  while (!bytes.empty()) {
    const ssize_t n = send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n > 0) {
      bytes.remove_prefix(static_cast<std::size_t>(n));
    } else if (errno == EAGAIN) {
      if (deadline.is_over()) throw Disappointed("the daemon does not read");
      pollfd writable{fd_, POLLOUT, 0};
      poll(&writable, 1, deadline.left_ms());
    } else if (errno != EINTR) {
      return false;
    }
  }
  return true;
}

void WsClient::send_raw(std::string_view bytes) {
  if (!try_send_raw(bytes)) throw Disappointed("the daemon has closed the connection");
}

WsClient::Got WsClient::read_more(const Deadline& deadline) {
  if (tls_) {
    switch (tls_->receive(received_, deadline)) {
      case TlsChannel::Got::bytes: return Got::bytes;
      case TlsChannel::Got::eof: return Got::eof;
      case TlsChannel::Got::reset: return Got::reset;
      case TlsChannel::Got::nothing: throw Disappointed("nothing came from the daemon");
    }
  }
  for (;;) {
    pollfd readable{fd_, POLLIN, 0};
    if (poll(&readable, 1, deadline.left_ms()) == 0) throw Disappointed("nothing came from the daemon");
    std::array<char, 65536> bytes;
    const ssize_t n = recv(fd_, bytes.data(), bytes.size(), MSG_DONTWAIT);
    if (n == 0) return Got::eof;
    if (n < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (n < 0) return Got::reset;
    received_.append(bytes.data(), static_cast<std::size_t>(n));
    return Got::bytes;
  }
}

std::optional<Frame> WsClient::receive_or_end() {
  const Deadline deadline;
  for (;;) {
    if (auto frame = take_frame(received_)) return frame;
    if (read_more(deadline) == Got::bytes) continue;
    if (!received_.empty()) throw Disappointed("the connection ended inside a frame");
    return std::nullopt;
  }
}

Frame WsClient::receive() {
  auto frame = receive_or_end();
  if (!frame) throw Disappointed("the daemon has closed the connection");
  return *std::move(frame);
}

bool WsClient::expect_end() {
  const Deadline deadline;
  if (!received_.empty()) throw Disappointed("more bytes instead of the end: " + received_);
  const Got got = read_more(deadline);
  if (got == Got::bytes) throw Disappointed("more bytes instead of the end: " + received_);
  return got == Got::eof;
}

Frame WsClient::receive_close() {
  for (;;) {
    auto frame = receive();
    if (frame.is_close()) return frame;
  }
}

bool WsClient::has_something_within(std::chrono::milliseconds time) {
  if (!received_.empty()) return true;
  if (tls_) return tls_->has_something_within(time);
  pollfd readable{fd_, POLLIN, 0};
  return poll(&readable, 1, static_cast<int>(time.count())) > 0;
}

}  // namespace sipwsd::test
