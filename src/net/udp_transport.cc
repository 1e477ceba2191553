#include "src/net/udp_transport.h"

#include <algorithm>
#include <array>
#include <utility>

#include "src/base/log.h"
#include "src/base/random.h"
#include "src/net/stun.h"

namespace sipwsd::net {
namespace {

using namespace std::chrono_literals;
using shm::Counter;

// What may wait for a socket that takes no more: a burst. Whoever wants to send then is told, and tries elsewhere or later.
constexpr std::size_t most_waiting = 1024;
constexpr std::size_t most_bytes_waiting = 1024 * 1024;
constexpr std::size_t buffer_kept = 128 * 1024;  // between turns
constexpr int returned_a_turn = 32;
constexpr auto congestion_pause = 5ms;

bool is_every_address(const Endpoint& at) noexcept { return at.address == decltype(at.address){}; }

base::SipHashKey draw_key() {
  base::SystemRandom random;
  return {.k0 = random.next(), .k1 = random.next()};
}

}  // namespace

// One socket: what is ready is read in batches, what is to be sent waits for the end of the turn.
class UdpTransport::Socket final : private os::Watcher, private os::Deferred, private os::TimerHandler {
 public:
  Socket(UdpTransport& transport, const Endpoint& at, int fd)
      : transport_(transport), context_(transport.context_), at_(at), fd_(fd), lost_(os::lost_datagrams(fd)) {
    if (const auto added = context_.loop.add(fd_, os::readable, *this); !added)
      log::error("cannot watch {}: {}", at_.to_string(), added.error().why);
    else
      is_watched_ = true;
  }
  ~Socket() {
    if (pause_ != os::TimerId::none) context_.loop.timers().cancel(pause_);
    if (is_watched_) context_.loop.remove(fd_, *this);
  }

  const Endpoint& at() const noexcept { return at_; }
  bool serves(const Endpoint& local) const noexcept {
    return local.port == at_.port && local.family == at_.family && (local.address == at_.address || is_every_address(at_));
  }

  Result<void> send(const Endpoint& from, const Endpoint& to, std::string_view bytes) {
    if (bytes.size() > os::largest_datagram) return Errc::too_large;
    if (waiting_.size() - sent_ >= most_waiting || bytes_.size() + bytes.size() > most_bytes_waiting) {
      context_.counters.add(Counter::udp_send_queue_full);
      return Errc::full;
    }
    waiting_.push_back({.offset = static_cast<std::uint32_t>(bytes_.size()),
                        .size = static_cast<std::uint32_t>(bytes.size()),
                        .to = to,
                        .from = is_every_address(at_) && !is_every_address(from) ? from : Endpoint{}});
    bytes_.append(bytes);
    if (!is_full_) context_.loop.defer(*this);
    return {};
  }

 private:
  struct Waiting {
    std::uint32_t offset, size;  // in bytes_
    Endpoint to, from;
  };

  void on_ready(std::uint32_t events) override {
    if ((events & os::hung_up) != 0) take_returned();
    if ((events & os::writable) != 0) {
      is_full_ = false;
      flush();
    }
    // Also for an error about which nothing has come back: it stands until the next call.
    if ((events & (os::readable | os::hung_up)) != 0 && pause_ == os::TimerId::none) receive();
  }

  void receive() {
    // What comes may be for another worker, and one of them does not keep up: the kernel keeps it as long.
    if (context_.must_hold_back()) {
      pause_ = context_.loop.timers().add(congestion_pause, *this, 0);
      return watch();
    }
    os::DatagramReceiver& receiver = *transport_.receiver_;
    const std::size_t count = receiver.receive(fd_);
    context_.counters.add(Counter::udp_received, count);
    for (std::size_t i = 0; i < count; ++i) {
      const auto datagram = receiver[i];
      if (datagram.lost != 0) context_.counters.add(Counter::udp_lost, datagram.lost - std::exchange(lost_, datagram.lost));
      transport_.take(*this, datagram);
    }
  }

  // Also of what other workers have sent from their copies of this socket.
  void take_returned() {
    std::array<char, 1024> room;
    for (int i = 0; i < returned_a_turn; ++i) {
      const auto returned = os::returned_datagram(fd_, room);
      if (!returned) return;
      if (!returned->is_unreachable) continue;
      context_.counters.add(Counter::udp_unreachable);
      context_.user.on_datagram_error(returned->to, returned->head);
    }
  }

  void run_deferred() override { flush(); }

  void flush() {
    std::array<os::OutgoingDatagram, os::most_sent_at_once> batch;
    bool has_failed = false;
    while (sent_ < waiting_.size() && !is_full_) {
      const std::size_t count = std::min(batch.size(), waiting_.size() - sent_);
      for (std::size_t i = 0; i < count; ++i) {
        const Waiting& one = waiting_[sent_ + i];
        batch[i] = {as_bytes(std::string_view(bytes_).substr(one.offset, one.size)), one.to, one.from};
      }
      const auto sent = os::send_datagrams(fd_, std::span{batch}.first(count));
      if (sent) {
        context_.counters.add(Counter::udp_sent, *sent);
        sent_ += *sent;
        has_failed = false;
      } else if (sent.is(Errc::full)) {
        is_full_ = true;
      } else if (!std::exchange(has_failed, true) && sent.is(Errc::gone)) {
        take_returned();  // the error may have been another datagram's, which came back; with it read this one can go
      } else {
        give_up(batch[0]);
        has_failed = false;
      }
    }
    if (sent_ == waiting_.size()) forget_sent();
    watch();
  }

