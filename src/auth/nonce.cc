#include "src/auth/nonce.h"

#include "src/base/base64.h"
#include "src/base/digest.h"

namespace sipwsd::auth {
namespace {

constexpr std::size_t time_size = 8, random_size = 8, mac_size = 14;  // 30 bytes: 40 characters

}  // namespace

std::string Nonces::mac(std::string_view payload, std::string_view realm) const {
  std::string text(payload);
  text.append(realm);
  return std::string(base::as_text(base::hmac_sha256(key_, text)).substr(0, mac_size));
}

std::string Nonces::make(std::string_view realm, base::TimePoint now, base::Random& random) const {
  std::string payload;
  for (int shift = 56; shift >= 0; shift -= 8) payload += static_cast<char>(now.time_since_epoch().count() >> shift);
  std::uint8_t noise[random_size];
  random.fill(noise);
  payload.append(reinterpret_cast<const char*>(noise), random_size);
  return base::base64url(payload + mac(payload, realm));
}

Nonces::Read Nonces::read(std::string_view nonce, std::string_view realm, base::TimePoint now) const {
  const auto bytes = base::unbase64url(nonce);
  if (!bytes || bytes->size() != time_size + random_size + mac_size) return {};
  const auto payload = std::string_view(*bytes).substr(0, time_size + random_size);
  if (!base::equal_constant_time(mac(payload, realm), std::string_view(*bytes).substr(payload.size()))) return {};
  std::uint64_t made = 0;
  for (std::size_t i = 0; i < time_size; ++i) made = made << 8 | static_cast<unsigned char>(payload[i]);
  const auto expires = base::TimePoint{base::TimePoint::duration{static_cast<std::int64_t>(made)}} + lifetime_;
  return {.verdict = expires > now ? Verdict::good : Verdict::stale, .expires_at = expires};
}

}  // namespace sipwsd::auth
