#include "tests/bench/websocket_client.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <iterator>
#include <vector>

#include "src/base/base64.h"
#include "src/base/digest.h"

namespace sipwsd::bench {
namespace {

struct Key {
  std::string sent;
  std::string accept;  // RFC 6455 4.2.2: base64(SHA-1(key + GUID))
};

// Prepared once, so that opening ten thousand connections does not cost the client as many hashes.
const std::vector<Key>& keys() {
  static const auto prepared = [] {
    std::vector<Key> made;
    for (int i = 0; i < 64; ++i) {
      const auto sent = base::base64(fmt::format("bench-key-{:06}", i * 7919 + 11));
      made.push_back({sent, base::base64(base::as_text(base::sha1(sent + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11")))});
    }
    return made;
  }();
  return prepared;
}

bool same_name(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) { return (x | 0x20) == (y | 0x20); });
}

std::string_view header(std::string_view head, std::string_view name) {
  while (!head.empty()) {
    const auto line = head.substr(0, head.find("\r\n"));
    head.remove_prefix(std::min(head.size(), line.size() + 2));
    const auto colon = line.find(':');
    if (colon == std::string_view::npos || !same_name(line.substr(0, colon), name)) continue;
    auto value = line.substr(colon + 1);
    while (value.starts_with(' ')) value.remove_prefix(1);
    return value;
  }
  return {};
}

std::uint32_t next_mask() {
  static std::uint64_t state = 0x9e3779b97f4a7c15;
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return static_cast<std::uint32_t>(state >> 16);
}

void append_masked(std::string& out, std::string_view payload, std::uint32_t mask) {
  const auto at = out.size();
  out.append(payload);
  const auto wide = (std::uint64_t{mask} << 32) | mask;
  std::size_t i = 0;
  for (; i + 8 <= payload.size(); i += 8) {
    std::uint64_t word;
    std::memcpy(&word, out.data() + at + i, 8);
    word ^= wide;
    std::memcpy(out.data() + at + i, &word, 8);
  }
  std::array<char, 4> key;
  std::memcpy(key.data(), &mask, 4);
  for (; i < payload.size(); ++i) out[at + i] = static_cast<char>(out[at + i] ^ key[i % 4]);
}

// One for all connections: what is read is handled before the next socket is looked at.
std::array<char, 256 * 1024> read_buffer;
std::string frame_buffer;

}  // namespace

void WebSocketClient::open(const Target& target) {
  ++generation_;
  target_ = target;
  partial_in_.clear();
  fragments_.clear();
  unsent_.clear();
  close_sent_ = close_received_ = false;
  close_code_ = 0;
  key_ = generation_ % keys().size();

  tls_.reset();
  fd_ = Fd(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  state_ = State::connecting;
  const int on = 1;
  ::setsockopt(fd_.number(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  if (!target.source.empty()) {
    ::setsockopt(fd_.number(), IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    ::inet_pton(AF_INET, target.source.c_str(), &address.sin_addr);
    ::bind(fd_.number(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
  }
  address.sin_port = htons(target.port);
  ::inet_pton(AF_INET, target.address.c_str(), &address.sin_addr);
  if (::connect(fd_.number(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 &&
      errno != EINPROGRESS) {
    // Told from the loop, as any other failure is: the caller may be in the middle of its own bookkeeping.
    const std::string why = std::strerror(errno);
    loop_.after({}, [this, why, generation = generation_] {
      if (generation == generation_) end("connect: " + why);
    });
    return;
  }
  loop_.watch(fd_.number(), *this);
}

void WebSocketClient::on_ready(std::uint32_t) {
  if (!fd_) return;
  if (state_ == State::connecting) finish_connect();
  if (state_ == State::tls_handshaking) finish_tls();
  if (!unsent_.empty()) flush();
  if (fd_ && state_ != State::connecting && state_ != State::tls_handshaking) read_socket();
}

void WebSocketClient::finish_connect() {
  int error = 0;
  socklen_t size = sizeof error;
  ::getsockopt(fd_.number(), SOL_SOCKET, SO_ERROR, &error, &size);
  if (error != 0) return end(std::string("connect: ") + std::strerror(error));
  sockaddr_in peer{};
  socklen_t peer_size = sizeof peer;
  if (::getpeername(fd_.number(), reinterpret_cast<sockaddr*>(&peer), &peer_size) != 0) return;  // still on its way
  if (target_.tls == nullptr) return send_handshake();
  state_ = State::tls_handshaking;
  tls_ = std::make_unique<TlsStream>(*target_.tls, fd_.number());
}

void WebSocketClient::finish_tls() {
  switch (tls_->handshake()) {
    case TlsStream::Handshake::under_way: return;
    case TlsStream::Handshake::done: return send_handshake();
    case TlsStream::Handshake::failed: return end("TLS: " + tls_->why());
  }
}

void WebSocketClient::send_handshake() {
  state_ = State::handshaking;
  send_bytes(
      fmt::format("GET / HTTP/1.1\r\nHost: {}:{}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nOrigin: {}://{}\r\n"
                  "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {}\r\nSec-WebSocket-Protocol: {}\r\n\r\n",
                  target_.address, target_.port, tls_ ? "https" : "http", target_.address, keys()[key_].sent,
                  target_.sub_protocol));
}

void WebSocketClient::read_socket() {
  const auto generation = generation_;
  while (fd_ && generation == generation_) {
    const auto got = receive(read_buffer.data(), read_buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return;
    if (got < 0) return end(std::string("recv: ") + std::strerror(errno));
    if (got == 0) return end("");
    consume({read_buffer.data(), static_cast<std::size_t>(got)});
  }
}

void WebSocketClient::consume(std::string_view bytes) {
  std::string joined;
  if (!partial_in_.empty()) {
    joined.swap(partial_in_);
    joined.append(bytes);
    bytes = joined;
  }
  const auto generation = generation_;
  while (!bytes.empty()) {
    const auto used = state_ == State::handshaking ? consume_head(bytes) : consume_frame(bytes);
    if (!fd_ || generation != generation_) return;  // a callback ended this connection
    if (used == 0) break;
    bytes.remove_prefix(used);
  }
  if (!bytes.empty()) partial_in_.assign(bytes);
}

std::size_t WebSocketClient::consume_head(std::string_view bytes) {
  const auto size = bytes.find("\r\n\r\n");
  if (size == std::string_view::npos) return 0;
  const auto head = bytes.substr(0, size + 2);
  const auto status = head.substr(0, head.find("\r\n"));
  if (!status.starts_with("HTTP/1.1 101 ")) return end(fmt::format("handshake answered {}", status)), 0;
  if (!same_name(header(head, "Upgrade"), "websocket") || !same_name(header(head, "Connection"), "upgrade"))
    return end("101 without Upgrade and Connection"), 0;
  if (header(head, "Sec-WebSocket-Accept") != keys()[key_].accept) return end("wrong Sec-WebSocket-Accept"), 0;
  if (header(head, "Sec-WebSocket-Protocol") != target_.sub_protocol) return end("wrong Sec-WebSocket-Protocol"), 0;
  if (!header(head, "Sec-WebSocket-Extensions").empty()) return end("an extension nobody offered"), 0;
  state_ = State::open;
  events_.on_open();
  return size + 4;
}

std::size_t WebSocketClient::consume_frame(std::string_view bytes) {
  const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(bytes[i]); };
  if (bytes.size() < 2) return 0;
  if ((byte(0) & 0x70) != 0) return end("reserved bit set"), 0;
  if ((byte(1) & 0x80) != 0) return end("masked frame from the server"), 0;
  std::size_t head = 2;
  std::uint64_t length = byte(1);
  if (length >= 126) {
    const std::size_t width = length == 126 ? 2 : 8;
    if (bytes.size() < 2 + width) return 0;
    length = 0;
    for (std::size_t i = 0; i < width; ++i) length = length << 8 | byte(2 + i);
    if (length < 126 || (width == 8 && length < 65536)) return end("length not minimal"), 0;
    head += width;
  }
  if (length > read_buffer.size() * 4) return end("frame too long"), 0;
  if (bytes.size() < head + length) return 0;
  on_frame(static_cast<Opcode>(byte(0) & 0x0f), (byte(0) & 0x80) != 0, bytes.substr(head, length));
  return head + length;
}

void WebSocketClient::on_frame(Opcode opcode, bool fin, std::string_view payload) {
  if (close_received_) return end("frame after Close");
  switch (opcode) {
    case Opcode::text:
    case Opcode::binary:
    case Opcode::continuation:
      if ((opcode == Opcode::continuation) == fragments_.empty()) return end("fragments out of order");
      if (fin && fragments_.empty()) return events_.on_text(payload);
      fragments_.append(payload);
      if (fin) {
        std::string whole;
        whole.swap(fragments_);
        events_.on_text(whole);
      }
      return;
    case Opcode::ping:
      if (state_ == State::open) send_frame(Opcode::pong, payload);
      return;
    case Opcode::pong:
      return events_.on_pong(payload);
    case Opcode::close:
      close_received_ = true;
      close_code_ = payload.size() < 2 ? 1005
                                       : static_cast<std::uint16_t>(static_cast<std::uint8_t>(payload[0]) << 8 |
                                                                    static_cast<std::uint8_t>(payload[1]));
      if (!close_sent_) {
        close_sent_ = true;
        state_ = State::closing;
        send_frame(Opcode::close, payload.substr(0, 2));
      }
      return;  // RFC 6455 7.1.1: the server ends TCP first
  }
  end("unknown opcode");
}

void WebSocketClient::send_text(std::string_view message) {
  if (state_ == State::open) send_frame(Opcode::text, message);
}

void WebSocketClient::send_ping(std::string_view payload) {
  if (state_ == State::open) send_frame(Opcode::ping, payload);
}

void WebSocketClient::close(std::uint16_t code) {
  if (state_ != State::open) return;
  close_sent_ = true;
  state_ = State::closing;
  const std::array<char, 2> payload{static_cast<char>(code >> 8), static_cast<char>(code)};
  send_frame(Opcode::close, {payload.data(), payload.size()});
}

void WebSocketClient::fail(std::string_view why) {
  if (fd_) end(why);
}

void WebSocketClient::reset() {
  const linger hard{.l_onoff = 1, .l_linger = 0};
  if (fd_) ::setsockopt(fd_.number(), SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
  fail("reset");
}

void WebSocketClient::send_frame(Opcode opcode, std::string_view payload) {
  auto& out = frame_buffer;
  out.clear();
  out.push_back(static_cast<char>(0x80 | static_cast<std::uint8_t>(opcode)));
  const auto size = payload.size();
  if (size < 126) {
    out.push_back(static_cast<char>(0x80 | size));
  } else {
    const int width = size <= 0xffff ? 2 : 8;
    out.push_back(static_cast<char>(0x80 | (width == 2 ? 126 : 127)));
    for (int i = width - 1; i >= 0; --i) out.push_back(static_cast<char>(size >> (8 * i)));
  }
  const auto mask = next_mask();
  std::array<char, 4> key;
  std::memcpy(key.data(), &mask, 4);
  out.append(key.data(), 4);
  append_masked(out, payload, mask);
  send_bytes(out);
}

void WebSocketClient::send_bytes(std::string_view bytes) {
  // Until the socket is full: TLS takes one record at a time.
  while (unsent_.empty() && !bytes.empty()) {
    const auto sent = transmit(bytes);
    // A broken pipe is not handled here: the caller may be anywhere. The loop reports it as the end of input.
    if (sent < 0 && errno != EAGAIN && errno != EINTR) return;
    if (sent < 0) break;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  unsent_.append(bytes);
}

void WebSocketClient::flush() {
  std::string_view rest = unsent_;
  while (!rest.empty()) {
    const auto sent = transmit(rest);
    if (sent <= 0) break;
    rest.remove_prefix(static_cast<std::size_t>(sent));
  }
  unsent_.erase(0, unsent_.size() - rest.size());
}

ssize_t WebSocketClient::receive(char* to, std::size_t size) {
  return tls_ ? tls_->read(to, size) : ::recv(fd_.number(), to, size, 0);
}

ssize_t WebSocketClient::transmit(std::string_view bytes) {
  return tls_ ? tls_->write(bytes) : ::send(fd_.number(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
}

void WebSocketClient::end(std::string_view why) {
  const Ending ending{.was_open = state_ == State::open || state_ == State::closing,
                      .clean = close_sent_ && close_received_ && why.empty(),
                      .close_code = close_code_,
                      .why = std::string(why)};
  tls_.reset();
  fd_ = Fd();
  state_ = State::idle;
  unsent_.clear();
  events_.on_ended(ending);
}

}  // namespace sipwsd::bench
