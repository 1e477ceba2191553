#pragma once
// Hashes and MACs over OpenSSL's EVP: SHA-1 (only Sec-WebSocket-Accept and old clients ask for it), SHA-256,
// SHA-512/256, MD5 (old SIP clients), HMAC-SHA-256; and a comparison whose time does not depend on the bytes.

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

namespace sipwsd::base {

std::array<std::uint8_t, 20> sha1(std::string_view bytes);
std::array<std::uint8_t, 32> sha256(std::string_view bytes);
std::array<std::uint8_t, 32> sha512_256(std::string_view bytes);
std::array<std::uint8_t, 16> md5(std::string_view bytes);
std::array<std::uint8_t, 32> hmac_sha256(std::string_view key, std::string_view bytes);

bool equal_constant_time(std::string_view a, std::string_view b) noexcept;

template <std::size_t N>
std::string_view as_text(const std::array<std::uint8_t, N>& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), N};
}

}  // namespace sipwsd::base
