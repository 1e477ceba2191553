#include "tests/bench/tls_handshakes.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace sipwsd::bench {

class TlsHandshakes::Slot final : private Loop::Watcher {
 public:
  explicit Slot(TlsHandshakes& owner) : owner_(owner) {}

  std::size_t number = 0;  // of the operation

  // False when the system has no connection to give.
  bool open() {
    fd_ = Fd(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    const int on = 1;
    ::setsockopt(fd_.number(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(owner_.target_.port);
    ::inet_pton(AF_INET, owner_.target_.address.c_str(), &address.sin_addr);
    if (::connect(fd_.number(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 && errno != EINPROGRESS) return false;
    tls_ = std::make_unique<TlsStream>(*owner_.target_.tls, fd_.number());
    state_ = State::handshaking;
    owner_.loop_.watch(fd_.number(), *this);
    return true;
  }

 private:
  enum class State { handshaking, wants_ticket, leaving };

  void on_ready(std::uint32_t) override {
    if (!fd_) return;
    if (state_ == State::handshaking) {
      sockaddr_in peer{};
      socklen_t size = sizeof peer;
      if (::getpeername(fd_.number(), reinterpret_cast<sockaddr*>(&peer), &size) != 0) return;  // still on its way
      const auto handshake = tls_->handshake();
      if (handshake == TlsStream::Handshake::failed) return end(fmt::format("TLS: {}", tls_->why()));
      if (handshake == TlsStream::Handshake::under_way) return;
      if (tls_->was_resumed()) ++owner_.resumed_;
      state_ = State::wants_ticket;
      if (!owner_.target_.tls->wants_ticket()) leave();
    }
    std::array<char, 4096> bytes;
    for (;;) {
      const auto got = tls_->read(bytes.data(), bytes.size());
      if (state_ == State::wants_ticket && !owner_.target_.tls->wants_ticket()) leave();
      if (got > 0) continue;
      if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
      return end(state_ == State::leaving ? "" : "the server ended it");
    }
  }

  // close_notify; the server answers by closing.
  void leave() {
    state_ = State::leaving;
    tls_->say_goodbye();
    ::shutdown(fd_.number(), SHUT_WR);
  }

  void end(std::string_view error) {
    tls_.reset();
    fd_ = Fd();
    owner_.ended(*this, error);
  }

  TlsHandshakes& owner_;
  Fd fd_;
  std::unique_ptr<TlsStream> tls_;
  State state_ = State::handshaking;
};

TlsHandshakes::TlsHandshakes(Loop& loop, ClosedLoop& closed_loop, Target target, std::size_t window)
    : loop_(loop), closed_loop_(closed_loop), target_(std::move(target)) {
  for (std::size_t i = 0; i < window; ++i) {
    slots_.push_back(std::make_unique<Slot>(*this));
    free_.push_back(slots_.back().get());
  }
}

TlsHandshakes::~TlsHandshakes() = default;

void TlsHandshakes::start(std::size_t number) {
  auto& slot = *free_.back();
  free_.pop_back();
  slot.number = number;
  if (slot.open()) return;
  free_.push_back(&slot);
  closed_loop_.finished_at_once(number, std::string("connect: ") + std::strerror(errno));
}

void TlsHandshakes::ended(Slot& slot, std::string_view error) {
  free_.push_back(&slot);
  closed_loop_.finished(slot.number, error);
}

}  // namespace sipwsd::bench
