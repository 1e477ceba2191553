#include "src/location/flow_token.h"

#include <algorithm>
#include <array>

#include "src/base/base64.h"
#include "src/base/digest.h"

namespace sipwsd::location {
namespace {

constexpr std::size_t mac_size = 8;
constexpr std::size_t max_end = 1 + 16 + 2 + 8;
constexpr std::size_t max_bytes = 4 + 2 * max_end + mac_size;
constexpr std::size_t min_bytes = 4 + mac_size;
constexpr std::size_t max_text = (max_bytes * 8 + 5) / 6;
constexpr std::string_view mark = "w.";

// Bits of a kind.
constexpr std::uint8_t connection = 1, ipv4 = 2, ipv6 = 4, client = 8;
constexpr std::uint8_t any_socket = 31;  // five bits of socket beside three of protocol

struct Writer {
  std::array<std::uint8_t, max_bytes> bytes;
  std::size_t size = 0;
  void put(std::uint64_t value, int width) {
    for (int i = width - 1; i >= 0; --i) bytes[size++] = static_cast<std::uint8_t>(value >> (8 * i));
  }
  std::string_view text() const { return {reinterpret_cast<const char*>(bytes.data()), size}; }
};

struct Reader {
  std::string_view rest;
  bool failed = false;
  std::uint64_t take(std::size_t width) {
    if (rest.size() < width) {
      failed = true;
      return 0;
    }
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < width; ++i) value = value << 8 | static_cast<std::uint8_t>(rest[i]);
    rest.remove_prefix(width);
    return value;
  }
};

std::uint8_t kind_of(const FlowEnd& end) {
  const std::uint8_t who = end.client == ClientId::none ? 0 : client;
  if (end.at.is_flow()) return who | connection;
  if (!end.at.is_address()) return who;
  return who | (end.at.remote.family == AddressFamily::ipv4 ? ipv4 : ipv6);
}

bool is_wildcard(const Endpoint& at) {
  return std::all_of(at.address.begin(), at.address.end(), [](auto byte) { return byte == 0; });
}

}  // namespace

FlowTokens::FlowTokens(const base::SipHashKey& key, std::int64_t lifetime_seconds, std::vector<Endpoint> sockets,
                       std::uint16_t run)
    : key_(key), lifetime_(std::max<std::int64_t>(1, lifetime_seconds)), run_(run), sockets_(std::move(sockets)) {
  if (sockets_.size() > any_socket) sockets_.resize(any_socket);
}

base::SipHashKey FlowTokens::key_of(std::int64_t period) const noexcept {
  if (last_ && last_->period == period) return last_->key;
  const std::int64_t halves[] = {period, ~period};
  last_ = PeriodKey{period,
                    {base::siphash(key_, {reinterpret_cast<const char*>(&halves[0]), sizeof period}),
                     base::siphash(key_, {reinterpret_cast<const char*>(&halves[1]), sizeof period})}};
  return last_->key;
}

std::uint8_t FlowTokens::socket_of(const Destination& at) const noexcept {
  for (std::size_t i = 0; i < sockets_.size(); ++i) {
    const Endpoint& socket = sockets_[i];
    if (socket.port == at.local.port && socket.family == at.local.family &&
        (socket.address == at.local.address || is_wildcard(socket)))
      return static_cast<std::uint8_t>(i);
  }
  return any_socket;
}

std::string FlowTokens::make(const FlowPair& ends, std::int64_t now) const {
  const std::int64_t period = now / lifetime_;
  Writer out;
  out.put(static_cast<std::uint8_t>(period), 1);
  out.put(run_, 2);
  out.put(static_cast<std::uint8_t>(kind_of(ends.upstream) << 4 | kind_of(ends.downstream)), 1);
  for (const FlowEnd* end : {&ends.upstream, &ends.downstream}) {
    const Destination& at = end->at;
    if (at.is_flow()) {
      out.put(number(at.flow.connection), 4);
      out.put(number(at.flow.owner), 2);
    } else if (at.is_address()) {
      out.put(static_cast<std::uint8_t>(static_cast<std::uint8_t>(at.remote.protocol) << 5 | socket_of(at)), 1);
      for (std::size_t i = 0; i < (at.remote.family == AddressFamily::ipv4 ? 4u : 16u); ++i) out.put(at.remote.address[i], 1);
      out.put(at.remote.port, 2);
    }
    if (end->client != ClientId::none) out.put(number(end->client), 8);
  }
  out.put(base::siphash(key_of(period), out.text()), mac_size);

  return std::string(mark) + base::base64url(out.text());
}

Result<FlowPair> FlowTokens::read(std::string_view user, std::int64_t now) const {
  if (!user.starts_with(mark)) return Errc::not_found;
  if (user.size() > mark.size() + max_text) return Errc::refused;
  const auto bytes = base::unbase64url(user.substr(mark.size()));
  if (!bytes || bytes->size() < min_bytes) return Errc::refused;
  const std::string_view payload = std::string_view(*bytes).substr(0, bytes->size() - mac_size);
  Reader in{payload};
  // Of the periods that fit the byte the newest that is not in the future; the byte comes round after 256 of them.
  const std::int64_t present = now / lifetime_;
  const std::int64_t period = present - static_cast<std::uint8_t>(static_cast<std::uint8_t>(present) - in.take(1));
  Writer mac;
  mac.put(base::siphash(key_of(period), payload), mac_size);
  if (!base::equal_constant_time(mac.text(), std::string_view(*bytes).substr(payload.size()))) return Errc::refused;
  if (present - period > 1) return Errc::gone;

  const auto run = static_cast<std::uint16_t>(in.take(2));
  const auto kinds = static_cast<std::uint8_t>(in.take(1));
  FlowPair ends;
  for (FlowEnd* end : {&ends.upstream, &ends.downstream}) {
    const auto kind = static_cast<std::uint8_t>(end == &ends.upstream ? kinds >> 4 : kinds & 15);
    const unsigned place = kind & (connection | ipv4 | ipv6);
    if (place == connection) {
      end->at.flow.connection = static_cast<ConnectionId>(in.take(4));
      end->at.flow.owner = static_cast<WorkerSlot>(in.take(2));
      if (run != run_) {
        end->at.flow = {};
        end->is_of_before = true;
      }
    } else if (place == ipv4 || place == ipv6) {
      const auto how = static_cast<std::uint8_t>(in.take(1));
      end->at.remote.protocol = static_cast<TransportProtocol>(how >> 5);
      if (const unsigned socket = how & 31; socket < sockets_.size()) end->at.local = sockets_[socket];
      end->at.remote.family = place == ipv4 ? AddressFamily::ipv4 : AddressFamily::ipv6;
      for (std::size_t i = 0; i < (place == ipv4 ? 4u : 16u); ++i)
        end->at.remote.address[i] = static_cast<std::uint8_t>(in.take(1));
      end->at.remote.port = static_cast<std::uint16_t>(in.take(2));
    } else if (place != 0) {
      return Errc::refused;
    }
    if (kind & client) end->client = static_cast<ClientId>(in.take(8));
  }
  if (in.failed || !in.rest.empty()) return Errc::refused;  // signed by another version of us
  return ends;
}

}  // namespace sipwsd::location
