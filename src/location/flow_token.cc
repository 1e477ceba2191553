#include "src/location/flow_token.h"

#include <algorithm>
#include <cstring>

#include "src/base/digest.h"

namespace sipwsd::location {
namespace {

constexpr char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr std::size_t mac_size = 8;
constexpr std::size_t max_end = 1 + 16 + 2 + 8;
constexpr std::size_t max_bytes = 4 + 2 * max_end + mac_size;
constexpr std::size_t min_bytes = 4 + mac_size;
constexpr std::string_view mark = "w.";
static_assert(mark.size() + (max_bytes * 8 + 5) / 6 <= 100);

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

int value_of(char c) noexcept {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  if (c == '-') return 62;
  if (c == '_') return 63;
  return -1;
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

FlowTokenText FlowTokens::make(const FlowPair& ends, std::int64_t now) const noexcept {
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

  FlowTokenText text;
  for (const char c : mark) text.text_[text.size_++] = c;
  std::uint32_t bits = 0;
  int held = 0;
  for (std::size_t i = 0; i < out.size; ++i) {
    bits = bits << 8 | out.bytes[i];
    held += 8;
    for (; held >= 6; held -= 6) text.text_[text.size_++] = alphabet[bits >> (held - 6) & 63];
  }
  if (held != 0) text.text_[text.size_++] = alphabet[bits << (6 - held) & 63];
  return text;
}

Result<FlowPair> FlowTokens::read(std::string_view user, std::int64_t now) const noexcept {
  if (!user.starts_with(mark)) return Errc::not_found;
  user.remove_prefix(mark.size());
  const std::size_t count = user.size() * 6 / 8;
  if (count < min_bytes || count > max_bytes || user.size() != (count * 8 + 5) / 6) return Errc::not_found;
  std::array<std::uint8_t, max_bytes> bytes;
  std::uint32_t bits = 0;
  int held = 0;
  std::size_t n = 0;
  for (const char c : user) {
    const int value = value_of(c);
    if (value < 0) return Errc::not_found;
    bits = bits << 6 | static_cast<std::uint32_t>(value);
    held += 6;
    if (held >= 8) {
      held -= 8;
      bytes[n++] = static_cast<std::uint8_t>(bits >> held);
    }
  }
  const std::string_view payload{reinterpret_cast<const char*>(bytes.data()), count - mac_size};
  Reader in{payload};
  const auto day = static_cast<std::uint8_t>(in.take(1));
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
  if (in.failed || !in.rest.empty()) return Errc::refused;
  // Of the periods that fit the byte the newest that is not in the future; the byte comes round after 256 of them.
  const std::int64_t present = now / lifetime_;
  const std::int64_t period = present - static_cast<std::uint8_t>(static_cast<std::uint8_t>(present) - day);
  std::array<std::uint8_t, mac_size> mac;
  const std::uint64_t value = base::siphash(key_of(period), payload);
  for (std::size_t i = 0; i < mac_size; ++i) mac[i] = static_cast<std::uint8_t>(value >> (8 * (mac_size - 1 - i)));
  if (!base::equal_constant_time({reinterpret_cast<const char*>(mac.data()), mac_size},
                                 {reinterpret_cast<const char*>(bytes.data()) + payload.size(), mac_size}))
    return Errc::refused;
  if (held != 0 && (bits & ((1u << held) - 1)) != 0) return Errc::refused;  // another spelling of a token of ours
  if (present - period > 1) return Errc::gone;
  return ends;
}

}  // namespace sipwsd::location
