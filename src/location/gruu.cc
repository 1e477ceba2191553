#include "src/location/gruu.h"

#include <array>
#include <cstring>

#include "src/base/base64.h"
#include "src/base/text.h"
#include "src/sip/uri.h"

namespace sipwsd::location {
namespace {

constexpr std::string_view prefix = "tgruu.";

// What the token is made of, before and behind the encryption. Both ends are on machines of the same kind.
struct Token {
  std::uint64_t iv;
  std::uint64_t words[2];  // ClientId; hash of the Call-ID and low half of the serial
};
static_assert(sizeof(Token) == 24);  // 32 characters

std::string_view bytes_of(const std::uint64_t (&words)[2]) { return {reinterpret_cast<const char*>(words), sizeof words}; }

base::SipHashKey derived(const base::SipHashKey& key, std::uint64_t purpose) {
  const auto half = [&](std::uint64_t which) {
    const std::uint64_t text[2] = {purpose, which};
    return base::siphash(key, bytes_of(text));
  };
  return {half(0), half(1)};
}

// The host of a canonical address of record.
std::string_view host_of(std::string_view aor) {
  const auto at = aor.rfind('@');
  return at == std::string_view::npos ? aor : aor.substr(at + 1);
}

// RFC 3261 25.1: param-unreserved, unreserved. An instance is what a client wrote.
void append_escaped(std::string& out, std::string_view text) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  static constexpr auto is_plain = [] {
    constexpr std::string_view plain = "[]/:&+$-_.!~*'()0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    std::array<bool, 256> table{};
    for (const char c : plain) table[static_cast<unsigned char>(c)] = true;
    return table;
  }();
  for (std::size_t at = 0; at < text.size(); ++at) {
    const std::size_t begin = at;
    while (at < text.size() && is_plain[static_cast<unsigned char>(text[at])]) ++at;
    out.append(text.substr(begin, at - begin));
    if (at == text.size()) return;
    const auto byte = static_cast<unsigned char>(text[at]);
    out += '%';
    out += digits[byte >> 4];
    out += digits[byte & 15];
  }
}

}  // namespace

Gruus::Gruus(const base::SipHashKey& key) noexcept : mac_(derived(key, 1)), cipher_(derived(key, 2)), call_ids_(derived(key, 3)) {}

std::string Gruus::public_gruu(std::string_view aor, std::string_view instance) {
  const auto at = aor.rfind('@');
  std::string out;
  out.reserve(aor.size() + instance.size() + 32);
  out += "sip:";
  if (at != std::string_view::npos) out.append(sip::escape_user(aor.substr(0, at))).append("@");
  out.append(host_of(aor)).append(";gr=");
  append_escaped(out, instance);
  return out;
}

std::string Gruus::temporary_gruu(std::string_view aor, ClientId client, std::string_view call_id, std::uint64_t serial) const {
  Token token{0, {number(client), std::uint64_t{hash_of(call_id)} << 32 | (serial & 0xffffffff)}};
  token.iv = base::siphash(mac_, bytes_of(token.words));
  cover(token.iv, token.words);
  std::string out;
  out.reserve(aor.size() + 48);
  out += "sip:";
  out.append(prefix).append(base::base64url({reinterpret_cast<const char*>(&token), sizeof token}));
  return out.append("@").append(host_of(aor)).append(";gr");
}

Result<Gruus::Temporary> Gruus::read(std::string_view user) const {
  if (!user.starts_with(prefix)) return Errc::not_found;
  const auto bytes = base::unbase64url(user.substr(prefix.size()));
  if (!bytes || bytes->size() != sizeof(Token)) return Errc::not_found;
  Token token;
  std::memcpy(&token, bytes->data(), sizeof token);
  cover(token.iv, token.words);
  if (base::siphash(mac_, bytes_of(token.words)) != token.iv) return Errc::refused;
  return Temporary{ClientId{token.words[0]}, static_cast<std::uint32_t>(token.words[1] >> 32)};
}

bool Gruus::is_for(const Temporary& gruu, std::string_view call_id) const noexcept {
  return gruu.call_id == hash_of(call_id);
}

std::uint32_t Gruus::hash_of(std::string_view call_id) const noexcept {
  return static_cast<std::uint32_t>(base::siphash(call_ids_, call_id));
}

void Gruus::cover(std::uint64_t iv, std::uint64_t (&words)[2]) const noexcept {
  for (std::uint64_t i = 0; i < 2; ++i) {
    const std::uint64_t block[2] = {iv, i};
    words[i] ^= base::siphash(cipher_, bytes_of(block));
  }
}

}  // namespace sipwsd::location