  void give_up(const os::OutgoingDatagram& datagram) {
    context_.counters.add(Counter::udp_send_failed);
    ++sent_;
    // A copy: what its user does now may send, and that may move bytes_.
    const std::string head(as_text(datagram.bytes).substr(0, 1024));
    context_.user.on_datagram_error(datagram.to, head);
  }

  void forget_sent() {
    waiting_.clear();
    bytes_.clear();
    sent_ = 0;
    if (bytes_.capacity() > buffer_kept) bytes_ = {};
  }

  void on_timer(os::TimerId, std::uint64_t) override {
    pause_ = os::TimerId::none;
    watch();
  }

  void watch() {
    const std::uint32_t events = (pause_ == os::TimerId::none ? os::readable : 0) | (is_full_ ? os::writable : 0);
    if (events == watched_ || !is_watched_) return;
    if (context_.loop.modify(fd_, events, *this)) watched_ = events;
  }

  UdpTransport& transport_;
  ConnectionContext& context_;
  Endpoint at_;
  int fd_;
  std::uint32_t lost_;  // counted already
  std::uint32_t watched_ = os::readable;
  bool is_watched_ = false;
  os::TimerId pause_{};
  bool is_full_ = false;  // the kernel takes no more now
  std::size_t sent_ = 0;  // of waiting_
  std::string bytes_;
  std::vector<Waiting> waiting_;
};

UdpTransport::UdpTransport(ConnectionContext& context) : context_(context), rates_(draw_key()) {}
UdpTransport::~UdpTransport() = default;

void UdpTransport::serve(const Endpoint& at, int socket) {
  if (!receiver_) receiver_ = std::make_unique<os::DatagramReceiver>();
  sockets_.push_back(std::make_unique<Socket>(*this, at, socket));
}

Result<void> UdpTransport::send(const Endpoint& from, const Endpoint& to, std::string_view bytes) {
  for (const auto& socket : sockets_)
    if (socket->serves(from)) return socket->send(from, to, bytes);
  return Errc::unsupported;
}

// RFC 5626 8: STUN by its first bits. Keepalives of all sorts: nothing at all, four zeros, an empty line or two.
UdpTransport::Kind UdpTransport::kind_of(ByteView bytes) noexcept {
  constexpr std::size_t longest_keepalive = 8;
  const auto is_blank = [](std::byte b) { return b == std::byte{0} || b == std::byte{'\r'} || b == std::byte{'\n'}; };
  if (bytes.size() <= longest_keepalive && std::all_of(bytes.begin(), bytes.end(), is_blank)) return Kind::keepalive;
  if (stun::looks_like_stun(bytes)) return Kind::stun;
  // A method or SIP/2.0, perhaps behind empty lines (RFC 3261 7.5).
  const auto first = std::find_if(bytes.begin(), bytes.end(), [](std::byte b) { return b != std::byte{'\r'} && b != std::byte{'\n'}; });
  if (first == bytes.end()) return Kind::garbage;
  const char c = static_cast<char>(*first);
  return c > ' ' && c < '\x7f' ? Kind::sip : Kind::garbage;
}

void UdpTransport::take(Socket& socket, const os::DatagramReceiver::Datagram& datagram) {
  const Kind kind = kind_of(datagram.bytes);
  if (kind == Kind::keepalive) return context_.counters.add(Counter::udp_keepalives);
  const auto now = context_.loop.now();
  if (!context_.admission.is_exempt(datagram.from)) {
    if (context_.admission.is_banned(datagram.from, now)) return context_.counters.add(Counter::udp_banned);
    if (!rates_.take(datagram.from, now, context_.message_rate())) return context_.counters.add(Counter::udp_too_fast);
  }
  Endpoint local = socket.at();
  if (datagram.to.family != AddressFamily::none) local.address = datagram.to.address;
  switch (kind) {
    case Kind::keepalive: return;
    case Kind::garbage: return context_.counters.add(Counter::udp_garbage);
    case Kind::stun: return answer_stun(socket, local, datagram.from, datagram.bytes);
    case Kind::sip:
      return context_.user.on_datagram({.flow = {}, .remote = datagram.from, .local = local}, as_text(datagram.bytes));
  }
}

void UdpTransport::answer_stun(Socket& socket, const Endpoint& local, const Endpoint& source, ByteView request) {
  const auto parsed = stun::parse(request);
  const auto* binding = std::get_if<stun::BindingRequest>(&parsed);
  if (binding == nullptr) return context_.counters.add(Counter::udp_garbage);
  context_.counters.add(Counter::udp_stun_requests);
  const stun::Answer answer(*binding, source);
  static_cast<void>(socket.send(local, source, as_text(answer.bytes())));
}

}  // namespace sipwsd::net
