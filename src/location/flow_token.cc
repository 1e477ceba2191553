#include "src/location/flow_token.h"

#include <cstdint>
#include <cstring>

#include "src/base/digest.h"

namespace sipwsd::location {
namespace {

constexpr char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr std::size_t payload_size = 12;
constexpr std::size_t token_size = payload_size + 8;

using Bytes = std::array<std::uint8_t, token_size>;

void put(std::uint8_t*& at, std::uint64_t value, int bytes) {
  for (int i = bytes - 1; i >= 0; --i) *at++ = static_cast<std::uint8_t>(value >> (8 * i));
}
std::uint64_t take(const std::uint8_t*& at, int bytes) {
  std::uint64_t value = 0;
  for (int i = 0; i < bytes; ++i) value = value << 8 | *at++;
  return value;
}

std::string_view text(const std::uint8_t* bytes, std::size_t n) { return {reinterpret_cast<const char*>(bytes), n}; }

std::array<std::uint8_t, 8> mac_of(const base::SipHashKey& key, const Bytes& bytes) {
  std::array<std::uint8_t, 8> mac;
  std::uint8_t* at = mac.data();
  put(at, base::siphash(key, text(bytes.data(), payload_size)), 8);
  return mac;
}

int value_of(char c) noexcept {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  if (c == '-') return 62;
  if (c == '_') return 63;
  return -1;
}

}  // namespace

FlowTokens::Text FlowTokens::make(const FlowPair& flows) const noexcept {
  Bytes bytes{};
  std::uint8_t* at = bytes.data();
  for (const Flow& flow : {flows.upstream, flows.downstream}) {
    put(at, number(flow.connection), 4);
    put(at, number(flow.owner), 2);
  }
  const auto mac = mac_of(key_, bytes);
  std::memcpy(bytes.data() + payload_size, mac.data(), mac.size());
  Text out;
  std::uint32_t bits = 0;
  int held = 0;
  std::size_t n = 0;
  for (const auto byte : bytes) {
    bits = bits << 8 | byte;
    held += 8;
    for (; held >= 6; held -= 6) out[n++] = alphabet[bits >> (held - 6) & 63];
  }
  out[n] = alphabet[bits << (6 - held) & 63];  // 160 bits: the last character carries four
  return out;
}

Result<FlowPair> FlowTokens::read(std::string_view user) const noexcept {
  if (user.size() != std::tuple_size_v<Text>) return Errc::not_found;
  Bytes bytes{};
  std::uint32_t bits = 0;
  int held = 0;
  std::size_t n = 0;
  for (const char c : user) {
    const int value = value_of(c);
    if (value < 0) return Errc::not_found;
    bits = bits << 6 | static_cast<std::uint32_t>(value);
    held += 6;
    if (held >= 8 && n < bytes.size()) {
      held -= 8;
      bytes[n++] = static_cast<std::uint8_t>(bits >> held);
    }
  }
  const auto mac = mac_of(key_, bytes);
  if (!base::equal_constant_time(text(mac.data(), mac.size()), text(bytes.data() + payload_size, mac.size())))
    return Errc::refused;
  if ((bits & 3) != 0) return Errc::refused;  // another spelling of a token of ours
  FlowPair flows;
  const std::uint8_t* at = bytes.data();
  for (Flow* flow : {&flows.upstream, &flows.downstream}) {
    flow->connection = static_cast<ConnectionId>(take(at, 4));
    flow->owner = static_cast<WorkerSlot>(take(at, 2));
  }
  return flows;
}

}  // namespace sipwsd::location
