#include "tests/abuse/attacker.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <optional>
#include <sstream>
#include <string_view>
#include <vector>

#include "tests/bench/loop.h"
#include "tests/bench/tls_client.h"

namespace sipwsd::abuse {
namespace {

using bench::Clock;
using bench::Fd;
using bench::Loop;
using bench::TlsContext;
using bench::TlsStream;
using namespace std::chrono_literals;

// A flood's connections take turns: so many bytes each.
constexpr std::size_t bytes_a_turn = 64 * 1024;

class Attacker;

class Connection final : private Loop::Watcher {
 public:
  Connection(Attacker& attacker, std::size_t number) : attacker_(attacker), number_(number) {}
  void open();
  void trickle();      // one byte more
  void send_again();   // the next bytes
  bool is_attacking() const noexcept { return state_ == State::attacking; }

 private:
  enum class State { idle, connecting, tls, upgrading, attacking };

  void on_ready(std::uint32_t events) override;
  void advance();
  void start_attack();
  void go_on();
  void act();
  void flood();
  bool flush();  // whether everything is with the socket
  void read_socket();
  void end(std::string_view how);
  ssize_t transmit(std::string_view bytes);

  Attacker& attacker_;
  std::size_t number_;
  State state_ = State::idle;
  Fd fd_;
  std::unique_ptr<TlsStream> tls_;
  std::string unsent_, head_;
  std::size_t sent_ = 0;  // of unsent_
  std::uint64_t sequence_ = 0, opened_ = 0;
  bool turn_is_coming_ = false;
};

class Attacker {
 public:
  Attacker(const Attack& attack, const Battlefield& field) : attack_(attack), field_(field), deadline_(Clock::now() + field.duration) {
    if (attack.opening != Opening::raw && attack.port == Port::wss)
      tls_.emplace(attack.act == Act::renegotiate ? TlsContext::Version::tls_1_2 : TlsContext::Version::any);
  }

  Account run() {
    for (std::size_t i = 0; i < field_.connections; ++i) {
      connections_.push_back(std::make_unique<Connection>(*this, i));
      // Spread over half a second: a listen queue that overflows would attack the kernel, not the daemon.
      loop_.after(500ms * i / field_.connections, [connection = connections_.back().get()] { connection->open(); });
    }
    if (attack_.pace == Pace::byte_a_second) every(1s, [](Connection& connection) { connection.trickle(); });
    if (attack_.pace == Pace::ten_a_second) every(100ms, [](Connection& connection) { connection.send_again(); });
    loop_.run_until([this] { return is_over(); }, field_.duration + 1s);
    return account_;
  }

  void count(const std::string& what, std::uint64_t amount = 1) { account_[what] += amount; }
  bool is_over() const { return Clock::now() >= deadline_; }
  sockaddr_in source(std::size_t which) const {
    const auto index = which % attack_.addresses;
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(0x7f000000 | static_cast<std::uint32_t>(64 + field_.number) << 16 | static_cast<std::uint32_t>(index / 250) << 8 |
                                    static_cast<std::uint32_t>(1 + index % 250));
    return address;
  }
  std::uint16_t port() const { return attack_.port == Port::ws ? field_.ws_port : field_.wss_port; }
  TlsContext* tls() { return tls_ ? &*tls_ : nullptr; }
  Loop& loop() { return loop_; }
  const Attack& attack() const { return attack_; }

 private:
  template <typename Do>
  void every(std::chrono::milliseconds interval, Do act) {
    loop_.after(interval, [this, interval, act] {
      for (const auto& connection : connections_)
        if (connection->is_attacking()) act(*connection);
      if (!is_over()) every(interval, act);
    });
  }

