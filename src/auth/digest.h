#pragma once
// Digest arithmetic (RFC 7616 3.4.1, RFC 8760 2): from HA1 to the response a client must send.

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sipwsd::auth {

enum class Algorithm : std::uint8_t { md5, sha256, sha512_256 };
inline constexpr std::array all_algorithms{Algorithm::md5, Algorithm::sha256, Algorithm::sha512_256};

constexpr std::string_view name(Algorithm algorithm) noexcept {
  switch (algorithm) {
    case Algorithm::md5: return "MD5";
    case Algorithm::sha256: return "SHA-256";
    case Algorithm::sha512_256: return "SHA-512-256";
  }
  return "MD5";
}
// Empty means MD5 (RFC 7616 3.3); nothing for what we don't do ("-sess" variants).
std::optional<Algorithm> algorithm(std::string_view name) noexcept;

// Hexadecimal digits of a hash.
constexpr std::size_t digits(Algorithm algorithm) noexcept { return algorithm == Algorithm::md5 ? 32 : 64; }

std::string hash_hex(Algorithm algorithm, std::string_view bytes);
// H(username:realm:password), lower-case hex.
std::string ha1(Algorithm algorithm, std::string_view username, std::string_view realm, std::string_view password);

struct ResponseInput {
  Algorithm algorithm = Algorithm::md5;
  std::string_view ha1, method, uri, nonce;
  std::string_view qop, nc, cnonce;  // qop empty: the form of RFC 2069
};
std::string response(const ResponseInput& input);

}  // namespace sipwsd::auth
