#include "src/sip/auth_header.h"

#include <array>
#include <bitset>

#include "sipwsd/bytes.h"
#include "src/base/text.h"
#include "src/sip/lexer.h"
#include "src/sip/params.h"

namespace sipwsd::sip {
namespace {

struct Field {
  std::string_view name;
  std::string_view AuthHeader::*value;  // null: a flag, handled by name
};
constexpr auto fields = std::to_array<Field>({
    {"realm", &AuthHeader::realm},
    {"nonce", &AuthHeader::nonce},
    {"opaque", &AuthHeader::opaque},
    {"algorithm", &AuthHeader::algorithm},
    {"username", &AuthHeader::username},
    {"uri", &AuthHeader::uri},
    {"response", &AuthHeader::response},
    {"cnonce", &AuthHeader::cnonce},
    {"nc", &AuthHeader::nc},
    {"qop", &AuthHeader::qop},
    {"domain", &AuthHeader::domain},
    {"username*", &AuthHeader::extended_username},
    {"stale", nullptr},
    {"userhash", nullptr},
});

struct Pair {
  std::string_view name;
  std::string_view value;  // quotes kept
  std::size_t end;
};

// auth-param = token EQUAL (token / quoted-string), at `at`.
std::optional<Pair> pair_at(std::string_view text, std::size_t at) noexcept {
  const std::size_t name_end = lexer::skip(text, at, lexer::token);
  const std::size_t equals = lexer::skip_lws(text, name_end);
  if (name_end == at || equals == text.size() || text[equals] != '=') return std::nullopt;
  const std::size_t begin = lexer::skip_lws(text, equals + 1);
  if (begin == text.size()) return std::nullopt;
  const std::size_t end =
      text[begin] == '"' ? lexer::skip_quoted(text, begin) : lexer::skip(text, begin, lexer::param_value);
  if (end == std::string_view::npos || end == begin) return std::nullopt;
  return Pair{text.substr(at, name_end - at), text.substr(begin, end - begin), end};
}

}  // namespace

bool AuthHeader::is_digest() const noexcept { return equals_nocase(scheme, "Digest"); }

std::optional<std::uint32_t> AuthHeader::nonce_count() const noexcept {
  if (nc.size() != 8 || !lexer::all(nc, lexer::hex)) return std::nullopt;
  std::uint32_t count = 0;
  for (const char c : nc) count = count * 16 + static_cast<std::uint32_t>(lexer::hex_digit(c));
  return count;
}

Result<AuthHeader> parse_auth_header(std::string_view value) {
  value = base::trim(value);
  AuthHeader header;
  std::size_t at = lexer::skip(value, 0, lexer::token);
  header.scheme = value.substr(0, at);
  if (at == 0) return Error{Errc::malformed, "no authentication scheme"};
  if (!header.is_digest()) return header;

  std::bitset<fields.size()> seen;
  for (at = lexer::skip_lws(value, at);;) {
    const auto pair = pair_at(value, at);
    if (!pair) return Error{Errc::malformed, "bad authentication parameter"};
    for (std::size_t i = 0; i < fields.size(); ++i) {
      if (!equals_nocase(fields[i].name, pair->name)) continue;
      if (seen.test(i)) return Error{Errc::malformed, "authentication parameter given twice"};
      seen.set(i);
      const std::string_view plain = strip_quotes(pair->value);
      if (fields[i].value != nullptr) {
        header.*fields[i].value = plain;
      } else {
        (fields[i].name == "stale" ? header.stale : header.userhash) = equals_nocase(plain, "true");
      }
    }
    at = lexer::skip_lws(value, pair->end);
    if (at == value.size()) return header;
    if (value[at] != ',') return Error{Errc::malformed, "bad authentication parameter"};
    at = lexer::skip_lws(value, at + 1);
  }
}

}  // namespace sipwsd::sip
