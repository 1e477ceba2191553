#include "src/ws/origin_policy.h"

#include "sipwsd/bytes.h"
#include "src/http/authority.h"
#include "src/http/characters.h"

#include <algorithm>

namespace sipwsd::ws {
namespace {

struct Origin {
  std::string_view scheme;
  http::Authority authority;
};

bool is_scheme(std::string_view text) {  // RFC 3986 3.1
  return !text.empty() && http::is_alnum(text.front()) && !http::is_digit(text.front()) &&
         std::all_of(text.begin(), text.end(),
                     [](char c) { return http::is_alnum(c) || c == '+' || c == '-' || c == '.'; });
}

// RFC 6454 6.2: scheme "://" host [":" port], and nothing behind it.
std::optional<Origin> parse_origin(std::string_view text) {
  const auto colon = text.find("://");
  if (colon == std::string_view::npos || !is_scheme(text.substr(0, colon))) return std::nullopt;
  const auto authority = http::parse_authority(text.substr(colon + 3));
  if (!authority) return std::nullopt;
  return Origin{text.substr(0, colon), *authority};
}

// 0 where the scheme has none: then only the written port, or none at both, is the same.
std::uint16_t port_of(const Origin& origin) {
  if (origin.authority.port) return *origin.authority.port;
  if (equals_nocase(origin.scheme, "http") || equals_nocase(origin.scheme, "ws")) return 80;
  if (equals_nocase(origin.scheme, "https") || equals_nocase(origin.scheme, "wss")) return 443;
  return 0;
}

std::string_view take_label(std::string_view& host) {
  const auto dot = host.find('.');
  const auto label = host.substr(0, dot);
  host = dot == std::string_view::npos ? std::string_view{} : host.substr(dot + 1);
  return label;
}

bool matches(std::string_view pattern, std::string_view host) {
  if (std::count(pattern.begin(), pattern.end(), '.') != std::count(host.begin(), host.end(), '.')) return false;
  while (!pattern.empty() && !host.empty()) {
    const auto wanted = take_label(pattern);
    const auto label = take_label(host);
    if (wanted == "*" ? label.empty() : !equals_nocase(wanted, label)) return false;
  }
  return pattern.empty() && host.empty();
}

// Each whole label `*` becomes `x`, so that what is left can be parsed as a host; any other `*` then fails there.
std::string without_wildcards(std::string_view entry) {
  std::string text{entry};
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool starts = i > 0 && (text[i - 1] == '/' || text[i - 1] == '.');
    const bool ends = i + 1 == text.size() || text[i + 1] == '.' || text[i + 1] == ':';
    if (text[i] == '*' && starts && ends) text[i] = 'x';
  }
  return text;
}

}  // namespace

Result<OriginPolicy> OriginPolicy::parse(std::span<const std::string> entries, Absent absent) {
  OriginPolicy policy;
  policy.any_ = entries.empty();
  policy.absent_ = absent == Absent::allowed || (absent == Absent::allowed_without_a_list && entries.empty());
  for (const auto& entry : entries) {
    if (entry == "*") {
      policy.any_ = true;
    } else if (entry == "null") {
      policy.null_ = true;
    } else {
      const auto text = without_wildcards(entry);
      const auto origin = parse_origin(text);
      if (!origin) return Error{Errc::malformed, entry + " is no origin: write scheme://host[:port], null or *"};
      const auto host = entry.substr(origin->scheme.size() + 3, origin->authority.host.size());
      policy.entries_.push_back({std::string{origin->scheme}, host, port_of(*origin)});
    }
  }
  return policy;
}

bool OriginPolicy::allows(std::optional<std::string_view> origin) const noexcept {
  if (!origin) return absent_;
  if (*origin == "null") return null_;
  if (any_) return true;
  const auto asked = parse_origin(*origin);
  if (!asked) return false;
  return std::any_of(entries_.begin(), entries_.end(), [&](const Entry& entry) {
    return equals_nocase(entry.scheme, asked->scheme) && entry.port == port_of(*asked) &&
           matches(entry.host, asked->authority.host);
  });
}

}  // namespace sipwsd::ws
