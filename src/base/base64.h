#pragma once
// RFC 4648 4 (with padding) and 5 (URL-safe alphabet, no padding: for flow tokens in a URI's user part).
// Decoding is strict: wrong length, a foreign character or non-zero trailing bits are refused.

#include <optional>
#include <string>
#include <string_view>

namespace sipwsd::base {

std::string base64(std::string_view bytes);
std::string base64url(std::string_view bytes);
std::optional<std::string> unbase64(std::string_view text);
std::optional<std::string> unbase64url(std::string_view text);

}  // namespace sipwsd::base