  const Attack& attack_;
  Battlefield field_;
  Clock::time_point deadline_;
  Loop loop_;
  std::optional<TlsContext> tls_;
  std::vector<std::unique_ptr<Connection>> connections_;
  Account account_;
};

void Connection::open() {
  if (attacker_.is_over()) return;
  unsent_.clear();
  head_.clear();
  sent_ = 0;
  fd_ = Fd(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  const int on = 1, small = 4096;
  ::setsockopt(fd_.number(), IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
  ::setsockopt(fd_.number(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (attacker_.attack().reads == Reads::nothing) ::setsockopt(fd_.number(), SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
  // A storm's connections change their address each time.
  const auto source = attacker_.source(number_ + opened_++ * attacker_.attack().connections);
  ::bind(fd_.number(), reinterpret_cast<const sockaddr*>(&source), sizeof source);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(attacker_.port());
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  state_ = State::connecting;
  attacker_.count("tried");
  if (::connect(fd_.number(), reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0 && errno != EINPROGRESS) return end("no connection");
  attacker_.loop().watch(fd_.number(), *this);
}

void Connection::on_ready(std::uint32_t) {
  if (!fd_) return;
  if (state_ == State::connecting || state_ == State::tls) advance();
  if (!fd_ || state_ == State::connecting || state_ == State::tls) return;
  if (state_ != State::attacking || attacker_.attack().reads == Reads::everything) read_socket();
  if (!fd_) return;
  if (state_ == State::attacking) {
    go_on();
  } else {
    flush();
  }
}

void Connection::advance() {
  if (state_ == State::connecting) {
    int error = 0;
    socklen_t size = sizeof error;
    ::getsockopt(fd_.number(), SOL_SOCKET, SO_ERROR, &error, &size);
    if (error != 0) return end("no connection");
    sockaddr_in peer{};
    socklen_t peer_size = sizeof peer;
    if (::getpeername(fd_.number(), reinterpret_cast<sockaddr*>(&peer), &peer_size) != 0) return;
    attacker_.count("connected");
    if (attacker_.tls() != nullptr) {
      tls_ = std::make_unique<TlsStream>(*attacker_.tls(), fd_.number());
      state_ = State::tls;
    }
  }
  if (tls_) {
    const auto handshake = tls_->handshake();
    if (handshake == TlsStream::Handshake::under_way) return;
    if (handshake == TlsStream::Handshake::failed) return end("TLS failed");
    attacker_.count("TLS up");
  }
  if (attacker_.attack().opening != Opening::upgrade) return start_attack();
  state_ = State::upgrading;
  unsent_ =
      "GET / HTTP/1.1\r\nHost: example.com\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: sip\r\n\r\n";
  flush();
}

void Connection::start_attack() {
  state_ = State::attacking;
  const auto& attack = attacker_.attack();
  unsent_.clear();
  sent_ = 0;
  sequence_ = 0;
  // A reconnected attacker's requests must differ from those of its earlier connections.
  if (attack.first != nullptr) unsent_ = attack.first(number_, opened_);
  if (attack.bytes != nullptr && (attack.pace == Pace::once || attack.pace == Pace::byte_a_second)) unsent_ += attack.bytes(number_, opened_);
  go_on();
}

void Connection::go_on() {
  const auto& attack = attacker_.attack();
  switch (attack.pace) {
    case Pace::byte_a_second: return;  // trickle() does it
    case Pace::flood: return attack.act == Act::send ? flood() : act();
    case Pace::ten_a_second:
      flush();
      return;
    case Pace::once: break;
  }
  if (!flush() || attack.then == Then::stay) return;
  if (attack.then == Then::reset) {
    const linger hard{.l_onoff = 1, .l_linger = 0};
    ::setsockopt(fd_.number(), SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
  }
  end("left");
}

void Connection::trickle() {
  if (sent_ >= unsent_.size()) return;
  if (transmit(std::string_view(unsent_).substr(sent_, 1)) == 1) ++sent_;
}

void Connection::send_again() {
  if (!flush()) return;
  unsent_ = attacker_.attack().bytes(number_, opened_ * 1'000'000 + sequence_++);
  flush();
}

void Connection::flood() {
  std::size_t budget = bytes_a_turn;
  while (flush()) {
    if (attacker_.is_over()) return;
    if (budget == 0) {
      if (turn_is_coming_) return;
      turn_is_coming_ = true;
      attacker_.loop().after(0ms, [this] {
        turn_is_coming_ = false;
        if (fd_ && state_ == State::attacking) flood();
      });
      return;
    }
    unsent_ = attacker_.attack().bytes(number_, opened_ * 1'000'000 + sequence_++);
    budget -= std::min(budget, unsent_.size());
  }
}

// Answers are read in between: OpenSSL has one question of this kind under way at a time.
void Connection::act() {
  const bool asked = attacker_.attack().act == Act::renegotiate ? tls_->renegotiate() : tls_->ask_for_new_keys();
  attacker_.count(asked ? "asked" : "library refused");
  if (turn_is_coming_) return;
  turn_is_coming_ = true;
  attacker_.loop().after(0ms, [this] {
    turn_is_coming_ = false;
    if (!fd_ || state_ != State::attacking) return;
    read_socket();
    if (fd_) act();
  });
}

ssize_t Connection::transmit(std::string_view bytes) {
  const auto sent = tls_ ? tls_->write(bytes) : ::send(fd_.number(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
  if (sent > 0) attacker_.count("bytes", static_cast<std::uint64_t>(sent));
  return sent;
}

bool Connection::flush() {
  while (sent_ < unsent_.size()) {
    const auto sent = transmit(std::string_view(unsent_).substr(sent_));
    if (sent <= 0) {
      // Somebody who does not read learns only here that he was thrown out.
      if (sent < 0 && errno != EAGAIN && errno != EINTR && state_ == State::attacking) end("cut off");
      return false;
    }
    sent_ += static_cast<std::size_t>(sent);
  }
  unsent_.clear();
  sent_ = 0;
  return true;
}

// A Close frame at the end of what came: its code.
std::optional<unsigned> close_code_in(std::string_view bytes) {
  for (std::size_t length = 2; length < 126 && length + 2 <= bytes.size(); ++length) {
    const auto at = bytes.size() - length - 2;
    if (static_cast<unsigned char>(bytes[at]) == 0x88 && static_cast<unsigned char>(bytes[at + 1]) == length)
      return static_cast<unsigned char>(bytes[at + 2]) << 8 | static_cast<unsigned char>(bytes[at + 3]);
  }
  return std::nullopt;
}

void Connection::read_socket() {
  static std::array<char, 64 * 1024> buffer;
  while (fd_) {
    const auto got = tls_ ? tls_->read(buffer.data(), buffer.size()) : ::recv(fd_.number(), buffer.data(), buffer.size(), 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (got <= 0) return end(got == 0 ? "ended by server" : "reset by server");
    const std::string_view bytes(buffer.data(), static_cast<std::size_t>(got));
    if (state_ == State::upgrading) {
      head_ += bytes;
      if (head_.find("\r\n\r\n") == std::string::npos) continue;
      if (!head_.starts_with("HTTP/1.1 101 ")) {
        attacker_.count("HTTP " + head_.substr(9, 3));
        return end("handshake refused");
      }
      attacker_.count("upgraded");
      start_attack();
    } else if (const auto code = close_code_in(bytes)) {
      attacker_.count(fmt::format("Close {}", *code));
    } else if (bytes.starts_with("HTTP/1.1 ") && bytes.size() > 12) {
      attacker_.count("HTTP " + std::string(bytes.substr(9, 3)));
    }
  }
}

void Connection::end(std::string_view how) {
  attacker_.count(std::string(how));
  tls_.reset();
  fd_ = Fd();
  state_ = State::idle;
  const auto again = attacker_.attack().again;
  if (again >= 0ms && !attacker_.is_over()) attacker_.loop().after(again, [this] { open(); });
}

}  // namespace

Account carry_out(const Attack& attack, const Battlefield& field) { return Attacker(attack, field).run(); }

std::string write(const Account& account) {
  std::string text;
  for (const auto& [what, amount] : account) text += fmt::format("{}={}\n", what, amount);
  return text;
}

Account read_account(const std::string& text) {
  Account account;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    const auto at = line.find('=');
    if (at != std::string::npos) account[line.substr(0, at)] = std::stoull(line.substr(at + 1));
  }
  return account;
}

}  // namespace sipwsd::abuse
